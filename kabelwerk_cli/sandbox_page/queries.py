"""What each view of the page shows: the latest of everything, in a bounded size."""

import json
import shlex
from collections.abc import Callable
from html import unescape
from typing import Any, NamedTuple

from kabelwerk_cli.sandbox import tables
from kabelwerk_cli.sandbox.markup import escape
from kabelwerk_cli.sandbox.tables import MESSAGES, REQUESTS, ROOMS, USERS, Message, Person, Request

ROOMS_LIMIT = 50
"""The most rooms to show."""
USERS_LIMIT = 100
REQUESTS_LIMIT = 200
MESSAGES_LIMIT = 200
MESSAGES_SIZE = 1_000_000
"""About how many bytes of messages to show at most, though always one message."""
NAME_LIMIT = 200
"""The most characters to show of a name, or of the last message in the list of rooms."""
ATTRIBUTES_LIMIT = 50
"""The most attributes to show of a room."""
VALUE_LIMIT = 400
"""The most characters to show of an attribute's value."""

KINDS = {"users": USERS, "rooms": ROOMS, "messages": MESSAGES}
"""What is also shown as JSON."""


class Wanted(NamedTuple):
    """What to show.

    Attributes:
        view: a name in `VIEWS`.
        id: what to show one of, or of which user or room.
        kind: a name in `KINDS`, for the view `json`.
        search: a part of a key, a name or a message's text, or of a request's path.
        hub: the slug of the hub whose rooms to show; empty for all.
        status: of requests: a status, `none` for no response, `fault` for an injected fault.
        method: the method of requests; empty for all.
    """

    view: str
    id: int | None = None
    kind: str = ""
    search: str = ""
    hub: str = ""
    status: str = ""
    method: str = ""


class _Filter:
    """Conditions for a query, and their values."""

    def __init__(self) -> None:
        self.where = "TRUE"
        self.values: list[Any] = []

    def add(self, condition: str, *values: Any) -> "_Filter":
        self.where += f" AND ({condition})"
        self.values += values
        return self

    def add_search(self, search: str, *columns: str) -> "_Filter":
        """Find a text in any of the columns, whatever its case is."""
        if not search:
            return self
        # SQLite knows the case of ASCII only
        forms = {form(search) for form in (str.lower, str.upper, str.title)}
        one = "instr(lower(CAST({} AS TEXT)), lower(?))"
        found = [one.format(column) for column in columns for _ in forms]
        values = [
            escape(form) if column == "messages.text" else form
            for column in columns
            for form in forms
        ]
        return self.add(" OR ".join(found), *values)


def requests(db: Any, wanted: Wanted) -> dict[str, Any]:
    """Return the latest requests, without their bodies."""
    found = _Filter().add_search(wanted.search, "key", "path")
    if wanted.status == "fault":
        found.add("fault IS NOT NULL")
    elif wanted.status:
        found.add("status IS ?", None if wanted.status == "none" else wanted.status)
    if wanted.method:
        found.add("method = ?", wanted.method)
    rows = db.execute(
        f"{REQUESTS} WHERE {found.where} ORDER BY at DESC, id DESC LIMIT ?",
        (*found.values, REQUESTS_LIMIT + 1),
    )
    shown = [tables.request(row)._replace(request_body=None, response_body=None) for row in rows]
    return {
        "requests": [each._asdict() for each in shown[:REQUESTS_LIMIT]],
        "more": len(shown) > REQUESTS_LIMIT,
        "statuses": _distinct(db, "status"),
        "methods": _distinct(db, "method"),
    }


def request(db: Any, wanted: Wanted) -> dict[str, Any]:
    """Return a request with its bodies, how to repeat it, and what it changed."""
    row = db.execute(f"{REQUESTS} WHERE id = ?", (wanted.id,)).fetchone()
    if row is None:
        return {"request": None}
    shown = tables.request(row)
    return {"request": shown._asdict(), "curl": _curl(shown), "changed": _changed(shown)}


def rooms(db: Any, wanted: Wanted) -> dict[str, Any]:
    """Return the rooms with the latest activity, and the latest messages that are searched for."""
    listed, more = _rooms(db, wanted)
    found = _Filter().add_search(
        wanted.search, "messages.text", "author.key", "author.name", "owner.key", "owner.name"
    )
    if wanted.hub:
        found.add("hubs.slug = ?", wanted.hub)
    return {
        "hubs": _hubs(db),
        "rooms": listed,
        "more": more,
        "messages": _messages(db, found),
    }


def room(db: Any, wanted: Wanted) -> dict[str, Any]:
    """Return a room and its latest messages, and the list of rooms, in which it is."""
    row = db.execute(f"{ROOMS} WHERE rooms.id = ?", (wanted.id,)).fetchone()
    listed, more = _rooms(db, wanted)
    if row and all(each["id"] != wanted.id for each in listed):
        listed.append(_listed(db, row))
    shown = row and tables.room(row)
    return {
        "hubs": _hubs(db),
        "rooms": listed,
        "more": more,
        "room": row
        and {
            **_listed(db, row),
            "attributes": [
                [_cut(name), _cut(_value(value), VALUE_LIMIT)]
                for name, value in list(shown.attributes.items())[:ATTRIBUTES_LIMIT]
            ],
        },
        "messages": _messages(db, _Filter().add("messages.room_id = ?", wanted.id)),
    }


