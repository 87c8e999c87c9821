"""A copy of the input, so that nothing that happens to the input matters while it is used."""

import contextlib
import errno
import io
import os
import sys
import tempfile
from collections.abc import Iterator
from typing import BinaryIO

from kabelwerk_cli.errors import ConfigurationError

FOLDERS = ("/var/tmp", "/tmp")  # noqa: S108 - the file has no name
"""Where the copy is made without `TMPDIR`: first where files are kept on a disk, not in memory."""
CHUNK = 1024 * 1024
"""How many bytes are copied or read at once."""


class Copy:
    """A copy of a file in a temporary file that has no name, and that only its owner may read.

    Args:
        name: the file, or `-` for standard input.

    Raises:
        OSError: the file cannot be read.
        ConfigurationError: the copy cannot be written.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._before = None if name == "-" else _stamp(name)
        with _opened(name) as source:
            self._file = _temporary()
            try:
                while chunk := source.read(CHUNK):
                    with _trouble():
                        self._file.write(chunk)
                with _trouble():
                    self._file.flush()
            except BaseException:
                self._file.close()
                raise

    def __enter__(self) -> "Copy":
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def open(self) -> BinaryIO:
        """Return the copy, to be read from its start independently of what else reads it."""
        return io.BufferedReader(_Reading(self._file.fileno()), CHUNK)

    @property
    def is_outdated(self) -> bool:
        """Whether the file now has another size or time; a file that is gone is complete."""
        try:
            return _stamp(self._name) != self._before
        except FileNotFoundError:
            return False


class _Reading(io.RawIOBase):
    """One reading of an open file, with a position of its own."""

    def __init__(self, handle: int) -> None:
        self._handle = handle
        self._at = 0

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, into: memoryview) -> int:  # type: ignore[override]
        count = os.preadv(self._handle, [into], self._at)
        self._at += count
        return count

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        start = {os.SEEK_SET: 0, os.SEEK_CUR: self._at}.get(whence)
        self._at = offset + (os.fstat(self._handle).st_size if start is None else start)
        return self._at


def _opened(name: str) -> contextlib.AbstractContextManager[BinaryIO]:
    if name != "-":
        return open(name, "rb")  # noqa: PTH123
    if sys.stdin is None:
        raise OSError(errno.EBADF, os.strerror(errno.EBADF))
    return contextlib.nullcontext(sys.stdin.buffer)


def _stamp(name: str) -> tuple[int, int]:
    status = os.stat(name)  # noqa: PTH116
    return status.st_size, status.st_mtime_ns


def _temporary() -> BinaryIO:
    """Return a new temporary file.

    Raises:
        ConfigurationError: there is no folder where one can be made.
    """
    given = os.environ.get("TMPDIR")
    *others, last = (given,) if given else FOLDERS
    for folder in others:
        with contextlib.suppress(OSError):
            return tempfile.TemporaryFile(dir=folder)
    with _trouble():
        return tempfile.TemporaryFile(dir=last)


@contextlib.contextmanager
def _trouble() -> Iterator[None]:
    try:
        yield
    except OSError as error:
        reason = error.strerror or error
        raise ConfigurationError(
            f"Cannot copy the input to a temporary file: {reason}. Set TMPDIR to a folder with "
            "enough space."
        ) from None
