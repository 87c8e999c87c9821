"""A tiny model of the Kabelwerk API, so that a test can ask what really happened.

It follows the wire protocol and shares no code with the product or its sandbox: a mistake made in
one of them is not repeated here. It is strict about types, and decodes each path segment exactly
once, so that a key which was encoded wrongly ends up as another key, where a test can see it.
"""

import json
import threading
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple
from urllib.parse import unquote

from .state import Message, Room, State, User, seeded

PREFIX = "/api/"
JSON_TYPE = ("Content-Type", "application/json; charset=utf-8")
ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;"})


class Answer(NamedTuple):
    """An HTTP answer before anything is done to it on its way."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""


class Model:
    """The state behind a lock. Each request works on a copy that is kept or thrown away."""

    def __init__(self, state: State | None = None) -> None:
        self._state = state or seeded()
        self._lock = threading.Lock()

    def handle(self, method: str, target: str, body: bytes, *, apply: bool = True) -> Answer:
        """Answer a request; with `apply=False` say the same and change nothing."""
        with self._lock:
            state = self._state.copy()
            answer = _route(state, method, target, body)
            if apply:
                self._state = state
            return answer

    def snapshot(self) -> State:
        """The state at this moment, which later requests do not change."""
        with self._lock:
            return self._state.copy()

    @property
    def users(self) -> dict[str, User]:
        return self.snapshot().users

    @property
    def rooms(self) -> dict[tuple[str, str], Room]:
        return self.snapshot().rooms

    @property
    def messages(self) -> list[Message]:
        return self.snapshot().messages


def answer_json(status: int, value: object) -> Answer:
    return Answer(status, (JSON_TYPE,), json.dumps(value).encode())


NOT_FOUND = answer_json(404, {"errors": {"detail": "Not Found"}})
BAD_REQUEST = answer_json(400, {"errors": {"detail": "Bad Request"}})
UNAUTHORIZED = answer_json(401, {"errors": {"detail": "Unauthorized"}})


def _route(state: State, method: str, target: str, body: bytes) -> Answer:
    try:
        segments = _segments(target)
        sent = json.loads(body) if body else {}
    except (ValueError, RecursionError):
        return BAD_REQUEST
    if not isinstance(sent, dict):
        return BAD_REQUEST
    handler = _handler(state, method, segments)
    return handler(sent) if handler else NOT_FOUND


def _segments(target: str) -> list[str]:
    """What lies below the API's prefix, each segment decoded once; nothing for other paths."""
    path, _, _ = target.partition("?")
    if not path.startswith(PREFIX):
        return []
    return [unquote(segment, errors="strict") for segment in path.removeprefix(PREFIX).split("/")]


def _handler(
    state: State, method: str, segments: list[str]
) -> Callable[[dict[str, Any]], Answer] | None:
    match method, segments:
        case "POST", ["users"]:
            return partial(_create_user, state)
        case "PATCH", ["users", key] if key in state.users:
            return partial(_update_user, state, key)
        case "DELETE", ["users", key] if key in state.users:
            return lambda _: _delete_user(state, key)
        case "PATCH", ["hubs", hub, "rooms", key] if room := state.room(hub, key):
            return partial(_update_room, state, room)
        case "POST", ["hubs", hub, "rooms", key, "messages"] if room := state.room(hub, key):
            return partial(_post_message, state, room)
    return None


def _create_user(state: State, sent: dict[str, Any]) -> Answer:
    errors = dict(_text_errors(sent, "key", "name"))
    if "key" not in errors and sent["key"] in state.users:
        errors["key"] = ["has already been taken"]
    hub = sent.get("hub")
    if hub is not None and state.hub(hub) is None:
        errors["hub"] = ["does not exist"]
    if errors:
        return answer_json(400, {"errors": errors})
    user = User(state.new_id(), sent["key"], sent["name"], hub and state.hub(hub))
    state.users[user.key] = user
    return answer_json(201, _user_shown(state, user.key))


def _update_user(state: State, key: str, sent: dict[str, Any]) -> Answer:
    if errors := dict(_text_errors(sent, "name")):
        return answer_json(400, {"errors": errors})
    state.users[key] = state.users[key]._replace(name=sent["name"])
    return answer_json(200, _user_shown(state, key))


def _delete_user(state: State, key: str) -> Answer:
    """Remove a user and their room; what they wrote in other rooms stays, without an author."""
    del state.users[key]
    gone = {room.id for room in state.rooms.values() if room.user == key}
    state.rooms = {
        where: room._replace(hub_user=None) if room.hub_user == key else room
        for where, room in state.rooms.items()
        if room.id not in gone
    }
    state.messages = [
        message._replace(user=None) if message.user == key else message
        for message in state.messages
        if message.room_id not in gone
    ]
    return Answer(204)


def _update_room(state: State, room: Room, sent: dict[str, Any]) -> Answer:
    changes: dict[str, Any] = {
        name: sent[name] for name in ("archived", "attributes", "hub_user") if name in sent
    }
    if errors := dict(_room_errors(state, room, changes)):
        return answer_json(400, {"errors": errors})
    room = room._replace(**changes)
    state.rooms[room.hub, room.user] = room
    return answer_json(
        200,
        {
            "id": room.id,
            "archived": room.archived,
            "attributes": room.attributes,
            "hub_user": _user_shown(state, room.hub_user),
            "user": _user_shown(state, room.user),
        },
    )


def _post_message(state: State, room: Room, sent: dict[str, Any]) -> Answer:
    errors = dict(_text_errors(sent, "text", "user"))
    author = None if "user" in errors else state.users.get(sent["user"])
    if "user" not in errors and (author is None or not _may_write(author, room)):
        errors["user"] = ["does not exist"]
    if errors or author is None:
        return answer_json(400, {"errors": errors})
    message = Message(state.new_id(), room.id, author.key, sent["text"])
    state.messages.append(message)
    text = message.text.translate(ESCAPES)
    return answer_json(
        201,
        {
            "id": message.id,
            "html": "<p>" + text.replace("\n", "<br>") + "</p>",
            "inserted_at": "2030-01-01T00:00:00Z",
            "updated_at": "2030-01-01T00:00:00Z",
            "room_id": room.id,
            "text": text,
            "type": "text",
            "upload": None,
            "user": _user_shown(state, author.key),
        },
    )


def _may_write(author: User, room: Room) -> bool:
    return author.hub == room.hub or author.key == room.user


def _user_shown(state: State, key: str | None) -> dict[str, Any] | None:
    user = state.users.get(key) if key is not None else None
    return user and {"id": user.id, "key": user.key, "name": user.name}


def _text_errors(sent: dict[str, Any], *names: str) -> Iterator[tuple[str, list[str]]]:
    for name in names:
        value = sent.get(name)
        if value is None or (isinstance(value, str) and not value.strip()):
            yield name, ["can't be blank"]
        elif not isinstance(value, str):
            yield name, ["is invalid"]


def _room_errors(
    state: State, room: Room, changes: dict[str, Any]
) -> Iterator[tuple[str, list[str]]]:
    for name, kind in (("archived", bool), ("attributes", dict), ("hub_user", str | None)):
        if name in changes and not isinstance(changes[name], kind):
            yield name, ["is invalid"]
    assignee = changes.get("hub_user")
    if isinstance(assignee, str):
        user = state.users.get(assignee)
        if user is None or user.hub != room.hub:
            yield "hub_user", ["does not exist"]
