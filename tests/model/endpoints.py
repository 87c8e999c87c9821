"""What each endpoint does to the state, and what it answers. Strict about types."""

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any, NamedTuple

from .state import Message, Room, State, User

JSON_TYPE = ("Content-Type", "application/json; charset=utf-8")
ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;"})


class Answer(NamedTuple):
    """An HTTP answer before anything is done to it on its way."""

    status: int
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes = b""


Endpoint = Callable[[State, Mapping[str, str], dict[str, Any]], Answer]
"""Takes the state, which it changes, what the path names, and the JSON object that was sent."""


def answer_json(status: int, value: object) -> Answer:
    return Answer(status, (JSON_TYPE,), json.dumps(value).encode())


NOT_FOUND = answer_json(404, {"errors": {"detail": "Not Found"}})
BAD_REQUEST = answer_json(400, {"errors": {"detail": "Bad Request"}})
UNAUTHORIZED = answer_json(401, {"errors": {"detail": "Unauthorized"}})


def create_user(state: State, _: Mapping[str, str], sent: dict[str, Any]) -> Answer:
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


def update_user(state: State, path: Mapping[str, str], sent: dict[str, Any]) -> Answer:
    key = path["key"]
    if key not in state.users:
        return NOT_FOUND
    if errors := dict(_text_errors(sent, "name")):
        return answer_json(400, {"errors": errors})
    state.users[key] = state.users[key]._replace(name=sent["name"])
    return answer_json(200, _user_shown(state, key))


def delete_user(state: State, path: Mapping[str, str], _: dict[str, Any]) -> Answer:
    """Remove a user and their room; what they wrote in other rooms stays, without an author."""
    key = path["key"]
    if key not in state.users:
        return NOT_FOUND
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


def update_room(state: State, path: Mapping[str, str], sent: dict[str, Any]) -> Answer:
    room = state.room(path["hub"], path["room"])
    if room is None:
        return NOT_FOUND
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


def post_message(state: State, path: Mapping[str, str], sent: dict[str, Any]) -> Answer:
    room = state.room(path["hub"], path["room"])
    if room is None:
        return NOT_FOUND
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
