"""The exit codes, which error ends with which, and the errors that are this program's own."""

from collections.abc import Mapping
from enum import IntEnum

import click

from kabelwerk_cli.api import errors

from .signals import Terminated


class ExitCode(IntEnum):
    """What the shell learns of a run. From 2 to 7, nothing was changed."""

    DONE = 0
    BUG = 1
    USAGE = 2
    CONFIGURATION = 3
    AUTHENTICATION = 4
    DOES_NOT_EXIST = 5
    VALIDATION = 6
    NOT_SENT = 7
    SERVER = 8
    UNKNOWN = 9
    BATCH = 10
    INTERRUPTED = 130
    OUTPUT_LOST = 141
    TERMINATED = 143


MEANINGS: Mapping[ExitCode, str] = {
    ExitCode.DONE: "done as asked",
    ExitCode.BUG: "a bug in this program; the text says what was done",
    ExitCode.USAGE: "wrong usage or input, or a confirmation that was not given",
    ExitCode.CONFIGURATION: "no or unsafe URL, no token, untrusted certificate, bad configuration",
    ExitCode.AUTHENTICATION: "the server does not accept the token (401, 403)",
    ExitCode.DOES_NOT_EXIST: "there is no such user or room (404)",
    ExitCode.VALIDATION: "the server rejects the input (400, 409, 422)",
    ExitCode.NOT_SENT: "the server could not be reached, or limits the rate (429)",
    ExitCode.SERVER: "the server failed, or its answer is not the API's; see 'applied'",
    ExitCode.UNKNOWN: "sent, and no answer came: perhaps done, perhaps not",
    ExitCode.BATCH: "a batch ended with failed rows, none of them unknown",
    ExitCode.INTERRUPTED: "interrupted (Ctrl-C); the text says what was done",
    ExitCode.OUTPUT_LOST: "standard output was closed or full; the text says what was done",
    ExitCode.TERMINATED: "terminated (SIGTERM); the text says what was done",
}
"""What each code means, in words."""


class Failed(Exception):
    """An end that is neither the API's nor click's; the book says what was changed before it."""


def describe_bug(error: BaseException) -> str:
    """Return where an unexpected error came from. Its own text may hold anything, so it is left."""
    frame = error.__traceback__
    while frame is not None and frame.tb_next is not None:
        frame = frame.tb_next
    if frame is None:
        return f"This is a bug in kabelwerk: {type(error).__name__}."
    file = frame.tb_frame.f_code.co_filename.rpartition("/")[2]
    return f"This is a bug in kabelwerk: {type(error).__name__} at {file}:{frame.tb_lineno}."


class Cancelled(Failed):
    """A confirmation was needed and not given."""


class OutputLost(Failed):
    """Standard output cannot be written."""


class InvalidRow(Failed):
    """A row of a batch is invalid."""


class Summed(Failed):
    """A batch ended with rows that are not done; the text says how many."""


class BatchFailed(Summed):
    """The outcome of every row is known."""


class BatchUnknown(Summed):
    """The outcome of some rows is unknown."""


# the first class that fits decides, so a subclass stands before its base
_CODES: tuple[tuple[type[BaseException], ExitCode], ...] = (
    (errors.InvalidInput, ExitCode.USAGE),
    (errors.ValidationError, ExitCode.VALIDATION),
    (errors.AuthenticationError, ExitCode.AUTHENTICATION),
    (errors.DoesNotExist, ExitCode.DOES_NOT_EXIST),
    (errors.ConfigurationError, ExitCode.CONFIGURATION),
    (errors.UntrustedCertificate, ExitCode.CONFIGURATION),
    (errors.OutcomeUnknown, ExitCode.UNKNOWN),
    (errors.ConnectionError, ExitCode.NOT_SENT),
    (errors.RateLimited, ExitCode.NOT_SENT),
    (errors.ServerError, ExitCode.SERVER),
    (click.ClickException, ExitCode.USAGE),
    (Cancelled, ExitCode.USAGE),
    (InvalidRow, ExitCode.USAGE),
    (OutputLost, ExitCode.OUTPUT_LOST),
    (BatchFailed, ExitCode.BATCH),
    (BatchUnknown, ExitCode.UNKNOWN),
    (Terminated, ExitCode.TERMINATED),
    (KeyboardInterrupt, ExitCode.INTERRUPTED),
)


def exit_code(error: BaseException) -> ExitCode:
    """Return the code to exit with where `error` ends the run."""
    if isinstance(error, errors.Interrupted) and error.__cause__ is not None:
        return exit_code(error.__cause__)  # which signal it was
    return next((code for kind, code in _CODES if isinstance(error, kind)), ExitCode.BUG)
