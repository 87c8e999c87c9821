"""A run as it goes: its records as they come, and signals that end it in good order."""

import contextlib
import itertools
import signal
from collections.abc import Iterator
from typing import Any

from kabelwerk_cli.config.settings import OUTPUT
from kabelwerk_cli.output import Format
from kabelwerk_cli.terminal.console import Listing
from kabelwerk_cli.terminal.exit_codes import OutputLost
from kabelwerk_cli.terminal.session import Session
from kabelwerk_cli.terminal.signals import Terminated, leave_on_signals

from .runner import Runner

SUMMARY = ("row", "key", "outcome", "error")
"""What a table shows."""


def show_records(session: Session, kind: Any, records: Iterator[Any], runner: Runner) -> None:
    """Show records as they come; if nobody can see them any more, the run ends.

    Raises:
        OutputLost: standard output cannot be written.
    """
    console, table = session.console, session.settings[OUTPUT] is Format.TABLE
    # a table of nothing is not drawn: all went well
    first = next(records, None) if table else None
    silent = console.is_quiet or (table and first is None)
    try:
        if not silent:
            rows = itertools.chain([first] if first else [], records)
            console.show(Listing(kind, rows, SUMMARY if table else None, live=True))
    except (OutputLost, BrokenPipeError):
        runner.end("standard output cannot be written")
        _exhaust(records)
        raise
    _exhaust(records)


def _exhaust(records: Iterator[Any]) -> None:
    """Send what is left, although nobody looks at it."""
    for _ in records:
        pass


@contextlib.contextmanager
def signals(runner: Runner) -> Iterator[None]:
    """Have a first signal end the run in good order, and a second one at once."""

    def ask_to_end(number: int, _: object) -> None:
        if runner.stop:
            raise Terminated if number == signal.SIGTERM else KeyboardInterrupt
        runner.end(signal.Signals(number).name)

    # one that the caller ignores, as a shell does for what runs in the background, stays so
    heard = [n for n in (signal.SIGINT, signal.SIGTERM) if signal.getsignal(n) != signal.SIG_IGN]
    before = {number: signal.signal(number, ask_to_end) for number in heard}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        if runner.stop and runner.stop.is_signal:
            leave_on_signals()  # the summary is left to write, and may be blocked
