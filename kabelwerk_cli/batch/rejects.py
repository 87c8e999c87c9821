"""The rows that somebody has to correct, in a file of the same kind, to be sent from there."""

import csv
import hashlib
import io
import itertools
import json
import os
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

from kabelwerk_cli.output import as_json, compact
from kabelwerk_cli.terminal.error_report import problem, read_problem
from kabelwerk_cli.terminal.exit_codes import InvalidRow, Refused

from .checking import reread
from .fate import Fate
from .files import ERROR_COLUMN, Raw, RowFile
from .journal import GROUP, Entry, Journal
from .journal_file import sync_folder
from .plan import Plan
from .rows import BadRow, RowReader, sentence


class Rejects:
    """A rejects file. Its temporary file is made at once, so that it is known that it can be.

    Args:
        file: the input.
        reader: makes calls of its rows.
        path: where the rows go; None for nowhere.

    Raises:
        Refused: there cannot be such a file.
    """

    def __init__(self, file: RowFile, reader: RowReader, path: str | None) -> None:
        self._input = file
        self._reader = reader
        self._path = Path(os.path.realpath(path)) if path else None
        self._file: IO[bytes] | None = None
        if self._path:
            try:
                self._file = tempfile.NamedTemporaryFile(  # noqa: SIM115 - `__exit__` closes it
                    dir=self._path.parent, prefix=f".{self._path.name}.", delete=False
                )
            except OSError as error:
                reason = error.strerror or error
                raise Refused(f"Cannot write '{path}': {reason}.") from None

    def __enter__(self) -> "Rejects":
        return self

    def __exit__(self, *_: object) -> None:
        if self._file:
            self._file.close()
            Path(self._file.name).unlink(missing_ok=True)

    def check(self, journal: Journal) -> None:
        """Refuse to overwrite what is not a rejects file of this journal, as it was written.

        Raises:
            Refused: it is not.
        """
        if self._path and self._path.exists():
            content = self._path.read_bytes()
            if _digest(content) != journal.about.rejects:
                raise Refused(
                    f"'{self._path}' exists, and was changed or not written by this batch. Send "
                    "its rows, or use another --rejects."
                )

    def write(self, journal: Journal, plan: Plan) -> int:
        """Write the rows that were rejected, and note in the journal that they are handed over.

        The rows of earlier runs stay in the file.

        Returns:
            How many rows were handed over.

        Raises:
            OSError: there is no room for the file.
            Changed: the input is not what was checked.
            JournalError: the journal cannot be written; the rows stay rejected there.
        """
        if self._path is None or self._file is None:
            return 0
        known = self._path.read_bytes() if self._path.exists() else b""
        self._file.write(known or self._header())
        count = 0
        for raw, entry in self._rejected(journal, plan):
            self._file.write(self._line(raw, entry))
            count += 1
        if not count:
            return 0
        self._file.flush()
        os.fsync(self._file.fileno())
        Path(self._file.name).replace(self._path)
        sync_folder(self._path)
        digest = _digest(self._path.read_bytes())
        rows = self._rejected(journal, plan)
        while block := list(itertools.islice(rows, GROUP)):
            handed_over = [
                (entry._replace(fate=Fate.HANDED_OVER), None if raw.problem else entry)
                for raw, entry in block
            ]
            journal.settle(handed_over, rejects=digest)
        return count

    def _rejected(self, journal: Journal, plan: Plan) -> Iterator[tuple[Raw, Entry]]:
        """Yield each row that was rejected, with its entry; a refused one has none so far."""
        for planned, raw in reread(self._input, plan):
            if planned.bad:
                refused = self._reader.read(raw)
                said = refused.problem if isinstance(refused, BadRow) else ""
                error = compact(as_json(problem(InvalidRow(sentence(said)))))
                entry = Entry(planned.id, Fate.REJECTED, planned.key, error=error)
                yield raw._replace(problem=said or "invalid"), entry
            elif planned.fate is not Fate.DONE:
                entry_ = journal.find([planned.id]).get(planned.id)
                if entry_ and entry_.fate is Fate.REJECTED:
                    yield raw, entry_

    def _header(self) -> bytes:
        columns = [name for name in self._input.columns if name != ERROR_COLUMN]
        return b"" if self._input.is_json else self._csv([*columns, ERROR_COLUMN])

    def _line(self, raw: Raw, entry: Entry) -> bytes:
        said = read_problem(entry.error)
        error = said.message if said else ""
        if self._input.is_json:
            row = {**dict(zip(raw.columns, raw.cells, strict=True)), ERROR_COLUMN: error}
            return f"{json.dumps(row)}\n".encode()
        columns, cells = self._input.columns, list(raw.source)
        if ERROR_COLUMN in columns and len(cells) == len(columns):
            cells.pop(columns.index(ERROR_COLUMN))
        return self._csv([*cells, error])

    def _csv(self, cells: Sequence[str]) -> bytes:
        text = io.StringIO()
        csv.writer(text, delimiter=self._input.delimiter, lineterminator="\n").writerow(cells)
        return text.getvalue().encode("utf-8", "surrogateescape")


def _digest(content: bytes) -> str:
    return hashlib.blake2b(content, digest_size=16).hexdigest()
