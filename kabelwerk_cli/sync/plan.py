"""The plan of a sync: the differences between a file and a state, in flat memory.

Both are read in the order of their keys' digests, by which SQLite sorts the file's rows.
Differences are kept in a temporary file; rows without a difference need nothing.
"""

import itertools
import sqlite3
from collections import Counter
from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

from kabelwerk_cli.journal.fate import Fate
from kabelwerk_cli.rows.reader import BadRow, Parsed
from kabelwerk_cli.rows.table import BLOCK, temporary_trouble

from .actions import IN_FILE, Action
from .state import OWN, WHY_KEPT, Digests, Known, Stored, by_column, hubs_in


class Wish(NamedTuple):
    """What a sync is asked to do."""

    creates: bool
    """Whether unknown users are created."""
    delete: bool
    full: bool
    adopt: bool


class FileRow(NamedTuple):
    """A row as it is compared with the state."""

    id: bytes
    number: int
    content: str | None
    """None if its cells are invalid."""


def side_by_side(
    rows: Iterator[FileRow], stored: Iterator[Stored]
) -> Iterator[tuple[FileRow | None, Stored | None]]:
    """Yield each row beside the entry with its ID; either may be missing."""
    entry = next(stored, None)
    for row in rows:
        while entry is not None and entry.id < row.id:
            yield None, entry
            entry = next(stored, None)
        if entry is not None and entry.id == row.id:
            yield row, entry
            entry = next(stored, None)
        else:
            yield row, None
    while entry is not None:
        yield None, entry
        entry = next(stored, None)


def difference(content: str, entry: Stored | None, wish: Wish) -> tuple[Action, str] | None:
    """Return what to do about a row, and the columns that change; None for nothing."""
    if entry is None:
        if wish.adopt:
            return Action.ADOPT, ""
        return Action.CREATE if wish.creates else Action.UPDATE, changed_columns(content, "")
    if wish.adopt:
        return None if Known.read(entry.content).origin in OWN else (Action.ADOPT, "")
    if entry.is_wanted and wish.creates:
        return Action.CREATE, changed_columns(content, "")
    known = entry.content.partition(" ")[2]
    if entry.fate == Fate.DONE and (known == content or not changed_columns(content, known)):
        return (Action.RESEND, "") if wish.full else None
    return Action.UPDATE, changed_columns(content, known)


def changed_columns(content: str, known: str) -> str:
    """Return the columns whose values differ from the known ones."""
    before = by_column(known)
    changed = [name for name, digest in by_column(content).items() if before.get(name) != digest]
    return ", ".join(changed)


_SCHEMA = """
CREATE TABLE rows (
    number INTEGER PRIMARY KEY,
    line INTEGER NOT NULL,
    key TEXT NOT NULL,
    hub TEXT NOT NULL,
    digest BLOB NOT NULL,
    id BLOB,
    content TEXT
);
CREATE TABLE changes (
    number INTEGER PRIMARY KEY,
    line INTEGER NOT NULL,
    key TEXT NOT NULL,
    hub TEXT NOT NULL,
    digest BLOB NOT NULL,
    id BLOB NOT NULL,
    content TEXT NOT NULL,
    action TEXT NOT NULL,
    detail TEXT NOT NULL
);
CREATE TABLE hidden (id BLOB PRIMARY KEY, line INTEGER NOT NULL);
CREATE TABLE leavers (
    id BLOB NOT NULL, key TEXT NOT NULL, hub TEXT NOT NULL, action TEXT NOT NULL, why TEXT NOT NULL
);
CREATE TABLE rejected (number INTEGER PRIMARY KEY, message TEXT NOT NULL);
"""
_ADD = "INSERT INTO changes VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)"
_ADD_NAMELESS = f"""
INSERT INTO changes
SELECT number, line, key, hub, digest, x'', '', '{Action.INVALID}', '' FROM rows WHERE id IS NULL
"""  # noqa: S608
_ADD_LEAVERS = """
INSERT INTO changes
SELECT ? + row_number() OVER (ORDER BY key, hub), 0, key, hub, x'', id, '', action, why FROM leavers
"""
_ROW = "SELECT line, key, hub, digest FROM rows WHERE number = ?"


