"""The lock of a journal or state: who holds it, and whether its file system has locks at all."""

import errno
import fcntl
import os
import struct
import sys
from pathlib import Path
from typing import NamedTuple

_START = 0x40000000
"""Where SQLite's locks begin."""
_LENGTH = 512
_FLOCK = struct.Struct("hhqqi4x")
"""The `struct flock` of Linux."""
_NO_LOCKS = frozenset(
    (errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL, errno.EPERM)
)


class Lock(NamedTuple):
    """What the system says about the lock of a file that could not be locked."""

    missing: str = ""
    """Why the file system has no locks; empty if it has."""
    holder: str = ""
    """The process that holds it; empty if that is unknown."""


def look_at(path: Path) -> Lock:
    """Find out why a file cannot be locked. This process must have no lock on it."""
    try:
        file = os.open(path, os.O_RDONLY)
    except OSError:
        return Lock()
    try:
        fcntl.lockf(file, fcntl.LOCK_SH | fcntl.LOCK_NB, _LENGTH, _START)
        return Lock()
    except OSError as error:
        if error.errno in _NO_LOCKS:
            return Lock(missing=error.strerror or str(error))
        return Lock(holder=_holder(file))
    finally:
        os.close(file)


def share(file: int) -> bool:
    """Take a lock for reading, so that no run starts to write; return whether a run has it.

    Args:
        file: the descriptor of the file; closing it releases the lock.

    On a file system without locks no run can have one.
    """
    try:
        fcntl.lockf(file, fcntl.LOCK_SH | fcntl.LOCK_NB, _LENGTH, _START)
    except OSError as error:
        return error.errno in _NO_LOCKS
    return True


def _holder(file: int) -> str:
    if sys.platform != "linux":
        return ""
    asked = _FLOCK.pack(fcntl.F_RDLCK, os.SEEK_SET, _START, _LENGTH, 0)
    try:
        kind, *_, process = _FLOCK.unpack(fcntl.fcntl(file, fcntl.F_GETLK, asked))
    except OSError:
        return ""
    if kind == fcntl.F_UNLCK or process <= 0:
        return ""  # on another machine, or outside this container
    try:
        name = Path(f"/proc/{process}/comm").read_text(errors="replace").strip()
    except OSError:
        return str(process)
    return f"{process}, {name}"
