"""The plan of a batch: what to do with each row, from the checked file and the journal.

The plan is a table in a temporary file, so memory stays flat however long the file is. Only what
was planned is sent: when the file is read again, each row must have the same content as here.
"""

import contextlib
import itertools
import sqlite3
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from kabelwerk_cli.api.errors import ConfigurationError

from .fate import SENT, SKIPPED, Fate
from .journal import Journal
from .journal_file import Entry

BLOCK = 900
"""How many rows are looked up in the journal at once; every SQLite version accepts 999 values."""
FIRST = bytes(4)
"""The suffix of a digest in the journal, for the first of several rows with the same content."""
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
_ROWS_AT_ONCE = 100
"""How many rows are added by one statement, which is faster than one statement for each."""
_SENT, _SKIPPED = (", ".join(f"'{fate}'" for fate in sorted(fates)) for fates in (SENT, SKIPPED))
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
    """One row as it was checked."""

    number: int
    """1 for the first row after the header."""
    line: int
    """The line in the file where it begins."""
    key: str
    """The key of the user, or of the room's user."""
    digest: bytes
    """Identifies the row's content; rows with the same content have the same digest."""
    target: int
    """Identifies the user or room for which rows are kept in order."""
    fate: Fate | None
    """Its fate in the journal; None if it has no entry."""
    bad: bool
    """Whether it is invalid."""
    at: int = 0
    """When it got its fate; see `PER_SECOND`."""
    before: int = 0
    """How many rows before it have the same content."""
    shared: bool = False
    """Whether there are other rows for its target."""
    closed: bool = False
    """Whether a later row for its target was sent after it was rejected."""
    overridden: bool = False
    """Whether it must be sent again, after another row for its target."""

    @property
    def is_settled(self) -> bool:
        """Whether nothing is left to do with it."""
        return self.fate in SKIPPED and not self.overridden

    @property
    def id(self) -> bytes:
        """The ID of the row in the journal."""
        return self.digest + self.before.to_bytes(len(FIRST))


class Plan:
    """All rows of a file, in order. For one thread at a time."""

    def __init__(self) -> None:
        self._db = sqlite3.connect("", isolation_level=None)
        self._db.executescript("PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF;" + _SCHEMA)
        self.rows = self.bad = self.closed = 0

    def __enter__(self) -> "Plan":
        return self

    def __exit__(self, *_: object) -> None:
        self._db.close()

    def add(self, rows: Sequence[Planned]) -> None:
        """Add the next rows.

        Raises:
            ConfigurationError: the temporary file cannot be written.
        """
        noted = [row for row in rows if row.fate or row.bad]
        fresh = [row for row in rows if not (row.fate or row.bad)] if noted else rows
        with temporary_trouble():
            self._db.execute("BEGIN")
            self._insert(_FRESH, fresh)
            self._insert(_NOTED, noted)
            self._db.execute("COMMIT")
        self.rows += len(rows)
        self.bad += sum(row.bad for row in noted)

    def _insert(self, columns: Sequence[str], rows: Sequence[Planned]) -> None:
        width = len(columns)
        place = f"({', '.join('?' * width)})"
        for start in range(0, len(rows), _ROWS_AT_ONCE):
            some = rows[start : start + _ROWS_AT_ONCE]
            places = ", ".join([place] * len(some))
            values = [value for row in some for value in row[:width]]
            query = f"INSERT INTO rows ({', '.join(columns)}) VALUES {places}"  # noqa: S608
            self._db.execute(query, values)

    def close(self, journal: Journal | None) -> None:
        """Find rows with the same content or target, once all rows are added.

        Raises:
            ConfigurationError: the disk is full, or the journal cannot be read.
        """
        with temporary_trouble():
            self._db.execute("CREATE INDEX by_target ON rows (target)")
            if not self._db.execute(_SHARE).rowcount:
                return
            self._db.execute(_REPEAT)
            if journal and journal.about.entries:
                self._look_up_repeats(journal)
                self.closed = self._db.execute(_CLOSE).rowcount

    def _look_up_repeats(self, journal: Journal) -> None:
        repeats = self._planned("before > 0")
        while block := list(itertools.islice(repeats, BLOCK)):
            found = journal.fates([row.id for row in block])
            self._db.executemany(
                "UPDATE rows SET fate = ?, at = ? WHERE number = ?",
                [(*found[row.id], row.number) for row in block if row.id in found],
            )

    def __iter__(self) -> Iterator[Planned]:
        """Yield every row, in order."""
        with temporary_trouble():
            yield from self._planned("1")

    def open(self) -> Iterator[Planned]:
        """Yield every row that is not settled, in order."""
        with temporary_trouble():
            yield from self._planned(f"NOT ({_SETTLED})")

    def count(self, *fates: Fate) -> int:
        """Return how many rows have one of some fates in the journal, and keep it."""
        places = ", ".join("?" * len(fates))
        query = f"SELECT count(*) FROM rows WHERE fate IN ({places}) AND NOT overridden"  # noqa: S608
        count: int = self._db.execute(query, fates).fetchone()[0]
        return count

    def select(self, query: str, *values: object) -> Iterator[Any]:
        """Yield what a query finds in the table of rows."""
        with temporary_trouble():
            yield from self._db.execute(query, values)

    def last_done(self) -> int | None:
        """Return when the last of the rows that are done was done, by the journal."""
        query = "SELECT max(at) FROM rows WHERE fate = ? AND NOT overridden"
        last: int | None = self._db.execute(query, (Fate.DONE,)).fetchone()[0]
        return last

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

    def compare(self, journal: Journal, *, sets_values: bool) -> None:
        """Find rows that were sent and are no longer in the file, and the rows that they override.

        Args:
            journal: what earlier runs did.
            sets_values: whether a later row of a target may override an earlier one.

        Raises:
            ConfigurationError: the disk is full, or the journal cannot be read.
        """
        with temporary_trouble():
            query = "SELECT count(*) FROM rows WHERE fate IS NOT NULL"
            if self._db.execute(query).fetchone()[0] < journal.about.entries:
                gone = (entry for entry in journal.entries(*SENT) if not self.has(entry))
                self._db.executemany(
                    "INSERT INTO stale VALUES (?, ?)"
                    " ON CONFLICT DO UPDATE SET at = max(at, excluded.at)",
                    ((target_of(entry.hub, entry.key), entry.at) for entry in gone),
                )
            if sets_values and journal.about.entries:
                self._db.executescript(_OVERRIDE)

    def stale_since(self, target: int) -> int | None:
        """Return when a row for a target that is no longer in the file was sent, if one was."""
        found = self._db.execute("SELECT at FROM stale WHERE target = ?", (target,)).fetchone()
        return found[0] if found else None

    def _planned(self, condition: str) -> Iterator[Planned]:
        query = f"SELECT * FROM rows WHERE {condition} ORDER BY number"  # noqa: S608
        for row in map(Planned._make, self._db.execute(query)):
            yield row._replace(fate=Fate(row.fate)) if row.fate else row


_NOTED = Planned._fields[: Planned._fields.index("at") + 1]
_FRESH = Planned._fields[: Planned._fields.index("target") + 1]


def target_of(hub: str, key: str) -> int:
    """Return the number of a target in the plan: a user, or a room in a hub."""
    return hash((hub, key))


@contextlib.contextmanager
def temporary_trouble() -> Iterator[None]:
    """Turn errors of SQLite into an error about the temporary file."""
    try:
        yield
    except sqlite3.Error as error:
        raise ConfigurationError(f"Cannot write a temporary file: {error}.") from error
