"""Working on one item while the next one is made."""

import threading
from collections.abc import Iterator

import pytest

from kabelwerk_cli.rows.overlap import overlapped


def test_it_works_while_the_next_item_is_made() -> None:
    made = [threading.Event() for _ in range(4)]

    def items() -> Iterator[int]:
        for number, event in enumerate(made[1:], 1):
            event.set()
            yield number
        made[0].set()

    def work(number: int) -> int:
        assert made[(number + 1) % len(made)].wait(20)
        return number * number

    assert list(overlapped(work, items())) == [(1, 1), (2, 4), (3, 9)]


def test_it_does_not_work_while_the_caller_has_an_item() -> None:
    busy = threading.Lock()

    def work(number: int) -> int:
        with busy:
            return number

    for _ in overlapped(work, range(50)):
        assert busy.acquire(blocking=False)
        busy.release()


def test_without_items() -> None:
    assert list(overlapped(str, [])) == []


def test_an_error_of_the_work_is_raised_for_its_item() -> None:
    pairs = overlapped(lambda number: 1 // number, [1, 0, 1])
    assert next(pairs) == (1, 1)
    with pytest.raises(ZeroDivisionError):
        next(pairs)


def test_an_item_that_cannot_be_made_loses_no_result() -> None:
    pairs = overlapped(lambda number: 1 // number, (1 // number for number in (1, 0)))
    assert next(pairs) == (1, 1)
    with pytest.raises(ZeroDivisionError):
        next(pairs)


def test_the_work_has_ended_when_an_item_cannot_be_made() -> None:
    ended = threading.Event()

    def items() -> Iterator[int]:
        yield 1
        raise LookupError

    with pytest.raises(LookupError):
        list(overlapped(lambda _: threading.Event().wait(0.2) or ended.set(), items()))
    assert ended.is_set()
