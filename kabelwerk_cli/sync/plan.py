"""The plan of a sync: the differences between a file and a state.

SQLite joins the rows with the entries of the state; rows without a difference need nothing.
"""

import itertools
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from kabelwerk_cli.journal.fate import Fate
from kabelwerk_cli.journal.origin import OWN, Origin
from kabelwerk_cli.rows.other_keys import OtherKeys
from kabelwerk_cli.rows.row import Place, Row
from kabelwerk_cli.rows.table import BLOCK, Table, temporary_trouble

from .actions import IN_FILE, Action
from .state import WHY_KEPT, Digests, Known, State, by_column, hubs_in


class SyncMode(NamedTuple):
    """What a sync is asked to do."""

    creates: bool
    """Whether unknown users are created."""
    delete: bool
    full: bool
    adopt: bool


def difference(
    content: str, fate: str | None, known: str, mode: SyncMode
) -> tuple[Action, str] | None:
    """Return what to do about a row, and the columns that change; None for nothing.

    Args:
        content: the digests of its values.
        fate: what became of its user or room; None if the state has no entry.
        known: the content of that entry.
        mode: what the sync is asked to do.
    """
    origin, _, values = known.partition(" ")
    if mode.adopt:
        return None if origin in OWN else (Action.ADOPT, "")
    if fate is None or (origin == Origin.WANTED and mode.creates):
        return Action.CREATE if mode.creates else Action.UPDATE, changed_columns(content, "")
    changed = changed_columns(content, values)
    if fate == Fate.DONE and not changed:
        return (Action.RESEND, "") if mode.full else None
    return Action.UPDATE, changed


def changed_columns(content: str, known: str) -> str:
    """Return the columns whose values differ from the known ones."""
    before = by_column(known)
    changed = [name for name, digest in by_column(content).items() if before.get(name) != digest]
    return ", ".join(changed)


# the digest of a row is that of its key, which is the ID in the state; empty if it has none
_COLUMNS = "content TEXT NOT NULL"
_TABLES = """
CREATE TABLE IF NOT EXISTS entries (
    id BLOB PRIMARY KEY, fate TEXT, key TEXT, hub TEXT, content TEXT
) WITHOUT ROWID;
CREATE TABLE hidden (
    digest BLOB PRIMARY KEY, key TEXT NOT NULL, hub TEXT NOT NULL
) WITHOUT ROWID;
CREATE TABLE changes (number INTEGER PRIMARY KEY, action TEXT NOT NULL, detail TEXT NOT NULL);
CREATE TABLE rejected (number INTEGER PRIMARY KEY, message TEXT NOT NULL);
"""
_ADD = "INSERT INTO rows (number, line, key, hub, digest, target, content, bad) VALUES "
# it has all that is compared, so that rows and entries are read in the same order
_INDEX = "CREATE INDEX by_digest ON rows (digest, bad, number, content)"
_COMPARED = """
SELECT number, rows.content, fate, ifnull(entries.content, '')
FROM rows LEFT JOIN entries ON id = digest WHERE NOT bad %s ORDER BY digest
"""
_UNLIKE = f"""
AND (
    fate IS NOT '{Fate.DONE}'
    OR substr(entries.content, instr(entries.content, ' ') + 1) != rows.content
)
"""
_TWICE = """
SELECT key, group_concat(line) FROM (
    SELECT key, line, digest, number FROM rows WHERE NOT bad ORDER BY digest, number
) GROUP BY digest HAVING count(*) > 1 ORDER BY min(number)
"""
_KNOWN = "SELECT 1 FROM rows JOIN entries ON entries.id = digest WHERE number = ?"
_LEAVERS = """
SELECT id, key, hub, content, id IN (SELECT digest FROM hidden) FROM entries
WHERE NOT EXISTS (SELECT 1 FROM rows WHERE digest = entries.id) ORDER BY key, hub
"""
_CHANGES = "FROM changes CROSS JOIN rows USING (number) WHERE number > ? ORDER BY number"


