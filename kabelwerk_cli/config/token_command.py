"""Running the program in a profile that prints the API token."""

import contextlib
import io
import os
import signal
import subprocess
import threading
from collections.abc import Iterator, Sequence
from typing import IO

from kabelwerk_cli.errors import ConfigurationError

OUTPUT_LIMIT = 64 * 1024
"""How much of the output is read, in bytes."""
LONGEST_REASON = 500
"""How much of what it says on stderr is shown, in characters."""
START_LIMIT = 1.0
"""How long a run that ends waits for a program that is being started, in seconds."""


def run(command: Sequence[str], limit: float) -> bytes:
    """Return what a program prints to stdout. Its stderr is shown if it fails.

    Args:
        command: the program and its arguments.
        limit: time limit in seconds.

    Raises:
        ConfigurationError: it failed or took too long.
    """
    code, printed, said = _finish(command, limit)
    if code == 0:
        return printed
    happened = f"took longer than {limit:g} s" if code is None else f"failed (exit code {code})"
    reason = f": {said}" if said else "."
    raise ConfigurationError(f"token_command '{command[0]}' {happened}{reason}")


def _finish(command: Sequence[str], limit: float) -> tuple[int | None, bytes, str]:
    """Return the exit code, None after the time limit, the output, and what it said to stderr.

    The output stays in the pipe until the program ends: a token fits, and a program that prints
    without end is stopped by a full pipe. It is never on disk.
    """
    errors: list[bytes] = []
    with _running(command) as process:
        reader = threading.Thread(target=_drain, args=(process.stderr, errors), daemon=True)
        reader.start()
        try:
            code = process.wait(limit)
        except subprocess.TimeoutExpired:
            code = None
        output: io.FileIO = process.stdout  # type: ignore[assignment]
        os.set_blocking(output.fileno(), False)  # a process that it started may have it open too
        printed = output.read(OUTPUT_LIMIT) or b""
        if code != 0:
            reader.join(START_LIMIT)  # likewise
    return code, printed, _as_line(b"".join(errors), printed)


def _drain(stream: IO[bytes], kept: list[bytes]) -> None:
    """Read all that a program says, so that it is never stopped by a full pipe; keep the start."""
    with contextlib.suppress(OSError, ValueError):  # it is closed when the program is killed
        while said := stream.read(OUTPUT_LIMIT):
            kept.append(said[: OUTPUT_LIMIT - sum(map(len, kept))])


def _as_line(said: bytes, printed: bytes) -> str:
    """Return what a program said, without what it printed to stdout, which may be the token."""
    for secret in printed.split():
        said = said.replace(secret, b"***")
    text = " ".join(said.decode(errors="replace").split())
    return f"{text[:LONGEST_REASON]}..." if len(text) > LONGEST_REASON else text


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
            stderr=subprocess.PIPE,
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
