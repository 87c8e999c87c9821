"""Turns journals into those of other versions, as somebody has them who changes versions."""

import contextlib
import sqlite3
import zlib
from pathlib import Path

from kabelwerk_cli.journal.file import VERSION, side_file

LATER = "9.0.0"
"""The version of the program that wrote a later format."""
_ABOUT_3 = """
CREATE TABLE about (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    version INTEGER NOT NULL,
    purpose TEXT NOT NULL,
    finished INTEGER NOT NULL,
    rejects TEXT NOT NULL,
    secret TEXT NOT NULL,
    entries INTEGER NOT NULL,
    checksum INTEGER NOT NULL
)
"""


def is_whole(path: Path) -> bool:
    """Tell whether there is a journal that no kill has left in the middle of something."""
    if not path.exists() or side_file(path).exists():
        return False
    with contextlib.closing(sqlite3.connect(path)) as db:
        return db.execute("SELECT version FROM about").fetchone() == (VERSION,) and not any(
            db.execute("SELECT spool FROM about").fetchone()
        )


def write_as_format_3(path: Path) -> None:
    """Turn a journal into one of format 3, as the versions before 0.2.0 write it."""
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as db:
        purpose, secret, left, rejects, entries, checksum = db.execute(
            "SELECT purpose, secret, left, rejects, entries, checksum FROM about"
        ).fetchone()
        checksum += zlib.crc32((purpose + secret).encode("utf-8", "surrogatepass"))
        db.execute("BEGIN")
        db.execute("DROP TABLE about")
        db.execute(_ABOUT_3)
        values = (1, 3, purpose, int(left == 0), rejects, secret, entries, checksum)
        db.execute("INSERT INTO about VALUES (?, ?, ?, ?, ?, ?, ?, ?)", values)
        db.execute("COMMIT")


def write_as_later(path: Path) -> bytes:
    """Turn a journal into one that a later version wrote; return what it was."""
    before = path.read_bytes()
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("UPDATE about SET version = ?, program = ?", (VERSION + 1, LATER))
    return before