class Change(NamedTuple):
    """A change to one user or room."""

    place: Place
    content: str
    """The digests of its row's values, by column."""
    action: Action
    detail: str
    """The columns that change, or why it is kept."""


class SyncPlan(Table):
    """The differences between a file and a state.

    Args:
        state: what earlier runs did, if there were any.
        other_keys: the columns with keys that a spreadsheet may have damaged.

    Attributes:
        nameless: the line of the first invalid row without a readable key.
        counts: how many users or rooms have a change, by its kind.

    Raises:
        ConfigurationError: the temporary file cannot be written.
    """

    def __init__(self, state: State | None = None, other_keys: Sequence[str] = ()) -> None:
        super().__init__(_COLUMNS, "digest", state)
        self._db.executescript(_TABLES)
        self._others = OtherKeys(self, other_keys)
        self.nameless: int | None = None
        self.counts = Counter[Action]()

    @property
    def changes(self) -> int:
        """How many users or rooms have a change."""
        return self.counts.total()

    @property
    def unchanged(self) -> int:
        """How many rows match what was last acknowledged."""
        return self.rows - sum(self.counts[action] for action in IN_FILE)

    def add(self, rows: Iterable[Row], digests: Digests, columns: Collection[str]) -> None:
        """Add the rows of the file."""
        stored = (self._stored(row, digests, columns) for row in rows)
        while block := list(itertools.islice(stored, BLOCK)):
            places = ", ".join(["(?, ?, ?, ?, ?, ?, ?, ?)"] * len(block))
            with temporary_trouble():
                self._db.execute(_ADD + places, list(itertools.chain.from_iterable(block)))
            self._others.store()
            self.rows += len(block)

    def _stored(self, row: Row, digests: Digests, columns: Collection[str]) -> tuple[Any, ...]:
        number, line, key, hub, *_ = row
        bad = bool(row.problem)
        if bad:
            self.bad += 1
            self.nameless = self.nameless or (None if key else line)
        else:
            self._others.note((row,))
        content = "" if bad else digests.of_values(row, columns)
        digest = digests.of_key(hub, key) if key else b""
        return number, line, key, hub, digest, number, content, bad

    def keep(self, rows: Iterable[Row], digests: Digests) -> None:
        """Note rows that are hidden and left out: whom they are about is not deleted."""
        for row in rows:
            if not row.key:
                self.nameless = self.nameless or row.line
                continue
            with temporary_trouble():
                digest = digests.of_key(row.hub, row.key)
                insert = "INSERT OR IGNORE INTO hidden VALUES (?, ?, ?)"
                self._db.execute(insert, (digest, row.key, row.hub))

    def compare(self, mode: SyncMode) -> None:
        """Find the differences from the state.

        Raises:
            ConfigurationError: the disk is full.
        """
        with temporary_trouble():
            self._db.execute("BEGIN")
            self._db.execute(_INDEX)
            self._db.execute(
                "INSERT INTO changes SELECT number, ?, '' FROM rows WHERE bad", [Action.INVALID]
            )
            self.counts[Action.INVALID] = self.bad
            self._add_changes(self._differences(mode))
            self._add_changes(self._leavers(mode))
            self._db.execute("COMMIT")

    def _differences(self, mode: SyncMode) -> Iterator[tuple[int, Action, str]]:
        everything = mode.full or mode.adopt
        query = _COMPARED % ("" if everything else _UNLIKE)
        for number, content, fate, known in self.select(query):
            if found := difference(content, fate, known, mode):
                yield (number, *found)

    def _leavers(self, mode: SyncMode) -> Iterator[tuple[int, Action, str]]:
        """Yield what to do about those who are no longer in the file, as rows after the last."""
        leavers = enumerate(self._db.execute(_LEAVERS), start=self.rows + 1)
        add = _ADD + "(?, 0, ?, ?, ?, ?, '', 0)"
        for number, (digest, key, hub, content, is_hidden) in leavers:
            self._db.execute(add, (number, key, hub, digest, number))
            if mode.adopt:
                continue  # nobody leaves, but keys in the file may look like theirs
            origin = Known.read(content).origin
            if mode.delete and origin in OWN and not is_hidden:
                yield number, Action.DELETE, ""
            else:
                yield number, Action.KEEP, self._why_kept(origin, mode, is_hidden=is_hidden)

    def _why_kept(self, origin: Origin, mode: SyncMode, *, is_hidden: bool) -> str:
        if is_hidden:
            return "their rows are hidden"
        if mode.delete:
            return WHY_KEPT[origin]
        return f"line {self.nameless} may be about one of them" if self.nameless else ""

    def _add_changes(self, changes: Iterator[tuple[int, Action, str]]) -> None:
        for change in changes:
            self._db.execute("INSERT INTO changes VALUES (?, ?, ?)", change)
            self.counts[change[1]] += 1

    def twice(self) -> Iterator[tuple[str, list[int]]]:
        """Yield each key that has several valid rows, with their lines."""
        for key, lines in self.select(_TWICE):
            yield key, [int(line) for line in lines.split(",")]

    def keep_leaver(self, number: int, why: str) -> None:
        """Keep a user or room that is no longer in the file."""
        place = Place(number, 0, "")
        self.counts[self.action_of(place)] -= 1
        self.counts[Action.KEEP] += 1
        with temporary_trouble():
            update = "UPDATE changes SET action = ?, detail = ? WHERE number = ?"
            self._db.execute(update, (Action.KEEP, why, number))

    def knows(self, place: Place) -> bool:
        """Tell whether the state has the user or room of a row."""
        return next(self.select(_KNOWN, place.number), None) is not None

    def refuse(self, place: Place, *, names_nobody: bool) -> None:
        """Note that a row turned out to be invalid, perhaps because of its key."""
        if names_nobody:
            self.nameless = self.nameless or place.line
        self.bad += 1
        self.counts[self.action_of(place)] -= 1
        self.counts[Action.INVALID] += 1
        with temporary_trouble():
            self._db.execute("UPDATE rows SET bad = 1 WHERE number = ?", [place.number])
            update = "UPDATE changes SET action = ? WHERE number = ?"
            self._db.execute(update, (Action.INVALID, place.number))

    def __iter__(self) -> Iterator[Change]:
        """Yield every change, those of the file's rows first, in order."""
        return self.after(0)

    def after(self, number: int) -> Iterator[Change]:
        """Yield the changes that come after one."""
        for place, rest in self.places("content, action, detail", _CHANGES, number):
            content, action, detail = rest
            yield Change(place, content, Action(action), detail)

    def of(self, *actions: Action) -> Iterator[Change]:
        """Yield the changes of some kinds."""
        return (change for change in self if change.action in actions)

    def in_file(self) -> Iterator[Change]:
        """Yield the changes of rows of the file, in order."""
        return self.of(*IN_FILE)

    def valid(self) -> Iterator[Place]:
        """Yield the changes of rows that are valid, in order."""
        return (change.place for change in self if change.action is not Action.INVALID)

    def action_of(self, place: Place) -> Action:
        """Return what was planned for a row."""
        query = "SELECT action FROM changes WHERE number = ?"
        return Action(self._db.execute(query, [place.number]).fetchone()[0])

    def reject(self, place: Place, message: str) -> None:
        """Note why a row was rejected."""
        with temporary_trouble():
            insert = "INSERT OR REPLACE INTO rejected VALUES (?, ?)"
            self._db.execute(insert, (place.number, message))

    def rejected(self, place: Place) -> str | None:
        """Return why a row was rejected, if it was."""
        found = self.select("SELECT message FROM rejected WHERE number = ?", place.number)
        return next((message for (message,) in found), None)

    @property
    def has_rejected(self) -> bool:
        """Whether a row was rejected."""
        return any(self.select("SELECT 1 FROM rejected LIMIT 1"))

    def hubs(self) -> set[str]:
        """Return up to two of the hubs in the rows, `_` among them if it is there."""
        return hubs_in(self._db, "rows WHERE NOT bad")
