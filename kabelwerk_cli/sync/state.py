"""Records on disk what the server last acknowledged for each user or room.

A state is a journal that is kept: it has the same file format, checks, lock and commits.
"""

import hashlib
import os
import sqlite3
from collections.abc import Collection, Iterable
from pathlib import Path
from typing import NamedTuple

from kabelwerk_cli.journal.entry import Pair
from kabelwerk_cli.journal.file import STATE
from kabelwerk_cli.journal.journal import Journal
from kabelwerk_cli.journal.origin import Origin, split
from kabelwerk_cli.rows.reader import DIGEST_SIZE
from kabelwerk_cli.rows.row import Row
from kabelwerk_cli.rows.table import ANY_HUB


class Digests:
    """Keyed digests of keys and values, which reveal nothing without the secret.

    Args:
        secret: the key.
    """

    def __init__(self, secret: str) -> None:
        self._hash = hashlib.blake2b(key=secret.encode(), digest_size=DIGEST_SIZE)

    def of_key(self, hub: str, key: str) -> bytes:
        """Return the digest of a user's key, or of a room's hub and key."""
        return self._digest(f"{hub}\0{key}")

    def of_value(self, name: str, value: object) -> str:
        """Return the digest of the value of a column."""
        return self._digest(f"{name} {value!a}").hex()

    def of_values(self, row: Row, columns: Collection[str]) -> str:
        """Return the digests of a row's values by column, as they are stored in a state."""
        arguments = row.arguments
        return " ".join(
            f"{name}={self.of_value(name, arguments[name])}"
            for name in columns
            if arguments[name] is not None
        )

    def _digest(self, text: str) -> bytes:
        digest = self._hash.copy()
        digest.update(text.encode("utf-8", "surrogatepass"))
        return digest.digest()


WHY_KEPT = {
    Origin.FOUND: "not created by this sync",
    Origin.DOUBTFUL: "it is unknown who created them",
    Origin.WANTED: "it is unknown whether they were created",
}
"""Why a sync keeps the others."""


class Known(NamedTuple):
    """What a state knows about a user or room."""

    origin: Origin
    values: str
    """The digest of each acknowledged column; see `Digests.of_values`."""

    @classmethod
    def read(cls, content: str) -> "Known":
        """Parse the content of an entry."""
        return cls(*split(content))

    @property
    def content(self) -> str:
        """The content of an entry."""
        return f"{self.origin} {self.values}"

    def without(self, values: str) -> "Known":
        """Return what is known if other values may have been set."""
        unsure = by_column(values)
        kept = {
            name: digest for name, digest in by_column(self.values).items() if name not in unsure
        }
        return self._replace(values=_join(kept))

    def with_values(self, values: str) -> "Known":
        """Return what is known once other values are acknowledged."""
        return self._replace(values=_join({**by_column(self.values), **by_column(values)}))


def hubs_in(db: sqlite3.Connection, rows: str) -> set[str]:
    """Return `_`, and another of the hubs in some rows, as far as there are any."""
    queries = (f"SELECT hub FROM {rows} AND hub {test} ? LIMIT 1" for test in ("=", "!="))  # noqa: S608
    return {hub for query in queries for (hub,) in db.execute(query, [ANY_HUB])}


def by_column(values: str) -> dict[str, str]:
    """Return the digests of values by their columns."""
    return dict(each.split("=") for each in values.split())


def _join(digests: dict[str, str]) -> str:
    return " ".join(f"{name}={digests[name]}" for name in sorted(digests))


class State(Journal):
    """The state of one sync. While it is open, no other process can open it.

    Args:
        path: its file, which is created if missing.
        purpose: the command and the address, in words.
        secret: the key of its digests.
        copy: a copy of the file, which is used instead of it.

    Raises:
        JournalError: it is damaged, in use by another process, or cannot be written.
    """

    def __init__(
        self, path: Path, purpose: str, secret: str = "", copy: Path | None = None
    ) -> None:
        super().__init__(path, purpose, secret, kind=STATE, copy=copy)

    def hubs(self) -> set[str]:
        """Return `_`, and another of the hubs of rooms, as far as there are any."""
        with self._trouble():
            return hubs_in(self._db, "entries WHERE hub != ''")

    def finish(self, pairs: Iterable[Pair] = ()) -> None:
        """Write entries, with those they replace, and note that a run has come to its end.

        Raises:
            JournalError: they cannot be written; then it is unchanged.
        """
        self.commit(pairs, lambda about: about._replace(left=0))


def new_secret() -> str:
    """Return a new random key for the digests of a state."""
    return os.urandom(16).hex()
