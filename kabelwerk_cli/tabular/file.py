"""The input file of a batch: CSV, TSV, JSON Lines or a workbook."""

import codecs
import contextlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, BinaryIO

from kabelwerk_cli.errors import BadFile

from .copy import Copy
from .delimited import CELL_LIMIT, LINE_LIMIT, Delimited, first_line
from .json_lines import JsonLines
from .raw import ERROR_COLUMN, Raw, Rows
from .text import Text
from .workbook import SKIP, Sheet, workbook_kind

__all__ = ["CELL_LIMIT", "ERROR_COLUMN", "LINE_LIMIT", "Raw", "RowFile"]

START = 4096
"""How many bytes are read to detect the kind of file."""
DEVICES = ("/dev", "/dev/fd", "/proc/self/fd")
CELLS = (".csv", ".tsv")
LINES = (".jsonl", ".ndjson")


class RowFile:
    """A file of rows, which may be read several times: it is copied first, and the copy is read.

    Args:
        name: the file, or `-` for standard input.
        encoding: the encoding of a text; None for UTF-8. A byte order mark overrides it.
        sheet: the name of a workbook's sheet; None for the first one that is visible.
        skip_lines: how many lines above the header to skip.
        hidden_rows: `skip` or `include` hidden rows of a workbook; None to refuse them.

    Attributes:
        name: the file as it was given.
        shown: what messages call it.
        is_json: whether rows are JSON objects.
        columns: the names of the columns, as written in the file; empty for JSON.
        delimiter: what separates the cells of a row.
        encoding: the encoding of a text file, and of a rejects file.
        mark: the byte order mark at its start, if any.
        remarks: what to warn about.
        is_stream: whether it can be read only once, so that no later run can resume it.

    Raises:
        BadFile: it cannot be read, or has no header.
        Refused: an option does not fit the file.
        ConfigurationError: it cannot be copied to the temporary folder.
    """

    def __init__(
        self,
        name: str,
        *,
        encoding: str | None = None,
        sheet: str | None = None,
        skip_lines: int = 0,
        hidden_rows: str | None = None,
    ) -> None:
        self._skip_lines = skip_lines
        self._hidden_rows = hidden_rows
        self.name = name
        self.shown = "standard input" if name == "-" else name
        self.remarks: tuple[str, ...] = ()
        self.is_stream = _is_stream(name)
        self._rows: Rows
        with contextlib.ExitStack() as stack, self._trouble():
            self._copy = stack.enter_context(Copy(name))
            with self._open() as file:
                kind = workbook_kind(self.shown, file.read(START), self._open)
            self._rows = self._sheet(kind, encoding, sheet) if kind else self._text(encoding, sheet)
            stack.pop_all()
        self.is_json = isinstance(self._rows, JsonLines)
        self.columns = self._rows.columns
        self.delimiter = self._rows.delimiter

    def __enter__(self) -> "RowFile":
        return self

    def __exit__(self, *_: object) -> None:
        self._copy.__exit__()

    def check_unchanged(self) -> None:
        """Refuse a file that was written to since the copying began: it may not be complete.

        Raises:
            BadFile: its size or time is another one.
        """
        if not self.is_stream and self._copy.is_outdated:
            raise BadFile(
                f"'{self.shown}' is being written: it changed after the run began. Run the command "
                "again when it is complete."
            )

    def __iter__(self) -> Iterator[Raw]:
        """Yield every row.

        Raises:
            BadFile: the rest of the file cannot be read.
        """
        return map(self._rows.read, self.records())

    def records(self) -> Iterator[Any]:
        """Yield every row for `read`; see `Rows`.

        Raises:
            BadFile: the rest of the file cannot be read.
        """
        with self._trouble():
            yield from self._rows.records()

    def read(self, record: Any) -> Raw:
        """Return a row."""
        return self._rows.read(record)

    def hidden(self) -> Iterator[Raw]:
        """Yield the hidden rows that are left out."""
        if isinstance(self._rows, Sheet) and self._hidden_rows == SKIP:
            with self._trouble():
                yield from self._rows.hidden()

    @property
    def other_sheets(self) -> str:
        """Which other sheets a workbook has, as a sentence; empty if there are none."""
        return self._rows.other_sheets if isinstance(self._rows, Sheet) else ""

    @property
    def skipped(self) -> int:
        """How many hidden rows were left out when it was last read to the end."""
        return self._rows.skipped if isinstance(self._rows, Sheet) else 0

    def top(self) -> Iterator[tuple[int, Sequence[str]]]:
        """Yield the numbers and the cells of the first lines of a table; see `Rows`."""
        return self._rows.top()

    @property
    def is_terminated(self) -> bool:
        """Whether the last line of a text ends with a line break; if not, it may be truncated."""
        if isinstance(self._rows, Sheet):
            return True  # a truncated workbook cannot be read
        with self._open() as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - 2))
            # in UTF-16, a line break has a zero byte before or after it
            return file.read().rstrip(b"\0").endswith((b"\n", b"\r"))

    def is_same(self, path: str | None) -> bool:
        """Tell whether a path, which need not exist, is this file."""
        if path is None or self.is_stream:
            return False
        return os.path.exists(path) and os.path.samefile(path, self.name)  # noqa: PTH110, PTH121

    @contextlib.contextmanager
    def _trouble(self) -> Iterator[None]:
        """Turn errors of the operating system into an error about the file."""
        try:
            yield
        except OSError as error:
            raise BadFile(f"Cannot read '{self.shown}': {error.strerror or error}.") from None

    def _open(self) -> BinaryIO:
        return self._copy.open()

    def _sheet(self, kind: str, encoding: str | None, sheet: str | None) -> Sheet:
        if encoding:
            raise BadFile(f"--encoding is for text files; '{self.shown}' is {kind}.")
        self.mark, self.encoding = codecs.BOM_UTF8, "utf-8"
        return Sheet(
            self.shown,
            self._open,
            sheet,
            skip_lines=self._skip_lines,
            hidden_rows=self._hidden_rows,
        )

    def _text(self, encoding: str | None, sheet: str | None) -> Delimited | JsonLines:
        if sheet is not None:
            raise BadFile(f"--sheet is for workbooks; '{self.shown}' is a text file.")
        if self._hidden_rows is not None:
            raise BadFile(f"--hidden-rows is for workbooks; '{self.shown}' is a text file.")
        text = Text(self.shown, self._open, encoding)
        self.mark, self.encoding = text.mark, text.encoding
        if text.is_misread:
            misread = f"'{self.shown}' is valid UTF-8, but is read as {text.encoding}."
            self.remarks = (f"{misread} Leave out --encoding if names look wrong.",)
        with text.open() as file:
            start = first_line(file).lstrip()
        if "\0" in start:
            raise BadFile(text.not_text())
        suffix = Path(self.name).suffix.lower()
        if suffix in LINES or (suffix not in CELLS and start.startswith("{")):
            if self._skip_lines:
                raise BadFile(f"--skip-lines is for tables; '{self.shown}' has JSON on each line.")
            return JsonLines(self.shown, text)
        if suffix not in CELLS and start.startswith("["):
            raise BadFile(
                f"'{self.shown}' is a JSON array. Put one object on each line: jq -c '.[]' FILE."
            )
        delimiter = "\t" if suffix == ".tsv" else None
        return Delimited(self.shown, text, delimiter, skip_lines=self._skip_lines)


def _is_stream(name: str) -> bool:
    """Tell whether a file can be read only once, or its name may mean another one next time."""
    folder = os.path.dirname(os.path.abspath(name))  # noqa: PTH100, PTH120
    return name == "-" or folder in DEVICES or not os.path.isfile(name)  # noqa: PTH113
