"""What became of each row, on disk, so that a run can be ended at any moment and gone on with.

A row's intent is committed and synced before its first byte is sent, its result after. One thread
writes; it commits for all the rows in flight at once, so that they share the cost of the disk, and
passes each of them on when it is committed.

The file holds digests of rows, keys, states and request ids; no token and no text. Each entry has
a checksum, and the file one of all entries and their number, so that damage anywhere is noticed.
"""

import contextlib
import os
import queue
import sqlite3
import tempfile
import threading
import zlib
from collections.abc import Callable, Iterator, Sequence
from enum import IntEnum
from pathlib import Path
from typing import Any, NamedTuple

from kabelwerk_cli.api.errors import ConfigurationError

VERSION = 1
GROUP = 100
"""How many entries are committed together, at most."""
_SCHEMA = """
CREATE TABLE about (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    version INTEGER NOT NULL,
    purpose TEXT NOT NULL,
    entries INTEGER NOT NULL,
    checksum INTEGER NOT NULL
);
CREATE TABLE entries (
    id BLOB PRIMARY KEY,
    state INTEGER NOT NULL,
    key TEXT NOT NULL,
    request_id TEXT,
    checksum INTEGER NOT NULL
) WITHOUT ROWID;
"""


class State(IntEnum):
    """What became of a row."""

    INTENT = 1
    """It may have been sent; there is no result."""
    DONE = 2
    FAILED = 3
    """It was not applied, and is tried again by the next run."""
    UNKNOWN = 4
    """It was sent, and nobody knows."""


class Entry(NamedTuple):
    """What the journal knows of a row."""

    id: bytes
    state: State
    key: str
    request_id: str | None = None

    @property
    def checksum(self) -> int:
        """A number that another content would hardly have."""
        content = f"{self.id.hex().upper()}/{self.state}/{self.key}/{self.request_id or ''}"
        return zlib.crc32(content.encode())


# the same checksum, made by SQLite: a million entries are read in half a second
_CONTENT = "hex(id) || '/' || state || '/' || key || '/' || ifnull(request_id, '')"
_TYPES = "typeof(id) = 'blob' AND typeof(key) = 'text' AND typeof(request_id) IN ('text', 'null')"
_CHECKED = f"""
SELECT
    count(*),
    ifnull(sum(checksum), 0),
    total(checksum = crc32(CAST({_CONTENT} AS BLOB)) AND {_TYPES})
FROM entries
"""  # noqa: S608


class JournalError(ConfigurationError):
    """The journal is damaged, in use, or cannot be written; nothing more is sent."""


class OtherPurpose(Exception):
    """The journal is that of another command or another address; the text is a sentence."""


