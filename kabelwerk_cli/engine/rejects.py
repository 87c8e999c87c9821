"""The rejects file: rows that need correction, in the format of the input, to be sent from it."""

import contextlib
import hashlib
import os
import tempfile
from pathlib import Path

from kabelwerk_cli.errors import Refused
from kabelwerk_cli.files import Replacement
from kabelwerk_cli.tabular.file import RowFile
from kabelwerk_cli.tabular.writing import RowWriter


class Rejects:
    """The rejects file of a run.

    Args:
        file: the input.
        path: the rejects file; None for no file.

    Raises:
        Refused: no file can be created in its folder.
    """

    def __init__(self, file: RowFile, path: str | None) -> None:
        self.path = Path(os.path.realpath(path)) if path else None
        self.rows = RowWriter(file)
        if self.path:
            try:
                with contextlib.suppress(FileNotFoundError):  # unless the name is too long
                    os.lstat(self.path.with_name(f".{self.path.name}.{_digest(b'')}"))
                # without a name, so that a run that is killed leaves nothing
                tempfile.TemporaryFile(dir=self.path.parent).close()
            except OSError as error:
                raise Refused(f"Cannot write '{path}': {error.strerror or error}.") from None


def replacement(path: Path, book: Path) -> Replacement:
    """Return new content for a rejects file, under a name that a later run would use again.

    Args:
        path: the rejects file.
        book: the journal or state whose run writes it, and which keeps other runs away.

    Raises:
        OSError: it cannot be created.
    """
    return Replacement(path, token=_digest(os.fsencode(os.path.realpath(book))))


def digest_of(path: str | Path) -> str:
    """Return the digest of a rejects file; empty if there is none.

    Raises:
        OSError: it cannot be read.
    """
    try:
        return _digest(Path(path).read_bytes())
    except FileNotFoundError:
        return ""


def _digest(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=16).hexdigest()
