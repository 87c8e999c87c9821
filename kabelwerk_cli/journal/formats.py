"""Reading the formats of earlier versions of the program.

Version 3 is that of the last builds before 0.2.0. Rows that were being handed over to a rejects
file had a fate of their own then, and one column said how far that was.
"""

import os
import sqlite3
import zlib

from kabelwerk_cli import __version__

from .fate import Fate
from .file import (
    CHECKSUM,
    SCHEMA_OF_ABOUT,
    VERSION,
    About,
    check_entries,
    describe,
    read_about,
    transaction,
)

_HANDING_OVER = "being handed over"
_NOT_WRITTEN = "?"
"""The digest of a rejects file that is not complete."""


class OtherVersion(sqlite3.DatabaseError):
    """The file has a format that this version cannot read.

    Args:
        writer: the version that wrote it; empty if it is older than any that is read.
    """

    def __init__(self, writer: str) -> None:
        by = f"version {writer}" if writer else "an earlier version"
        super().__init__(f"it was written by {by} of kabelwerk, and this is version {__version__}")
        self.writer = writer


def read_verified(db: sqlite3.Connection) -> About:
    """Read and verify everything, and bring the file to the latest format.

    Raises:
        OtherVersion: it was written by another version, in a format that this one cannot read.
        sqlite3.DatabaseError: it is damaged.
    """
    if db.execute("PRAGMA quick_check").fetchall() != [("ok",)]:
        raise sqlite3.DatabaseError("it is malformed")
    versions = db.execute("SELECT version FROM about").fetchall()
    if versions == [(3,)]:
        _upgrade_3(db)
    elif versions != [(VERSION,)]:
        is_later = bool(versions) and versions[0] > (VERSION,)
        query = "SELECT program FROM about"
        raise OtherVersion(db.execute(query).fetchone()[0] if is_later else "")
    about = read_about(db)
    check_entries(db, about.entries, about.checksum)
    return about


def _upgrade_3(db: sqlite3.Connection) -> None:
    columns = "purpose, secret, finished, rejects, entries, checksum"
    purpose, secret, finished, rejects, entries, checksum = db.execute(
        f"SELECT {columns} FROM about"  # noqa: S608
    ).fetchone()
    checksum -= zlib.crc32((purpose + secret).encode("utf-8", "surrogatepass"))
    check_entries(db, entries, checksum)
    about = About("", purpose, secret, left=int(not finished), entries=entries)
    digest, _, rest = rejects.partition(" ")
    before, _, spool = rest.partition(" ")
    fate = Fate.HANDED_OVER
    if secret:  # a state, whose rejects file has either digest
        about = about._replace(rejects=before, pending=digest)
    elif spool and (digest == _NOT_WRITTEN or os.path.exists(spool)):  # noqa: PTH110
        # its rows stay with the batch; the file is removed later
        about = about._replace(rejects=before, spool=os.fsencode(spool))
        fate = Fate.REJECTED
    else:
        about = about._replace(rejects=digest)
    with transaction(db):
        db.execute("UPDATE entries SET fate = ? WHERE fate = ?", (fate, _HANDING_OVER))
        db.execute(f"UPDATE entries SET checksum = {CHECKSUM} WHERE fate = ?", (fate,))  # noqa: S608
        (total,) = db.execute("SELECT ifnull(sum(checksum), 0) FROM entries").fetchone()
        db.execute("DROP TABLE about")
        db.execute(SCHEMA_OF_ABOUT)
        describe(db, about._replace(checksum=total))
