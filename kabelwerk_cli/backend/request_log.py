"""Logging of requests: to stderr (`-v`), and to a file (`--log-file`)."""

import contextlib
from collections.abc import Callable, Iterator

from kabelwerk_cli.config.resolve import Settings
from kabelwerk_cli.config.settings import LOG_FILE, VERBOSE
from kabelwerk_cli.delivery.sender import Attempted
from kabelwerk_cli.errors import ConfigurationError, Refused
from kabelwerk_cli.output import compact
from kabelwerk_cli.terminal.console import Console, write_stderr
from kabelwerk_cli.terminal.run_record import new_run_id
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
        Refused: the log file is neither a regular file nor a character device.
    """
    settings, console, run_record = session
    observers: list[Observer] = []
    if verbosity := settings[VERBOSE]:
        observers.append(lambda attempted: _narrate(verbosity, attempted))
    if verbosity or repeats:
        observers.append(lambda attempted: _report_retry(console, attempted))
    if log_file := settings[LOG_FILE]:
        from .log_file import LogFile, ignore, request_line

        log = LogFile(log_file, ignore if run_record.is_recorded else console.warn)
        observers.append(lambda attempted: log.write(request_line(attempted, run_record.run)))

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
    from .log_file import LogFile, request_line

    opened: list[LogFile] = []

    def warn(text: str) -> None:
        if not opened:
            raise ConfigurationError(text)
        write_stderr(text, "Warning:")

    try:
        log, run = LogFile(path, warn), new_run_id()
    except Refused as error:
        raise ConfigurationError(str(error)) from None
    opened.append(log)
    try:
        yield lambda attempted: log.write(request_line(attempted, run))
    finally:
        log.close()
