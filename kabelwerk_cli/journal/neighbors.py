"""Reads journals of other runs without locking or changing them, even while a run writes to one."""

import contextlib
import os
import shutil
import sqlite3
import tempfile
import time
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from kabelwerk_cli.files import identity_of
from kabelwerk_cli.words import sentence

from .fate import SENT
from .file import JOURNAL, MAGIC, side_file

HOT = bytes.fromhex("d9d505f920a163d7")
"""How SQLite's own journal begins while a transaction is not complete."""
ATTEMPTS = 5
PAUSE = 0.02
"""How often, and after how many seconds, a journal is read again that a run is writing to."""
_ID_PLACE = 68
_MARK = JOURNAL.application_id.to_bytes(4)
_SENT = ", ".join(f"'{fate}'" for fate in sorted(SENT))


class Unreadable(Exception):
    """A journal cannot be read; the text says why."""


def journals_beside(own: Path, since: float) -> Iterator[Path]:
    """Yield the other journals in a journal's folder, whatever their names.

    Args:
        own: the journal of this run, which need not exist. It is not even looked into: to close
            any descriptor of a file releases the lock that this process has on it.
        since: only those written to since this time, in seconds since the epoch.
    """
    try:
        mine = identity_of(own)
        with os.scandir(own.absolute().parent) as entries:
            found = sorted(entry.path for entry in entries if _is_recent(entry, since, mine))
    except OSError:
        return
    for path in map(Path, found):
        if _is_journal(path):
            yield path


def _is_recent(entry: "os.DirEntry[str]", since: float, mine: tuple[int, int] | None) -> bool:
    with contextlib.suppress(OSError):
        told = entry.stat()
        is_other = (told.st_dev, told.st_ino) != mine
        return is_other and entry.is_file() and told.st_mtime >= since
    return False


def _is_journal(path: Path) -> bool:
    try:
        with path.open("rb") as file:
            head = file.read(_ID_PLACE + 4)
    except OSError:
        return path.name.endswith("-journal")  # its reader will say what is wrong
    return head.startswith(MAGIC) and head[_ID_PLACE:] == _MARK


class Neighbor:
    """A journal of another run, as it is now.

    Args:
        db: reads it.
        path: its path.
    """

    def __init__(self, db: sqlite3.Connection, path: Path) -> None:
        self._db = db
        self.path = path

    def purpose(self) -> str:
        """Return the command and the address it belongs to."""
        return str(self._db.execute("SELECT purpose FROM about").fetchone()[0])

    def sent(self, ids: Collection[bytes], since: int) -> Sequence[tuple[bytes, int]]:
        """Return which of some rows were sent, or may have been, and when.

        Args:
            ids: the IDs of about 500 rows.
            since: rows that were sent earlier do not count; see `PER_SECOND`.
        """
        places = ", ".join("?" * len(ids))
        query = (
            f"SELECT id, at FROM entries WHERE fate IN ({_SENT}) AND at > ? AND id IN ({places})"  # noqa: S608
        )
        return self._db.execute(query, (since, *ids)).fetchall()

    def all_sent(self, since: int) -> Iterator[tuple[bytes, int]]:
        """Return all rows that were sent, or may have been; see `sent`."""
        query = f"SELECT id, at FROM entries WHERE fate IN ({_SENT}) AND at > ?"  # noqa: S608
        return self._db.execute(query, (since,))

    def count(self) -> int:
        """Return how many rows it knows."""
        return int(self._db.execute("SELECT entries FROM about").fetchone()[0])


@contextlib.contextmanager
def opened(path: Path) -> Iterator[Neighbor]:
    """Yield a journal; where a run was killed, or is writing to it, a copy of it.

    Raises:
        Unreadable: it cannot be read.
    """
    with contextlib.ExitStack() as stack:
        try:
            yield Neighbor(stack.enter_context(contextlib.closing(_connected(path, stack))), path)
        except sqlite3.Error as error:
            raise Unreadable(sentence(str(error))) from error
        except OSError as error:
            raise Unreadable(sentence(error.strerror or str(error))) from error


def _connected(path: Path, stack: contextlib.ExitStack) -> sqlite3.Connection:
    """Return a connection that takes no lock, and sees no transaction that is not complete."""
    copy: Path | None = None
    for attempt in range(ATTEMPTS):
        before = _stamp(path)
        if not _is_hot(path):
            break
        # a run that was killed in the middle of a transaction, or that is in the middle of one
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        copy = Path(folder, "copy")
        shutil.copyfile(path, copy)
        with contextlib.suppress(FileNotFoundError):
            shutil.copyfile(side_file(path), side_file(copy))
        if _stamp(path) == before:
            return sqlite3.connect(copy, isolation_level=None)
        time.sleep(PAUSE * attempt)
    if copy is not None and _is_hot(path):
        return sqlite3.connect(copy, isolation_level=None)
    uri = f"{path.absolute().as_uri()}?mode=ro&immutable=1"
    return sqlite3.connect(uri, uri=True, isolation_level=None)


def _is_hot(path: Path) -> bool:
    try:
        with side_file(path).open("rb") as file:
            return file.read(len(HOT)) == HOT
    except FileNotFoundError:
        return False


def _stamp(path: Path) -> tuple[int, ...]:
    found: list[int] = []
    for each in (path, side_file(path)):
        with contextlib.suppress(FileNotFoundError):
            told = each.stat()
            found += [told.st_ino, told.st_size, told.st_mtime_ns]
    return tuple(found)
