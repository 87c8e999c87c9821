"""Writing a file whole or not at all, for its owner's eyes only from its first byte."""

import contextlib
import os
import tempfile
from pathlib import Path

from .api.errors import ConfigurationError


def write_private(path: Path, content: str) -> None:
    """Write a file of mode 0600 in one step; its folder is made, of mode 0700, if missing.

    A symbolic link is followed: the file that it names is replaced, and the link stays.

    Raises:
        ConfigurationError: it cannot be written; a file that was there stays as it was.
    """
    target = Path(os.path.realpath(path))
    try:
        if target.exists() and not target.is_file():
            raise ConfigurationError(f"'{path}' cannot be written: it is no regular file.")
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
        raise ConfigurationError(f"'{path}' cannot be written: {error.strerror}.") from None
