"""A row of a file: where it stands, and what it says."""

from collections.abc import Mapping
from typing import Any, NamedTuple


class Place(NamedTuple):
    """Where a row stands, and whom it is about."""

    number: int
    """1 for the first row after the header; users who are in no row come after the last."""
    line: int
    """The line in the file where it begins; 0 for users who are in no row."""
    key: str
    """The key of the user, or of the room's user."""
    hub: str = ""
    """The room's hub; empty for users."""
    id: bytes = b""
    """Its ID in the journal or state."""
    target: int = 0
    """Identifies the user or room for which rows are kept in order."""
    shared: bool = False
    """Whether there are other rows for its target."""


class Row(NamedTuple):
    """What a row says: the arguments of a call, or what is wrong with them."""

    number: int
    line: int
    key: str
    hub: str
    digest: bytes
    """Identifies the content; rows with the same content have the same digest."""
    size: int
    """About how many characters the content has."""
    arguments: Mapping[str, Any]
    problem: str = ""
    """Why it is invalid; empty if its cells are valid."""
    column: str = ""
    """The column whose value is the problem, if it is a single one."""

    @property
    def place(self) -> Place:
        """Where it stands, as far as that is known without the other rows."""
        return Place(self.number, self.line, self.key, self.hub)
