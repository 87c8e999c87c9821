"""Sends the rows of a run, and counts and reports each result as it arrives."""

import contextlib
import signal
from collections.abc import Callable, Iterator
from functools import partial
from types import FrameType

from kabelwerk_cli.errors import OutputLost
from kabelwerk_cli.reporting.reporter import Reporters
from kabelwerk_cli.reporting.totals import Totals
from kabelwerk_cli.terminal.signals import leave_on_signals, raise_signal

from .runner import Runner
from .task import Work


def send(runner: Runner, tasks: Work, totals: Totals, reporters: Reporters) -> None:
    """Send the rows, and count and report each result as it arrives.

    Args:
        runner: sends them.
        tasks: the rows.
        totals: counts them.
        reporters: report them.

    Raises:
        OutputLost: stdout cannot be written; the rows in flight have ended.
    """
    lost: list[Exception] = []

    def tell(step: Callable[[], None]) -> None:
        try:
            step()
        except (OutputLost, BrokenPipeError) as error:
            lost.append(error)
            runner.end("standard output cannot be written")

    tell(partial(reporters.begin, totals.rows, totals.counts.total()))
    with _signals(runner):
        for result in runner.run(tasks):
            totals.count(result)
            tell(partial(reporters.result, result))
    for error in lost:
        raise error


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
