"""Compares a file with a state, in one pass over two sequences in the same order."""

from collections.abc import Iterator
from typing import NamedTuple

from kabelwerk_cli.batch.fate import Fate

from .actions import Action
from .state import OWN, Known, Stored, by_column


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
