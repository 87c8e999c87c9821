"""The two readings of a file: one to check every row, one to send them."""

from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

from kabelwerk_cli.console import Console, complain
from kabelwerk_cli.output import Format, as_json, compact, visible

from .files import RowFile
from .journal import Journal
from .rows import BadRow, Row, RowReader, read_rows
from .runner import Task

SEEN_BITS = 1 << 24
"""The size of the sieve that tells which rows may stand there twice: 2 MiB."""


class Checked(NamedTuple):
    """What the first reading of a file found."""

    rows: int
    """All rows, bad ones included."""
    bad: int
    twice: frozenset[bytes]
    """The digests that may stand for several rows; a few too many, and none too few."""


def check(file: RowFile, reader: RowReader, console: Console, output: Format) -> Checked:
    """Read every row, and name each one that is not fit to be sent.

    A million digests would fill the memory; a sieve (a Bloom filter) finds those that come again.
    """
    seen, twice = bytearray(SEEN_BITS // 8), set()
    rows = bad = 0
    for row in read_rows(file, reader):
        rows = row.number
        if isinstance(row, BadRow):
            bad += 1
            complain(_told(row, output))
        elif _was_seen(seen, row.digest):
            twice.add(row.digest)
    del console
    return Checked(rows, bad, frozenset(twice))


def _was_seen(seen: bytearray, digest: bytes) -> bool:
    """Note a digest; tell whether it was noted before, or looks like one that was."""
    known = True
    for start in (0, 8):
        place = int.from_bytes(digest[start : start + 8]) % SEEN_BITS
        byte, bit = place >> 3, 1 << (place & 7)
        if not seen[byte] & bit:
            known = False
            seen[byte] |= bit
    return known


def _told(row: BadRow, output: Format) -> str:
    if output in {Format.JSON, Format.JSONL}:
        return compact({"invalid": as_json(row)})
    return visible(f"Line {row.line} (row {row.number}): {row.problem}.")


class Tasks:
    """The rows of the second reading, each with what the journal knows of it.

    Attributes:
        bad: the rows that cannot be sent, as far as they were read.
    """

    def __init__(
        self, file: RowFile, reader: RowReader, checked: Checked, journal: Journal
    ) -> None:
        self.checked = checked
        self.bad: list[BadRow] = []
        self._file = file
        self._reader = reader
        self._journal = journal

    def __iter__(self) -> Iterator[Task]:
        """Yield the rows that can be sent."""
        counts: Counter[bytes] = Counter()
        for row in read_rows(self._file, self._reader):
            if isinstance(row, BadRow):
                self.bad.append(row)
                continue
            entry_id = self._id(row, counts)
            yield Task(row, entry_id, self._journal.find(entry_id))

    def _id(self, row: Row, counts: Counter[bytes]) -> bytes:
        """Return what a row is called in the journal: its digest, and which of its like it is."""
        if row.digest not in self.checked.twice:
            return row.digest + bytes(4)
        counts[row.digest] += 1
        return row.digest + (counts[row.digest] - 1).to_bytes(4)
