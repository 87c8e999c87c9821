"""Running the program in a profile that prints the API token."""

import contextlib
import io
import os
import signal
import subprocess
import threading
from collections.abc import Iterator, Sequence

from kabelwerk_cli.errors import ConfigurationError

OUTPUT_LIMIT = 64 * 1024
"""How much of the output is read, in bytes."""
START_LIMIT = 1.0
"""How long a run that ends waits for a program that is being started, in seconds."""


def run(command: Sequence[str], limit: float) -> bytes:
    """Return the line that a program prints to stdout. Its stderr is discarded.

    Args:
        command: the program and its arguments.
        limit: time limit in seconds.

    Raises:
        ConfigurationError: it failed, took too long, or printed more than one line.
    """
    code, printed = _finish(command, limit)
    if code:
        raise ConfigurationError(f"token_command '{command[0]}' failed (exit code {code}).")
    if b"\n" in printed[:-1]:
        raise ConfigurationError(f"token_command '{command[0]}' printed more than one line.")
    if code is None:
        raise ConfigurationError(f"token_command '{command[0]}' took longer than {limit:g} s.")
    return printed


def _finish(command: Sequence[str], limit: float) -> tuple[int | None, bytes]:
    """Return the exit code, None after the time limit, and the output.

    The output stays in the pipe until the program ends: a token fits, and a program that prints
    without end is stopped by a full pipe. It is never on disk.
    """
    with _running(command) as process:
        try:
            code = process.wait(limit)
        except subprocess.TimeoutExpired:
            code = None
        output: io.FileIO = process.stdout  # type: ignore[assignment]
        os.set_blocking(output.fileno(), False)  # a process that it started may have it open too
        return code, output.read(OUTPUT_LIMIT) or b""


@contextlib.contextmanager
def _running(command: Sequence[str]) -> "Iterator[subprocess.Popen[bytes]]":
    """Provide the running program, and kill it at the end.

    It is started in a thread: a signal that raises in the main thread while `Popen` is at work
    would lose the process, and nobody would kill it.
    """
    started: list[subprocess.Popen[bytes] | ConfigurationError] = []
    is_started = threading.Event()  # Python 3.11 takes a thread whose join is interrupted for ended

    def start() -> None:
        started.append(_start(command))
        is_started.set()

    try:
        threading.Thread(target=start, daemon=True).start()
        is_started.wait()
        (process,) = started
        if isinstance(process, ConfigurationError):
            raise process
        yield process
    finally:
        is_started.wait(START_LIMIT)
        for process in started:
            if not isinstance(process, ConfigurationError):
                _kill(process)


def _start(command: Sequence[str]) -> "subprocess.Popen[bytes] | ConfigurationError":
    try:
        return subprocess.Popen(  # noqa: S603 - named in the user's own configuration
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            bufsize=0,
        )
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        return ConfigurationError(f"Cannot run token_command '{command[0]}': {reason}.")


def _kill(process: "subprocess.Popen[bytes]") -> None:
    """Kill the program with the processes that it started, and wait for its end."""
    # it may be gone, or run as another user
    with process, contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(process.pid, signal.SIGKILL)
