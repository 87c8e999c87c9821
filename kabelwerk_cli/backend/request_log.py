"""Logging of requests: to stderr (`-v`), and to a file (`--log-file`)."""

import contextlib
import json
import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

from kabelwerk_cli.config.resolve import Settings
from kabelwerk_cli.config.settings import LOG_FILE, VERBOSE
from kabelwerk_cli.delivery.outcomes import SETTLED_NOTHING
from kabelwerk_cli.delivery.sender import Attempted
from kabelwerk_cli.delivery.verdicts import Ending
from kabelwerk_cli.errors import ConfigurationError
from kabelwerk_cli.operations.call import ABSENT_EFFECT
from kabelwerk_cli.output import compact
from kabelwerk_cli.terminal.console import Console, write_stderr
from kabelwerk_cli.terminal.session import Session

BODIES = 2
"""The verbosity from which bodies are logged too (-vv)."""

Observer = Callable[[Attempted], None]


def observer(session: Session, *, repeats: bool = True) -> Observer:
    """Return a function that logs an attempt.

    Args:
        session: has the settings and the console.
        repeats: whether to report retries even without -v.

    Raises:
        ConfigurationError: the log file cannot be opened for writing.
    """
    settings, console, _ = session
    observers: list[Observer] = []
    if verbosity := settings[VERBOSE]:
        observers.append(lambda attempted: _narrate(verbosity, attempted))
    if verbosity or repeats:
        observers.append(lambda attempted: _report_retry(console, attempted))
    if log_file := settings[LOG_FILE]:
        observers.append(_logger(log_file, _open(log_file)))

    def log_all(attempted: Attempted) -> None:
        for observe in observers:
            observe(attempted)

    return log_all


def _report_retry(console: Console, attempted: Attempted) -> None:
    if attempted.pause is not None:
        console.note(
            f"Attempt {attempted.number}: {attempted.verdict.reason}; retrying in "
            f"{attempted.pause:.1f} s."
        )


def _narrate(verbosity: int, attempted: Attempted) -> None:
    call, verdict = attempted.call, attempted.verdict
    status = verdict.status or verdict.reason
    milliseconds = f"{attempted.seconds * 1000:.0f} ms"
    request = f"attempt {attempted.number}, request {verdict.request_id}"
    write_stderr(f"{call.method} /api{call.path} {status} {milliseconds}, {request}")
    if verbosity >= BODIES:
        if call.body is not None:
            write_stderr(f"> {compact(call.body)}")
        if attempted.answer:
            write_stderr(f"< {attempted.answer}")


@contextlib.contextmanager
def file_log(settings: Settings) -> Iterator[Observer]:
    """Yield a function that logs an attempt to the log file, if there is one; close it at the end.

    Raises:
        ConfigurationError: the log file cannot be opened for writing.
    """
    path = settings[LOG_FILE]
    if not path:
        yield lambda _: None
        return
    handle = _open(path)
    try:
        yield _logger(path, handle)
    finally:
        os.close(handle)


def _open(path: str) -> int:
    try:
        # O_APPEND keeps lines whole if several processes write; 0600 is for the owner only
        return os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
    except OSError as error:
        raise ConfigurationError(f"Cannot write log file '{path}': {error.strerror}.") from None


def _logger(path: str, handle: int) -> Observer:
    def log(attempted: Attempted) -> None:
        try:
            os.write(handle, _entry(attempted))
        except OSError as error:
            write_stderr(f"Cannot write log file '{path}': {error.strerror}.")

    return log


def _outcome(attempted: Attempted) -> str:
    """Return what happened, in the words of the records of a batch."""
    call, verdict = attempted.call, attempted.verdict
    if verdict.ending is Ending.DONE:
        return call.effect
    if verdict.is_missing and call.absence_suffices:
        return ABSENT_EFFECT
    return "failed" if verdict.ending in SETTLED_NOTHING else "unknown"


def _entry(attempted: Attempted) -> bytes:
    call, verdict = attempted.call, attempted.verdict
    entry = {
        "time": datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        "operation": call.name,
        "method": call.method,
        "path": f"/api{call.path}",
        "status": verdict.status,
        "outcome": _outcome(attempted),
        "reason": verdict.reason,
        "milliseconds": round(attempted.seconds * 1000, 1),
        "attempt": attempted.number,
        "request_id": verdict.request_id,
    }
    return json.dumps(entry).encode() + b"\n"
