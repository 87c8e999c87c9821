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


def checksum_of(entry_id: bytes, *rest: object) -> int:
    """Return the checksum of an entry."""
    content = "/".join([entry_id.hex().upper(), *("" if x is None else str(x) for x in rest)])
    return zlib.crc32(content.encode())
