"""Records the fate of each row on disk, so that a run can end at any moment and be resumed.

A row's intent is committed and synced before its first byte is sent, its result afterwards. One
thread writes: it commits all rows in flight together, so that they share the cost of the disk, and
passes each on once it is committed.

The file contains digests of rows, keys, hubs, fates, errors and request IDs; no token and no text.
"""

import contextlib
import itertools
import queue
import sqlite3
import threading
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple, Self

from kabelwerk_cli import __version__
from kabelwerk_cli.errors import JournalError

from .entry import Entry, Pair
from .fate import Fate
from .file import (
    COLUMNS,
    JOURNAL,
    About,
    Kind,
    clear,
    describe,
    put,
    side_file,
    transaction,
)
from .keeping import Keeper
from .storage import open_file, trouble


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

_READ = f"SELECT {', '.join(COLUMNS)} FROM entries"  # noqa: S608


class Journal:
    """The journal of one batch. While it is open, no other process can open it.

    Args:
        path: its file, which is created if missing.
        purpose: the command and the address, in words.
        secret: the key of a state's digests.
        kind: what is recorded, and what to do if it is damaged.
        copy: a copy of the file, which is used instead of it.

    Raises:
        JournalError: it is damaged, in use by another process, or cannot be written.
    """

    def __init__(
        self,
        path: Path,
        purpose: str,
        secret: str = "",
        *,
        kind: Kind = JOURNAL,
        copy: Path | None = None,
    ) -> None:
        self.path = path
        self.kind = kind
        self._failure: JournalError | None = None
        self._closed = self._removed = False
        self.about: About
        with self._trouble():
            self._db, self.about = open_file(copy or path, kind, purpose, secret)
            self._keeper = Keeper(copy or path, kind)
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
        """Yield the entries with one of some fates, which may be changed meanwhile."""
        places = ", ".join("?" * len(fates))
        query = f"{_READ} WHERE fate IN ({places}) AND id > ? ORDER BY id LIMIT {GROUP}"
        last = b""
        while True:
            with self._trouble():
                block = [_entry(row) for row in self._db.execute(query, (*fates, last))]
            if not block:
                return
            yield from block
            last = block[-1].id

    def in_order(self) -> Iterator[Entry]:
        """Yield every entry, in the order in which they got their fates; nothing may be written."""
        with self._trouble():
            for row in self._db.execute(f"{_READ} ORDER BY at, key, hub"):
                yield _entry(row)

    def counts(self) -> list[tuple[Fate, int]]:
        """Return how many entries have each fate."""
        with self._trouble():
            rows = self._db.execute("SELECT fate, count(*) FROM entries GROUP BY fate").fetchall()
        return [(Fate(fate), count) for fate, count in rows]

    def write(
        self,
        entry: Entry | None,
        before: Entry | None,
        then: Callable[[JournalError | None], None],
    ) -> None:
        """Queue an entry to be written, and return at once.

        Args:
            entry: what to write; None to remove the entry.
            before: the current entry of the same row.
            then: called once the entry is on disk, or with the error if it cannot be written.
        """
        self._pending.put(_Write((entry, before), then))

    def commit(
        self, pairs: Iterable[Pair] = (), note: Callable[[About], About] = lambda about: about
    ) -> None:
        """Write entries, with those they replace: all of them, or none. Wait for the disk.

        Args:
            pairs: the new and the old entry of each row.
            note: changes the description of the file, once they are written.

        Raises:
            JournalError: they cannot be written.
        """
        if self._failure:
            raise self._failure
        about, rest = self.about, iter(pairs)
        with self._trouble(), transaction(self._db):
            while block := list(itertools.islice(rest, GROUP)):
                # the mark that all is done is committed together with the last result
                about = put(self._db, about, block, self.kind.settled)
            about = note(about)._replace(program=__version__)
            describe(self._db, about)
        self.about = about

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def flush(self) -> None:
        """Write the remaining entries; do not call `write` afterwards."""
        if self._writer.is_alive():
            self._pending.put(None)
            self._writer.join()

    def check_kept(self) -> None:
        """Save the file if another program has deleted or replaced it.

        Raises:
            JournalError: that has happened; the error says where the file is.
        """
        if self._keeper.is_lost:
            self._keeper.save(self._db)
            raise self._keeper.error

    def close(self) -> None:
        """Write the remaining entries, and close the file."""
        if not self._closed:
            self._closed = True
            self.flush()
            if self._keeper.is_lost and not self._removed:
                self._keeper.save(self._db)
            self._db.close()

    def remove(self) -> None:
        """Delete the file, as all rows are done; if that fails, the next run finds them done."""
        if self._keeper.is_lost:
            return
        self._removed = True
        for path in (self.path, side_file(self.path)):
            with contextlib.suppress(OSError):
                path.unlink()

    def clear(self, purpose: str) -> None:
        """Remove every entry, and set a new purpose.

        Raises:
            JournalError: it cannot be written.
        """
        with self._trouble():
            self.about = About(__version__, purpose, self.about.secret)
            clear(self._db, self.about)

    def _write_groups(self) -> None:
        while (first := self._pending.get()) is not None:
            group = [first]
            with contextlib.suppress(queue.Empty):
                while len(group) < GROUP and (more := self._pending.get_nowait()) is not None:
                    group.append(more)
                if more is None:
                    self._pending.put(None)  # for the loop, once the group is written
            if self._keeper.is_lost:
                group = self._refuse_intents(group)
            try:
                self.commit([write.pair for write in group])
            except JournalError as error:
                self._failure = error
            except Exception as error:  # noqa: BLE001 - rows must not wait forever
                name = type(error).__name__
                self._failure = JournalError(
                    f"Cannot write the {self.kind.noun} ({name}).", reason=name
                )
            for write in group:
                write.then(self._failure)

    def _refuse_intents(self, group: list["_Write"]) -> list["_Write"]:
        """Let nothing more be sent; return the results, which are still written."""
        for write in group:
            if write.is_intent:
                write.then(self._keeper.error)
        return [write for write in group if not write.is_intent]

    def _trouble(self) -> contextlib.AbstractContextManager[None]:
        return trouble(self.path, self.kind)


class _Write(NamedTuple):
    pair: Pair
    then: Callable[[JournalError | None], None]

    @property
    def is_intent(self) -> bool:
        """Whether a row is about to be sent."""
        return self.pair[0] is not None and self.pair[0].fate is Fate.IN_FLIGHT


def _entry(row: Sequence[Any]) -> Entry:
    return Entry(row[0], Fate(row[1]), *row[2:])
