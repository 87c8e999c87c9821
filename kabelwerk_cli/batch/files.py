"""Reading a file of rows: CSV with commas or semicolons, TSV, or JSON Lines."""

import contextlib
import csv
import os
import shutil
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any, NamedTuple

from kabelwerk_cli.api.json_text import read_json
from kabelwerk_cli.terminal.exit_codes import Refused

CELL_LIMIT = 1024 * 1024
"""The longest cell, in characters; a request may not be longer either."""
LINE_LIMIT = 8 * CELL_LIMIT
"""The longest line, in characters: a cell may be written with escapes, and there are several."""
ERROR_COLUMN = "error"
"""What a rejects file says of each row; it is ignored when the file comes back."""
DEVICES = ("/dev", "/dev/fd", "/proc/self/fd")
CELLS = (".csv", ".tsv")
LINES = (".jsonl", ".ndjson")


class BadFile(Refused):
    """The file as a whole cannot be read."""


class LongLine(csv.Error):
    """A line is too long to be one of rows; what follows is not read."""


class Raw(NamedTuple):
    """One row as it stands in the file."""

    number: int
    """1 for the first row after the header."""
    line: int
    """The line where it begins."""
    columns: Sequence[str]
    """The names of its columns, as they stand there."""
    cells: Sequence[Any]
    """The value of each column: text, or what JSON has there."""
    source: Sequence[str]
    """The row as it stands there: its cells, or a line of JSON."""
    problem: str = ""
    """Why it cannot be read, if it cannot."""


