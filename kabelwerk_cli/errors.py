"""Every exception: those of the API, and after them those of the command line only.

    KabelwerkError                  the base; never raised itself
    ├── ValidationError             the server rejected the input (400, 409, 422)
    │   └── InvalidInput            the input was refused here, and nothing was sent
    ├── AuthenticationError         the server did not accept the token (401, 403)
    ├── DoesNotExist                there is no such user or room (404)
    ├── ConnectionError             the request could not be sent
    │   ├── ConfigurationError      no URL, no token, or one that is not safe to use
    │   │   └── JournalError        a journal or state cannot be used
    │   │       └── InUse           another process uses it
    │   ├── UntrustedCertificate    the server's certificate failed verification
    │   └── OutcomeUnknown          the request was sent, and no answer came
    └── ServerError                 the server failed, or its answer is not the API's
        └── RateLimited             the rate limit is exceeded (429)

The five in the second column and what they mean are those of the reference.
"""

from collections.abc import Mapping, Sequence
from copy import copy
from enum import StrEnum
from typing import Any, NamedTuple, Self


class Applied(StrEnum):
    """Whether the server did what was asked, as far as is known."""

    NO = "no"
    YES = "yes"
    UNKNOWN = "unknown"


class Report(NamedTuple):
    """What is known about a call; the defaults are for one that was not sent."""

    applied: Applied = Applied.NO
    """Whether the server did what was asked."""
    safe_to_rerun: bool = True
    """Whether the same call may be made again without doing anything twice."""
    status: int | None = None
    """The HTTP status of the last answer, if there was one."""
    attempts: int = 0
    """How many times the request was tried."""
    request_id: str | None = None
    """The `X-Request-Id` of the last attempt."""


BEFORE_SENDING = Report()


class KabelwerkError(Exception):
    """The base class of all errors of this module.

    Attributes:
        report: what is known about the call's outcome, see `Report`.
        cause: why it happened, without the subject of the call, so that it is the same text for all
            rows of a batch that fail for the same reason.
    """

    def __init__(self, message: str, report: Report = BEFORE_SENDING, *, cause: str = "") -> None:
        super().__init__(message)
        self.report = report
        self.cause = cause or message

    def with_advice(self, advice: str) -> Self:
        """Return this error with more advice at the end of its message."""
        advised = copy(self)
        advised.args = (f"{self} {advice}",)
        return advised


class ValidationError(KabelwerkError):
    """The input was rejected as invalid.

    Attributes:
        fields: all the messages for each rejected field, each cut to 1,000 characters.
        field: the rejected field that comes first in the alphabet, as in the official SDK; None
            if the server named none.
        error_message: the first message for that field.
    """

    def __init__(
        self,
        message: str,
        report: Report = BEFORE_SENDING,
        fields: Mapping[str, Sequence[str]] | None = None,
        *,
        cause: str = "",
    ) -> None:
        super().__init__(message, report, cause=cause)
        self.fields = {name: list(messages) for name, messages in (fields or {}).items()}
        self.field = min(self.fields, default=None)
        self.error_message = next(iter(self.fields.get(self.field or "", ())), "")


class InvalidInput(ValidationError):
    """The input was refused by this program; nothing was sent.

    Args:
        field: the argument that is invalid; None if it is all of them together.
        error_message: what is wrong, as the end of a sentence that begins with the field.
    """

    def __init__(self, field: str | None, error_message: str) -> None:
        fields = {field: [error_message]} if field else None
        super().__init__(f"{field} {error_message}" if field else error_message, fields=fields)
        self.error_message = error_message

    def __reduce__(self) -> tuple[Any, ...]:
        # an exception is copied by calling its class with what it was made of
        return type(self), (self.field, self.error_message), self.__dict__


class AuthenticationError(KabelwerkError):
    """The server did not accept the token."""


class DoesNotExist(KabelwerkError):
    """The user or room named in the call does not exist."""


