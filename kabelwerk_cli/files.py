"""Reading files that a user names (texts, attributes, tokens), and replacing a file as a whole."""

import codecs
import contextlib
import errno
import os
import stat
import sys
from typing import IO, TYPE_CHECKING, Self

from kabelwerk_cli.errors import ConfigurationError

if TYPE_CHECKING:
    from pathlib import Path


def flush_to_disk(descriptor: int) -> None:
    """Write a file or folder to the disk; on macOS, fsync may leave it in the disk's own cache.

    Args:
        descriptor: that of the file or folder.

    Raises:
        OSError: it cannot be written.
    """
    import fcntl  # which Windows does not have

    command: int | None = getattr(fcntl, "F_FULLFSYNC", None)
    if command is not None:
        with contextlib.suppress(OSError):  # a network file system may not have it
            fcntl.fcntl(descriptor, command)
            return
    os.fsync(descriptor)


def sync_folder(path: "str | Path") -> None:
    """Sync the folder of a file that was just created or renamed."""
    folder = os.open(os.path.dirname(os.path.abspath(path)), os.O_RDONLY)  # noqa: PTH100, PTH120
    try:
        flush_to_disk(folder)
    except OSError as error:
        if error.errno not in _UNSUPPORTED:  # on some network file systems, a folder has no sync
            raise
    finally:
        os.close(folder)


_UNSUPPORTED = frozenset(
    (errno.EPERM, errno.EINVAL, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP, errno.EMLINK)
)
"""What a file system answers that cannot do what is asked."""


def give_new_name(made: "Path", path: "Path") -> None:
    """Give a complete file its name, never in the place of another one.

    Args:
        made: its temporary path, which may be left.
        path: its name.

    Raises:
        FileExistsError: there is a file.
        OSError: it cannot be created.
    """
    try:
        os.link(made, path)
    except OSError as error:
        if error.errno not in _UNSUPPORTED:
            raise
        if not _rename_new(made, path):
            # as good as it gets: a process that is killed here leaves a part of the file
            with open(path, "xb", opener=_open_private) as file:
                file.write(made.read_bytes())
                file.flush()
                flush_to_disk(file.fileno())


def _open_private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _rename_new(made: "Path", path: "Path") -> bool:
    """Rename a file where the file system can refuse to replace another; return whether it can.

    Raises:
        FileExistsError: there is a file.
    """
    import ctypes

    rename = getattr(ctypes.CDLL(None, use_errno=True), "renameat2", None)
    if rename is None:
        return False
    here, no_replace = -100, 1
    if rename(here, os.fsencode(made), here, os.fsencode(path), no_replace) == 0:
        return True
    if ctypes.get_errno() == errno.EEXIST:
        raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(path))
    return False


def identity_of(path: "Path") -> tuple[int, int] | None:
    """Return what all names of a file have in common; None if there is no file.

    Raises:
        OSError: that cannot be seen.
    """
    try:
        found = path.stat()
    except FileNotFoundError:
        return None
    return found.st_dev, found.st_ino


def are_same(path: str, other: str) -> bool:
    """Tell whether two paths, which need not exist, are the same file."""
    if os.path.exists(path) and os.path.exists(other):  # noqa: PTH110
        return os.path.samefile(path, other)  # noqa: PTH121
    return os.path.realpath(path) == os.path.realpath(other)


LIMIT = 1024 * 1024
"""The largest file that is read into memory, in bytes. A request cannot be larger either."""


def read_bytes(name: str) -> bytes:
    """Return the content of the text file `name`, or of stdin if it is `-`.

    Editors and PowerShell put a byte order mark at the start of a file; it is dropped here, so
    that it is no part of any message, name or token.

    Raises:
        ValueError: it cannot be read or is too large; the text is a clause.
    """
    try:
        if name == "-":
            if sys.stdin is None:
                raise ValueError("stdin is closed")
            content = sys.stdin.buffer.read(LIMIT + 1)
        else:
            with open(name, "rb") as file:  # noqa: PTH123 - importing pathlib is slow
                check_kind(name, os.fstat(file.fileno()).st_mode)
                content = file.read(LIMIT + 1)
    except OSError as error:
        raise ValueError(f"cannot read '{name}': {error.strerror or error}") from None
    if len(content) > LIMIT:
        raise ValueError(f"'{name}' is larger than 1 MiB")
    return content.removeprefix(codecs.BOM_UTF8)


