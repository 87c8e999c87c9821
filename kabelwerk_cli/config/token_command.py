"""Runs the program that a profile names to get the API token."""

import contextlib
import os
import signal
import subprocess
import threading
from collections.abc import Sequence

from kabelwerk_cli.api.errors import ConfigurationError

OUTPUT_LIMIT = 64 * 1024
"""How much of what the program prints is read, in bytes."""


def run(command: Sequence[str], limit: float) -> bytes:
    """Return the one line that a program prints; what it prints is shown to nobody.

    Args:
        command: the program and its arguments.
        limit: how many seconds it may take.

    Raises:
        ConfigurationError: it failed, took too long, or printed more than a line.
    """
    try:
        process = subprocess.Popen(  # noqa: S603 - the user's own configuration names it
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ConfigurationError(f"token_command '{command[0]}' cannot be run: {reason}.") from None
    printed: list[bytes] = []
    try:
        reader = threading.Thread(target=lambda: printed.append(_read_all(process)), daemon=True)
        reader.start()
        reader.join(limit)
        code = process.wait(limit if printed else 0)
    except subprocess.TimeoutExpired:
        raise ConfigurationError(
            f"token_command '{command[0]}' did not end within {limit:g} seconds."
        ) from None
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)  # what it started, and itself if it hangs
        process.wait()
    cut = len(printed[0]) > OUTPUT_LIMIT
    if code != 0 and not cut:
        raise ConfigurationError(f"token_command '{command[0]}' failed (exit code {code}).")
    if cut or b"\n" in printed[0][:-1]:
        raise ConfigurationError(f"token_command '{command[0]}' printed more than one line.")
    return printed[0]


def _read_all(process: "subprocess.Popen[bytes]") -> bytes:
    with contextlib.closing(process.stdout) as output:  # type: ignore[type-var]
        return output.read(OUTPUT_LIMIT + 1)  # type: ignore[union-attr]
