"""Reading files that a user names (texts, attributes, tokens), and writing private files."""

import codecs
import contextlib
import os
import stat
import sys
from typing import TYPE_CHECKING

from kabelwerk_cli.errors import ConfigurationError

if TYPE_CHECKING:
    from pathlib import Path


def sync_folder(path: "Path") -> None:
    """Sync the folder of a file that was just created or renamed."""
    folder = os.open(path.absolute().parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


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


def write_private(path: "Path", content: str) -> None:
    """Write a file (mode 0600) completely or not at all, and create its folder (mode 0700).

    A symbolic link stays, and the file it points to is replaced.

    Raises:
        ConfigurationError: it cannot be written. An existing file is unchanged.
    """
    import tempfile
    from pathlib import Path

    target = Path(os.path.realpath(path))
    try:
        if target.exists() and not target.is_file():
            raise ConfigurationError(f"Cannot write '{path}': not a regular file.")
        target.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        handle, name = tempfile.mkstemp(dir=target.parent, prefix=f".{target.name}.")  # 0600
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            Path(name).replace(target)
        except BaseException:
            with contextlib.suppress(OSError):
                Path(name).unlink()
            raise
    except OSError as error:
        raise ConfigurationError(f"Cannot write '{path}': {error.strerror}.") from None
