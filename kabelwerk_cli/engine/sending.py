"""Sends the rows of a run, and counts and reports each result as it arrives."""

from collections.abc import Callable
from functools import partial

from kabelwerk_cli.errors import OutputLost
from kabelwerk_cli.reporting.reporter import Reporters
from kabelwerk_cli.reporting.totals import Totals
from kabelwerk_cli.terminal.signals import signals_that_ask

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
    with signals_that_ask(runner.end):
        for result in runner.run(tasks):
            totals.count(result)
            tell(partial(reporters.result, result))
    for error in lost:
        # a closed terminal takes the reader of a pipe with it
        if not (runner.stop and runner.stop.is_signal):
            raise error
