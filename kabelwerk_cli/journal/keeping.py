"""Notices that the file of a journal or state is deleted or replaced while a run writes to it.

SQLite goes on writing to a file that has no name any more, and the next run would find nothing, or
what another program has put there: it would send the same rows again.
"""

import contextlib
import os
import sqlite3
import tempfile
from pathlib import Path

from kabelwerk_cli.errors import JournalError
from kabelwerk_cli.files import give_new_name, identity_of, sync_folder

from .file import Kind

SAVED = ".saved"
"""What is added to the name of a journal whose name another file has."""


class Keeper:
    """Watches the name of a file that is open.

    Args:
        path: the file.
        kind: which kind it is.
    """

    def __init__(self, path: Path, kind: Kind) -> None:
        self._path = path
        self._kind = kind
        self._identity = identity_of(path)
        self._is_saved = False
        reason = "it was deleted or replaced during the run"
        self.error = JournalError(f"{kind.noun.capitalize()} '{path}': {reason}.", reason=reason)
        """What is wrong once it is lost; after `save`, with what to do."""

    @property
    def is_lost(self) -> bool:
        """Whether the path no longer names the file, as far as can be seen.

        While a file is open, its number stays as it is, on network file systems, too.
        """
        try:
            return identity_of(self._path) != self._identity
        except OSError:
            return False

    def save(self, db: sqlite3.Connection) -> None:
        """Write a file that was lost again, under its name or beside it.

        Args:
            db: the file.
        """
        if self._is_saved:
            return
        self._is_saved = True
        try:
            self._write(db)
        except (OSError, sqlite3.Error) as error:
            reason = getattr(error, "strerror", None) or error
            self.error.advice = f"What this run did cannot be written: {reason}."

    def _write(self, db: sqlite3.Connection) -> None:
        handle, name = tempfile.mkstemp(dir=self._path.absolute().parent, prefix=".saved.")  # 0600
        os.close(handle)
        made = Path(name)
        try:
            with contextlib.closing(sqlite3.connect(made)) as copy:
                db.backup(copy)
            try:
                give_new_name(made, self._path)
                self.error.advice = (
                    "It has been written again; keep other programs from deleting it."
                )
            except FileExistsError:
                saved = self._path.with_name(f"{self._path.name}{SAVED}")
                give_new_name(made, saved)
                self.error.advice = (
                    f"What this run did is in '{saved}': move that to '{self._path}'."
                )
        finally:
            made.unlink(missing_ok=True)
        sync_folder(self._path)
