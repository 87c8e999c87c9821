"""Progress of a batch: a bar on a terminal, otherwise a line every 30 seconds."""

import contextlib
import time
from collections.abc import Callable, Iterator

from kabelwerk_cli.terminal.console import Console

EVERY_SECONDS = 30.0
Advance = Callable[[bool], None]
"""Called after each row, with whether it failed."""
Clock = Callable[[], float]
MINUTE = 60
HOUR = 3600


class Pace:
    """Counts rows, done and failed, and estimates how long the others will take.

    Args:
        total: how many rows there are.
        before: how many of them earlier runs did.
        clock: returns the monotonic time in seconds.
    """

    def __init__(self, total: int, before: int, clock: Clock) -> None:
        self.total = total
        self.done = before
        self.failed = 0
        self._before = before
        self._clock = clock
        self._started = clock()

    def count(self, *, failed: bool) -> None:
        """Count a row."""
        self.done += 1
        self.failed += failed

    @property
    def rate(self) -> float:
        """Rows per second in this run."""
        return (self.done - self._before) / max(self._clock() - self._started, 1e-9)

    @property
    def left(self) -> str:
        """How long the other rows will take, in words."""
        seconds = (self.total - self.done) / self.rate if self.rate else 0.0
        if seconds < MINUTE:
            return f"{seconds:.0f} s left"
        if seconds < HOUR:
            return f"{seconds / MINUTE:.0f} min left"
        return f"{seconds / HOUR:.1f} h left"

    def __str__(self) -> str:
        return (
            f"{self.done} of {self.total} rows, {self.failed} failed, {self.rate:.0f} rows/s, "
            f"{self.left}."
        )


@contextlib.contextmanager
def progress(
    console: Console, label: str, total: int, before: int, clock: Clock = time.monotonic
) -> Iterator[Advance]:
    """Yield the function to call after each row.

    Args:
        console: where to show it.
        label: what is being done.
        total: how many rows there are.
        before: how many of them earlier runs have done.
        clock: returns the monotonic time in seconds.
    """
    pace = Pace(total, before, clock)
    if console.is_quiet:
        yield lambda _: None
    elif console.is_watched:
        with _bar(console, label, pace) as advance:
            yield advance
    else:
        yield _lines(console, pace, clock)


@contextlib.contextmanager
def _bar(shown_on: Console, label: str, pace: Pace) -> Iterator[Advance]:
    # rich in a second place: only a batch on a terminal needs its bars
    from rich.console import Console as RichConsole
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    colored = shown_on.is_colored
    bar = Progress(
        TextColumn(label, markup=False),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]:.0f} rows/s"),
        TextColumn("{task.fields[failed]} failed"),
        TimeRemainingColumn(),
        console=RichConsole(
            stderr=True, color_system="auto" if colored else None, no_color=not colored
        ),
        transient=True,
    )
    with bar:
        task = bar.add_task("", total=pace.total, completed=pace.done, rate=0.0, failed=0)

        def advance(failed: bool) -> None:  # noqa: FBT001 - see `Advance`
            pace.count(failed=failed)
            bar.update(task, advance=1, rate=pace.rate, failed=pace.failed)

        yield advance


def _lines(console: Console, pace: Pace, clock: Clock) -> Advance:
    told = clock()

    def advance(failed: bool) -> None:  # noqa: FBT001 - see `Advance`
        nonlocal told
        pace.count(failed=failed)
        if clock() - told >= EVERY_SECONDS:
            told = clock()
            console.note(str(pace))

    return advance
