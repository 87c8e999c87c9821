"""What the page shows, read through one connection that cannot write."""

import contextlib
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from kabelwerk_cli.sandbox.database import as_store_error, open_database

from .queries import VIEWS, Wanted

PATIENCE = 0.5
"""How long to wait for other readers, in seconds."""


class Busy(Exception):
    """Others are reading."""


class View:
    """Reads the database for the page.

    Only one thread reads at a time, so the page does not keep the server from its other work.

    Args:
        path: the database file.
        patience: how long to wait for other readers, in seconds.

    Raises:
        StoreError: the file cannot be used.
    """

    def __init__(self, path: Path, patience: float = PATIENCE) -> None:
        self._path = path
        self._patience = patience
        self._lock = threading.Lock()
        with as_store_error(path):
            self._db = open_database(path, patience)
            self._db.execute("PRAGMA query_only = ON")

    def look(self, wanted: Wanted, seen: str) -> tuple[str, dict[str, Any] | None]:
        """Return the version of the data, and what to show: None if the version is still `seen`.

        Raises:
            Busy: others are reading.
            StoreError: the file cannot be used.
        """
        with self._reading():
            # It changes when another connection commits, in whatever process. It is read before
            # the data, which can only be newer.
            version = str(self._db.execute("PRAGMA data_version").fetchone()[0])
            return version, None if version == seen else self._shown(wanted)

    def close(self) -> None:
        """Close the connection."""
        with self._lock:
            self._db.close()

    @contextlib.contextmanager
    def _reading(self) -> Iterator[None]:
        if not self._lock.acquire(timeout=self._patience):
            raise Busy
        try:
            with as_store_error(self._path):
                yield
        finally:
            self._lock.release()

    def _shown(self, wanted: Wanted) -> dict[str, Any]:
        self._db.execute("BEGIN")  # one state of the data for all queries
        try:
            return VIEWS[wanted.view](self._db, wanted)
        finally:
            self._db.rollback()