class Change(NamedTuple):
    """A change to one user or room."""

    number: int
    """The number of its row; users who are in no row come after the last."""
    line: int
    key: str
    hub: str
    digest: bytes
    """Identifies the row as it was checked."""
    id: bytes
    """Its ID in the state."""
    content: str
    """The digests of its row's values, by column."""
    action: Action
    detail: str
    """The columns that change, or why it is kept."""
    shared: bool = False
    """Always false: there is one row for each user or room."""

    @property
    def bad(self) -> bool:
        """Whether its row is invalid."""
        return self.action is Action.INVALID

    @property
    def target(self) -> int:
        """Identifies the user or room."""
        return self.number


class SyncPlan:
    """The differences between a file and a state. For one thread at a time."""

    def __init__(self) -> None:
        self._db = sqlite3.connect("", isolation_level=None)
        self._db.executescript("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;" + _SCHEMA)
        self.rows = 0
        """How many rows the file has."""
        self.nameless: int | None = None
        """The line of the first invalid row without a readable key."""
        self.twice: tuple[int, int] | None = None
        """The numbers of the first rows that have the same key."""
        self.counts = Counter[Action]()

    def __enter__(self) -> "SyncPlan":
        return self

    def __exit__(self, *_: object) -> None:
        self._db.close()

    @property
    def changes(self) -> int:
        """How many users or rooms have a change."""
        return self.counts.total()

    @property
    def bad(self) -> int:
        """How many rows are invalid."""
        return self.counts[Action.INVALID]

    @property
    def unchanged(self) -> int:
        """How many rows match what was last acknowledged."""
        return self.rows - sum(self.counts[action] for action in IN_FILE)

    def add(
        self, rows: Iterable[Parsed | BadRow], digests: Digests, columns: Iterable[str]
    ) -> None:
        """Add the rows of the file."""
        columns = tuple(columns)
        numbered = (self._stored(row, digests, columns) for row in rows)
        while block := list(itertools.islice(numbered, BLOCK)):
            with temporary_trouble():
                self._db.execute("BEGIN")
                self._db.executemany("INSERT INTO rows VALUES (?, ?, ?, ?, ?, ?, ?)", block)
                self._db.execute("COMMIT")
            self.rows += len(block)

    def _stored(
        self, row: Parsed | BadRow, digests: Digests, columns: tuple[str, ...]
    ) -> tuple[Any, ...]:
        key, hub = row.key, row.hub
        digest_of_key = digests.of_key(hub, key) if key else None
        content = digests.of_values(row, columns) if isinstance(row, Parsed) else None
        if content is None and not key:
            self.nameless = self.nameless or row.line
        return row.number, row.line, key, hub, row.digest, digest_of_key, content

    def keep(self, rows: Iterable[Parsed | BadRow], digests: Digests) -> None:
        """Note rows that are hidden and left out: whom they are about is not deleted."""
        for row in rows:
            if not row.key:
                self.nameless = self.nameless or row.line
                continue
            with temporary_trouble():
                values = (digests.of_key(row.hub, row.key), row.line)
                self._db.execute("INSERT OR IGNORE INTO hidden VALUES (?, ?)", values)

    def compare(self, stored: Iterator[Stored], wish: Wish) -> None:
        """Find the differences from a state.

        Args:
            stored: the state's entries, in the order of their IDs.
            wish: what to do about them.

        Raises:
            ConfigurationError: the disk is full, or the state cannot be read.
        """
        with temporary_trouble():
            query = "SELECT id, number, content FROM rows WHERE id IS NOT NULL ORDER BY id, number"
            rows = map(FileRow._make, self._db.execute(query))
            self._db.execute("BEGIN")
            self.counts[Action.INVALID] += self._db.execute(_ADD_NAMELESS).rowcount
            for row, entry in side_by_side(self._one_each(rows), stored):
                if row is None:
                    if entry and not wish.adopt:
                        self._note_leaver(entry, wish)
                elif row.content is None:
                    self._note(row.number, Action.INVALID, "", row.id, "")
                elif found := difference(row.content, entry, wish):
                    self._note(row.number, *found, row.id, row.content)
            self._db.execute(_ADD_LEAVERS, (self.rows,))
            self._db.execute("COMMIT")

    def _one_each(self, rows: Iterator[FileRow]) -> Iterator[FileRow]:
        """Yield one row for each key, and note the first key with two valid rows."""
        last: FileRow | None = None
        for row in rows:
            if last is None or row.id != last.id:
                if last:
                    yield last
                last = row
            elif last.content is None or row.content is None:
                bad, good = (last, row) if last.content is None else (row, last)
                self._note(bad.number, Action.INVALID, "", bad.id, "")
                last = good
            elif self.twice is None or last.number < self.twice[0]:
                self.twice = (last.number, row.number)
        if last:
            yield last

    def _note(self, number: int, action: Action, detail: str, row_id: bytes, content: str) -> None:
        row = self._db.execute(_ROW, (number,)).fetchone()
        self._db.execute(_ADD, (number, *row, row_id, content, action, detail))
        self.counts[action] += 1

    def _note_leaver(self, entry: Stored, wish: Wish) -> None:
        origin = Known.read(entry.content).origin
        query = "SELECT line FROM hidden WHERE id = ?"
        hidden = self._db.execute(query, (entry.id,)).fetchone()
        deletes = wish.delete and origin in OWN and not hidden
        action = Action.DELETE if deletes else Action.KEEP
        why = f"line {self.nameless} may be about one of them" if self.nameless else ""
        if wish.delete:
            why = WHY_KEPT.get(origin, "") if action is Action.KEEP else ""
        if hidden:
            why = "their rows are hidden"
        values = (entry.id, entry.key, entry.hub, action, why)
        self._db.execute("INSERT INTO leavers VALUES (?, ?, ?, ?, ?)", values)
        self.counts[action] += 1

    def refuse(self, number: int, *, names_nobody: bool) -> None:
        """Note that a row turned out to be invalid, perhaps because of its key."""
        if names_nobody:
            self.nameless = self.nameless or self.row(number)[0]
        with temporary_trouble():
            self.counts[self.action_of(number)] -= 1
            self.counts[Action.INVALID] += 1
            update = "UPDATE changes SET action = ? WHERE number = ?"
            self._db.execute(update, (Action.INVALID, number))

    def __iter__(self) -> Iterator[Change]:
        """Yield every change, those of the file's rows first, in order."""
        yield from self.after(0)

    def after(self, number: int) -> Iterator[Change]:
        """Yield the changes that come after one."""
        query = "SELECT * FROM changes WHERE number > ? ORDER BY number"
        with temporary_trouble():
            for row in self._db.execute(query, (number,)):
                change = Change._make((*row, False))
                yield change._replace(action=Action(change.action))

    def in_file(self) -> Iterator[Change]:
        """Yield the changes of rows of the file, in order."""
        return self.of(*IN_FILE)

    def of(self, *actions: Action) -> Iterator[Change]:
        """Yield the changes of some kinds."""
        return (change for change in self if change.action in actions)

    def action_of(self, number: int) -> Action:
        """Return what was planned for a row."""
        query = "SELECT action FROM changes WHERE number = ?"
        return Action(self._db.execute(query, (number,)).fetchone()[0])

    def row(self, number: int) -> tuple[int, str]:
        """Return the line and the key of a row."""
        line, key, *_ = self._db.execute(_ROW, (number,)).fetchone()
        return line, key

    def reject(self, number: int, message: str) -> None:
        """Note why a row was rejected."""
        with temporary_trouble():
            self._db.execute("INSERT OR REPLACE INTO rejected VALUES (?, ?)", (number, message))

    def rejected(self, number: int) -> str | None:
        """Return why a row was rejected, if it was."""
        query = "SELECT message FROM rejected WHERE number = ?"
        found = self._db.execute(query, (number,)).fetchone()
        return found[0] if found else None

    @property
    def has_rejected(self) -> bool:
        """Whether a row was rejected."""
        return self._db.execute("SELECT 1 FROM rejected LIMIT 1").fetchone() is not None

    def hubs(self) -> set[str]:
        """Return up to two of the hubs in the rows, `_` among them if it is there."""
        return hubs_in(self._db, "rows WHERE content IS NOT NULL")

    def select(self, query: str, *values: object) -> Iterator[Any]:
        """Yield what a query finds in the table of rows."""
        with temporary_trouble():
            yield from self._db.execute(query, values)

    def hold(self, target: int, number: int) -> None:
        """Do nothing: there is one row for each user or room."""

    def held_by(self, target: int) -> int | None:
        """Return None: no row waits for another."""
        del target
        return None
