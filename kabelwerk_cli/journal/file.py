"""The file of a journal or state: its tables, and the detection of damage.

Each entry has a checksum, and the file has one over all entries, and their number. SQLite detects a
damaged page, but neither a flipped bit inside a cell nor a lost entry, which would send a message
twice.
"""

import contextlib
import os
import sqlite3
import tempfile
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from kabelwerk_cli.files import sync_folder

from .fate import SETTLED, Fate

VERSION = 3
MAGIC = b"SQLite format 3\0"
_ID_PLACE = 68
"""The offset of the application ID in the file."""


class Kind(NamedTuple):
    """A kind of file that records the fate of rows."""

    noun: str
    application_id: int
    """The ID in the file's header, which tells it from other databases."""
    holds: str
    """What the file records, as a sentence."""
    advice: str
    """What to do about a damaged file, as a sentence with a placeholder for its path."""


JOURNAL = Kind(
    "journal",
    0x6B61626C,
    "It records which rows were sent.",
    "Move '{path}' away to start over.",
)


class Entry(NamedTuple):
    """What is known about a row."""

    id: bytes
    fate: Fate
    key: str
    hub: str = ""
    """The room's hub; empty for users."""
    at: int = 0
    """When, in parts of a second since the epoch; see `PER_SECOND`."""
    request_id: str | None = None
    error: str | None = None
    """The error object, as JSON."""
    content: str = ""
    """What the server acknowledged, for a state; empty in a journal."""

    @property
    def is_settled(self) -> bool:
        """Whether the row needs nothing more from this file."""
        return self.fate in SETTLED


_SCHEMA = """
CREATE TABLE about (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    version INTEGER NOT NULL,
    purpose TEXT NOT NULL,
    finished INTEGER NOT NULL,
    rejects TEXT NOT NULL,
    secret TEXT NOT NULL,
    entries INTEGER NOT NULL,
    checksum INTEGER NOT NULL
);
CREATE TABLE entries (
    id BLOB PRIMARY KEY,
    fate TEXT NOT NULL,
    key TEXT NOT NULL,
    hub TEXT NOT NULL,
    at INTEGER NOT NULL,
    request_id TEXT,
    error TEXT,
    content TEXT NOT NULL,
    checksum INTEGER NOT NULL
) WITHOUT ROWID;
"""
COLUMNS = Entry._fields

# the same checksum as `checksum_of`, but in SQL: it checks a million entries per second
_CONTENT = f"printf('{'/'.join(['%s'] * len(COLUMNS))}', hex(id), {', '.join(COLUMNS[1:])})"
_TYPES = "typeof(id) = 'blob' AND typeof(key) = 'text' AND typeof(request_id) IN ('text', 'null')"
_CHECKED = f"""
SELECT
    count(*),
    ifnull(sum(checksum), 0),
    total(checksum = crc32(CAST({_CONTENT} AS BLOB)) AND {_TYPES})
FROM entries
"""  # noqa: S608


class About(NamedTuple):
    """The description of the file itself."""

    purpose: str
    """The command and the address it belongs to."""
    finished: bool
    """Whether a run has read its file to the end, and settled every row."""
    rejects: str
    """The digest of the last rejects file; empty if there is none. While one is being written, also
    its temporary name; see `rejects.settle`."""
    secret: str
    """The key of a state's digests; empty in a journal."""
    entries: int
    """The number of entries."""
    checksum: int
    """The sum of their checksums, and that of the purpose and the secret."""


_PLACES = f"({', '.join('?' * (len(COLUMNS) + 1))})"
_UPDATE = f"UPDATE about SET {', '.join(f'{name} = ?' for name in About._fields)}"  # noqa: S608


def checksum_of(entry_id: bytes, *rest: object) -> int:
    """Return the checksum of an entry."""
    content = "/".join([entry_id.hex().upper(), *("" if x is None else str(x) for x in rest)])
    return zlib.crc32(content.encode())


