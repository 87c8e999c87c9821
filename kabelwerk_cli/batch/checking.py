"""The two readings of a file: one to check every row, one to send them."""

import itertools
import struct
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import NamedTuple

from kabelwerk_cli.api.errors import ConfigurationError
from kabelwerk_cli.output import Format, as_json, compact, visible
from kabelwerk_cli.terminal.console import complain
from kabelwerk_cli.terminal.exit_codes import InvalidRow

from .fate import Fate
from .files import Raw, RowFile
from .journal import Journal
from .rows import DIGEST_SIZE, BadRow, Parsed, Row, RowReader, sentence, with_stop
from .runner import Result, Task

BLOCK = 900
"""How many rows are looked up in the journal at once; SQLite takes 999 values in any version."""
SIEVE = 1 << 21
"""The size, in bytes, of the sieve that tells which rows may stand there twice."""
MARKS_IN_MEMORY = 1 << 25
"""How many bytes of marks are kept before a temporary file takes them."""
SENDABLE, BAD, DONE = b"s", b"b", b"d"
"""What a row's mark begins with; its digest follows."""
NO_DIGEST = bytes(DIGEST_SIZE)
FIRST = bytes(4)
"""What follows a digest in the journal, for the first of the rows that say the same."""

_TWO_NUMBERS = struct.Struct("=QQ")


class Checked(NamedTuple):
    """What the first reading of a file found."""

    rows: int
    """All rows, bad ones included."""
    bad: int
    done: int
    """How many of them an earlier run has done, as far as that is seen at once."""
    twice: frozenset[bytes]
    """The digests that may stand for several rows; a few too many, and none too few."""
    marks: "Marks"


class Marks:
    """What was found of each row: one of the letters above, and the digest.

    It is in memory for some two million rows, and in a temporary file from there on.
    """

    def __init__(self) -> None:
        self._file = tempfile.SpooledTemporaryFile(MARKS_IN_MEMORY)  # noqa: SIM115 - see `close`

    def add(self, found: bytes) -> None:
        """Note what was found of the next rows.

        Raises:
            ConfigurationError: there is no room for it.
        """
        try:
            self._file.write(found)
        except OSError as error:
            reason = error.strerror or error
            raise ConfigurationError(f"There is no room for a temporary file: {reason}.") from error

    def __iter__(self) -> Iterator[tuple[bytes, bytes]]:
        """Yield what was found of each row, from the first one on."""
        self._file.seek(0)
        while found := self._file.read(1 + DIGEST_SIZE):
            yield found[:1], found[1:]

    def close(self) -> None:
        """Let go of the file."""
        self._file.close()


def check(file: RowFile, reader: RowReader, journal: Journal | None, output: Format) -> Checked:
    """Read every row, and name each one that is not fit to be sent.

    What an earlier run has done is fit. A million digests would fill the memory; a sieve (a Bloom
    filter) finds those that come again.
    """
    seen, twice = bytearray(SIEVE), set()
    found: Counter[bytes] = Counter()
    marks = Marks()
    rows = map(reader.parse, file)
    while block := list(itertools.islice(rows, BLOCK)):
        done = _done(block, journal)
        marked = []
        for row in block:
            mark, digest, bad = SENDABLE, NO_DIGEST, None
            if isinstance(row, BadRow):
                mark, bad = BAD, row
            else:
                digest = row.digest
                # of rows that say the same, an entry of the journal stands for the first alone
                if again := _was_seen(seen, digest):
                    twice.add(digest)
                if digest in done and not again:
                    mark = DONE
                elif isinstance(made := reader.make(row), BadRow):
                    mark, bad = BAD, made
            if bad:
                complain(_told(bad, output))
            marked.append(mark + digest)
            found[mark] += 1
        marks.add(b"".join(marked))
    return Checked(found.total(), found[BAD], found[DONE], frozenset(twice), marks)


def _done(block: Sequence[Parsed | BadRow], journal: Journal | None) -> frozenset[bytes]:
    """Return the digests of a block whose first row is done."""
    if journal is None:
        return frozenset()
    ids = [row.digest + FIRST for row in block if isinstance(row, Parsed)]
    return frozenset(found[:DIGEST_SIZE] for found in journal.done(ids))


def _id(digest: bytes, before: int) -> bytes:
    """Return what a row is called in the journal, from how many before it say the same."""
    return digest + before.to_bytes(len(FIRST))


def _was_seen(seen: bytearray, digest: bytes) -> bool:
    """Note a digest in the sieve; tell whether it was noted before, or looks like one that was."""
    first, second = _TWO_NUMBERS.unpack(digest)
    here, there = (first >> 3) % SIEVE, (second >> 3) % SIEVE
    bit, other = 1 << (first & 7), 1 << (second & 7)
    if seen[here] & bit and seen[there] & other:
        return True
    seen[here] |= bit
    seen[there] |= other
    return False


def _told(row: BadRow, output: Format) -> str:
    if output in {Format.JSON, Format.JSONL}:
        return compact({"invalid": as_json(row)})
    return visible(f"Line {row.line} (row {row.number}): {with_stop(row.problem)}")


class Tasks:
    """The rows of the second reading.

    Args:
        file: the file.
        reader: makes calls of its rows.
        checked: what the first reading found.
        journal: what earlier runs did.
        tell_done: whether what earlier runs did is to be told row by row.
    """

    def __init__(
        self,
        file: RowFile,
        reader: RowReader,
        checked: Checked,
        journal: Journal,
        *,
        tell_done: bool,
    ) -> None:
        self._checked = checked
        self._file = file
        self._reader = reader
        self._journal = journal
        self._tell_done = tell_done

    def __iter__(self) -> Iterator[Task | Result]:
        """Yield the rows that can be sent, and what became of those that need or can not be."""
        rows = self._rows()
        while block := list(itertools.islice(rows, BLOCK)):
            known = self._journal.find([row.id for row in block if isinstance(row, Task)])
            for row in block:
                yield row._replace(known=known.get(row.id)) if isinstance(row, Task) else row

    def _rows(self) -> Iterator[Task | Result]:
        counts: Counter[bytes] = Counter()
        for raw, (mark, digest) in zip(self._file, self._checked.marks, strict=True):
            before = 0
            if digest in self._checked.twice:
                before = counts[digest]
                counts[digest] += 1
            if mark != DONE or self._tell_done:
                yield self._read(raw, mark, digest, before)

    def _read(self, raw: Raw, mark: bytes, digest: bytes, before: int) -> Task | Result:
        row = self._reader.parse(raw)
        if isinstance(row, Parsed) and mark == DONE:
            return Result(row.number, row.key, Fate.DONE)
        made = self._reader.make(row) if isinstance(row, Parsed) else row
        if isinstance(made, Row) and made.digest != digest:
            made = BadRow(made.number, made.line, made.key, "the file changed while it was read")
        if isinstance(made, BadRow):
            error = InvalidRow(sentence(made.problem))
            return Result(made.number, made.key, Fate.FAILED, error=error)
        return Task(made, _id(digest, before), None)
