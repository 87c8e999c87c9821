"""The log file: lines of JSON about requests, and about the start and the end of runs."""

import os
import stat
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Annotated, Literal, NamedTuple

from kabelwerk_cli.delivery.error_messages import reason_of
from kabelwerk_cli.delivery.outcomes import SETTLED_NOTHING
from kabelwerk_cli.delivery.sender import Attempted
from kabelwerk_cli.delivery.verdicts import Ending
from kabelwerk_cli.errors import Refused
from kabelwerk_cli.operations.call import ABSENT_EFFECT
from kabelwerk_cli.output import as_json, compact
from kabelwerk_cli.terminal.error_report import Problem

Time = Annotated[str, ("format", "date-time")]
Counts = Mapping[str, int]


class StartLine(NamedTuple):
    """The line of a run that begins."""

    time: Time
    event: Literal["start"]
    run: str
    version: str
    command: str
    profile: str | None
    url: str | None
    user: str
    process: int
    file: str | None


class EndLine(NamedTuple):
    """The line of a run that has ended."""

    time: Time
    event: Literal["end"]
    run: str
    version: str
    command: str
    profile: str | None
    url: str | None
    user: str
    process: int
    file: str | None
    counts: Counts
    exit_code: int
    error: Problem | None


class RequestLine(NamedTuple):
    """The line of an attempt to send a request."""

    time: Time
    event: Literal["request"]
    run: str
    operation: str
    key: str
    method: str
    path: str
    status: int | None
    outcome: str
    reason: str
    milliseconds: float
    attempt: int
    request_id: str | None


Warn = Callable[[str], None]
LogLine = StartLine | RequestLine | EndLine


class LogFile:
    """A log file; one that cannot be written is a warning, and changes nothing else.

    Args:
        path: the file, which is created for its owner only.
        warn: called once with a sentence if it cannot be written.

    Raises:
        Refused: it is neither a regular file nor a character device.
    """

    def __init__(self, path: str, warn: Warn) -> None:
        self._path = path
        self._warn_once: Warn = warn
        self._handle: int | None = None
        try:
            check_log(path)
            # O_APPEND keeps lines whole if several processes write
            flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK
            self._handle = os.open(path, flags, 0o600)
        except OSError as error:
            self._warn(error)

    def write(self, line: LogLine) -> None:
        """Append a line."""
        if self._handle is None:
            return
        try:
            os.write(self._handle, f"{compact(as_json(line))}\n".encode())
        except OSError as error:
            self._warn(error)

    def close(self) -> None:
        """Close the file."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None

    def _warn(self, error: OSError) -> None:
        self._warn_once(f"Cannot write log file '{self._path}': {error.strerror}.")
        self._warn_once = ignore


def ignore(warning: str) -> None:
    """Pass a warning over, as it has been given."""
    del warning


def check_log(path: str) -> None:
    """Refuse a folder, a pipe or a socket.

    Raises:
        Refused: it is neither a regular file nor a character device.
        OSError: it cannot be looked at.
    """
    if not os.path.exists(path):  # noqa: PTH110 - importing pathlib is slow
        return
    mode = os.stat(path).st_mode  # noqa: PTH116
    if not (stat.S_ISREG(mode) or stat.S_ISCHR(mode)):
        raise Refused(f"Cannot write log file '{path}': not a regular file or a character device.")


def now() -> str:
    """Return the time for a line."""
    return datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def request_line(attempted: Attempted, run: str) -> RequestLine:
    """Return the line of an attempt; `run` is the ID of the run that made it."""
    call, verdict = attempted.call, attempted.verdict
    return RequestLine(
        time=now(),
        event="request",
        run=run,
        operation=call.name,
        key=call.key,
        method=call.method,
        path=f"/api{call.path}",
        status=verdict.status,
        outcome=_outcome(attempted),
        reason=reason_of(verdict),
        milliseconds=round(attempted.seconds * 1000, 1),
        attempt=attempted.number,
        request_id=verdict.request_id,
    )


def _outcome(attempted: Attempted) -> str:
    """Return what happened, in the words of the records of a batch."""
    call, verdict = attempted.call, attempted.verdict
    if verdict.ending is Ending.DONE:
        return call.effect
    if verdict.is_missing and call.absence_suffices:
        return ABSENT_EFFECT
    return "failed" if verdict.ending in SETTLED_NOTHING else "unknown"