class Journal:
    """The journal of one batch. While it is open, no other process can open it.

    Args:
        path: its file, which is made if missing.
        purpose: what the batch does and where, in words; another purpose needs another journal.
        restart: whether to forget what is in the file.

    Raises:
        JournalError: it is damaged, in use by another process, or cannot be written.
        OtherPurpose: it belongs to another batch.
    """

    def __init__(self, path: Path, purpose: str, *, restart: bool = False) -> None:
        self.path = path
        self._failure: JournalError | None = None
        self._closed = False
        with self._trouble():
            if restart:
                _forget(path)
            if not path.exists():
                _create(path, purpose)
            self._db = _connect(path)
            try:
                self._lock()
                self._check(purpose)
            except BaseException:
                self._db.close()
                raise
        self._pending: queue.SimpleQueue[_Write | None] = queue.SimpleQueue()
        self._writer = threading.Thread(target=self._write_groups, daemon=True)
        self._writer.start()

    def find(self, ids: Sequence[bytes]) -> dict[bytes, Entry]:
        """Return what is known of some rows from before this run."""
        if self._is_new:
            return {}
        query = f"SELECT id, state, key, request_id FROM entries WHERE id IN ({_places(ids)})"  # noqa: S608
        with self._trouble():
            return {
                row[0]: Entry(row[0], State(row[1]), *row[2:])
                for row in self._db.execute(query, ids)
            }

    def done(self, ids: Sequence[bytes]) -> list[bytes]:
        """Return those of some rows that an earlier run has done."""
        query = f"SELECT id FROM entries WHERE id IN ({_places(ids)}) AND state = {State.DONE:d}"  # noqa: S608
        with self._trouble():
            return [entry_id for (entry_id,) in self._db.execute(query, ids)]

    def write(
        self, entry: Entry, before: Entry | None, then: Callable[[JournalError | None], None]
    ) -> None:
        """Have an entry written, and return at once.

        Args:
            entry: what to write.
            before: the entry that stands there for the same row.
            then: is called once the entry is on the disk, or with the reason why it is not.
        """
        self._pending.put(_Write(entry, before, then))

    def __enter__(self) -> "Journal":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Write what is left, and let go of the file."""
        if self._closed:
            return
        self._closed = True
        self._pending.put(None)
        self._writer.join()
        self._db.close()

    def remove(self) -> None:
        """Delete the file, whose rows are all done; if it stays, the next run will find them so."""
        for path in (self.path, _side_file(self.path)):
            with contextlib.suppress(OSError):
                path.unlink()

    def _lock(self) -> None:
        self._db.execute("PRAGMA locking_mode = EXCLUSIVE")
        self._db.execute("PRAGMA synchronous = EXTRA")
        self._db.execute("BEGIN EXCLUSIVE")
        self._db.execute("COMMIT")  # the lock stays until the connection is closed

    def _check(self, purpose: str) -> None:
        """Read everything once: what is damaged must not pass for what was never sent."""
        if self._db.execute("PRAGMA quick_check").fetchall() != [("ok",)]:
            raise sqlite3.DatabaseError("it is malformed")
        about = self._db.execute("SELECT version, purpose, entries, checksum FROM about").fetchall()
        if len(about) != 1 or about[0][0] != VERSION:
            raise sqlite3.DatabaseError("it is no journal")
        count, checksums, sound = self._db.execute(_CHECKED).fetchone()
        total = checksums + _seed(about[0][1])
        if sound != count or (count, total) != about[0][2:]:
            raise sqlite3.DatabaseError("entries are damaged or missing")
        if about[0][1] != purpose:
            raise OtherPurpose(
                f"The journal '{self.path}' is that of another batch ({about[0][1]}). Finish that "
                "one, name another with --journal, or begin anew with --restart."
            )
        self._count, self._total = count, total
        self._is_new = count == 0

    def _write_groups(self) -> None:
        while (first := self._pending.get()) is not None:
            group = [first]
            with contextlib.suppress(queue.Empty):
                while len(group) < GROUP and (more := self._pending.get_nowait()) is not None:
                    group.append(more)
                if more is None:
                    self._pending.put(None)  # to be seen again when the group is written
            try:
                with self._trouble():
                    self._commit(group)
            except JournalError as error:
                self._failure = error
            except Exception as error:  # noqa: BLE001 - who waits must not wait for ever
                name = type(error).__name__
                self._failure = JournalError(f"The journal cannot be written ({name}).")
            for write in group:
                write.then(self._failure)

    def _commit(self, writes: list["_Write"]) -> None:
        if self._failure:
            raise self._failure
        count, total = self._count, self._total
        values: list[Any] = []
        for entry, before, _ in writes:
            checksum = entry.checksum
            count += before is None
            total += checksum - (before.checksum if before else 0)
            values += (*entry, checksum)
        rows = ", ".join(["(?, ?, ?, ?, ?)"] * len(writes))
        self._db.execute("BEGIN IMMEDIATE")
        try:
            # one statement: Python lets another thread run at each
            self._db.execute(f"INSERT OR REPLACE INTO entries VALUES {rows}", values)  # noqa: S608
            self._db.execute("UPDATE about SET entries = ?, checksum = ?", (count, total))
            self._db.execute("COMMIT")
        except BaseException:
            if self._db.in_transaction:
                self._db.execute("ROLLBACK")
            raise
        self._count, self._total = count, total

    @contextlib.contextmanager
    def _trouble(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, UnicodeError) as error:
            busy = "locked" in str(error)
            what = "is in use by another process" if busy else f"cannot be used ({error})"
            raise JournalError(
                f"The journal '{self.path}' {what}; it tells which rows were sent, so nothing is "
                "sent without it."
            ) from error
        except OSError as error:
            reason = error.strerror or error
            raise JournalError(
                f"The journal '{self.path}' cannot be used ({reason}); nothing is sent without it."
            ) from error


class _Write(NamedTuple):
    entry: Entry
    before: Entry | None
    then: Callable[[JournalError | None], None]


def _places(ids: Sequence[bytes]) -> str:
    return ", ".join("?" * len(ids))


def _seed(purpose: str) -> int:
    """Return the checksum of a journal without entries."""
    return zlib.crc32(purpose.encode("utf-8", "surrogatepass"))


def _connect(path: Path) -> sqlite3.Connection:
    db = sqlite3.connect(path, timeout=0.5, isolation_level=None, check_same_thread=False)
    db.create_function("crc32", 1, zlib.crc32, deterministic=True)
    return db


def _create(path: Path, purpose: str) -> None:
    """Make an empty journal, which appears whole: an empty file is always a damaged one."""
    handle, name = tempfile.mkstemp(dir=path.absolute().parent, prefix=f".{path.name}.")  # 0600
    os.close(handle)
    try:
        with contextlib.closing(_connect(Path(name))) as db:
            db.execute("BEGIN")
            for statement in _SCHEMA.split(";\n"):
                db.execute(statement)
            values = (VERSION, purpose, _seed(purpose))
            db.execute("INSERT INTO about VALUES (1, ?, ?, 0, ?)", values)
            db.execute("COMMIT")
        with contextlib.suppress(FileExistsError):
            os.link(name, path)
    finally:
        Path(name).unlink()
    folder = os.open(path.absolute().parent, os.O_RDONLY)
    try:
        os.fsync(folder)  # the file's name is to be on the disk as well
    finally:
        os.close(folder)


def _forget(path: Path) -> None:
    """Delete a journal, damaged or not, unless another process uses it."""
    if not path.exists():
        return
    with contextlib.closing(_connect(path)) as db:
        try:
            db.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError:
            raise  # it is in use
        except sqlite3.DatabaseError:
            pass  # it is damaged, which is no reason to keep it
    path.unlink()
    _side_file(path).unlink(missing_ok=True)


def _side_file(path: Path) -> Path:
    """Return SQLite's own journal of the file."""
    return path.with_name(f"{path.name}-journal")
