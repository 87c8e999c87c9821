"""The rows of the sandbox's tables as records."""

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Annotated, Any, NamedTuple

Time = Annotated[str, ("format", "date-time")]
"""A time as in an answer; the keyword is JSON Schema's."""


class Person(NamedTuple):
    """A user, as a part of another record."""

    id: int
    key: str
    name: str


class User(NamedTuple):
    """A user; a hub user if it has a hub."""

    id: int
    key: str
    name: str
    hub: str | None


class Room(NamedTuple):
    """The room of `user` in `hub`."""

    id: int
    hub: str
    archived: bool
    attributes: dict[str, Any]
    hub_user: Person | None
    user: Person


class Message(NamedTuple):
    """A message in the room of the end user whose key is `room`."""

    id: int
    hub: str
    room: str
    room_id: int
    user: Person | None
    text: str
    html: str
    type: str
    inserted_at: Time
    updated_at: Time


class Hub(NamedTuple):
    """A hub."""

    id: int
    slug: str


class Request(NamedTuple):
    """A request to the API, and its answer. The token is masked in all of it.

    `status` is None if there was no answer; `fault` says what went wrong on purpose. `key` is that
    of the user, or of the room's user. A body may be cut; its size is that of the whole.
    """

    id: int
    at: Time
    method: str
    path: str
    key: str | None
    status: int | None
    duration_ms: float
    fault: str | None
    request_id: str | None
    user_agent: str | None
    request_bytes: int
    response_bytes: int
    request_body: str | None
    response_body: str | None


RECORDS: dict[str, type] = {
    "users": User,
    "rooms": Room,
    "messages": Message,
    "hubs": Hub,
    "requests": Request,
}
"""What `sandbox show` can show."""

USERS = """
SELECT users.id, users.key, users.name, hubs.slug
FROM users LEFT JOIN hubs ON hubs.id = users.hub_id
"""
ROOMS = """
SELECT rooms.id, hubs.slug, rooms.archived, rooms.attributes,
       assigned.id, assigned.key, assigned.name, users.id, users.key, users.name
FROM rooms JOIN hubs ON hubs.id = rooms.hub_id JOIN users ON users.id = rooms.user_id
     LEFT JOIN users AS assigned ON assigned.id = rooms.hub_user_id
"""
MESSAGES = """
SELECT messages.id, hubs.slug, owner.key, rooms.id, author.id, author.key, author.name,
       messages.text, messages.html, messages.inserted_at
FROM messages JOIN rooms ON rooms.id = messages.room_id JOIN hubs ON hubs.id = rooms.hub_id
     JOIN users AS owner ON owner.id = rooms.user_id
     LEFT JOIN users AS author ON author.id = messages.user_id
"""
REQUESTS = f"SELECT {', '.join(Request._fields)} FROM requests "  # noqa: S608 - names of fields


def pack(text: str) -> bytes:
    """Return `text` as stored in the database."""
    # text in SQLite cannot contain lone surrogates, text in JSON can
    return text.encode("utf-8", "surrogatepass")


def _unpack(text: bytes) -> str:
    return text.decode("utf-8", "surrogatepass")


def _person(user_id: int | None, key: str, name: bytes) -> Person | None:
    return None if user_id is None else Person(user_id, key, _unpack(name))


def user(row: Any) -> User:
    """Read a row of `USERS`."""
    user_id, key, name, hub = row
    return User(user_id, key, _unpack(name), hub)


def room(row: Any) -> Room:
    """Read a row of `ROOMS`."""
    room_id, hub, archived, attributes, *people = row
    return Room(
        room_id,
        hub,
        bool(archived),
        json.loads(attributes),
        _person(*people[:3]),
        Person(people[3], people[4], _unpack(people[5])),
    )


def message(row: Any) -> Message:
    """Read a row of `MESSAGES`."""
    message_id, hub, room, room_id, author_id, key, name, text, html, time = row
    author = _person(author_id, key, name)
    return Message(
        message_id, hub, room, room_id, author, _unpack(text), _unpack(html), "text", time, time
    )


def hub(row: Any) -> Hub:
    """Read the id and slug of a hub."""
    return Hub(*row)


def request(row: Any) -> Request:
    """Read a row of `REQUESTS`."""
    request_id, at, *facts, sent, answered = row
    time = datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")
    bodies = (body and body.decode(errors="replace") for body in (sent, answered))
    return Request(request_id, time.replace("+00:00", "Z"), *facts, *bodies)


def as_answer(record: Any) -> dict[str, Any]:
    """Return a record as the API shows it, without what only the sandbox's own commands show."""
    shown = {
        name: as_answer(value) if isinstance(value, Person) else value
        for name, value in record._asdict().items()
        if name not in {"hub", "room"}
    }
    return {**shown, "upload": None} if isinstance(record, Message) else shown


OLDEST_FIRST: dict[str, tuple[str, Callable[[Any], Any]]] = {
    "users": (f"{USERS} ORDER BY users.id", user),
    "rooms": (f"{ROOMS} ORDER BY rooms.id", room),
    "messages": (f"{MESSAGES} ORDER BY messages.id", message),
    "hubs": ("SELECT id, slug FROM hubs ORDER BY id", hub),
    "requests": (f"{REQUESTS} ORDER BY at, id", request),
}
"""How all records of a kind are read."""
