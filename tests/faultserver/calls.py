"""The five calls as requests, and how to see in the model that one of them took effect."""

import json
from collections.abc import Callable
from typing import Any, NamedTuple

from .state import State

TEXT = "Where are you?"


class Call(NamedTuple):
    """A request, and whether its effect is there."""

    method: str
    target: str
    sent: dict[str, Any] | None
    done: Callable[[State], bool]

    @property
    def body(self) -> bytes:
        return b"" if self.sent is None else json.dumps(self.sent).encode()


def _created(state: State) -> bool:
    return "motoko" in state.users


def _updated(state: State) -> bool:
    return state.users["kusanagi"].name == "Motoko Kusanagi"


def _deleted(state: State) -> bool:
    return "kusanagi" not in state.users


def _archived(state: State) -> bool:
    return state.rooms["section9", "kusanagi"].archived


def _posted(state: State) -> bool:
    return [message.text for message in state.messages] == [TEXT]


CALLS = {
    "create": Call(
        "POST", "/api/users", {"key": "motoko", "name": "Motoko", "hub": None}, _created
    ),
    "update": Call("PATCH", "/api/users/kusanagi", {"name": "Motoko Kusanagi"}, _updated),
    "delete": Call("DELETE", "/api/users/kusanagi", None, _deleted),
    "room": Call("PATCH", "/api/hubs/_/rooms/kusanagi", {"archived": True}, _archived),
    "message": Call(
        "POST", "/api/hubs/_/rooms/kusanagi/messages", {"text": TEXT, "user": "batou"}, _posted
    ),
}
