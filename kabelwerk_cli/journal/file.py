"""The file of a journal or state: its tables, and the detection of damage.

Each entry has a checksum, and the file has one over all entries, and their number. SQLite detects a
damaged page, but neither a flipped bit inside a cell nor a lost entry, which would send a message
twice.
"""

import contextlib
import os
import sqlite3
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from kabelwerk_cli import __version__

from .entry import Entry, Pair, checksum_of
from .fate import SETTLED, Fate

VERSION = 4
"""The version of the format."""
MAGIC = b"SQLite format 3\0"
_ID_PLACE = 68
"""The offset of the application ID in the file."""


class Kind(NamedTuple):
    """A kind of file that records the fate of rows."""

    noun: str
    application_id: int
    """The ID in the file's header, which tells it from other databases."""
    option: str
    """The option that names another path."""
    holds: str
    """What the file records, as a sentence."""
    repair: str
    """What to do about a damaged file, as sentences with a placeholder for its path."""
    moved: str
    """What happens if it is moved away, as a sentence with a placeholder for its path."""
    settled: frozenset[Fate]
    """The fates of entries that `About.left` does not count."""
    suffix: str
    """What its name adds to that of its file."""
    follows_links: bool
    """Whether it is beside the file that a link leads to, and not beside the link."""

    def beside(self, name: str) -> Path:
        """Return its path by default, given the name of its file."""
        is_link = self.follows_links and os.path.islink(name)  # noqa: PTH114
        return Path((os.path.realpath(name) if is_link else name) + self.suffix)


JOURNAL = Kind(
    "journal",
    0x6B61626C,
    "--journal",
    "It records which rows were sent.",
    "",
    "Move '{path}' away to send all rows again.",
    SETTLED,
    ".kabelwerk-journal",
    follows_links=True,
)
STATE = Kind(
    "state",
    0x6B616273,
    "--state",
    "It records what was last sent, and who may be deleted.",
    "Restore '{path}' from a backup, or move it away and use --adopt.",
    "",
    frozenset(),
    ".kabelwerk-state",
    follows_links=False,  # a link to today's export keeps one state
)


_SCHEMA = """
CREATE TABLE about (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    version INTEGER NOT NULL,
    program TEXT NOT NULL,
    purpose TEXT NOT NULL,
    secret TEXT NOT NULL,
    left INTEGER NOT NULL,
    rejects TEXT NOT NULL,
    pending TEXT NOT NULL,
    spool BLOB NOT NULL,
    target BLOB NOT NULL,
    handed INTEGER NOT NULL,
    entries INTEGER NOT NULL,
    checksum INTEGER NOT NULL,
    seal INTEGER NOT NULL
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
SCHEMA_OF_ABOUT, SCHEMA_OF_ENTRIES = _SCHEMA.split(";\n")[:2]
COLUMNS = Entry._fields

# the same checksum as `checksum_of`, but in SQL: it checks a million entries per second
_CONTENT = f"printf('{'/'.join(['%s'] * len(COLUMNS))}', hex(id), {', '.join(COLUMNS[1:])})"
CHECKSUM = f"crc32(CAST({_CONTENT} AS BLOB))"
"""The checksum of an entry, in SQL."""
_TYPES = "typeof(id) = 'blob' AND typeof(key) = 'text' AND typeof(request_id) IN ('text', 'null')"
_CHECKED = f"""
SELECT count(*), ifnull(sum(checksum), 0), total(checksum = {CHECKSUM} AND {_TYPES}) FROM entries
"""  # noqa: S608


class About(NamedTuple):
    """The description of the file itself."""

    program: str
    """The version of the program that wrote it last."""
    purpose: str
    """The command and the address it belongs to."""
    secret: str = ""
    """The key of a state's digests; empty in a journal."""
    left: int = 1
    """How many rows of its file are not settled; in a state, 0 once a run has come to its end."""
    rejects: str = ""
    """The digest of the rejects file; empty if there is none."""
    pending: str = ""
    """The digest of the rejects file that is about to get its name, if there is one."""
    spool: bytes = b""
    """The path under which that file is complete, from the journal's folder."""
    target: bytes = b""
    """The path that it gets."""
    handed: int = 0
    """The `Entry.at` of the rows that only that file has."""
    entries: int = 0
    """The number of entries."""
    checksum: int = 0
    """The sum of their checksums."""

    @property
    def finished(self) -> bool:
        """Whether a run has read its file to the end, and settled every row."""
        return self.left == 0


_FIELDS = ", ".join(About._fields)
_PLACES = f"({', '.join('?' * (len(COLUMNS) + 1))})"
_DESCRIBE = f"""
INSERT OR REPLACE INTO about (id, version, {_FIELDS}, seal)
VALUES (1, ?, {", ".join("?" * len(About._fields))}, ?)
"""  # noqa: S608


