"""Reports the progress of a run: a bar on a terminal, otherwise a line every 30 seconds."""

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Protocol

from kabelwerk_cli.journal.fate import Fate
from kabelwerk_cli.terminal.console import Console

from .reporter import Reporter
from .result import Result

EVERY_SECONDS = 30.0
Clock = Callable[[], float]
MINUTE = 60
HOUR = 3600


class Advance(Protocol):
    """Called after each row."""

    def __call__(self, *, failed: bool) -> None:
        """Show that there is one more row, which failed or not."""


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


class Progress(Reporter):
    """Shows how far a run is.

    Args:
        console: where to show it.
        label: what is being done.
        clock: returns the monotonic time in seconds.
    """

    def __init__(self, console: Console, label: str, clock: Clock = time.monotonic) -> None:
        self._console = console
        self._label = label
        self._clock = clock
        self._stack = contextlib.ExitStack()
        self._advance: Advance | None = None

    def begin(self, rows: int, before: int) -> None:
        """Show the bar, or start to measure the time."""
        pace = Pace(rows, before, self._clock)
        if self._console.is_watched:
            self._advance = self._stack.enter_context(_bar(self._console, self._label, pace))
        else:
            self._advance = _lines(self._console, pace, self._clock)

    def result(self, result: Result) -> None:
        """Count a row."""
        if self._advance and result.fate is not Fate.NOT_ATTEMPTED:
            self._advance(failed=result.has_failed)

    def end(self, counts: Mapping[str, int]) -> None:
        """Remove the bar."""
        del counts
        self.close()

    def close(self) -> None:
        """Remove the bar, if it is shown."""
        self._stack.close()


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

        def advance(*, failed: bool) -> None:
            pace.count(failed=failed)
            bar.update(task, advance=1, rate=pace.rate, failed=pace.failed)

        yield advance


def _lines(console: Console, pace: Pace, clock: Clock) -> Advance:
    told = clock()

    def advance(*, failed: bool) -> None:
        nonlocal told
        pace.count(failed=failed)
        if clock() - told >= EVERY_SECONDS:
            told = clock()
            console.note(str(pace))

    return advance
