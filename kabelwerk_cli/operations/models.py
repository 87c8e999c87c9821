"""The records in the API's answers, `User`, `Room` and `Message`, and how they are read.

The fields are those of the reference's bodies. A field is *essential* when it shows that what was
asked for was done; an essential field that is missing or mistyped is a `Mistyped` error. Any other
unreadable field is kept as the server gave it, with a note. Unknown fields are ignored.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from types import UnionType
from typing import Any, Literal, NamedTuple

Effect = Literal["created", "updated", "deleted", "absent", "posted"]
"""What became of the user, room or message that a call is about."""


class User(NamedTuple):
    """A user: somebody who writes in rooms."""

    id: int
    """The user's number on the backend."""
    key: str
    """Your unique ID for this user."""
    name: str
    """The user's name."""


class EnsuredUser(NamedTuple):
    """A user, and whether `ensure_user` created or updated it."""

    id: int
    """The user's number on the backend."""
    key: str
    """Your unique ID for this user."""
    name: str
    """The user's name."""
    outcome: Literal["created", "updated"]
    """Which of the two happened."""

    @classmethod
    def of(cls, user: User, outcome: Literal["created", "updated"]) -> "EnsuredUser":
        """Return `user` with the outcome."""
        return cls(*user, outcome)


class DeletedUser(NamedTuple):
    """A deleted user, or one who did not exist."""

    key: str
    """Your unique ID for this user."""
    outcome: Literal["deleted", "absent"]
    """`deleted`, or `absent` for one who did not exist."""


class Room(NamedTuple):
    """The chat room of one end user in one hub."""

    id: int
    """The room's number on the backend."""
    archived: bool
    """Whether the room is archived."""
    attributes: dict[str, Any]
    """The attributes set on the room."""
    hub_user: User | None
    """The hub user whom the room is assigned to, if any."""
    user: User
    """The end user to whom the room belongs."""


class Message(NamedTuple):
    """A message posted in a room."""

    id: int
    """The message's number on the backend."""
    html: str
    """The text as HTML."""
    inserted_at: datetime
    """When the message was stored, in UTC."""
    room_id: int
    """The number of the room where the message was posted."""
    text: str
    """The text, with HTML's special characters escaped."""
    type: str
    """`text` for what this API posts; others exist."""
    updated_at: datetime
    """When the message was last changed, in UTC."""
    user: User | None
    """Who posted it; None once that user is gone."""


Record = User | Room | Message


class Mistyped(Exception):
    """An essential field of an answer is missing or is not of the promised type."""


def _is(kind: type | UnionType) -> Callable[[Any], Any]:
    def read(value: object) -> object:
        # bool is a subclass of int, but `true` is no number
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise TypeError
        return value

    return read


def _time(value: Any) -> datetime:
    time = datetime.fromisoformat(value)
    # a time without a zone is UTC: the backend knows no other
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)


_TYPES: Mapping[Any, tuple[Callable[[Any], Any], str]] = {
    int: (_is(int), "a whole number"),
    str: (_is(str), "a string"),
    bool: (_is(bool), "true or false"),
    dict[str, Any]: (_is(dict), "an object"),
    datetime: (_time, "a time"),
    User: (_is(dict), "an object"),
    User | None: (_is(dict | None), "an object"),
}
"""How a field of each type is read, and what it has to be."""
_USERS = frozenset({User, User | None})
_ESSENTIAL: Mapping[type[Record], frozenset[str]] = {
    User: frozenset(User._fields),
    Room: frozenset(Room._fields),
    Message: frozenset({"id", "room_id", "text", "user"}),
}
_ESSENTIAL_OF_NESTED = frozenset({"key"})


def read_record(kind: type[Record], given: Mapping[str, Any]) -> tuple[Record, tuple[str, ...]]:
    """Turn a decoded JSON object into a record (reference: wire-protocol, Bodies).

    Args:
        kind: the type to read, `User`, `Room` or `Message`.
        given: the object as decoded from JSON.

    Returns:
        The record, and a note for each inessential field that is kept as it was given.

    Raises:
        Mistyped: an essential field is missing or mistyped.
    """
    notes: list[str] = []
    record = _read(kind, given, _ESSENTIAL[kind], notes)
    return record, tuple(notes)


def _read(
    kind: type[Record],
    given: Mapping[str, Any],
    essential: frozenset[str],
    notes: list[str],
    path: str = "",
) -> Record:
    values: dict[str, Any] = {}
    for name, hint in kind.__annotations__.items():
        value = values[name] = given.get(name)
        read, what = _TYPES[hint]
        fault = "" if name in given else "is missing"
        try:
            values[name] = read(value)
        except (TypeError, ValueError, OverflowError):
            fault = fault or f"is not {what}"
        if fault and name in essential:
            raise Mistyped(f"the field '{path}{name}' {fault}")
        if fault:
            notes.append(f"the field '{path}{name}' {fault}")
        elif hint in _USERS and value is not None:
            values[name] = _read(User, value, _ESSENTIAL_OF_NESTED, notes, f"{path}{name}.")
    return kind(**values)
