"""Journals and states as earlier versions left them, each beside its file.

`format-3` was written by the last version before 0.2.0, against a server with the users `old0` to
`old9` and their rooms:

- `half-done`: a mailing killed at its sixth request. Three messages are posted; the fourth was
  posted, and its answer lost; the fifth was rejected; the sixth was in flight.
- `finished`: a mailing of eight messages.
- `import`: an update of four users: one answered with 503, one handed over.
- `handing-over`: a mailing killed before its rejects file (`.spool`) got its name.
- `staff`: a sync of four users.

`format-4` was written by version 0.2.0 in the same cases; `make.py` makes such files.
"""

import contextlib
import shutil
import sqlite3
import zlib
from pathlib import Path

from kabelwerk_cli.journal.file import describe, read_about

FOLDER = Path(__file__).parent


def take(name: str, home: Path, url: str) -> Path:
    """Copy a journal or state and its file into a folder, as if it were for another address.

    Args:
        name: the file, below this folder.
        home: the folder.
        url: the address.

    Returns:
        The path of the journal or state.
    """
    for path in (FOLDER / name).parent.glob(f"{Path(name).name}*"):
        shutil.copy(path, home)
    (kept,) = home.glob(f"{Path(name).name}.kabelwerk-*")
    with contextlib.closing(sqlite3.connect(kept)) as db, db:
        (_move_3 if name.startswith("format-3/") else _move_4)(db, url)
    return kept


def _move_3(db: sqlite3.Connection, url: str) -> None:
    purpose, secret, checksum = db.execute("SELECT purpose, secret, checksum FROM about").fetchone()
    moved = f"{purpose.partition(' at ')[0]} at {url}"
    checksum += crc(moved + secret) - crc(purpose + secret)
    db.execute("UPDATE about SET purpose = ?, checksum = ?", (moved, checksum))


def _move_4(db: sqlite3.Connection, url: str) -> None:
    about = read_about(db)
    describe(db, about._replace(purpose=f"{about.purpose.partition(' at ')[0]} at {url}"))


def crc(text: str) -> int:
    """The checksum of a text."""
    return zlib.crc32(text.encode())
