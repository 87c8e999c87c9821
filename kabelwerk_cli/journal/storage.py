"""Opens and creates the file of a journal or state, and says why it cannot.

While a file is open, its lock keeps other processes away. A file appears complete under its name,
so one without tables is damaged.
"""

import contextlib
import errno
import os
import sqlite3
import tempfile
from collections.abc import Iterator
from pathlib import Path

from kabelwerk_cli.errors import InUse, JournalError
from kabelwerk_cli.files import give_new_name, sync_folder

from .file import About, Kind, check_kind, connect, fill, side_file
from .formats import OtherVersion, read_verified
from .locks import look_at

PATIENCE = 5
"""How often to reopen a file that was replaced in the meantime."""
_OF_DISK = ("SQLITE_FULL", "SQLITE_IOERR", "SQLITE_READONLY", "SQLITE_CANTOPEN")
_BUSY = ("SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_PROTOCOL", "SQLITE_PERM")


class Replaced(Exception):
    """The path names another file now."""


def open_file(
    path: Path, kind: Kind, purpose: str, secret: str
) -> tuple[sqlite3.Connection, About]:
    """Open and lock a file, which is created if missing, and read its description.

    Raises:
        JournalError: it cannot be opened or created.
        sqlite3.Error: it is damaged, in use, or cannot be written.
    """
    try:
        for _ in range(PATIENCE):
            with contextlib.suppress(Replaced, FileNotFoundError):
                if not path.exists():
                    create(path, kind, purpose, secret)
                return _open_once(path, kind)
        path.stat()  # whose error says what is missing: a folder, or what a link leads to
    except OSError as error:
        reason = error.strerror or str(error)
        raise JournalError(
            f"Cannot open {kind.noun} '{path}': {reason}. Check that its folder exists and can be "
            f"written, or use {kind.option} FILE to keep it in another one.",
            reason=reason,
        ) from error
    raise sqlite3.OperationalError("database is locked")


def _open_once(path: Path, kind: Kind) -> tuple[sqlite3.Connection, About]:
    before = path.stat()
    check_kind(path, kind)
    try:
        db = connect(path)
    except sqlite3.OperationalError:
        path.stat()  # another run that just ended may have removed it
        raise
    try:
        db.execute("PRAGMA locking_mode = EXCLUSIVE")
        db.execute("PRAGMA synchronous = EXTRA")
        db.execute("BEGIN EXCLUSIVE")
        db.execute("COMMIT")  # the lock stays until the connection is closed
        _check_same(before, path.stat())
        return db, read_verified(db)
    except BaseException:
        db.close()
        raise


def _check_same(before: os.stat_result, now: os.stat_result) -> None:
    # a run that just ended may have removed its journal, and another run created one
    if now.st_ino != before.st_ino:
        raise Replaced


def create(path: Path, kind: Kind, purpose: str, secret: str) -> None:
    """Create a file without entries, unless there is one.

    Raises:
        sqlite3.Error: it cannot be written.
        OSError: it cannot be created.
    """
    handle, name = tempfile.mkstemp(dir=path.absolute().parent, prefix=f".{path.name}.")  # 0600
    os.close(handle)
    made = Path(name)
    try:
        # nobody else knows it yet, so it needs no lock, which the file system may not have
        with contextlib.closing(connect(made, "&nolock=1")) as db:
            fill(db, kind, purpose, secret)
        with contextlib.suppress(FileExistsError):
            give_new_name(made, path)
    finally:
        made.unlink(missing_ok=True)
        side_file(made).unlink(missing_ok=True)  # if the disk is full
    sync_folder(path)


@contextlib.contextmanager
def trouble(path: Path, kind: Kind) -> Iterator[None]:
    """Turn errors of SQLite into errors about the file.

    Raises:
        JournalError: an error about the file.
    """
    try:
        yield
    except (sqlite3.Error, UnicodeError) as error:
        raise _explained(path, kind, error) from error


def _explained(path: Path, kind: Kind, error: Exception) -> JournalError:
    name = f"{kind.noun.capitalize()} '{path}'"
    code: str = getattr(error, "sqlite_errorname", "")
    if "locked" in str(error) or code.startswith(_BUSY) or code.endswith("LOCK"):
        return in_use(path, kind)
    if code.startswith(_OF_DISK):
        reason = os.strerror(errno.ENOSPC) if code == "SQLITE_FULL" else str(error)
        return JournalError(
            f"{name} cannot be written: {reason}. Check that the disk is not full and that the "
            f"file and its folder can be written, or use {kind.option} FILE.",
            reason=reason,
        )
    repair = kind.repair.format(path=path)
    if isinstance(error, OtherVersion):
        repair = "To go on with it, use that version" + (
            " or a later one." if error.writer else "."
        )
    advice = " ".join(filter(None, (kind.holds, repair, kind.moved.format(path=path))))
    return JournalError(f"{name} cannot be used: {error}. {advice}", reason=str(error))


def in_use(path: Path, kind: Kind) -> JournalError:
    """Return the error about a file that cannot be locked."""
    name, lock = f"{kind.noun.capitalize()} '{path}'", look_at(path)
    if lock.missing:
        return JournalError(
            f"{name} cannot be locked: its file system has no locks ({lock.missing}). Use "
            f"{kind.option} FILE to keep it on a local disk.",
            reason=lock.missing,
        )
    holder = f" ({lock.holder})" if lock.holder else ""
    return InUse(
        f"{name} is in use by another process{holder}. Try again when that process has ended.",
        reason="it is in use",
    )
