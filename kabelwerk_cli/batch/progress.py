"""How far a batch is: a bar on a terminal, a plain line now and then elsewhere."""

import contextlib
import time
from collections.abc import Callable, Iterator

from kabelwerk_cli.terminal.console import Console

EVERY_SECONDS = 30.0


@contextlib.contextmanager
def progress(console: Console, total: int, before: int) -> Iterator[Callable[[], None]]:
    """Give what is to be called after each row.

    Args:
        console: where to show it.
        total: how many rows there are.
        before: how many of them earlier runs have done.
    """
    if console.is_quiet:
        yield lambda: None
    elif console.is_watched:
        with _bar(console, total, before) as advance:
            yield advance
    else:
        yield _lines(console, total, before)


@contextlib.contextmanager
def _bar(shown_on: Console, total: int, before: int) -> Iterator[Callable[[], None]]:
    # rich in a second place: only a batch on a terminal needs its bars
    from rich.console import Console as RichConsole
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    started = time.monotonic()
    bar = Progress(
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]:.0f} rows/s"),
        TimeRemainingColumn(),
        console=RichConsole(stderr=True, color_system="auto" if shown_on.is_colored else None),
        transient=True,
    )
    with bar:
        task = bar.add_task("", total=total, completed=before, rate=0.0)
        done = 0

        def advance() -> None:
            nonlocal done
            done += 1
            bar.update(task, advance=1, rate=done / max(time.monotonic() - started, 1e-9))

        yield advance


def _lines(console: Console, total: int, before: int) -> Callable[[], None]:
    done, told = before, time.monotonic()

    def advance() -> None:
        nonlocal done, told
        done += 1
        if time.monotonic() - told >= EVERY_SECONDS:
            told = time.monotonic()
            console.note(f"{done} of {total} rows.")

    return advance
