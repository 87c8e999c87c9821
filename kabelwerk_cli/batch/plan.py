"""The plan of a batch: what to do with each row, from the checked file and the journal."""

from collections.abc import Collection, Iterator, Sequence
from typing import NamedTuple

from kabelwerk_cli.journal.entry import Entry
from kabelwerk_cli.journal.fate import SENT, SETTLED, SKIPPED, Fate
from kabelwerk_cli.journal.journal import Journal
from kabelwerk_cli.rows.row import Place, Row
from kabelwerk_cli.rows.table import ANY_HUB, Table, target_of, temporary_trouble

FIRST = bytes(4)
"""The suffix of a digest in the journal, for the first of several rows with the same content."""
_COLUMNS = """
    fate TEXT,
    at INTEGER NOT NULL DEFAULT 0,
    before INTEGER NOT NULL DEFAULT 0,
    closed INTEGER NOT NULL DEFAULT 0,
    overridden INTEGER NOT NULL DEFAULT 0
"""
_ID = f"CAST(rows.digest || to_bytes(rows.before, {len(FIRST)}) AS BLOB)"
_STALE = "CREATE TABLE stale (target INTEGER PRIMARY KEY, at INTEGER NOT NULL)"
_ADD = "INSERT INTO rows (number, line, key, hub, digest, target) VALUES %s"
# the fate of the first row with a content; `_REPEATS` looks up those of the others
_ADD_KNOWN = f"""
INSERT INTO rows (number, line, key, hub, digest, target, fate, at)
SELECT column1, column2, column3, column4, column5, column6, fate, ifnull(at, 0)
FROM (VALUES %s) LEFT JOIN entries ON id = CAST(column5 || x'{FIRST.hex()}' AS BLOB)
"""  # noqa: S608
_SENT, _SKIPPED, _NOT_OPEN = (
    ", ".join(f"'{fate}'" for fate in sorted(fates)) for fates in (SENT, SKIPPED, SETTLED)
)
_OPEN = f"NOT bad AND ifnull(fate, '') NOT IN ({_NOT_OPEN})"
_SETTLED = f"ifnull(fate, '') IN ({_SKIPPED}) AND NOT overridden"
"""The same as `Planned.is_settled`."""
_SHARE = """
UPDATE rows SET shared = 1
WHERE target IN (SELECT target FROM rows GROUP BY target HAVING count(*) > 1)
"""
# Rows with the same content have the same target, so only rows that share a target are compared.
_REPEAT = """
UPDATE rows SET before = found.before, fate = NULL
FROM (
    SELECT number, row_number() OVER (PARTITION BY digest ORDER BY number) - 1 AS before
    FROM rows WHERE shared
) AS found
WHERE rows.number = found.number AND found.before > 0
"""
_REPEATS = f"""
UPDATE rows SET fate = entries.fate, at = entries.at
FROM entries WHERE rows.before > 0 AND entries.id = {_ID}
"""  # noqa: S608
# A rejected row is closed once a later one for the same target was sent: sending it again would
# overwrite the newer value with the older one.
_CLOSE = f"""
UPDATE rows SET closed = 1
WHERE fate = '{Fate.REJECTED}' AND shared AND EXISTS (
    SELECT 1 FROM rows AS later
    WHERE later.target = rows.target AND later.number > rows.number AND later.fate IN ({_SENT})
)
"""  # noqa: S608
# The last row done for a target is overridden if another row for the target was sent after it, or
# will be: an earlier row of the file, or one that is no longer in it. The plus makes SQLite sort
# the few rows that are found instead of reading all of them in the order of the index.
_LAST_DONE = f"""
SELECT target, max(number) AS number, at FROM rows
WHERE fate = '{Fate.DONE}' AND %s GROUP BY +target
"""  # noqa: S608
_OVERRIDE = f"""
UPDATE rows SET overridden = 1 WHERE number IN (
    SELECT last.number FROM ({_LAST_DONE % "shared"}) AS last
    JOIN rows AS other ON other.target = last.target AND other.number < last.number
    WHERE NOT other.bad AND (
        other.fate IS NULL
        OR other.fate IN ('{Fate.FAILED}', '{Fate.UNKNOWN}', '{Fate.IN_FLIGHT}')
        OR other.fate = '{Fate.DONE}' AND other.at > last.at
    )
    UNION
    SELECT last.number FROM ({_LAST_DONE % "target IN (SELECT target FROM stale)"}) AS last
    JOIN stale USING (target) WHERE stale.at > last.at
);
"""  # noqa: S608


class Planned(NamedTuple):
    """A row as it was checked, and what the journal knows about it."""

    place: Place
    fate: Fate | None
    """Its fate in the journal; None if it has no entry."""
    bad: bool = False
    """Whether it is invalid."""
    closed: bool = False
    """Whether a later row for its target was sent after it was rejected."""
    overridden: bool = False
    """Whether it must be sent again, after another row for its target."""

    @property
    def is_settled(self) -> bool:
        """Whether nothing is left to do with it."""
        return self.fate in SKIPPED and not self.overridden


