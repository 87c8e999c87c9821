"""The rows of a file as they were checked, and how to read them again."""

import contextlib
import itertools
import sqlite3
from collections.abc import Iterable, Iterator
from typing import NamedTuple, Protocol, TypeVar

from kabelwerk_cli.errors import BadFile, ConfigurationError
from kabelwerk_cli.journal.fate import SKIPPED, Fate
from kabelwerk_cli.tabular.file import Raw, RowFile

from .reader import BadRow, Parsed, Row, RowReader

BLOCK = 500
"""How many rows are added by one statement, which may have 32,766 values."""


@contextlib.contextmanager
def temporary_trouble() -> Iterator[None]:
    """Turn errors of SQLite into an error about the temporary file."""
    try:
        yield
    except sqlite3.Error as error:
        raise ConfigurationError(
            f"Cannot write a temporary file: {error}. Set TMPDIR to a folder with enough space."
        ) from error


FIRST = bytes(4)
"""The suffix of a digest in the journal, for the first of several rows with the same content."""


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
        return id_of(self.digest, self.before)


def id_of(digest: bytes, before: int) -> bytes:
    """Return the ID in the journal of a row, after some rows with the same content."""
    return digest + before.to_bytes(len(FIRST))


def target_of(hub: str, key: str) -> int:
    """Return the number of a target in the plan: a user, or a room in a hub."""
    return hash((hub, key))


ANY_HUB = "_"
"""A name for the only hub of an account, instead of its slug."""


class Checked(Protocol):
    """A row as it was checked."""

    @property
    def number(self) -> int:
        """1 for the first row after the header."""


T = TypeVar("T", bound=Checked)


def check_hubs(file: RowFile, hubs: set[str]) -> None:
    """Refuse a hub under two names, as the order of a room's rows could not be kept."""
    slug = next((hub for hub in hubs if hub != ANY_HUB), None)
    if ANY_HUB in hubs and slug:
        raise BadFile(
            f"'{file.shown}' has rows for hub '{ANY_HUB}' and for hub '{slug}', which may be the "
            "same. Use one name for it in every row."
        )


def reread(file: RowFile, rows: Iterable[T]) -> Iterator[tuple[T, Raw]]:
    """Read a file again, and yield some of its rows beside what was planned for them, in order."""
    last = 0
    records = file.records()
    for row in rows:
        record = next(itertools.islice(records, row.number - last - 1, None))
        last = row.number
        yield row, file.read(record)


def read_row(reader: RowReader, raw: Raw) -> Row | BadRow:
    """Return a row's call, or why there is none."""
    row = reader.parse(raw)
    return reader.make(row) if isinstance(row, Parsed) else row


class Item(Protocol):
    """What a runner needs to know about a planned row."""

    @property
    def number(self) -> int:
        """1 for the first row after the header; users who are in no row come after the last."""

    @property
    def line(self) -> int:
        """The line in the file where it begins; 0 for users who are in no row."""

    @property
    def key(self) -> str:
        """The key of the user, or of the room's user."""

    @property
    def id(self) -> bytes:
        """The ID of the row in the journal or state."""

    @property
    def target(self) -> int:
        """Identifies the user or room for which rows are kept in order."""

    @property
    def shared(self) -> bool:
        """Whether there are other rows for its target."""
