"""What the API answers with: `User`, `Room`, `Message`, and how an answer becomes one of them.

The fields are those of the reference's bodies. A field is *essential* when it shows that what was
asked for was done; an essential field that is missing or mistyped is a `Mistyped` error. Any other
unreadable field is kept as the server gave it, with a note. Unknown fields are ignored.
"""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, NamedTuple


class User(NamedTuple):
    """A user: somebody who writes in rooms."""

    id: int
    """The user's number on the backend."""
    key: str
    """Your unique ID for this user."""
    name: str
    """The user's name."""


class EnsuredUser(NamedTuple):
    """A user who is there now, and how that came about."""

    id: int
    """The user's number on the backend."""
    key: str
    """Your unique ID for this user."""
    name: str
    """The user's name."""
    outcome: str
    """`created` or `updated`."""

    @classmethod
    def of(cls, user: User, outcome: str) -> "EnsuredUser":
        """Return `user` with what became of it."""
        return cls(*user, outcome)


class DeletedUser(NamedTuple):
    """A user who is gone, and how that came about."""

    key: str
    """Your unique ID for this user."""
    outcome: str
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


class Fields:
    """Reads the fields of one JSON object, with a note for each unreadable inessential one."""

    def __init__(self, given: Mapping[str, Any], notes: list[str], path: str = "") -> None:
        self._given = given
        self._notes = notes
        self._path = path

    def essential(self, name: str, kind: type) -> Any:
        """Return the field `name`, which must be of the type `kind`."""
        value = self._given.get(name)
        # bool is a subclass of int, but `true` is no number
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise Mistyped(self._complaint(name, _KINDS[kind]))
        return value

    def other(self, name: str, read: Callable[[Any], Any], what: str) -> Any:
        """Return `read(field)`, or the field as it was given, and a note, where that fails."""
        value = self._given.get(name)
        try:
            return read(value)
        except (TypeError, ValueError, OverflowError):
            self._notes.append(self._complaint(name, what))
            return value

    def user(self, name: str) -> User:
        """Return the user in the field `name`; only its key is essential there."""
        nested = Fields(self.essential(name, dict), self._notes, f"{self._path}{name}.")
        return User(
            id=nested.other("id", _integer, _KINDS[int]),
            key=nested.essential("key", str),
            name=nested.other("name", _string, _KINDS[str]),
        )

    def user_or_none(self, name: str) -> User | None:
        """Return the user in the field `name`, which may be null but must be there."""
        if name in self._given and self._given[name] is None:
            return None
        return self.user(name)

    def _complaint(self, name: str, what: str) -> str:
        if name not in self._given:
            return f"the field '{self._path}{name}' is missing"
        return f"the field '{self._path}{name}' is not {what}"


_KINDS: Mapping[type, str] = {
    int: "a whole number",
    str: "a string",
    bool: "true or false",
    dict: "an object",
}


def _integer(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError
    return value


def _string(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _time(value: object) -> datetime:
    time = datetime.fromisoformat(_string(value))
    # a time without a zone is UTC: the backend knows no other
    return time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)


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
    record = _READERS[kind](Fields(given, notes))
    return record, tuple(notes)


def _read_user(fields: Fields) -> User:
    return User(
        id=fields.essential("id", int),
        key=fields.essential("key", str),
        name=fields.essential("name", str),
    )


def _read_room(fields: Fields) -> Room:
    return Room(
        id=fields.essential("id", int),
        archived=fields.essential("archived", bool),
        attributes=fields.essential("attributes", dict),
        hub_user=fields.user_or_none("hub_user"),
        user=fields.user("user"),
    )


def _read_message(fields: Fields) -> Message:
    return Message(
        id=fields.essential("id", int),
        html=fields.other("html", _string, "a string"),
        inserted_at=fields.other("inserted_at", _time, "a time"),
        room_id=fields.essential("room_id", int),
        text=fields.essential("text", str),
        type=fields.other("type", _string, "a string"),
        updated_at=fields.other("updated_at", _time, "a time"),
        user=fields.user_or_none("user"),
    )


_READERS: Mapping[type[Record], Callable[[Fields], Record]] = {
    User: _read_user,
    Room: _read_room,
    Message: _read_message,
}
