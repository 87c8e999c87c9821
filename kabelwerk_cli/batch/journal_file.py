"""The journal's file: its tables, and how damage to it is noticed.

Each entry has a checksum, and the file one of all entries and their number: SQLite notices a
damaged page, but neither a flipped bit inside a cell nor a lost entry, which would
send a message twice.
"""

import contextlib
import os
import sqlite3
import tempfile
import zlib
from pathlib import Path

VERSION = 2
_SCHEMA = """
CREATE TABLE about (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    version INTEGER NOT NULL,
    purpose TEXT NOT NULL,
    entries INTEGER NOT NULL,
    checksum INTEGER NOT NULL
);
CREATE TABLE entries (
    id BLOB PRIMARY KEY,
    fate TEXT NOT NULL,
    key TEXT NOT NULL,
    request_id TEXT,
    checksum INTEGER NOT NULL
) WITHOUT ROWID;
"""

# the same checksum, made by SQLite: a million entries are read in half a second
_CONTENT = "hex(id) || '/' || fate || '/' || key || '/' || ifnull(request_id, '')"
_TYPES = "typeof(id) = 'blob' AND typeof(key) = 'text' AND typeof(request_id) IN ('text', 'null')"
_CHECKED = f"""
SELECT
    count(*),
    ifnull(sum(checksum), 0),
    total(checksum = crc32(CAST({_CONTENT} AS BLOB)) AND {_TYPES})
FROM entries
"""  # noqa: S608


def read_soundly(db: sqlite3.Connection) -> tuple[int, int, str]:
    """Read everything once: what is damaged must not look like what was never sent.

    Returns:
        The number of entries, the sum of their checksums, and what the journal is for.

    Raises:
        sqlite3.DatabaseError: it is damaged, or not a journal.
    """
    if db.execute("PRAGMA quick_check").fetchall() != [("ok",)]:
        raise sqlite3.DatabaseError("it is malformed")
    about = db.execute("SELECT version, purpose, entries, checksum FROM about").fetchall()
    if len(about) != 1 or about[0][0] != VERSION:
        raise sqlite3.DatabaseError("it is not a journal, or one of another version")
    _, purpose, *promised = about[0]
    count, checksums, sound = db.execute(_CHECKED).fetchone()
    total = checksums + seed(purpose)
    if sound != count or [count, total] != promised:
        raise sqlite3.DatabaseError("entries are damaged or missing")
    return count, total, purpose


def seed(purpose: str) -> int:
    """Return the checksum of a journal without entries."""
    return zlib.crc32(purpose.encode("utf-8", "surrogatepass"))


def connect(path: Path) -> sqlite3.Connection:
    """Open a connection that any thread may use, one at a time."""
    db = sqlite3.connect(path, timeout=0.5, isolation_level=None, check_same_thread=False)
    db.create_function("crc32", 1, zlib.crc32, deterministic=True)
    return db


def create(path: Path, purpose: str) -> None:
    """Make an empty journal. It appears complete: an empty file is always a damaged one."""
    handle, name = tempfile.mkstemp(dir=path.absolute().parent, prefix=f".{path.name}.")  # 0600
    os.close(handle)
    try:
        with contextlib.closing(connect(Path(name))) as db:
            db.execute("BEGIN")
            for statement in _SCHEMA.split(";\n"):
                db.execute(statement)
            values = (VERSION, purpose, seed(purpose))
            db.execute("INSERT INTO about VALUES (1, ?, ?, 0, ?)", values)
            db.execute("COMMIT")
        with contextlib.suppress(FileExistsError):
            os.link(name, path)
    finally:
        Path(name).unlink()
    folder = os.open(path.absolute().parent, os.O_RDONLY)
    try:
        os.fsync(folder)  # the file's name is to be on the disk as well
    finally:
        os.close(folder)


def discard(path: Path) -> None:
    """Delete a journal, damaged or not, unless another process uses it.

    Raises:
        sqlite3.OperationalError: another process uses it.
    """
    if not path.exists():
        return
    with contextlib.closing(connect(path)) as db:
        try:
            db.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError:
            raise  # it is in use
        except sqlite3.DatabaseError:
            pass  # it is damaged, which is no reason to keep it
    path.unlink()
    side_file(path).unlink(missing_ok=True)


def side_file(path: Path) -> Path:
    """Return SQLite's own journal of the file."""
    return path.with_name(f"{path.name}-journal")