class Plan(Table):
    """All rows of a file, in order, and what to do with each.

    Args:
        journal: what earlier runs did, if there were any.

    Raises:
        ConfigurationError: the temporary file cannot be written.
    """

    def __init__(self, journal: Journal | None = None) -> None:
        self._journal = journal if journal and journal.about.entries else None
        self._kept: dict[Fate, tuple[int, int]] = {}
        self.closed = 0
        super().__init__(_COLUMNS, _ID, self._journal)
        self._db.execute(_STALE)

    def add(self, rows: Sequence[Row]) -> Sequence[Row]:
        """Add the next rows, about `BLOCK`.

        Returns:
            Those that no earlier run settled.

        Raises:
            ConfigurationError: the temporary file cannot be written.
        """
        values = [
            value
            for number, line, key, hub, digest, *_ in rows
            for value in (number, line, key, hub, digest, target_of(hub, key))
        ]
        places = ", ".join(["(?, ?, ?, ?, ?, ?)"] * len(rows))
        with temporary_trouble():
            self._db.execute((_ADD_KNOWN if self._journal else _ADD) % places, values)
        self.rows += len(rows)
        if self._journal is None:
            return rows
        query = f"SELECT number FROM rows WHERE number >= ? AND NOT ({_SETTLED})"  # noqa: S608
        left = {number for (number,) in self.select(query, rows[0].number)}
        return [row for row in rows if row.number in left]

    def refuse(self, numbers: Collection[int]) -> None:
        """Note which rows are invalid, about `BLOCK` at once."""
        places = ", ".join("?" * len(numbers))
        with temporary_trouble():
            update = f"UPDATE rows SET bad = 1 WHERE number IN ({places})"  # noqa: S608
            self._db.execute(update, tuple(numbers))
        self.bad += len(numbers)

    def complete(self) -> None:
        """Find rows with the same content or target, once all rows are added.

        Raises:
            ConfigurationError: the disk is full.
        """
        with temporary_trouble():
            self._db.execute("CREATE INDEX by_target ON rows (target)")
            if not self._db.execute(_SHARE).rowcount:
                return
            self._db.execute(_REPEAT)
            if self._journal:
                self._db.execute(_REPEATS)
                self.closed = self._db.execute(_CLOSE).rowcount

    def __iter__(self) -> Iterator[Planned]:
        """Yield every row, in order."""
        return self._planned("1")

    def unsettled(self) -> Iterator[Planned]:
        """Yield every row that is not settled, in order."""
        return self._planned(f"NOT ({_SETTLED})")

    def count(self, *fates: Fate) -> int:
        """Return how many rows have one of some fates that are not tried again, and keep it."""
        return sum(self._kept[fate][0] for fate in fates if fate in self._kept)

    def count_open(self) -> int:
        """Return how many rows need something to be done about them in this file."""
        ((count,),) = self.select(f"SELECT count(*) FROM rows WHERE {_OPEN}")  # noqa: S608
        return int(count)

    def last_done(self) -> int | None:
        """Return when the last of the rows that are done was done, by the journal."""
        return self._kept[Fate.DONE][1] if Fate.DONE in self._kept else None

    def has(self, entry: Entry) -> bool:
        """Tell whether the row of a journal's entry is in the file."""
        digest, before = entry.id[: -len(FIRST)], int.from_bytes(entry.id[-len(FIRST) :])
        query = "SELECT 1 FROM rows WHERE target = ? AND digest = ? AND before = ?"
        values = (target_of(entry.hub, entry.key), digest, before)
        return self._db.execute(query, values).fetchone() is not None

    def compare(self, *, sets_values: bool) -> None:
        """Find rows that were sent and are no longer in the file, and the rows that they override.

        Args:
            sets_values: whether a later row of a target may override an earlier one.

        Raises:
            ConfigurationError: the disk is full, or the journal cannot be read.
        """
        if self._journal is None:
            return
        with temporary_trouble():
            query = "SELECT count(*) FROM rows WHERE fate IS NOT NULL"
            if self._db.execute(query).fetchone()[0] < self._journal.about.entries:
                gone = (entry for entry in self._journal.entries(*SENT) if not self.has(entry))
                self._db.executemany(
                    "INSERT INTO stale VALUES (?, ?)"
                    " ON CONFLICT DO UPDATE SET at = max(at, excluded.at)",
                    ((target_of(entry.hub, entry.key), entry.at) for entry in gone),
                )
            if sets_values:
                self._db.executescript(_OVERRIDE)
            query = "SELECT count(*), max(at) FROM rows WHERE fate = ? AND NOT overridden"
            for fate in SKIPPED:
                self._kept[fate] = self._db.execute(query, (fate,)).fetchone()

    def hubs_of_two_names(self) -> tuple[str, str] | None:
        """Return a hub of the file and one of a sent row in the journal that may be the same.

        A file has only one kind of name for its hubs, see `check_hubs`.
        """
        if self._journal is None:
            return None
        for (hub,) in self.select("SELECT hub FROM rows WHERE NOT bad LIMIT 1"):
            query = f"SELECT hub FROM entries WHERE fate IN ({_SENT}) AND (hub = ?) != ? LIMIT 1"  # noqa: S608
            for (other,) in self.select(query, ANY_HUB, hub == ANY_HUB):
                return hub, other
        return None

    def stale_since(self, target: int) -> int | None:
        """Return when a row for a target that is no longer in the file was sent, if one was."""
        found = self._db.execute("SELECT at FROM stale WHERE target = ?", (target,)).fetchone()
        return found[0] if found else None

    def _planned(self, condition: str) -> Iterator[Planned]:
        columns = "fate, bad, closed, overridden"
        rows = self.places(columns, f"FROM rows WHERE {condition} ORDER BY number")
        for place, (fate, *marks) in rows:
            yield Planned(place, Fate(fate) if fate else None, *marks)


def id_of(digest: bytes, before: int) -> bytes:
    """Return the ID in the journal of a row, after some rows with the same content."""
    return digest + before.to_bytes(len(FIRST))
