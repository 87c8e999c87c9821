"""The SQLite file: its tables, and how several processes share it.

What was written survives the end of the process, but not always a power failure, because the file
is not synced.
"""

import contextlib
import os
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")

APPLICATION_ID = 0x6B62776B
"""Identifies a sandbox database, in the header of the file."""
PATIENCE = 60.0
"""How long to wait for other processes if nothing else is said, in seconds."""
BUSY_SECONDS = 0.1
"""How long SQLite waits at a time, in seconds; in between, signals are handled."""
MAGIC = b"SQLite format 3\0"
MARK = slice(68, 72)
"""Where the header has the application's id (https://www.sqlite.org/fileformat.html)."""

SCHEMA = f"""
PRAGMA journal_mode = WAL;
PRAGMA application_id = {APPLICATION_ID};
CREATE TABLE hubs (
    id INTEGER PRIMARY KEY,
    slug TEXT NOT NULL UNIQUE
);
CREATE TABLE users (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    key TEXT NOT NULL UNIQUE,
    name BLOB NOT NULL,
    hub_id INTEGER REFERENCES hubs
);
CREATE TABLE rooms (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    hub_id INTEGER NOT NULL REFERENCES hubs,
    user_id INTEGER NOT NULL REFERENCES users ON DELETE CASCADE,
    hub_user_id INTEGER REFERENCES users ON DELETE SET NULL,
    archived INTEGER NOT NULL DEFAULT 0,
    attributes TEXT NOT NULL DEFAULT '{{}}',
    UNIQUE (user_id, hub_id)
);
CREATE INDEX rooms_hub_user ON rooms (hub_user_id);
CREATE TABLE messages (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    room_id INTEGER NOT NULL REFERENCES rooms ON DELETE CASCADE,
    user_id INTEGER REFERENCES users ON DELETE SET NULL,
    text BLOB NOT NULL,
    html BLOB NOT NULL,
    inserted_at TEXT NOT NULL
);
CREATE INDEX messages_room ON messages (room_id);
CREATE INDEX messages_user ON messages (user_id);
"""
"""The first format; `UPGRADE` makes the second of it."""
UPGRADE = (
    "ALTER TABLE rooms ADD COLUMN active_at TEXT NOT NULL DEFAULT ''",
    """
    UPDATE rooms SET active_at =
        coalesce((SELECT max(inserted_at) FROM messages WHERE room_id = rooms.id), '')
    """,
    "CREATE INDEX rooms_active ON rooms (active_at)",
    """
    CREATE TABLE requests (
        id INTEGER PRIMARY KEY,
        at REAL NOT NULL,
        method TEXT NOT NULL,
        path TEXT NOT NULL,
        key TEXT,
        status INTEGER,
        duration_ms REAL NOT NULL,
        fault TEXT,
        request_id TEXT,
        user_agent TEXT,
        request_bytes INTEGER NOT NULL,
        response_bytes INTEGER NOT NULL,
        kept_bytes INTEGER NOT NULL,
        request_body BLOB,
        response_body BLOB
    )
    """,
    "PRAGMA user_version = 2",
)
VERSION = 2
"""The format, which the file's `user_version` is; that of the first is 0."""


class StoreError(Exception):
    """The file cannot be used; the text is a sentence."""


class Locked(StoreError):
    """Another process keeps the file locked. Nothing was written."""


def patiently(act: Callable[[], T], patience: float, is_stopped: Callable[[], bool] = bool) -> T:
    """Do something with the database as soon as no other process has it locked.

    Args:
        act: what to do; it has no effect if the file is locked.
        patience: how long to wait for other processes, in seconds.
        is_stopped: whether not to wait any more.

    Raises:
        Locked: another process has the file locked.
        sqlite3.Error: the file cannot be used.
    """
    give_up_at = time.monotonic() + patience
    while True:
        try:
            return act()
        except sqlite3.OperationalError as error:
            if "locked" not in str(error):
                raise
        if time.monotonic() >= give_up_at or is_stopped():
            raise Locked("The sandbox is locked by another process.")


@contextlib.contextmanager
def as_store_error(path: Path) -> Iterator[None]:
    """Turn any error of the file into a `StoreError`."""
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise StoreError(f"Cannot use sandbox database '{path}': {error}.") from error


def create_database(path: Path) -> None:
    """Create the database, completely or not at all, even if several processes do so at once."""
    if "\0" in str(path):
        raise OSError("a path cannot contain a null character")
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")  # mode 0600
    os.close(handle)
    try:
        with contextlib.closing(sqlite3.connect(name)) as db:
            db.executescript(SCHEMA)
            upgrade(db, patience=0)
        with contextlib.suppress(FileExistsError):
            os.link(name, path)
    finally:
        Path(name).unlink()


def upgrade(db: sqlite3.Connection, patience: float) -> None:
    """Give a file of the first format what is new, completely or not at all.

    Raises:
        Locked: another process has the file locked.
    """

    def version() -> int:
        return int(db.execute("PRAGMA user_version").fetchone()[0])

    if patiently(version, patience) >= VERSION:
        return
    patiently(lambda: db.execute("BEGIN IMMEDIATE"), patience)
    with db:
        if version() < VERSION:  # no other process was faster
            for statement in UPGRADE:
                db.execute(statement)


def check_file(path: Path) -> None:
    """Refuse a file that is not a sandbox database, and leave it as it is.

    SQLite could change another program's database by opening and closing it. To be called before
    this process has a connection, because closing any file drops the locks that SQLite has on it.

    Raises:
        sqlite3.Error: it is not one.
    """
    if not path.is_file():
        raise sqlite3.DatabaseError("not a regular file")
    with path.open("rb") as file:
        header = file.read(MARK.stop)
    if not header.startswith(MAGIC) or header[MARK] != APPLICATION_ID.to_bytes(4):
        raise sqlite3.DatabaseError("not a sandbox database")


def open_database(path: Path, patience: float) -> sqlite3.Connection:
    """Open a connection, for one thread at a time.

    Args:
        path: the file.
        patience: how long to wait for other processes, in seconds.

    Raises:
        Locked: another process has the file locked.
        sqlite3.Error: the file is missing, or is not a sandbox database.
    """
    connection = sqlite3.connect(
        # a file that was removed since must not be created again without notice
        f"{path.absolute().as_uri()}?mode=rw",
        uri=True,
        timeout=BUSY_SECONDS,
        isolation_level=None,
        check_same_thread=False,
    )
    try:
        (mark,) = patiently(
            lambda: connection.execute("PRAGMA application_id").fetchone(), patience
        )
        if mark != APPLICATION_ID:
            raise sqlite3.DatabaseError("not a sandbox database")  # noqa: TRY301 - as any other
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("PRAGMA synchronous = OFF")
    except BaseException:
        connection.close()
        raise
    return connection
