"""What the model knows: hubs, users, rooms, messages."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

ANY_HUB = "_"


class User(NamedTuple):
    """A user; one with a hub is a hub user, one without is an end user."""

    id: int
    key: str
    name: str
    hub: str | None = None


class Room(NamedTuple):
    """The room of the end user whose key is `user`; `hub_user` is the key of its assignee."""

    id: int
    hub: str
    user: str
    archived: bool
    attributes: Mapping[str, Any]
    hub_user: str | None = None


class Message(NamedTuple):
    """A message as posted; `user` is the author's key, None once the author is gone."""

    id: int
    room_id: int
    user: str | None
    text: str


@dataclass
class State:
    """Everything the backend knows. The rows are immutable, so a copy may share them."""

    hubs: tuple[str, ...] = ()
    users: dict[str, User] = field(default_factory=dict)
    rooms: dict[tuple[str, str], Room] = field(default_factory=dict)
    messages: list[Message] = field(default_factory=list)
    last_id: int = 0

    def copy(self) -> "State":
        return replace(
            self, users=dict(self.users), rooms=dict(self.rooms), messages=list(self.messages)
        )

    def new_id(self) -> int:
        self.last_id += 1
        return self.last_id

    def hub(self, slug: object) -> str | None:
        """The hub's own slug; `_` is the only hub of an account that has one."""
        if slug == ANY_HUB and len(self.hubs) == 1:
            return self.hubs[0]
        return slug if isinstance(slug, str) and slug in self.hubs else None

    def room(self, hub: str, key: str) -> Room | None:
        return self.rooms.get((self.hub(hub) or "", key))


def populated(count: int) -> State:
    """As `seeded`, and so many users old0, old1, ... with a room each, and bare0, ... without."""
    state = seeded()
    for number in range(count):
        state.users[f"bare{number}"] = User(state.new_id(), f"bare{number}", "Name")
        key = f"old{number}"
        state.users[key] = User(state.new_id(), key, "Name")
        room = Room(state.new_id(), "section9", key, archived=False, attributes={})
        state.rooms["section9", key] = room
    return state


def seeded() -> State:
    """Hub section9; end users kusanagi, who has a room, and r1000, who has none; hub user batou."""
    state = State(hubs=("section9",))
    state.users["kusanagi"] = User(state.new_id(), "kusanagi", "Motoko")
    state.users["batou"] = User(state.new_id(), "batou", "Batou", hub="section9")
    state.rooms["section9", "kusanagi"] = Room(
        state.new_id(), "section9", "kusanagi", archived=False, attributes={}
    )
    state.users["r1000"] = User(state.new_id(), "r1000", "Name")
    return state