def _seal_of(about: About) -> int:
    return zlib.crc32(repr(tuple(about)).encode("utf-8", "surrogatepass"))


def check_kind(path: Path, kind: Kind) -> None:
    """Refuse another kind of file before SQLite opens it, as opening may write to it.

    Raises:
        sqlite3.DatabaseError: it is another kind of file.
        OSError: it cannot be read.
    """
    if not is_kind(path, kind):
        raise sqlite3.DatabaseError("it is damaged, or another kind of file")


def is_kind(path: Path, kind: Kind) -> bool:
    """Tell whether a file begins as one of a certain kind does.

    Raises:
        OSError: it cannot be read.
    """
    with path.open("rb") as file:
        head = file.read(_ID_PLACE + 4)
    return head.startswith(MAGIC) and head[_ID_PLACE:] == kind.application_id.to_bytes(4)


def connect(path: Path, options: str = "") -> sqlite3.Connection:
    """Open a connection that any thread may use, one at a time.

    Args:
        path: the file.
        options: further parameters of the URI.

    Raises:
        sqlite3.OperationalError: there is no such file; SQLite would create an empty one.
    """
    db = sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=rw{options}",
        uri=True,
        timeout=0.5,
        isolation_level=None,
        check_same_thread=False,
    )
    # on macOS, a disk may keep commits in its cache otherwise
    db.execute("PRAGMA fullfsync = ON")
    db.create_function("crc32", 1, zlib.crc32, deterministic=True)
    return db


def read_about(db: sqlite3.Connection) -> About:
    """Read and verify the description of the file.

    Raises:
        sqlite3.DatabaseError: it is damaged.
    """
    *fields, seal = db.execute(f"SELECT {_FIELDS}, seal FROM about").fetchone()  # noqa: S608
    about = About._make(fields)
    if seal != _seal_of(about):
        raise sqlite3.DatabaseError("its description is damaged")
    return about


def check_entries(db: sqlite3.Connection, count: int, checksum: int) -> None:
    """Verify every entry: a damaged one must not look like a row that was never sent.

    Args:
        db: the file.
        count: the number of entries.
        checksum: the sum of their checksums.

    Raises:
        sqlite3.DatabaseError: entries are damaged or missing.
    """
    found, checksums, sound = db.execute(_CHECKED).fetchone()
    if sound != found or (found, checksums) != (count, checksum):
        raise sqlite3.DatabaseError("entries are damaged or missing")


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


def put(
    db: sqlite3.Connection, about: About, pairs: Sequence[Pair], settled: frozenset[Fate]
) -> About:
    """Write entries, and remove those in whose place none is written.

    Args:
        db: the file.
        about: its description.
        pairs: the new and the old entry of each row.
        settled: the fates of entries that `About.left` does not count.

    Returns:
        Its description once they are written.
    """
    kept = [(*entry, checksum_of(entry)) for entry, _ in pairs if entry]
    gone = [before.id for entry, before in pairs if before and not entry]
    # one statement for all, as Python switches threads at each
    if kept:
        rows = ", ".join([_PLACES] * len(kept))
        values = [value for row in kept for value in row]
        db.execute(f"INSERT OR REPLACE INTO entries VALUES {rows}", values)  # noqa: S608
    if gone:
        places = ", ".join("?" * len(gone))
        db.execute(f"DELETE FROM entries WHERE id IN ({places})", gone)  # noqa: S608
    old = [before for _, before in pairs if before]
    return about._replace(
        left=about.left + _count(old, settled) - _count([entry for entry, _ in pairs], settled),
        entries=about.entries + len(kept) - len(old),
        checksum=about.checksum + sum(row[-1] for row in kept) - sum(map(checksum_of, old)),
    )


def _count(entries: Sequence[Entry | None], settled: frozenset[Fate]) -> int:
    return sum(1 for entry in entries if entry and entry.fate in settled)


def describe(db: sqlite3.Connection, about: About) -> None:
    """Write the description of the file."""
    db.execute(_DESCRIBE, (VERSION, *about, _seal_of(about)))


def clear(db: sqlite3.Connection, about: About) -> None:
    """Remove every entry, and set a new description."""
    with transaction(db):
        db.execute("DELETE FROM entries")
        describe(db, about)


def fill(db: sqlite3.Connection, kind: Kind, purpose: str, secret: str) -> None:
    """Create the tables in an empty file."""
    db.execute(f"PRAGMA application_id = {kind.application_id}")
    with transaction(db):
        db.execute(SCHEMA_OF_ABOUT)
        db.execute(SCHEMA_OF_ENTRIES)
        describe(db, About(__version__, purpose, secret))


def side_file(path: Path) -> Path:
    """Return SQLite's own journal of the file."""
    return path.with_name(f"{path.name}-journal")
