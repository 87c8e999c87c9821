"""The columns of the commands, as values: options are made from them, and cells converted by them.

Nothing is imported that a help text does not need.
"""

from enum import Enum, auto
from typing import Any, NamedTuple


class Kind(Enum):
    """What the value of a column is."""

    TEXT = auto()
    KEY = auto()
    """A key or slug; `check_key` validates it."""
    FLAG = auto()
    OBJECT = auto()
    """A JSON object."""


class Column(NamedTuple):
    """A parameter of a call: an option, or a column of a file."""

    name: str
    kind: Kind = Kind.TEXT
    required: bool = False
    default: Any = None


USER_KEY = Column("key", Kind.KEY, required=True)
NAME = Column("name", required=True)
USER_HUB = Column("hub", Kind.KEY)
IGNORE_NOT_FOUND = Column("ignore_not_found", Kind.FLAG, default=False)

ROOM = Column("room", Kind.KEY, required=True)
ROOM_HUB = Column("hub", Kind.KEY, default="_")
ARCHIVED = Column("archived", Kind.FLAG)
ATTRIBUTES = Column("attributes", Kind.OBJECT)
HUB_USER = Column("hub_user", Kind.KEY)
UNASSIGN = Column("unassign", Kind.FLAG, default=False)

SENDER = Column("user", Kind.KEY, required=True)
TEXT = Column("text")

IDENTITY = frozenset({"key", "room", "hub"})
"""The columns that say whom a row is about, not what it says."""
