"""Sends the rows of a run, and counts and reports each result as it arrives."""

import contextlib
import signal
from collections.abc import Iterator
from types import FrameType

from kabelwerk_cli.config.settings import OUTPUT
from kabelwerk_cli.errors import OutputLost
from kabelwerk_cli.journal.fate import Fate
from kabelwerk_cli.output import Format
from kabelwerk_cli.reporting.progress import progress
from kabelwerk_cli.reporting.reporter import FAILURES, Telling
from kabelwerk_cli.reporting.result import Result, to_record
from kabelwerk_cli.reporting.totals import Totals
from kabelwerk_cli.terminal.console import Listing
from kabelwerk_cli.terminal.session import Session
from kabelwerk_cli.terminal.signals import leave_on_signals, raise_signal

from .runner import Runner
from .task import Work


def send(session: Session, runner: Runner, tasks: Work, totals: Totals, telling: Telling) -> None:
    """Send the rows, and show each record as its result arrives. Tables show failures at the end.

    Args:
        session: has the settings and the console.
        runner: sends them.
        tasks: the rows.
        totals: counts them.
        telling: reports them.

    Raises:
        OutputLost: stdout cannot be written; the rows in flight have ended.
    """
    console, kind = session.console, telling.kind
    shown_before = totals.counts.total()

    def results() -> Iterator[Result]:
        with (
            progress(console, telling.label, totals.rows, shown_before) as advance,
            _signals(runner),
        ):
            for result in runner.run(tasks):
                totals.count(result)
                telling.result(result)
                yield result
                if result.fate is not Fate.NOT_ATTEMPTED:
                    advance(result.fate.shown in FAILURES)

    every = results()
    if session.settings[OUTPUT] is Format.TABLE or console.is_quiet:
        _exhaust(every)
        return
    try:
        console.show(Listing(kind, (to_record(kind, result) for result in every), live=True))
    except (OutputLost, BrokenPipeError):
        runner.end("standard output cannot be written")
        _exhaust(every)
        raise


def _exhaust(results: Iterator[Result]) -> None:
    """Send the remaining rows without showing them."""
    for _ in results:
        pass


@contextlib.contextmanager
def _signals(runner: Runner) -> Iterator[None]:
    """End the run cleanly on the first signal, and at once on the second."""

    def ask_to_end(number: int, frame: FrameType | None) -> None:
        if runner.stop:
            raise_signal(number, frame)
        else:
            runner.end(signal.Signals(number).name)

    # a signal that the caller ignores, as shells do for background jobs, stays ignored
    heard = [n for n in (signal.SIGINT, signal.SIGTERM) if signal.getsignal(n) != signal.SIG_IGN]
    before = {number: signal.signal(number, ask_to_end) for number in heard}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        if runner.stop and runner.stop.is_signal:
            leave_on_signals()  # writing the summary may block
