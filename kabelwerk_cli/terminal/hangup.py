"""A terminal that is closed during a run."""

import errno
import io
import sys
from typing import TYPE_CHECKING

from .signals import terminal_is_closed

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


class _Terminal(io.FileIO):
    """Writes to a terminal; what is written after SIGHUP has closed it goes nowhere."""

    def write(self, data: "ReadableBuffer") -> int:
        try:
            return super().write(data)
        except OSError as error:
            if error.errno != errno.EIO or not terminal_is_closed():
                raise
            return memoryview(data).nbytes


def outlive_terminals() -> None:
    """Let standard output and error survive a terminal that is closed with SIGHUP."""
    for name, number in (("stdout", 1), ("stderr", 2)):
        stream = getattr(sys, name)
        if stream.isatty():
            # the file descriptor stays open: the stream that is replaced has it too
            buffer = io.BufferedWriter(_Terminal(number, "w", closefd=False))
            setattr(
                sys,
                name,
                io.TextIOWrapper(buffer, stream.encoding, stream.errors, line_buffering=True),
            )
