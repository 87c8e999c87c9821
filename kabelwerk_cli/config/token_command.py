"""Running the program in a profile that prints the API token."""

import contextlib
import io
import os
import signal
import subprocess
from collections.abc import Sequence

from kabelwerk_cli.errors import ConfigurationError

OUTPUT_LIMIT = 64 * 1024
"""How much of the output is read, in bytes."""


def run(command: Sequence[str], limit: float) -> bytes:
    """Return the line that a program prints to stdout. Its stderr is discarded.

    Args:
        command: the program and its arguments.
        limit: time limit in seconds.

    Raises:
        ConfigurationError: it failed, took too long, or printed more than one line.
    """
    try:
        process = subprocess.Popen(  # noqa: S603 - named in the user's own configuration
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            bufsize=0,
        )
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ConfigurationError(f"Cannot run token_command '{command[0]}': {reason}.") from None
    code, printed = _finish(process, limit)
    if code:
        raise ConfigurationError(f"token_command '{command[0]}' failed (exit code {code}).")
    if b"\n" in printed[:-1]:
        raise ConfigurationError(f"token_command '{command[0]}' printed more than one line.")
    if code is None:
        raise ConfigurationError(f"token_command '{command[0]}' took longer than {limit:g} s.")
    return printed


def _finish(process: "subprocess.Popen[bytes]", limit: float) -> tuple[int | None, bytes]:
    """Return the exit code, None after the time limit, and the output.

    The output stays in the pipe until the program ends: a token fits, and a program that prints
    without end is stopped by a full pipe. It is never on disk.
    """
    with process:
        try:
            code = process.wait(limit)
        except subprocess.TimeoutExpired:
            code = None
        finally:
            # with the processes that it started; it may be gone, or run as another user
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(process.pid, signal.SIGKILL)
        output: io.FileIO = process.stdout  # type: ignore[assignment]
        os.set_blocking(output.fileno(), False)  # a process may have left the group with the pipe
        return code, output.read(OUTPUT_LIMIT) or b""
