"""The plan of a batch: what to do with each row, from the checked file and the journal.

The plan is a table in a temporary file, so memory stays flat however long the file is. Only what
was planned is sent: when the file is read again, each row must have the same content as here.
"""

import sqlite3
from collections.abc import Collection, Iterator, Sequence
from typing import Any

from kabelwerk_cli.journal.fate import SENT, SETTLED, SKIPPED, Fate
from kabelwerk_cli.journal.file import Entry
from kabelwerk_cli.journal.journal import Journal
from kabelwerk_cli.rows.reader import BadRow, Parsed
from kabelwerk_cli.rows.table import FIRST, Planned, target_of, temporary_trouble

Block = Sequence[Parsed | BadRow]
_SCHEMA = """
CREATE TABLE rows (
    number INTEGER PRIMARY KEY,
    line INTEGER NOT NULL,
    key TEXT NOT NULL,
    digest BLOB NOT NULL,
    target INTEGER NOT NULL,
    fate TEXT,
    bad INTEGER NOT NULL DEFAULT 0,
    at INTEGER NOT NULL DEFAULT 0,
    before INTEGER NOT NULL DEFAULT 0,
    shared INTEGER NOT NULL DEFAULT 0,
    closed INTEGER NOT NULL DEFAULT 0,
    overridden INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE held (target INTEGER PRIMARY KEY, number INTEGER NOT NULL);
CREATE TABLE stale (target INTEGER PRIMARY KEY, at INTEGER NOT NULL);
"""
_ADD = "INSERT INTO rows (number, line, key, digest, target) VALUES %s"
# the fate of the first row with a content; `_REPEATS` looks up those of the others
_ADD_KNOWN = f"""
INSERT INTO rows (number, line, key, digest, target, fate, at)
SELECT column1, column2, column3, column4, column5, fate, ifnull(at, 0)
FROM (VALUES %s) LEFT JOIN entries ON id = CAST(column4 || x'{FIRST.hex()}' AS BLOB)
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
FROM entries WHERE rows.before > 0
AND entries.id = CAST(rows.digest || to_bytes(rows.before, {len(FIRST)}) AS BLOB)
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


class Plan:
    """All rows of a file, in order. For one thread at a time.

    Args:
        journal: what earlier runs did, if there were any. It is copied, so that SQLite can look up
            rows in it.

    Raises:
        ConfigurationError: the temporary file cannot be written.
    """

    def __init__(self, journal: Journal | None = None) -> None:
        self._db = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        # SQLite would drop the exception of a signal that arrives in a function written in Python
        self._db.create_function("to_bytes", 2, int.to_bytes, deterministic=True)
        self._journal = journal if journal and journal.about.entries else None
        self._kept: dict[Fate, tuple[int, int]] = {}
        self.rows = self.bad = self.closed = 0
        try:
            with temporary_trouble():
                if self._journal:
                    self._journal.copy_to(self._db)
                pragmas = "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;"
                self._db.executescript(pragmas + _SCHEMA)
        except BaseException:
            self._db.close()
            raise

    def __enter__(self) -> "Plan":
        return self

    def __exit__(self, *_: object) -> None:
        self._db.close()

    def add(self, rows: Block) -> Block:
        """Add the next rows, about `BLOCK`.

        Returns:
            Those that no earlier run settled.

        Raises:
            ConfigurationError: the temporary file cannot be written.
        """
        values = [
            value
            for row in rows
            for value in (row.number, row.line, row.key, row.digest, target_of(row.hub, row.key))
        ]
        places = ", ".join(["(?, ?, ?, ?, ?)"] * len(rows))
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
        with temporary_trouble():
            yield from self._planned("1")

    def unsettled(self) -> Iterator[Planned]:
        """Yield every row that is not settled, in order."""
        with temporary_trouble():
            yield from self._planned(f"NOT ({_SETTLED})")

    def count(self, *fates: Fate) -> int:
        """Return how many rows have one of some fates that are not tried again, and keep it."""
        return sum(self._kept[fate][0] for fate in fates if fate in self._kept)

    def count_open(self) -> int:
        """Return how many rows need something to be done about them in this file."""
        ((count,),) = self.select(f"SELECT count(*) FROM rows WHERE {_OPEN}")  # noqa: S608
        return int(count)

    def select(self, query: str, *values: object) -> Iterator[Any]:
        """Yield what a query finds in the table of rows."""
        with temporary_trouble():
            yield from self._db.execute(query, values)

    def last_done(self) -> int | None:
        """Return when the last of the rows that are done was done, by the journal."""
        return self._kept[Fate.DONE][1] if Fate.DONE in self._kept else None

    def hold(self, target: int, number: int) -> None:
        """Note that the rows for a target that follow the row `number` have to wait."""
        with temporary_trouble():
            self._db.execute("INSERT OR IGNORE INTO held VALUES (?, ?)", (target, number))

    def held_by(self, target: int) -> int | None:
        """Return the number of the row that the rows for a target wait for, if they do."""
        query = "SELECT number FROM held WHERE target = ?"
        found = self._db.execute(query, (target,)).fetchone()
        return found[0] if found else None

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

    def stale_since(self, target: int) -> int | None:
        """Return when a row for a target that is no longer in the file was sent, if one was."""
        found = self._db.execute("SELECT at FROM stale WHERE target = ?", (target,)).fetchone()
        return found[0] if found else None

    def _planned(self, condition: str) -> Iterator[Planned]:
        query = f"SELECT * FROM rows WHERE {condition} ORDER BY number"  # noqa: S608
        for row in map(Planned._make, self._db.execute(query)):
            yield row._replace(fate=Fate(row.fate)) if row.fate else row
