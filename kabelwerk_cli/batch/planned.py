"""A row as it was checked and planned."""

from typing import NamedTuple

from .fate import SKIPPED, Fate

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
