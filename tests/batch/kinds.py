"""The commands that random batches run, and the rows that they have."""

from typing import NamedTuple

TARGETS = 4


class Kind(NamedTuple):
    """A command, and what its rows are."""

    command: tuple[str, ...]
    columns: tuple[str, ...]
    targets: tuple[str, ...]
    sets_values: bool = False


INVALID = "."
"""A key that no user can have."""
OLD = tuple(f"old{n}" for n in range(TARGETS))
NEW = tuple(f"new{n}" for n in range(TARGETS))
POST = ("messages", "post", "--user", "batou", "--yes", "--allow", "duplicates")
KINDS = {
    "post": Kind(POST, ("room", "text"), (*OLD[:3], "ghost")),
    "update": Kind(("users", "update"), ("key", "name"), (*OLD, "ghost"), sets_values=True),
    "ensure": Kind(("users", "ensure"), ("key", "name"), (*OLD[:2], *NEW[:2]), sets_values=True),
    "rooms": Kind(("rooms", "update"), ("room", "attributes"), (*OLD, "ghost"), sets_values=True),
    "create": Kind(("users", "create"), ("key", "name"), (*NEW, "old0")),
    "delete": Kind(("users", "delete", "--yes"), ("key",), (*OLD, "ghost")),
}