def check_kind(name: str, mode: int) -> None:
    """Refuse a device, a socket or a folder where a file or a pipe is expected.

    Raises:
        ValueError: it is one.
    """
    if not (stat.S_ISREG(mode) or stat.S_ISFIFO(mode)):
        raise ValueError(f"'{name}' is not a regular file or a pipe")


def read_text(name: str) -> str:
    """Return the UTF-8 text in the file `name`, or from stdin if it is `-`.

    Raises:
        ValueError: it cannot be read, is too large, or is not UTF-8.
    """
    try:
        return read_bytes(name).decode()
    except UnicodeDecodeError as error:
        raise ValueError(f"'{name}' is not valid UTF-8 (byte {error.start + 1})") from None


def without_newline(text: str) -> str:
    """Return a file's text without the line break at its end, which is not part of a message."""
    return text.removesuffix("\n").removesuffix("\r") if text.endswith("\n") else text


class Replacement:
    """New content for a file, which is under a temporary name beside it until it is complete.

    The temporary file is created at once, to find out whether that is possible. A symbolic link
    stays, and the file it points to is replaced.

    Args:
        path: the file to replace, or to create.
        private: whether only the owner may read it; otherwise, the umask decides.
        token: what the temporary name ends with, if a process that was killed may have left the
            file, which is removed then; by default, it is random.

    Attributes:
        path: the file, with links followed.
        name: the temporary file; in the same folder, because only there renaming is atomic.
        file: where to write the content.

    Raises:
        OSError: the temporary file cannot be created.
    """

    def __init__(self, path: "str | Path", *, private: bool = True, token: str = "") -> None:
        self.path = os.path.realpath(path)
        folder, base = os.path.split(self.path)
        self.name = os.path.join(folder, f".{base}.{token or os.urandom(8).hex()}")  # noqa: PTH118
        if token:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(self.name)  # noqa: PTH108 - importing pathlib is slow
        flags = os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
        handle = os.open(self.name, flags, 0o600 if private else 0o666)
        self.file: IO[bytes] = os.fdopen(handle, "w+b")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.discard()

    def complete(self) -> None:
        """Close the file, whose content is then on the disk under the temporary name.

        Raises:
            OSError: it cannot be written.
        """
        if not self.file.closed:
            self.file.flush()
            flush_to_disk(self.file.fileno())
            self.file.close()

    def publish(self) -> None:
        """Complete the file, and give it its name.

        Raises:
            OSError: it cannot be written. An existing file is unchanged.
        """
        self.complete()
        os.replace(self.name, self.path)  # noqa: PTH105 - importing pathlib is slow
        sync_folder(self.path)

    def discard(self) -> None:
        """Remove the temporary file, if there still is one; called at the end in any case."""
        with contextlib.suppress(OSError):
            self.file.close()
        with contextlib.suppress(OSError):
            os.unlink(self.name)  # noqa: PTH108 - importing pathlib is slow


def check_replaceable(path: "str | Path") -> None:
    """Refuse a path that is there and no regular file, which is never replaced.

    Raises:
        ConfigurationError: it is one.
    """
    with contextlib.suppress(OSError):
        if not stat.S_ISREG(os.stat(path).st_mode):  # noqa: PTH116 - importing pathlib is slow
            raise ConfigurationError(f"Cannot write '{path}': not a regular file.")


def write_private(path: "Path", content: str) -> None:
    """Write a file (mode 0600) completely or not at all, and create its folder (mode 0700).

    Raises:
        ConfigurationError: it cannot be written. An existing file is unchanged.
    """
    try:
        check_replaceable(path)
        path.resolve().parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        with Replacement(path) as new:
            new.file.write(content.encode())
            new.publish()
    except OSError as error:
        raise ConfigurationError(f"Cannot write '{path}': {error.strerror}.") from None
