"""The record of what a run has changed. However a run ends, its message is based on it."""

import os
from collections.abc import Callable, Mapping
from typing import Protocol

from kabelwerk_cli.errors import BEFORE_SENDING, Report

ROWS = "rows"
"""What the number of all rows is called among the numbers by outcome."""


def new_run_id() -> str:
    """Return a unique ID for a run."""
    return os.urandom(8).hex()


class Account(Protocol):
    """Tracks what was changed: the history of one call, or the totals of a batch."""

    def report(self) -> Report:
        """Return the current report; can be called at any time."""
        ...

    def sentence(self) -> str:
        """Return what was changed and what to do next, as a sentence."""
        ...


class RunRecord:
    """The record of one run. Nothing has been sent until an account is opened.

    Attributes:
        run: identifies the run in logs.
        counts: the number of rows by outcome, once the run has ended.
        result_printed: whether the result is on stdout.
    """

    def __init__(self) -> None:
        self._account: Account | None = None
        self._at_end: Callable[[BaseException | None], None] | None = None
        self.run = new_run_id()
        self.counts: Mapping[str, int] = {}
        self.result_printed = False

    def open(self, account: Account) -> None:
        """Use `account` from here on."""
        self._account = account

    def note_printed(self) -> None:
        """Note that the result is on stdout: from here on, the run has succeeded."""
        self.result_printed = True

    def at_end(self, record: Callable[[BaseException | None], None]) -> None:
        """Call `record` when the run ends, with the error that it ends with."""
        self._at_end = record

    @property
    def is_recorded(self) -> bool:
        """Whether its end will be recorded."""
        return self._at_end is not None

    def end(self, error: BaseException | None) -> None:
        """Record the end of the run, once."""
        record, self._at_end = self._at_end, None
        if record:
            record(error)

    @property
    def nothing_sent(self) -> bool:
        """Whether it is certain that nothing was sent."""
        return self._account is None

    def report(self) -> Report:
        """Return the report for the end of the run."""
        return self._account.report() if self._account else BEFORE_SENDING

    def sentence(self) -> str:
        """Return what was changed and what to do next, as a sentence."""
        return self._account.sentence() if self._account else "Nothing was sent."


NOTHING_SENT = RunRecord()
"""The record of a run that has sent nothing yet."""
