"""Reading files that may be pipes, which somebody has to write, with a time limit."""

import os
import stat
import sys
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def in_time_limit(name: str, read: Callable[[], T], limit: float) -> T:
    """Return what `read` returns, which reads a file.

    Args:
        name: the file, or `-` for stdin.
        read: reads it.
        limit: how long it may take if it is a pipe, in seconds.

    Raises:
        ValueError: it took longer; the text is a clause.
        Exception: what `read` raised.
    """
    if not _is_pipe(name):
        return read()
    from kabelwerk_cli.network.time_limit import in_time

    try:
        return in_time(read, limit)
    except TimeoutError:
        raise ValueError(f"nobody wrote '{name}' to its end within {limit:g} s") from None


def _is_pipe(name: str) -> bool:
    try:
        found = os.fstat(sys.stdin.fileno()) if name == "-" else os.stat(name)  # noqa: PTH116
    except (OSError, ValueError, AttributeError):
        return False  # reading it says why
    return stat.S_ISFIFO(found.st_mode)
