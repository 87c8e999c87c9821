"""All rows of a file as they were checked, in a temporary file: memory stays flat."""

import contextlib
import sqlite3
from collections.abc import Iterator
from typing import Any, Self

from kabelwerk_cli.errors import BadFile, ConfigurationError
from kabelwerk_cli.journal.journal import Journal
from kabelwerk_cli.tabular.file import RowFile

from .row import Place

BLOCK = 500
"""How many rows are added by one statement, which may have 32,766 values."""
ANY_HUB = "_"
"""A name for the only hub of an account, instead of its slug."""
_SCHEMA = """
PRAGMA journal_mode = OFF;
PRAGMA synchronous = OFF;
CREATE TABLE rows (
    number INTEGER PRIMARY KEY,
    line INTEGER NOT NULL,
    key TEXT NOT NULL,
    hub TEXT NOT NULL,
    digest BLOB NOT NULL,
    target INTEGER NOT NULL,
    shared INTEGER NOT NULL DEFAULT 0,
    bad INTEGER NOT NULL DEFAULT 0,
    %s
);
CREATE TABLE held (target INTEGER PRIMARY KEY, number INTEGER NOT NULL);
"""


@contextlib.contextmanager
def temporary_trouble() -> Iterator[None]:
    """Turn errors of SQLite into an error about the temporary file."""
    try:
        yield
    except sqlite3.Error as error:
        raise ConfigurationError(
            f"Cannot write a temporary file: {error}. Set TMPDIR to a folder with enough space."
        ) from error


class Table:
    """The rows of a file, to which a plan adds what to do with each. For one thread at a time.

    Args:
        columns: further columns of the table of rows, in SQL.
        row_id: a row's ID in the journal or state, in SQL.
        journal: what earlier runs did, if there were any. It is copied, so that SQLite can look up
            rows in it.

    Attributes:
        rows: how many rows the file has.
        bad: how many of them are invalid.

    Raises:
        ConfigurationError: the temporary file cannot be written.
    """

    def __init__(self, columns: str, row_id: str, journal: Journal | None) -> None:
        self._place = f"number, line, key, hub, {row_id}, target, shared"
        self.rows = self.bad = 0
        self._db = sqlite3.connect("", isolation_level=None)
        # SQLite would drop the exception of a signal that arrives in a function written in Python
        self._db.create_function("to_bytes", 2, int.to_bytes, deterministic=True)
        try:
            with temporary_trouble():
                if journal:
                    journal.copy_to(self._db)
                self._db.executescript(_SCHEMA % columns)
        except BaseException:
            self._db.close()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._db.close()

    def select(self, query: str, *values: object) -> Iterator[Any]:
        """Yield what a query finds."""
        with temporary_trouble():
            # `yield from` would close the cursor of a query that was not read to its end, even if
            # its database is closed
            for row in self._db.execute(query, values):  # noqa: UP028
                yield row

    def execute(self, statement: str, *values: object) -> None:
        """Execute a statement that finds nothing."""
        with temporary_trouble():
            self._db.execute(statement, values)

    def places(self, columns: str, rest: str, *values: object) -> Iterator[tuple[Place, Any]]:
        """Yield rows, each as its place and further columns.

        Args:
            columns: the further columns, in SQL.
            rest: where they come from, which of them, and their order, in SQL.
            values: of the query.
        """
        count = len(Place._fields)
        for row in self.select(f"SELECT {self._place}, {columns} {rest}", *values):
            yield Place._make(row[:count]), row[count:]

    def valid(self) -> Iterator[Place]:
        """Yield the rows that are valid, in order."""
        for place, _ in self.places("0", "FROM rows WHERE NOT bad ORDER BY number"):
            yield place

    def hold(self, place: Place) -> None:
        """Note that the rows for a target that follow a row have to wait."""
        with temporary_trouble():
            self._db.execute(
                "INSERT OR IGNORE INTO held VALUES (?, ?)", (place.target, place.number)
            )

    def held_by(self, place: Place) -> int | None:
        """Return the number of the row that a row waits for, if it does."""
        query = "SELECT number FROM held WHERE target = ?"
        found = self._db.execute(query, (place.target,)).fetchone()
        return found[0] if found else None


def target_of(hub: str, key: str) -> int:
    """Return the number of a target: a user, or a room in a hub."""
    return hash((hub, key))


def check_hubs(file: RowFile, hubs: set[str]) -> None:
    """Refuse a hub under two names, as the order of a room's rows could not be kept."""
    slug = next((hub for hub in hubs if hub != ANY_HUB), None)
    if ANY_HUB in hubs and slug:
        raise BadFile(
            f"'{file.shown}' has rows for hub '{ANY_HUB}' and for hub '{slug}', which may be the "
            "same. Use one name for it in every row."
        )