class ConnectionError(KabelwerkError):  # noqa: A001 - the reference's name
    """The request could not be sent; unless a subclass says otherwise, nothing was changed."""


class ConfigurationError(ConnectionError):
    """The settings do not allow a call; nothing was sent."""


class JournalError(ConfigurationError):
    """A journal or state is damaged, in use, or cannot be written; nothing more is sent.

    Attributes:
        reason: why, without naming the file.
        advice: what to do about it, as a sentence, if that is not what is usual.
    """

    def __init__(
        self,
        message: str,
        report: Report = BEFORE_SENDING,
        *,
        reason: str = "",
        advice: str = "",
    ) -> None:
        super().__init__(message, report)
        self.reason = reason
        self.advice = advice


class InUse(JournalError):
    """Another process holds the lock of a journal or state."""


class UntrustedCertificate(ConnectionError):
    """The server's certificate cannot be trusted; nothing was sent."""


class OutcomeUnknown(ConnectionError):
    """The request was sent, and it is not known whether the server acted upon it."""


class ServerError(KabelwerkError):
    """The server failed, or answered with something that is not the API's."""


class RateLimited(ServerError):
    """The server limits the rate of calls; nothing was changed."""


class Interrupted(KeyboardInterrupt):
    """A signal ended a run; `report` says what it may have changed."""

    def __init__(self, message: str, report: Report = BEFORE_SENDING) -> None:
        super().__init__(message)
        self.report = report


class Failed(Exception):
    """An error of neither the API nor click; the run's record knows what was changed before it."""


class Refused(Failed):
    """A file or option turned out to be unusable while the command ran."""


class BadFile(Refused):
    """A file of rows cannot be read as a whole."""


class Cancelled(Failed):
    """A confirmation was needed and not given."""


class OutputLost(Failed):
    """Standard output cannot be written."""


class NotSent(Failed):
    """A row of a batch was not sent; other rows may have been."""


class InvalidRow(NotSent):
    """A row of a batch is invalid."""


class Stop(StrEnum):
    """Why a run looks like a mistake."""

    FINISHED = "finished"
    """The journal is that of a mailing that is finished."""
    DUPLICATES = "duplicates"
    """Two rows post the same message."""
    POSTED = "posted"
    """Another journal of the same folder says that these messages were posted."""
    DAMAGED_KEYS = "damaged-keys"
    """A spreadsheet has changed keys."""
    LOOKALIKES = "lookalikes"
    """A key that left the file looks like one that came into it."""
    UNTERMINATED = "unterminated"
    """The last line of the file has no line break."""
    DELETIONS = "deletions"
    """Too many users would be deleted."""
    CHANGES = "changes"
    """Too many users or rooms would be created and updated."""


class SafetyStop(Failed):
    """A run that looks like a mistake was stopped before anything was sent.

    Args:
        message: what looks like a mistake, and the options that allow it.
        stop: why it was stopped; if there are several reasons, the most important one. None for a
            single row.
    """

    def __init__(self, message: str, stop: Stop | None) -> None:
        super().__init__(message)
        self.stop = stop

    def __reduce__(self) -> tuple[Any, ...]:
        # an exception is copied by calling its class with what it was made of
        return type(self), (str(self), self.stop), self.__dict__


class AlreadyPosted(SafetyStop):
    """Messages were posted before; posting again requires an option.

    Args:
        message: what was posted, and the options that post it again.
        stop: why it was stopped; None for a single row.
    """

    def __init__(self, message: str, stop: Stop | None = Stop.FINISHED) -> None:
        super().__init__(message, stop)


class NotAttempted(NotSent):
    """A row waits for another one."""


class Summed(Failed):
    """A batch ended with rows that are not done; the message says how many."""


class BatchFailed(Summed):
    """The outcome of every row is known."""


class BatchUnknown(Summed):
    """The outcome of some rows is unknown."""
