"""Standard streams that nobody reads, or that cannot be written."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager

PIPE = 65536


class Pipe:
    """A pipe that may be full from the start, and is read only from `drain` on.

    Attributes:
        write: the end to write to.
    """

    def __init__(self, *, full: bool) -> None:
        self._read, self.write = os.pipe()
        self._filler = 0
        os.set_blocking(self.write, False)
        while full:
            try:
                self._filler += os.write(self.write, b"." * PIPE)
            except BlockingIOError:
                break
        os.set_blocking(self.write, True)
        self._bytes = b""
        self._reader = threading.Thread(target=self._take_all, daemon=True)

    def drain(self) -> None:
        """Close the end to write to, and read all that others write."""
        os.close(self.write)
        self._reader.start()

    def text(self) -> str:
        """Wait until nobody can write any more, and return what was written."""
        self._reader.join()
        os.close(self._read)
        return self._bytes[self._filler :].decode(errors="surrogateescape")

    def _take_all(self) -> None:
        while more := os.read(self._read, PIPE):
            self._bytes += more


@contextmanager
def without_reader() -> Iterator[int]:
    """Give the end to write to of a pipe whose other end is closed."""
    read_end, write_end = os.pipe()
    os.close(read_end)
    try:
        yield write_end
    finally:
        os.close(write_end)