class RowFile:
    """A file of rows, which may be read several times.

    Args:
        name: the file, or `-` for standard input. What can be read only once, as a pipe, is kept in
            a temporary file.

    Raises:
        BadFile: it cannot be read, or has no header.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self._spool: IO[bytes] | None = None
        try:
            if _is_stream(name):
                self._keep()
            with self._open() as file:
                start = file.readline(LINE_LIMIT).lstrip()
        except OSError as error:
            raise BadFile(f"'{name}' cannot be read: {error.strerror or error}.") from None
        if "\0" in start:
            raise BadFile(f"'{name}' is not a text file.")
        suffix = Path(name).suffix.lower()
        self.is_json = suffix in LINES or (suffix not in CELLS and start.startswith("{"))
        if suffix not in CELLS and start.startswith("["):
            raise BadFile(f"'{name}' is a JSON array; have an object a line instead: jq -c '.[]'.")
        self.delimiter = "\t" if suffix == ".tsv" else _delimiter(start)
        self.columns = () if self.is_json else self._header()

    def __enter__(self) -> "RowFile":
        return self

    def __exit__(self, *_: object) -> None:
        if self._spool:
            self._spool.close()

    def __iter__(self) -> Iterator[Raw]:
        """Yield every row.

        Raises:
            BadFile: from some line on it cannot be read.
        """
        return self._json_rows() if self.is_json else self._csv_rows()

    @property
    def is_stream(self) -> bool:
        """Whether it could be read only once, so that no later run can go on with it."""
        return self._spool is not None

    @property
    def is_terminated(self) -> bool:
        """Whether the last line ends with a line break; if not, the file may be cut."""
        with self._open() as file:
            binary = file.buffer  # type: ignore[attr-defined]
            binary.seek(0, os.SEEK_END)
            binary.seek(max(0, binary.tell() - 1))
            return binary.read() in {b"\n", b"\r"}

    def is_same(self, path: str | None) -> bool:
        """Tell whether another file, which need not be there, is this one."""
        if path is None or self.is_stream:
            return False
        return os.path.exists(path) and os.path.samefile(path, self.name)  # noqa: PTH110, PTH121

    def _keep(self) -> None:
        with contextlib.ExitStack() as stack:
            stdin = self.name == "-"
            source = sys.stdin.buffer if stdin else stack.enter_context(Path(self.name).open("rb"))
            self._spool = tempfile.TemporaryFile()  # noqa: SIM115 - `__exit__` closes it
            shutil.copyfileobj(source, self._spool)
        self._spool.flush()

    def _open(self) -> IO[str]:
        # what is not UTF-8 is found cell by cell, so that its line can be named
        place: str | int = self.name
        if self._spool:
            self._spool.seek(0)
            place = os.dup(self._spool.fileno())
        return open(  # noqa: PTH123
            place, encoding="utf-8-sig", errors="surrogateescape", newline=""
        )

    def _header(self) -> tuple[str, ...]:
        try:
            with self._open() as file:
                header = next(self._reader(file), None)
        except (csv.Error, LongLine) as error:
            raise BadFile(f"The first line of '{self.name}' is no CSV ({error}).") from None
        if not header:
            raise BadFile(f"'{self.name}' is empty; its first line must name the columns.")
        if not _is_utf8("".join(header)):
            raise BadFile(f"'{self.name}' is not UTF-8 text; save it as UTF-8.")
        return tuple(name.strip() for name in header)

    def _reader(self, file: IO[str]) -> Any:
        csv.field_size_limit(CELL_LIMIT)
        return csv.reader(_lines(file), delimiter=self.delimiter, strict=True)

    def _csv_rows(self) -> Iterator[Raw]:
        width = len(self.columns)
        with self._open() as file:
            reader = self._reader(file)
            next(reader)
            line, number = reader.line_num + 1, 0
            try:
                for cells in reader:
                    if cells:
                        number += 1
                        yield self._csv_row(number, line, cells, width)
                    line = reader.line_num + 1
            except csv.Error as error:
                raise BadFile(
                    f"'{self.name}' cannot be read from line {line} on ({error})."
                ) from None

    def _unreadable_from(self, line: int, error: Exception) -> BadFile:
        return BadFile(f"'{self.name}' cannot be read from line {line} on ({error}).")

    def _csv_row(self, number: int, line: int, cells: Sequence[str], width: int) -> Raw:
        if len(cells) != width:
            problem = f"there are {len(cells)} cells, and {width} columns"
            return Raw(number, line, (), (), cells, problem)
        return Raw(number, line, self.columns, cells, cells)

    def _json_rows(self) -> Iterator[Raw]:
        number = line = 0
        with self._open() as file:
            try:
                for line, text in enumerate(_lines(file), start=1):
                    if not text.isspace():
                        number += 1
                        yield _json_row(number, line, text)
            except LongLine as error:
                raise BadFile(
                    f"'{self.name}' cannot be read from line {line + 1} on ({error})."
                ) from None


def _is_stream(name: str) -> bool:
    """Tell whether a file can be read only once, or is another one under that name next time."""
    folder = os.path.dirname(os.path.abspath(name))  # noqa: PTH100, PTH120
    return name == "-" or folder in DEVICES or not os.path.isfile(name)  # noqa: PTH113


def _is_utf8(text: str) -> bool:
    """Tell whether a text was UTF-8 in the file, where another byte became a lone surrogate."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _lines(file: IO[str]) -> Iterator[str]:
    """Yield the lines of a file; memory stays flat also where there is no end of one.

    Raises:
        LongLine: a line is longer than `LINE_LIMIT`.
    """
    while line := file.readline(LINE_LIMIT):
        if len(line) == LINE_LIMIT:
            raise LongLine(f"a line is longer than {LINE_LIMIT} characters")
        yield line


def _json_row(number: int, line: int, text: str) -> Raw:
    source = [text if text.endswith("\n") else f"{text}\n"]
    cells, problem = {}, ""
    try:
        cells = read_json(text)
    except ValueError as error:
        problem = str(error)
    if not isinstance(cells, dict):
        cells, problem = {}, "this is JSON, but not an object"
    return Raw(number, line, tuple(cells), tuple(cells.values()), source, problem)


def _delimiter(header: str) -> str:
    """Return what stands between the columns of a header: whatever there is most of."""
    return max(",;\t", key=header.count)
