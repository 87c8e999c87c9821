"""Records the fate of each row on disk, so that a run can end at any moment and be resumed.

A row's intent is committed and synced before its first byte is sent, its result afterwards. One
thread writes: it commits all rows in flight together, so that they share the cost of the disk, and
passes each on once it is committed.

The file contains digests of rows, keys, hubs, fates, errors and request IDs; no token and no text.
"""

import contextlib
import os
import queue
import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple, Self

from kabelwerk_cli.errors import ConfigurationError

from .fate import Fate
from .file import (
    COLUMNS,
    JOURNAL,
    Entry,
    change_fates,
    check_kind,
    clear,
    connect,
    counted,
    create,
    describe,
    put,
    read_verified,
    side_file,
    transaction,
)


def shown_time(at: int) -> str:
    """Return a time in UTC, for people.

    Args:
        at: the time as a journal has it.
    """
    return datetime.fromtimestamp(at / PER_SECOND, UTC).strftime("%Y-%m-%d %H:%M UTC")


GROUP = 100
"""The most entries that are committed together."""
PER_SECOND = 1_000_000
"""The resolution of times: they show which row of a target was sent later."""
PATIENCE = 5
"""How often to reopen a journal that was replaced in the meantime."""
DISK_ERRORS = ("SQLITE_FULL", "SQLITE_IOERR", "SQLITE_READONLY", "SQLITE_CANTOPEN")
DISK_ADVICE = "Check that the disk is not full, and that the file can be written."
FOLDER_ADVICE = "Check that its folder exists, and can be written."

_READ = f"SELECT {', '.join(COLUMNS)} FROM entries"  # noqa: S608


class JournalError(ConfigurationError):
    """The journal, or state, is damaged, in use, or cannot be written; nothing more is sent."""


class Replaced(Exception):
    """The journal's path names another file now."""


