"""What became of each row, on disk, so that a run can end at any moment and be resumed.

A row's intent is committed and synced before its first byte is sent, its result after. One thread
writes; it commits for all the rows in flight at once, so that they share the cost of the disk, and
passes each of them on once it is committed.

The file holds digests of rows, keys, fates and request ids; no token and no text.
"""

import contextlib
import queue
import sqlite3
import threading
import zlib
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from kabelwerk_cli.api.errors import ConfigurationError

from .fate import Fate
from .journal_file import connect, create, discard, read_soundly, side_file

GROUP = 100
"""How many entries are committed together, at most."""


class Entry(NamedTuple):
    """What the journal knows of a row."""

    id: bytes
    fate: Fate
    key: str
    request_id: str | None = None

    @property
    def checksum(self) -> int:
        """A number that another content would hardly have."""
        content = f"{self.id.hex().upper()}/{self.fate}/{self.key}/{self.request_id or ''}"
        return zlib.crc32(content.encode())


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
                discard(path)
            if not path.exists():
                create(path, purpose)
            self._db = connect(path)
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
        query = f"SELECT id, fate, key, request_id FROM entries WHERE id IN ({_places(ids)})"  # noqa: S608
        with self._trouble():
            return {
                row[0]: Entry(row[0], Fate(row[1]), *row[2:])
                for row in self._db.execute(query, ids)
            }

    def done(self, ids: Sequence[bytes]) -> list[bytes]:
        """Return those of some rows that an earlier run has done."""
        query = f"SELECT id FROM entries WHERE id IN ({_places(ids)}) AND fate = '{Fate.DONE}'"  # noqa: S608
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
        for path in (self.path, side_file(self.path)):
            with contextlib.suppress(OSError):
                path.unlink()

    def _lock(self) -> None:
        self._db.execute("PRAGMA locking_mode = EXCLUSIVE")
        self._db.execute("PRAGMA synchronous = EXTRA")
        self._db.execute("BEGIN EXCLUSIVE")
        self._db.execute("COMMIT")  # the lock stays until the connection is closed

    def _check(self, purpose: str) -> None:
        count, total, found = read_soundly(self._db)
        if found != purpose:
            raise OtherPurpose(
                f"Journal '{self.path}' belongs to another batch ({found}). Finish that batch, use "
                "another --journal, or --restart to discard it."
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
                self._failure = JournalError(f"Cannot write the journal ({name}).")
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
                f"Journal '{self.path}' {what}. It records which rows were sent, so nothing is "
                "sent without it."
            ) from error
        except OSError as error:
            reason = error.strerror or error
            raise JournalError(
                f"Journal '{self.path}' cannot be used ({reason}); nothing is sent without it."
            ) from error


class _Write(NamedTuple):
    entry: Entry
    before: Entry | None
    then: Callable[[JournalError | None], None]


def _places(ids: Sequence[bytes]) -> str:
    return ", ".join("?" * len(ids))