def users(db: Any, wanted: Wanted) -> dict[str, Any]:
    """Return the newest users, or one, with their rooms."""
    found = _Filter().add_search(wanted.search, "users.key", "users.name")
    if wanted.id is not None:
        found.add("users.id = ?", wanted.id)
    query = f"{USERS} WHERE {found.where} ORDER BY users.id DESC LIMIT ?"
    rows = [tables.user(row) for row in db.execute(query, (*found.values, USERS_LIMIT + 1))]
    query = (
        "SELECT rooms.id, hubs.slug FROM rooms JOIN hubs ON hubs.id = rooms.hub_id"
        " WHERE rooms.user_id = ? ORDER BY rooms.id LIMIT ?"
    )
    shown = [
        {
            **_person(Person(*user[:3])),
            "hub": user.hub,
            "rooms": db.execute(query, (user.id, ROOMS_LIMIT)).fetchall(),
        }
        for user in rows[:USERS_LIMIT]
    ]
    hubs = _hubs(db)
    return {"users": shown, "more": len(rows) > USERS_LIMIT, "hubs": hubs}


def as_json(db: Any, wanted: Wanted) -> dict[str, Any]:
    """Return a user, room or message as the API returns it."""
    query, read = KINDS[wanted.kind], tables.OLDEST_FIRST[wanted.kind][1]
    row = db.execute(f"{query} WHERE {wanted.kind}.id = ?", (wanted.id,)).fetchone()
    return {"record": row and json.dumps(tables.as_answer(read(row)))}


VIEWS: dict[str, Callable[[Any, Wanted], dict[str, Any]]] = {
    "requests": requests,
    "request": request,
    "rooms": rooms,
    "room": room,
    "users": users,
    "json": as_json,
}
"""What reads the data of each view."""


def _distinct(db: Any, column: str) -> list[Any]:
    query = f"SELECT DISTINCT {column} FROM requests WHERE {column} IS NOT NULL ORDER BY 1 LIMIT 50"  # noqa: S608
    return [value for (value,) in db.execute(query)]


def _curl(request: Request) -> str | None:
    """Return a command that sends a request again; None if not all of its body can be given."""
    body = request.request_body or ""
    if len(body.encode()) != request.request_bytes and "$KABELWERK_API_TOKEN" not in body:
        return None
    if "\ufffd" in body or "\0" in body:
        return None
    lines = [
        f'curl --globoff --path-as-is -X {shlex.quote(request.method)} "$KABELWERK_URL"'
        + shlex.quote(request.path),
        '-H "Kabelwerk-Token: $KABELWERK_API_TOKEN"',
    ]
    if body:
        lines += ["-H 'Content-Type: application/json'", f"--data-binary {shlex.quote(body)}"]
    return " \\\n  ".join(lines)


def _changed(request: Request) -> tuple[str, int] | None:
    """Return the view and the id of what a request changed, as its response names it."""
    try:
        answer = json.loads(request.response_body or "")
        if "/rooms/" in request.path:
            return "room", int(answer.get("room_id", answer["id"]))
        return "users", int(answer["id"])
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError):
        return None


def _hubs(db: Any) -> list[str]:
    return [slug for (slug,) in db.execute("SELECT slug FROM hubs ORDER BY id")]


def _rooms(db: Any, wanted: Wanted) -> tuple[list[dict[str, Any]], bool]:
    """Return the rooms with the latest activity, and whether there are more."""
    found = _Filter()
    if wanted.search:
        found.add_search(wanted.search, "users.key", "users.name")
        text = _Filter().add_search(wanted.search, "messages.text")
        posted = f"SELECT 1 FROM messages WHERE room_id = rooms.id AND {text.where}"  # noqa: S608
        found.where = f"({found.where} OR EXISTS ({posted}))"
        found.values += text.values
    if wanted.hub:
        found.add("hubs.slug = ?", wanted.hub)
    rows = db.execute(
        f"{ROOMS} WHERE {found.where} ORDER BY rooms.active_at DESC, rooms.id DESC LIMIT ?",
        (*found.values, ROOMS_LIMIT + 1),
    ).fetchall()
    return [_listed(db, row) for row in rows[:ROOMS_LIMIT]], len(rows) > ROOMS_LIMIT


def _listed(db: Any, row: Any) -> dict[str, Any]:
    """Return a room with its last message."""
    room = tables.room(row)
    query = "SELECT count(*), max(id) FROM messages WHERE room_id = ?"
    count, last_id = db.execute(query, (room.id,)).fetchone()
    last = db.execute(f"{MESSAGES} WHERE messages.id = ?", (last_id,)).fetchone()
    last = last and tables.message(last)
    return {
        "id": room.id,
        "hub": room.hub,
        "archived": room.archived,
        "user": _person(room.user),
        "hub_user": room.hub_user and _person(room.hub_user),
        "messages": count,
        "last": last
        and {
            "user": last.user and _person(last.user),
            "text": _cut(unescape(last.text)),
            "inserted_at": last.inserted_at,
        },
    }


def _messages(db: Any, found: _Filter) -> list[dict[str, Any]]:
    """Return the latest messages, oldest first."""
    rows = db.execute(
        f"{MESSAGES} WHERE {found.where} ORDER BY messages.id DESC LIMIT ?",
        (*found.values, MESSAGES_LIMIT),
    )
    shown: list[dict[str, Any]] = []
    size = 0
    for message in map(tables.message, rows):
        size += len(message.html)
        if shown and size > MESSAGES_SIZE:
            break
        shown.append(_message(message))
    return shown[::-1]


def _message(message: Message) -> dict[str, Any]:
    return {
        "id": message.id,
        "hub": message.hub,
        "room": message.room,
        "room_id": message.room_id,
        "user": message.user and _person(message.user),
        "html": message.html,
        "inserted_at": message.inserted_at,
    }


def _person(person: Person) -> dict[str, Any]:
    return {"id": person.id, "key": person.key, "name": _cut(person.name)}


def _value(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _cut(text: str, limit: int = NAME_LIMIT) -> str:
    return text if len(text) <= limit else f"{text[:limit]}…"
