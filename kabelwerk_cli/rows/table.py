"""The rows of a file as they were checked, and how to read them again."""

import contextlib
import itertools
import sqlite3
from collections.abc import Iterable, Iterator
from typing import NamedTuple, Protocol, TypeVar

from kabelwerk_cli.errors import ConfigurationError
from kabelwerk_cli.journal.fate import SKIPPED, Fate
from kabelwerk_cli.tabular.file import BadFile, Raw, RowFile

from .reader import BadRow, Parsed, Row, RowReader

BLOCK = 500
"""How many rows are added by one statement, which may have 32,766 values."""


@contextlib.contextmanager
def temporary_trouble() -> Iterator[None]:
    """Turn errors of SQLite into an error about the temporary file."""
    try:
        yield
    except sqlite3.Error as error:
        raise ConfigurationError(f"Cannot write a temporary file: {error}.") from error


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

    @property
    def digest(self) -> bytes:
        """Identifies its content."""


T = TypeVar("T", bound=Checked)


class Changed(ConfigurationError):
    """The file was changed after the check; no further rows are sent."""


def check_hubs(file: RowFile, hubs: set[str]) -> None:
    """Refuse a hub under two names, as the order of a room's rows could not be kept."""
    slug = next((hub for hub in hubs if hub != ANY_HUB), None)
    if ANY_HUB in hubs and slug:
        raise BadFile(
            f"'{file.shown}' has rows for hub '{ANY_HUB}' and for hub '{slug}', which may be the "
            "same. Use one name for it in every row."
        )


def reread(file: RowFile, rows: Iterable[T], count: int) -> Iterator[tuple[T, Raw]]:
    """Read a file again, and yield some of its rows beside what was planned for them.

    Args:
        file: the file.
        rows: what was planned for these rows, in order.
        count: how many rows the file had.

    Raises:
        Changed: there are fewer rows, or more.
    """
    last = 0
    try:
        records = file.records()
        for row in rows:
            record = next(itertools.islice(records, row.number - last - 1, None), None)
            if record is None:
                raise Changed(f"'{file.shown}' was shortened after it was checked.")
            last = row.number
            yield row, file.read(record)
        last += sum(1 for _ in records)
    except BadFile:
        raise Changed(f"'{file.shown}' was changed after it was checked.") from None
    if last != count:
        what = "shortened" if last < count else "extended"
        raise Changed(f"'{file.shown}' was {what} after it was checked.")


def same(file: RowFile, reader: RowReader, raw: Raw, planned: Checked) -> Row | BadRow:
    """Return a row as it was checked: its call, or why there is none.

    Raises:
        Changed: it is a different row now.
    """
    row = reader.parse(raw)
    if row.digest != planned.digest:
        raise Changed(f"Line {raw.line} of '{file.shown}' was changed after it was checked.")
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
