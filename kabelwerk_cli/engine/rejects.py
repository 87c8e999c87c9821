"""The rejects file: rows that need correction, in the format of the input, to be sent from it."""

import csv
import hashlib
import io
import itertools
import json
import os
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Self

from kabelwerk_cli.batch.plan import Plan
from kabelwerk_cli.errors import InvalidRow, Refused
from kabelwerk_cli.files import sync_folder
from kabelwerk_cli.journal.fate import Fate
from kabelwerk_cli.journal.file import Entry
from kabelwerk_cli.journal.journal import GROUP, Journal
from kabelwerk_cli.output import as_json, compact
from kabelwerk_cli.rows.reader import BadRow, RowReader
from kabelwerk_cli.rows.table import read_row, reread
from kabelwerk_cli.tabular.file import ERROR_COLUMN, Raw, RowFile
from kabelwerk_cli.tabular.raw import fold
from kabelwerk_cli.terminal.error_report import problem, read_problem
from kabelwerk_cli.words import sentence

NOT_WRITTEN = "?"
"""The digest of a file that is not complete."""


class Rejects:
    """A rejects file. Its temporary file is created at once, to find out whether that is possible.

    Args:
        file: the input.
        reader: makes calls of its rows.
        path: the rejects file; None for no file.

    Raises:
        Refused: the file cannot be created.
    """

    def __init__(self, file: RowFile, reader: RowReader, path: str | None) -> None:
        self._input = file
        self._reader = reader
        self._path = Path(os.path.realpath(path)) if path else None
        self._file: IO[bytes] | None = None
        self._is_named = False
        """Whether, by the journal, the file has its name or is about to get it."""
        if self._path:
            try:
                self._file = tempfile.NamedTemporaryFile(  # noqa: SIM115 - `__exit__` closes it
                    dir=self._path.parent, prefix=f".{self._path.name}.", delete=False
                )
            except OSError as error:
                reason = error.strerror or error
                raise Refused(f"Cannot write '{path}': {reason}.") from None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._file:
            self._file.close()
            if not self._is_named:
                Path(self._file.name).unlink(missing_ok=True)

    def check(self, journal: Journal | None) -> None:
        """Refuse to overwrite a file, unless it is the unchanged rejects file of this journal.

        Args:
            journal: the journal of earlier runs; None if there is none, or it is discarded.

        Raises:
            Refused: it is another file, or was changed.
        """
        if self._path and self._path.exists():
            content = self._path.read_bytes()
            if journal is None or digest_of(content) != journal.about.rejects:
                raise Refused(
                    f"'{self._path}' exists, and was changed or not written by this batch. Send "
                    "its rows first, or use another --rejects FILE."
                )

    def write(self, journal: Journal, plan: Plan) -> int:
        """Write the rejected rows, and note in the journal that they are handed over.

        The rows of earlier runs stay in the file.

        Returns:
            How many rows were handed over.

        Raises:
            OSError: the file cannot be written.
            JournalError: the journal cannot be written; the rows stay rejected there.
        """
        if self._path is None or self._file is None:
            return 0
        before = journal.about.rejects
        # while this name exists, the file does not have its final name
        pending = f"{before} {self._file.name}"
        try:
            count = self._spool(journal, plan, pending)
        except BaseException:
            journal.change_fates(Fate.HANDING_OVER, Fate.REJECTED, before)
            raise
        if not count:
            return 0
        digest = digest_of(Path(self._file.name).read_bytes())
        journal.settle([], rejects=f"{digest} {pending}")
        self._is_named = True
        Path(self._file.name).replace(self._path)
        sync_folder(self._path)
        journal.change_fates(Fate.HANDING_OVER, Fate.HANDED_OVER, digest)
        return count

    def _spool(self, journal: Journal, plan: Plan, pending: str) -> int:
        """Write the file under a temporary name, and note each of its rows in the journal."""
        assert self._path  # noqa: S101 - for the types
        assert self._file  # noqa: S101
        known = self._path.read_bytes() if self._path.exists() else b""
        self._file.write(known or self._header())
        count = 0
        rows = self._rejected(journal, plan)
        while block := list(itertools.islice(rows, GROUP)):
            for raw, entry, _ in block:
                said = read_problem(entry.error)
                self._file.write(self._line(raw, said.message if said else ""))
            moved = [(entry._replace(fate=Fate.HANDING_OVER), known) for _, entry, known in block]
            journal.settle(moved, rejects=f"{NOT_WRITTEN} {pending}")
            count += len(block)
        self._file.flush()
        os.fsync(self._file.fileno())
        return count

    def _rejected(self, journal: Journal, plan: Plan) -> Iterator[tuple[Raw, Entry, Entry | None]]:
        """Yield each rejected row, with its entry and the one in the journal."""
        for planned, raw in reread(self._input, plan.unsettled()):
            known = journal.find([planned.id]).get(planned.id)
            if not planned.bad and not (known and known.fate is Fate.REJECTED):
                continue
            refused = read_row(self._reader, raw)
            if planned.bad:
                said = refused.problem if isinstance(refused, BadRow) else ""
                error = compact(as_json(problem(InvalidRow(sentence(said)))))
                yield raw, Entry(planned.id, Fate.REJECTED, planned.key, error=error), known
            elif known:
                yield raw, known, known

    def _header(self) -> bytes:
        columns = [name for name in self._input.columns if fold(name) != ERROR_COLUMN]
        header = b"" if self._input.is_json else self._csv([*columns, ERROR_COLUMN])
        return self._input.mark + header

    def _line(self, raw: Raw, error: str) -> bytes:
        if self._input.is_json:
            values = zip(raw.columns, raw.cells, strict=True)
            row = {name: value for name, value in values if fold(name) != ERROR_COLUMN}
            return f"{json.dumps(row | {ERROR_COLUMN: error})}\n".encode(self._input.encoding)
        columns, cells = [fold(name) for name in self._input.columns], list(raw.source)
        if ERROR_COLUMN in columns and len(cells) == len(columns):
            cells.pop(columns.index(ERROR_COLUMN))
        return self._csv([*cells, error])

    def _csv(self, cells: Sequence[str]) -> bytes:
        text = io.StringIO()
        csv.writer(text, delimiter=self._input.delimiter, lineterminator="\n").writerow(cells)
        return text.getvalue().encode(self._input.encoding, "backslashreplace")


def settle(journal: Journal) -> None:
    """Complete or undo the writing of a rejects file that was interrupted by a kill.

    Raises:
        JournalError: the journal cannot be written.
    """
    digest, _, pending = journal.about.rejects.partition(" ")
    if not pending:
        return
    before, _, spool = pending.partition(" ")
    if digest == NOT_WRITTEN or os.path.exists(spool):  # noqa: PTH110
        Path(spool).unlink(missing_ok=True)
        journal.change_fates(Fate.HANDING_OVER, Fate.REJECTED, before)
    else:
        journal.change_fates(Fate.HANDING_OVER, Fate.HANDED_OVER, digest)


def digest_of(content: bytes) -> str:
    """Return the digest of a rejects file."""
    return hashlib.blake2b(content, digest_size=16).hexdigest()
