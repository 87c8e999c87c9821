"""Working on one item while the next one is made."""

import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
U = TypeVar("U")


def overlapped(work: Callable[[T], U], items: Iterable[T]) -> Iterator[tuple[T, U]]:
    """Yield each item with what `work` returns for it, like `((i, work(i)) for i in items)`.

    `work` runs in another thread while the next item is made, and never while the caller has an
    item. That saves time if `work` spends it outside of Python, as SQLite does.
    """
    making = iter(items)
    with ThreadPoolExecutor(1) as thread:
        last: tuple[T, Future[U]] | None = None
        end: Exception | None = None
        while end is None:
            try:
                item = next(making)
            except Exception as error:  # noqa: BLE001 - it is raised after the last result
                end = error
            if last:
                yield last[0], last[1].result()
            if end is None:
                begun = threading.Event()
                last = item, thread.submit(_begin, begun, work, item)
                begun.wait()  # otherwise, it might start only when this thread waits for its result
        if not isinstance(end, StopIteration):
            raise end


def _begin(begun: threading.Event, work: Callable[[T], U], item: T) -> U:
    begun.set()
    return work(item)
