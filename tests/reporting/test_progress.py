"""How far a batch is, by a clock that the test sets."""

import pytest

from kabelwerk_cli.journal.fate import Fate
from kabelwerk_cli.reporting.progress import EVERY_SECONDS, Pace, Progress
from kabelwerk_cli.reporting.result import Result
from kabelwerk_cli.rows.row import Place


class Listener:
    """A console that is no terminal, and remembers its notes."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.is_watched = False

    def note(self, text: str) -> None:
        self.notes.append(text)


class Clock:
    """A clock that stands still until it is set."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def row(number: int, fate: Fate) -> Result:
    return Result(Place(number, number + 1, f"u{number}"), fate)


def test_a_line_every_thirty_seconds() -> None:
    console, clock = Listener(), Clock()
    progress = Progress(console, "users create", clock)  # type: ignore[arg-type]
    progress.begin(1000, 100)
    for second in range(1, 91):
        clock.seconds = float(second)
        progress.result(row(second, Fate.FAILED if second % 10 == 0 else Fate.DONE))
        progress.result(row(second, Fate.NOT_ATTEMPTED))
    progress.end({})
    assert EVERY_SECONDS == 30
    assert console.notes == [
        "130 of 1000 rows, 3 failed, 1 rows/s, 14 min left.",
        "160 of 1000 rows, 6 failed, 1 rows/s, 14 min left.",
        "190 of 1000 rows, 9 failed, 1 rows/s, 14 min left.",
    ]


@pytest.mark.parametrize(
    ("total", "left"),
    [(10, "0 s left"), (69, "59 s left"), (610, "10 min left"), (36010, "10.0 h left")],
)
def test_the_time_left_fits_its_unit(total: int, left: str) -> None:
    clock = Clock()
    pace = Pace(total, 0, clock)
    clock.seconds = 10.0
    for _ in range(10):
        pace.count(failed=False)
    assert pace.left == left
