"""The sandbox's data: hubs, users, rooms and messages. Each change is one transaction."""

import contextlib
import json
import shlex
import sqlite3
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TypeVar

from . import tables
from .database import (
    PATIENCE,
    Locked,
    StoreError,
    as_store_error,
    check_file,
    create_database,
    open_database,
    patiently,
    upgrade,
)
from .tables import MESSAGES, OLDEST_FIRST, ROOMS, USERS, Message, Room, User, pack
from .validation import Invalid, Missing

__all__ = ["Invalid", "Locked", "Missing", "Store", "StoreError"]

T = TypeVar("T")

DEFAULT_HUBS = ("section9",)
ANY_HUB = "_"


class Store:
    """The sandbox's data.

    Args:
        path: the database file, which is created if it is missing.
        hubs: slugs of hubs to create, besides those in the file. A new file without any gets
            `section9`.
        manual_rooms: whether a new end user gets no rooms, as in the real backend, where the
            user's app creates them.
        patience: how long to wait for other processes, in seconds.

    Raises:
        StoreError: the file cannot be used.
    """

    def __init__(
        self,
        path: Path,
        *,
        hubs: Sequence[str] = (),
        manual_rooms: bool = False,
        patience: float = PATIENCE,
    ) -> None:
        self._path = path
        self._manual_rooms = manual_rooms
        self._patience = patience
        self._stopped = threading.Event()
        self._local = threading.local()
        with as_store_error(path):
            if not path.exists():
                create_database(path)
            check_file(path)
            upgrade(self._connection(), patience)
        self.add_hubs(hubs)

    def wait_until_unlocked(self, patience: float) -> None:
        """Wait until no other process is writing.

        Args:
            patience: how long to wait, in seconds.

        Raises:
            Locked: one is still writing.
            StoreError: the file cannot be used.
        """
        with as_store_error(self._path):
            db = self._connection()
            self._wait_to(lambda: db.execute("BEGIN IMMEDIATE"), patience)
            db.rollback()

    def stop_waiting(self) -> None:
        """Do not wait for other processes any more, in any thread."""
        self._stopped.set()

    def close(self) -> None:
        """Close this thread's connection; those of other threads are closed when these end.

        Closing a connection that another thread is using would crash Python.
        """
        if hasattr(self._local, "connection"):
            self._local.connection.close()
            del self._local.connection

    def create_user(self, *, key: str, name: str, hub: str | None) -> User:
        """Create a user and, for an end user, a room in every hub.

        Raises:
            Invalid: the hub does not exist, or the key is taken.
        """
        with self._transaction() as db:
            hub_id = None
            if hub is not None:
                hub_id = _hub_id(db, hub)
                if hub_id is None:
                    raise Invalid("hub", "does not exist", *self._advice(hub))
            try:
                user_id = db.execute(
                    "INSERT INTO users (key, name, hub_id) VALUES (?, ?, ?)",
                    (key, pack(name), hub_id),
                ).lastrowid
            except sqlite3.IntegrityError:
                # Assumed of the backend: a key that is taken is an error of the field `key`.
                raise Invalid("key", "has already been taken") from None
            if hub_id is None and not self._manual_rooms:
                db.execute(
                    "INSERT INTO rooms (hub_id, user_id, active_at) SELECT id, ?, ? FROM hubs",
                    (user_id, _now()),
                )
            return tables.user(db.execute(USERS + "WHERE users.id = ?", (user_id,)).fetchone())

    def update_user(self, *, key: str, name: str) -> User:
        """Set a user's name.

        Raises:
            Missing: the user does not exist.
        """
        with self._transaction() as db:
            db.execute("UPDATE users SET name = ? WHERE key = ?", (pack(name), key))
            return tables.user(_found(db.execute(USERS + "WHERE users.key = ?", (key,)).fetchone()))

    def delete_user(self, *, key: str) -> None:
        """Delete a user and the user's rooms. Messages in other rooms stay, without an author.

        Raises:
            Missing: the user does not exist.
        """
        with self._transaction() as db:
            if db.execute("DELETE FROM users WHERE key = ?", (key,)).rowcount == 0:
                raise Missing

    def update_room(self, *, hub: str, room: str, changes: Mapping[str, Any]) -> Room:
        """Change some of `archived`, `attributes` and `hub_user` (a key or None).

        Raises:
            Missing: the room does not exist.
            Invalid: the hub has no such hub user.
        """
        with self._transaction() as db:
            room_id, hub_id, _ = _room_ids(db, hub, room)
            columns = {name: value for name, value in changes.items() if name != "hub_user"}
            columns["active_at"] = _now()
            if "attributes" in columns:
                # Assumed of the backend: attributes are replaced, not merged.
                columns["attributes"] = json.dumps(columns["attributes"])
            if "hub_user" in changes:
                columns["hub_user_id"] = _hub_user_id(db, hub_id, changes["hub_user"])
            for column, value in columns.items():
                db.execute(f"UPDATE rooms SET {column} = ? WHERE id = ?", (value, room_id))  # noqa: S608 - one of four names
            return tables.room(db.execute(ROOMS + "WHERE rooms.id = ?", (room_id,)).fetchone())

    def post_message(self, *, hub: str, room: str, user: str, text: str, html: str) -> Message:
        """Post a message by the room's end user, or by a hub user of the room's hub.

        Raises:
            Missing: the room does not exist.
            Invalid: no user with this key may post in the room.
        """
        with self._transaction() as db:
            room_id, hub_id, owner_id = _room_ids(db, hub, room)
            author = db.execute(
                "SELECT id FROM users WHERE key = ? AND (id = ? OR hub_id = ?)",
                (user, owner_id, hub_id),
            ).fetchone()
            if author is None:
                raise Invalid("user", "does not exist")
            time = _now()
            message_id = db.execute(
                "INSERT INTO messages (room_id, user_id, text, html, inserted_at)"
                " VALUES (?, ?, ?, ?, ?)",
                (room_id, author[0], pack(text), pack(html), time),
            ).lastrowid
            db.execute("UPDATE rooms SET active_at = ? WHERE id = ?", (time, room_id))
            row = db.execute(MESSAGES + "WHERE messages.id = ?", (message_id,)).fetchone()
            return tables.message(row)

    def read(self, what: str) -> Iterator[Any]:
        """Yield all records of a kind, a name in `tables.RECORDS`, oldest first."""
        query, make = OLDEST_FIRST[what]
        with as_store_error(self._path):
            yield from map(make, self._query(query))

    def add_hubs(self, hubs: Sequence[str]) -> None:
        """Create those hubs that are missing, with a room in them for each end user.

        Raises:
            StoreError: the file cannot be used.
        """
        with as_store_error(self._path):
            if not self._missing_hubs(hubs):
                return  # without waiting for other processes
        with self._transaction() as db:
            for slug in self._missing_hubs(hubs):
                hub_id = db.execute("INSERT INTO hubs (slug) VALUES (?)", (slug,)).lastrowid
                if not self._manual_rooms:
                    db.execute(
                        "INSERT INTO rooms (hub_id, user_id, active_at)"
                        " SELECT ?, id, ? FROM users WHERE hub_id IS NULL",
                        (hub_id, _now()),
                    )

    def reset(self) -> None:
        """Delete all users, rooms, messages and requests, but not the hubs."""
        with self._transaction() as db:
            for table in ("messages", "rooms", "users", "requests"):
                db.execute(f"DELETE FROM {table}")  # noqa: S608 - one of four names

    def _query(self, query: str) -> sqlite3.Cursor:
        connection = self._connection()
        return self._wait_to(lambda: connection.execute(query), self._patience)

    def _wait_to(self, act: Callable[[], T], patience: float) -> T:
        return patiently(act, patience, self._stopped.is_set)

    def _missing_hubs(self, hubs: Sequence[str]) -> list[str]:
        known = {slug for (slug,) in self._query("SELECT slug FROM hubs")}
        wanted = hubs if known else hubs or DEFAULT_HUBS
        return [slug for slug in dict.fromkeys(wanted) if slug not in known]

    def _advice(self, hub: str) -> list[str]:
        """Return what a client is told, besides what the backend says, about a missing hub."""
        create, serve, known = (
            _command(*words, "--db", str(self._path.absolute()))
            for words in (("add-hub", hub), ("serve", "--hub", hub), ("show", "hubs"))
        )
        create, serve = f"can be created with {create}", f"can be created by {serve} too"
        known = f"names are listed by {known}"
        return [known] if hub == ANY_HUB else [create, serve, known]

    def _connection(self) -> sqlite3.Connection:
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if connection is None:
            connection = open_database(self._path, self._patience)
            self._local.connection = connection
        return connection

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        with as_store_error(self._path):
            db = self._connection()
            self._wait_to(lambda: db.execute("BEGIN IMMEDIATE"), self._patience)
            try:
                yield db
            except BaseException:
                db.rollback()
                raise
            self._wait_to(db.commit, self._patience)


