"""What a journal or state records about one row."""

import zlib
from typing import NamedTuple

from .fate import Fate


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


Pair = tuple[Entry | None, Entry | None]
"""An entry to write, and the one that it replaces; None for no entry."""


def checksum_of(entry: Entry) -> int:
    """Return the checksum of an entry."""
    row_id, fate, key, hub, at, request_id, error, content = entry
    known = f"{fate}/{key}/{hub}/{at}/{request_id or ''}/{error or ''}/{content}"
    return zlib.crc32(f"{row_id.hex().upper()}/{known}".encode())
