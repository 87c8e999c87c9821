"""The record of what a run has changed. However a run ends, its message is based on it."""

from typing import Protocol

from kabelwerk_cli.errors import BEFORE_SENDING, Report


class Account(Protocol):
    """Tracks what was changed: the history of one call, or the totals of a batch."""

    def report(self) -> Report:
        """Return the current report; can be called at any time."""
        ...

    def sentence(self) -> str:
        """Return what was changed and what to do next, as a sentence."""
        ...


class Book:
    """The book of one run. Nothing has been sent until an account is opened.

    Attributes:
        is_told: whether the result is on stdout.
    """

    def __init__(self) -> None:
        self._account: Account | None = None
        self.is_told = False

    def open(self, account: Account) -> None:
        """Use `account` from here on."""
        self._account = account

    def close(self) -> None:
        """Note that the result is on stdout: from here on, the run has succeeded."""
        self.is_told = True

    @property
    def is_blank(self) -> bool:
        """Whether it is certain that nothing was sent."""
        return self._account is None

    def report(self) -> Report:
        """Return the report for the end of the run."""
        return self._account.report() if self._account else BEFORE_SENDING

    def sentence(self) -> str:
        """Return what was changed and what to do next, as a sentence."""
        return self._account.sentence() if self._account else "Nothing was sent."


NOTHING_SENT = Book()
"""The book of a run that has sent nothing yet."""