def _command(*words: str) -> str:
    """Return a command about the sandbox, in quotes for a sentence."""
    line = shlex.join(["kabelwerk", "sandbox", *words])
    return f"`{line}`" if "'" in line else f"'{line}'"


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _hub_id(db: sqlite3.Connection, slug: str) -> int | None:
    ids = db.execute("SELECT id FROM hubs WHERE slug = ?", (slug,)).fetchall()
    if slug == ANY_HUB and not ids:
        ids = db.execute("SELECT id FROM hubs").fetchall()
    return ids[0][0] if len(ids) == 1 else None


def _room_ids(db: sqlite3.Connection, hub: str, key: str) -> tuple[int, int, int]:
    """Return the ids of the room, its hub and its user."""
    row: tuple[int, int, int] = _found(
        db.execute(
            "SELECT rooms.id, rooms.hub_id, users.id FROM rooms"
            " JOIN users ON users.id = rooms.user_id WHERE users.key = ? AND rooms.hub_id = ?",
            (key, _hub_id(db, hub)),
        ).fetchone()
    )
    return row


def _hub_user_id(db: sqlite3.Connection, hub_id: int, key: str | None) -> int | None:
    if key is None:
        return None
    query = "SELECT id FROM users WHERE key = ? AND hub_id = ?"
    row = db.execute(query, (key, hub_id)).fetchone()
    if row is None:
        raise Invalid("hub_user", "does not exist")
    user_id: int = row[0]
    return user_id


def _found(row: Any) -> Any:
    if row is None:
        raise Missing
    return row
