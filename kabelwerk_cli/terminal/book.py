"""What a run has changed, in one place: whoever ends the run says what the book says."""

from typing import Protocol

from kabelwerk_cli.api.errors import BEFORE_SENDING, Report


class Account(Protocol):
    """Knows what was changed: the history of one call, or the totals of a batch."""

    def report(self) -> Report:
        """Return the circumstances, at any moment."""
        ...

    def sentence(self) -> str:
        """Say what was changed, and what to do about it."""
        ...


class Book:
    """The book of one run. Until an account is opened, nothing was sent."""

    def __init__(self) -> None:
        self._account: Account | None = None

    def open(self, account: Account) -> None:
        """Have `account` say what is changed from here on."""
        self._account = account

    @property
    def is_blank(self) -> bool:
        """Whether nothing can have been sent."""
        return self._account is None

    def report(self) -> Report:
        """Return the circumstances of whatever ends the run."""
        return self._account.report() if self._account else BEFORE_SENDING

    def sentence(self) -> str:
        """Say what was changed, and what to do about it."""
        return self._account.sentence() if self._account else "Nothing was sent."


NOTHING_SENT = Book()
"""The book of a run that has not begun to send."""
