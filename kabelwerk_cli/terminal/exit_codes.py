"""Exit codes, the errors they belong to, and the errors that are not the API's."""

from collections.abc import Mapping
from enum import IntEnum

import click

from kabelwerk_cli import errors
from kabelwerk_cli.errors import (
    AlreadyPosted,
    BatchFailed,
    BatchUnknown,
    Cancelled,
    InvalidRow,
    NotAttempted,
    OutputLost,
    Refused,
    SafetyStop,
)

from .signals import HungUp, Terminated


class ExitCode(IntEnum):
    """The exit code of a run, and what it means. Codes 2 to 7 and 11: nothing was changed."""

    meaning: str

    def __new__(cls, value: int, meaning: str) -> "ExitCode":
        """Return the code `value`, with its meaning for help texts."""
        code = int.__new__(cls, value)
        code._value_ = value
        code.meaning = meaning
        return code

    @property
    def label(self) -> str:
        """The name in lower case."""
        return self.name.lower().replace("_", " ")

    DONE = 0, "success"
    BUG = 1, "a bug in kabelwerk; the message says what was done"
    USAGE = 2, "usage error, invalid input or missing confirmation"
    CONFIGURATION = 3, "URL, token or certificate missing or unsafe; bad config; journal in use"
    AUTHENTICATION = 4, "authentication failed: the server rejected the token (401, 403)"
    DOES_NOT_EXIST = 5, "user or room not found (404)"
    VALIDATION = 6, "validation failed: the server rejected the input (400, 409, 422)"
    NOT_SENT = 7, "server unreachable or rate limit exceeded (429)"
    SERVER = 8, "server error or invalid response; the message says what was done"
    UNKNOWN = 9, "request sent but not answered; outcome unknown"
    BATCH = 10, "batch finished with failed rows, none with an unknown outcome"
    STOPPED = 11, "safety stop: the run looks like a mistake; the message says how to allow it"
    HUNG_UP = 129, "terminal closed (SIGHUP); the message says what was done"
    INTERRUPTED = 130, "interrupted (Ctrl-C); the message says what was done"
    OUTPUT_LOST = 141, "stdout is closed or cannot be written; the message says what was done"
    TERMINATED = 143, "terminated (SIGTERM); the message says what was done"


UNCHANGED = frozenset(code for code in ExitCode if ExitCode.USAGE <= code <= ExitCode.NOT_SENT) | {
    ExitCode.STOPPED
}


def describe_bug(error: BaseException) -> str:
    """Return where an unexpected error was raised, without its text, which may hold secrets."""
    frame = error.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    if frame is None:
        return f"This is a bug in kabelwerk: {type(error).__name__}."
    file = frame.tb_frame.f_code.co_filename.rpartition("/")[2]
    return f"This is a bug in kabelwerk: {type(error).__name__} at {file}:{frame.tb_lineno}."


# the first match wins, so a subclass comes before its base
_CODES: tuple[tuple[type[BaseException], ExitCode], ...] = (
    (errors.InvalidInput, ExitCode.USAGE),
    (errors.ValidationError, ExitCode.VALIDATION),
    (errors.AuthenticationError, ExitCode.AUTHENTICATION),
    (errors.DoesNotExist, ExitCode.DOES_NOT_EXIST),
    (errors.InUse, ExitCode.CONFIGURATION),
    (errors.ConfigurationError, ExitCode.CONFIGURATION),
    (errors.UntrustedCertificate, ExitCode.CONFIGURATION),
    (errors.OutcomeUnknown, ExitCode.UNKNOWN),
    (errors.ConnectionError, ExitCode.NOT_SENT),
    (errors.RateLimited, ExitCode.NOT_SENT),
    (errors.ServerError, ExitCode.SERVER),
    (click.ClickException, ExitCode.USAGE),
    (Refused, ExitCode.USAGE),
    (Cancelled, ExitCode.USAGE),
    (InvalidRow, ExitCode.USAGE),
    (AlreadyPosted, ExitCode.STOPPED),
    (SafetyStop, ExitCode.STOPPED),
    (NotAttempted, ExitCode.NOT_SENT),
    (OutputLost, ExitCode.OUTPUT_LOST),
    (BatchFailed, ExitCode.BATCH),
    (BatchUnknown, ExitCode.UNKNOWN),
    (Terminated, ExitCode.TERMINATED),
    (HungUp, ExitCode.HUNG_UP),
    (KeyboardInterrupt, ExitCode.INTERRUPTED),
    (BaseException, ExitCode.BUG),
)
_NAMES: Mapping[type[BaseException], str] = {
    click.ClickException: "UsageError",
    Refused: "UsageError",
    Terminated: "Interrupted",
    HungUp: "Interrupted",
    KeyboardInterrupt: "Interrupted",
    BaseException: "Bug",
}
"""What a class is called in JSON, if not by its own name."""


def exit_code(error: BaseException, applied: errors.Applied = errors.Applied.NO) -> ExitCode:
    """Return the exit code of a run that ends with `error`.

    Args:
        error: the error.
        applied: whether anything was changed; then, no code says that nothing was.
    """
    code = _kind_and_code(error)[1]
    if code not in UNCHANGED or applied is errors.Applied.NO:
        return code
    return ExitCode.UNKNOWN if applied is errors.Applied.UNKNOWN else ExitCode.BATCH


def error_type(error: BaseException) -> str:
    """Return the type of an error, one of `ERROR_TYPES`."""
    return _name(_kind_and_code(error)[0])


def _kind_and_code(error: BaseException) -> tuple[type[BaseException], ExitCode]:
    """Return the class in the table that an error belongs to, and its code."""
    if isinstance(error, errors.Interrupted) and error.__cause__ is not None:
        return _kind_and_code(error.__cause__)  # tells which signal it was
    return next((row for row in _CODES if isinstance(error, row[0])), _CODES[-1])


def _name(kind: type[BaseException]) -> str:
    return _NAMES.get(kind, kind.__name__)


ERROR_TYPES = tuple(dict.fromkeys(_name(kind) for kind, _ in _CODES))
"""The type of an error in JSON."""
