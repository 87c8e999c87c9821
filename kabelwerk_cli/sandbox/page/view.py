"""What the page shows, read from the database: the latest of everything, in a bounded size."""

import contextlib
import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from kabelwerk_cli.sandbox import tables
from kabelwerk_cli.sandbox.database import as_store_error, open_database
from kabelwerk_cli.sandbox.tables import MESSAGES, ROOMS, USERS, Message, Person, Room

ROOMS_LIMIT = 50
"""The most rooms to show, per hub."""
USERS_LIMIT = 100
MESSAGES_LIMIT = 200
MESSAGES_SIZE = 1_000_000
"""About how many bytes of messages to show at most, though always one message."""
NAME_LIMIT = 200
"""The most characters to show of a name."""
ATTRIBUTES_LIMIT = 50
"""The most attributes to show of a room."""
ATTRIBUTES_IN_LIST = 4
VALUE_LIMIT = 400
"""The most characters to show of an attribute's value."""
PATIENCE = 0.5
"""How long to wait for other readers, in seconds."""

_MATCHES = "(instr(lower(users.key), lower(?)) OR instr(lower(CAST(users.name AS TEXT)), lower(?)))"


class Busy(Exception):
    """Others are reading."""


class Wanted(NamedTuple):
    """What the page shows besides the rooms of each hub: a chat, the users or the latest messages.

    Attributes:
        search: a part of the key or name of the users and of the rooms' users.
        room: the id of the room whose chat to show.
        users: whether to show the users.
    """

    search: str = ""
    room: int | None = None
    users: bool = False


class View:
    """Reads the database for the page, through one connection that cannot write.

    Only one thread reads at a time, so the page does not keep the server from its other work.

    Args:
        path: the database file.
        patience: how long to wait for other readers, in seconds.

    Raises:
        StoreError: the file cannot be used.
    """

    def __init__(self, path: Path, patience: float = PATIENCE) -> None:
        self._path = path
        self._patience = patience
        self._lock = threading.Lock()
        with as_store_error(path):
            self._db = open_database(path, patience)
            self._db.execute("PRAGMA query_only = ON")

    def look(self, wanted: Wanted, seen: str) -> tuple[str, dict[str, Any] | None]:
        """Return the version of the data, and what to show: None if the version is still `seen`.

        Raises:
            Busy: others are reading.
            StoreError: the file cannot be used.
        """
        with self._reading():
            # It changes when another connection commits, in whatever process. It is read before
            # the data, which can only be newer.
            version = str(self._db.execute("PRAGMA data_version").fetchone()[0])
            return version, None if version == seen else self._shown(wanted)

    def close(self) -> None:
        """Close the connection."""
        with self._lock:
            self._db.close()

    @contextlib.contextmanager
    def _reading(self) -> Iterator[None]:
        if not self._lock.acquire(timeout=self._patience):
            raise Busy
        try:
            with as_store_error(self._path):
                yield
        finally:
            self._lock.release()

    def _shown(self, wanted: Wanted) -> dict[str, Any]:
        self._db.execute("BEGIN")  # one state of the data for all queries
        try:
            hubs = self._db.execute("SELECT id, slug FROM hubs ORDER BY id").fetchall()
            return {
                "hubs": [self._hub(hub_id, slug, wanted.search) for hub_id, slug in hubs],
                **(self._users(wanted.search) if wanted.users else self._messages(wanted.room)),
            }
        finally:
            self._db.rollback()

    def _hub(self, hub_id: int, slug: str, search: str) -> dict[str, Any]:
        """Return a hub with its newest rooms."""
        rows = self._db.execute(
            f"{ROOMS} WHERE rooms.hub_id = ? AND {_MATCHES} ORDER BY rooms.id DESC LIMIT ?",
            (hub_id, search, search, ROOMS_LIMIT + 1),
        ).fetchall()
        rooms = [_room(tables.room(row), ATTRIBUTES_IN_LIST) for row in rows[:ROOMS_LIMIT]]
        return {"id": hub_id, "slug": slug, "rooms": rooms, "more": len(rows) > ROOMS_LIMIT}

    def _users(self, search: str) -> dict[str, Any]:
        """Return the newest users."""
        query = f"{USERS} WHERE {_MATCHES} ORDER BY users.id DESC LIMIT ?"
        rows = self._db.execute(query, (search, search, USERS_LIMIT + 1)).fetchall()
        users = [
            {**_person(Person(*user[:3])), "hub": user.hub}
            for user in map(tables.user, rows[:USERS_LIMIT])
        ]
        return {"users": users, "more": len(rows) > USERS_LIMIT}

    def _messages(self, room_id: int | None) -> dict[str, Any]:
        """Return a room and its latest messages, or without a room the latest of all."""
        where, values = ("TRUE", ()) if room_id is None else ("messages.room_id = ?", (room_id,))
        sizes = self._db.execute(
            f"SELECT id, length(text) + length(html) FROM messages WHERE {where}"  # noqa: S608
            " ORDER BY id DESC LIMIT ?",
            (*values, MESSAGES_LIMIT),
        )
        oldest, size = None, 0
        for message_id, bytes_ in sizes:
            size += bytes_
            if oldest is not None and size > MESSAGES_SIZE:
                break
            oldest = message_id
        query = f"{MESSAGES} WHERE {where} AND messages.id >= ? ORDER BY messages.id"
        rows = self._db.execute(query, (*values, oldest)) if oldest is not None else ()
        query = f"{ROOMS} WHERE rooms.id = ?"
        room = self._db.execute(query, (room_id,)).fetchone()
        return {
            "room": room and _room(tables.room(room), ATTRIBUTES_LIMIT),
            "messages": [_message(tables.message(row)) for row in rows],
        }


def _room(room: Room, limit: int) -> dict[str, Any]:
    attributes = list(room.attributes.items())[:limit]
    return {
        "id": room.id,
        "hub": room.hub,
        "archived": room.archived,
        "user": _person(room.user),
        "hub_user": room.hub_user and _person(room.hub_user),
        "attributes": [
            [_cut(name), _cut(_value(value), VALUE_LIMIT)] for name, value in attributes
        ],
    }


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