class Journal:
    """The journal of one batch. While it is open, no other process can open it.

    Args:
        path: its file, which is created if missing.
        purpose: the command and the address, in words.
        secret: the key of a state's digests.

    Raises:
        JournalError: it is damaged, in use by another process, or cannot be written.
    """

    kind = JOURNAL

    def __init__(self, path: Path, purpose: str, secret: str = "") -> None:
        self.path = path
        self._secret = secret
        self._failure: JournalError | None = None
        self._closed = False
        self.outstanding: int | None = None
        """How many rows must be settled before the journal is finished; None before the run."""
        with self._trouble():
            self._db = self._open(purpose)
            self._pending: queue.SimpleQueue[_Write | None] = queue.SimpleQueue()
            self._writer = threading.Thread(target=self._write_groups, daemon=True)
            self._writer.start()

    def find(self, ids: Sequence[bytes]) -> dict[bytes, Entry]:
        """Return the entries of some rows from earlier runs."""
        if self.about.entries == 0:
            return {}
        places = ", ".join("?" * len(ids))
        with self._trouble():
            rows = self._db.execute(f"{_READ} WHERE id IN ({places})", ids)
            return {row[0]: _entry(row) for row in rows}

    def copy_to(self, db: sqlite3.Connection) -> None:
        """Copy the file to an empty database, before the run begins."""
        self._db.backup(db)

    def entries(self, *fates: Fate) -> Iterator[Entry]:
        """Yield the entries with one of some fates, before the run begins."""
        places = ", ".join("?" * len(fates))
        with self._trouble():
            for row in self._db.execute(f"{_READ} WHERE fate IN ({places})", fates):
                yield _entry(row)

    def write(
        self, entry: Entry, before: Entry | None, then: Callable[[JournalError | None], None]
    ) -> None:
        """Queue an entry to be written, and return at once.

        Args:
            entry: what to write.
            before: the current entry of the same row.
            then: called once the entry is on disk, or with the error if it cannot be written.
        """
        self._pending.put(_Write(entry, before, then))

    def settle(self, entries: Sequence[tuple[Entry, Entry | None]], rejects: str = "") -> None:
        """Write entries, with those they replace, and wait until they are on disk.

        Args:
            entries: the new and the old entry of each row.
            rejects: the new note about the rejects file.

        Raises:
            JournalError: they cannot be written.
        """
        with self._trouble():
            writes = [_Write(entry, before, _ignore) for entry, before in entries]
            for start in range(0, len(writes) or 1, GROUP):
                self._commit(writes[start : start + GROUP], rejects=rejects)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def flush(self) -> None:
        """Write the remaining entries; do not call `write` afterwards."""
        if self._writer.is_alive():
            self._pending.put(None)
            self._writer.join()

    def close(self) -> None:
        """Write the remaining entries, and close the file."""
        if not self._closed:
            self._closed = True
            self.flush()
            self._db.close()

    def remove(self) -> None:
        """Delete the file, as all rows are done; if that fails, the next run finds them done."""
        for path in (self.path, side_file(self.path)):
            with contextlib.suppress(OSError):
                path.unlink()

    def clear(self, purpose: str) -> None:
        """Remove every entry, and set a new purpose.

        Raises:
            JournalError: it cannot be written.
        """
        with self._trouble():
            clear(self._db, purpose)
            self.about = read_verified(self._db)

    def change_fates(self, before: Fate, after: Fate, rejects: str) -> None:
        """Change the fate of all entries that have a certain one, in one commit.

        Args:
            before: their current fate.
            after: their new fate.
            rejects: the new note about the rejects file.

        Raises:
            JournalError: they cannot be written.
        """
        with self._trouble():
            change_fates(self._db, before, after, rejects)
            self.about = read_verified(self._db)

    def _open(self, purpose: str) -> sqlite3.Connection:
        for _ in range(PATIENCE):
            with contextlib.suppress(Replaced, FileNotFoundError):
                return self._open_once(purpose)
        self.path.stat()  # whose error says what is missing: a folder, or what a link leads to
        raise sqlite3.OperationalError("database is locked")

    def _open_once(self, purpose: str) -> sqlite3.Connection:
        if not self.path.exists():
            create(self.path, self.kind, purpose, self._secret)
        before = self.path.stat()
        check_kind(self.path, self.kind)
        try:
            db = connect(self.path)
        except sqlite3.OperationalError:
            self.path.stat()  # another run that just ended may have removed it
            raise
        try:
            db.execute("PRAGMA locking_mode = EXCLUSIVE")
            db.execute("PRAGMA synchronous = EXTRA")
            db.execute("BEGIN EXCLUSIVE")
            db.execute("COMMIT")  # the lock stays until the connection is closed
            _check_same(before, self.path.stat())
            self.about = read_verified(db)
        except BaseException:
            db.close()
            raise
        return db

    def _write_groups(self) -> None:
        while (first := self._pending.get()) is not None:
            group = [first]
            with contextlib.suppress(queue.Empty):
                while len(group) < GROUP and (more := self._pending.get_nowait()) is not None:
                    group.append(more)
                if more is None:
                    self._pending.put(None)  # for the loop, once the group is written
            try:
                with self._trouble():
                    self._commit(group)
            except JournalError as error:
                self._failure = error
            except Exception as error:  # noqa: BLE001 - rows must not wait forever
                name = type(error).__name__
                self._failure = JournalError(f"Cannot write the {self.kind.noun} ({name}).")
            for write in group:
                write.then(self._failure)

    def _commit(self, writes: Sequence["_Write"], rejects: str = "") -> None:
        if self._failure:
            raise self._failure
        about, outstanding = self.about, self.outstanding
        for entry, before, _ in writes:
            about = counted(about, entry, before)
            if outstanding is not None and entry.is_settled and not (before and before.is_settled):
                outstanding -= 1
        # the mark is committed together with the last result
        finished = self._is_finished(outstanding)
        about = about._replace(finished=finished, rejects=rejects or about.rejects)
        with transaction(self._db):
            put(self._db, [write.entry for write in writes])
            describe(self._db, about)
        self.about, self.outstanding = about, outstanding

    def _is_finished(self, outstanding: int | None) -> bool:
        """Return whether to mark the journal as finished."""
        return self.about.finished if outstanding is None else outstanding == 0

    @contextlib.contextmanager
    def _trouble(self) -> Iterator[None]:
        try:
            yield
        except (sqlite3.Error, UnicodeError) as error:
            if "locked" in str(error):
                what, advice = (
                    "is in use by another process",
                    "Try again when that process has ended.",
                )
            else:
                what = f"cannot be used ({error})"
                advice = (
                    DISK_ADVICE if _is_of_disk(error) else self.kind.advice.format(path=self.path)
                )
            raise JournalError(f"{self._name} {what}. {self.kind.holds} {advice}") from error
        except OSError as error:
            reason = error.strerror or error
            raise JournalError(
                f"{self._name} cannot be used ({reason}). {FOLDER_ADVICE}"
            ) from error

    @property
    def _name(self) -> str:
        return f"{self.kind.noun.capitalize()} '{self.path}'"


class _Write(NamedTuple):
    entry: Entry
    before: Entry | None
    then: Callable[[JournalError | None], None]


def _entry(row: Sequence[Any]) -> Entry:
    return Entry(row[0], Fate(row[1]), *row[2:])


def _check_same(before: os.stat_result, now: os.stat_result) -> None:
    # a run that just ended may have removed its journal, and another run created one
    if now.st_ino != before.st_ino:
        raise Replaced


def _ignore(_: JournalError | None) -> None:
    pass


def _is_of_disk(error: Exception) -> bool:
    """Tell whether the cause is the disk or a file mode, and not the content of the file."""
    name: str = getattr(error, "sqlite_errorname", "")
    return name.startswith(DISK_ERRORS)