def check_kind(path: Path, kind: Kind) -> None:
    """Refuse another kind of file before SQLite opens it, as opening may write to it.

    Raises:
        sqlite3.DatabaseError: it is another kind of file.
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        head = file.read(_ID_PLACE + 4)
    if not head.startswith(MAGIC) or head[_ID_PLACE:] != kind.application_id.to_bytes(4):
        raise sqlite3.DatabaseError("it is damaged, or another kind of file")


def connect(path: Path) -> sqlite3.Connection:
    """Open a connection that any thread may use, one at a time.

    Raises:
        sqlite3.OperationalError: there is no such file; SQLite would create an empty one.
    """
    db = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=rw",
        uri=True,
        timeout=0.5,
        isolation_level=None,
        check_same_thread=False,
    )
    db.create_function("crc32", 1, zlib.crc32, deterministic=True)
    return db


def read_verified(db: sqlite3.Connection) -> About:
    """Read and verify everything: a damaged entry must not look like a row that was never sent.

    Raises:
        sqlite3.DatabaseError: it is damaged, or was written by another version.
    """
    if db.execute("PRAGMA quick_check").fetchall() != [("ok",)]:
        raise sqlite3.DatabaseError("it is malformed")
    versions = db.execute("SELECT version FROM about").fetchall()
    if versions != [(VERSION,)]:
        raise sqlite3.DatabaseError("it was written by another version of kabelwerk")
    query = f"SELECT {', '.join(About._fields)} FROM about"  # noqa: S608
    about = About(*db.execute(query).fetchone())
    count, checksums, sound = db.execute(_CHECKED).fetchone()
    found = count, checksums + seed(about)
    if sound != count or found != (about.entries, about.checksum):
        raise sqlite3.DatabaseError("entries are damaged or missing")
    return about._replace(finished=bool(about.finished))


@contextlib.contextmanager
def transaction(db: sqlite3.Connection) -> Iterator[None]:
    """Commit everything in the block, or nothing."""
    db.execute("BEGIN IMMEDIATE")
    try:
        yield
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:
            db.execute("ROLLBACK")
        raise


def put(db: sqlite3.Connection, entries: Sequence[Entry]) -> None:
    """Write entries, and remove those whose fate is `FORGOTTEN`."""
    kept = [(*entry, checksum_of(*entry)) for entry in entries if entry.fate is not Fate.FORGOTTEN]
    gone = [entry.id for entry in entries if entry.fate is Fate.FORGOTTEN]
    # one statement for all, as Python switches threads at each
    if kept:
        rows = ", ".join([_PLACES] * len(kept))
        values = [value for row in kept for value in row]
        db.execute(f"INSERT OR REPLACE INTO entries VALUES {rows}", values)  # noqa: S608
    if gone:
        places = ", ".join("?" * len(gone))
        db.execute(f"DELETE FROM entries WHERE id IN ({places})", gone)  # noqa: S608


def describe(db: sqlite3.Connection, about: About) -> None:
    """Write the description of the file."""
    db.execute(_UPDATE, about)


def counted(about: About, entry: Entry, before: Entry | None) -> About:
    """Return the description once an entry is written, and another one replaced."""
    is_gone = entry.fate is Fate.FORGOTTEN
    checksum = 0 if is_gone else checksum_of(*entry)
    replaced = checksum_of(*before) if before else 0
    return about._replace(
        entries=about.entries + (before is None) - is_gone,
        checksum=about.checksum + checksum - replaced,
    )


def clear(db: sqlite3.Connection, purpose: str) -> None:
    """Remove every entry, and set a new purpose."""
    with transaction(db):
        db.execute("DELETE FROM entries")
        db.execute(
            "UPDATE about SET purpose = ?, finished = 0, rejects = '', entries = 0,"
            " checksum = crc32(CAST(? || secret AS BLOB))",
            (purpose, purpose),
        )


def change_fates(db: sqlite3.Connection, before: str, after: str, rejects: str) -> None:
    """Change the fate of all entries that have a certain one, and set the note about rejects."""
    with transaction(db):
        db.execute("UPDATE entries SET fate = ? WHERE fate = ?", (after, before))
        db.execute(
            f"UPDATE entries SET checksum = crc32(CAST({_CONTENT} AS BLOB)) WHERE fate = ?",  # noqa: S608
            (after,),
        )
        db.execute(
            "UPDATE about SET rejects = ?, checksum = crc32(CAST(purpose || secret AS BLOB))"
            " + (SELECT ifnull(sum(checksum), 0) FROM entries)",
            (rejects,),
        )


def seed(about: About) -> int:
    """Return the checksum of a file without entries."""
    return zlib.crc32((about.purpose + about.secret).encode("utf-8", "surrogatepass"))


def create(path: Path, kind: Kind, purpose: str, secret: str) -> None:
    """Create a file without entries. It appears complete, so a file without tables is damaged."""
    handle, name = tempfile.mkstemp(dir=path.absolute().parent, prefix=f".{path.name}.")  # 0600
    os.close(handle)
    try:
        with contextlib.closing(connect(Path(name))) as db:
            db.execute(f"PRAGMA application_id = {kind.application_id}")
            db.execute("BEGIN")
            for statement in _SCHEMA.split(";\n"):
                db.execute(statement)
            about = About(purpose, finished=False, rejects="", secret=secret, entries=0, checksum=0)
            about = about._replace(checksum=seed(about))
            db.execute("INSERT INTO about VALUES (1, ?, ?, ?, ?, ?, ?, ?)", (VERSION, *about))
            db.execute("COMMIT")
        with contextlib.suppress(FileExistsError):
            os.link(name, path)
    finally:
        Path(name).unlink()
        side_file(Path(name)).unlink(missing_ok=True)  # if the disk is full
    sync_folder(path)


def side_file(path: Path) -> Path:
    """Return SQLite's own journal of the file."""
    return path.with_name(f"{path.name}-journal")
