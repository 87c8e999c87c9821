"""Rows as they are in a file, independent of its format."""

import abc
import unicodedata
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, Protocol

from kabelwerk_cli.errors import BadFile


def fold(name: str) -> str:
    """Return a column's name in the form in which names are compared."""
    return unicodedata.normalize("NFC", name).strip().casefold().replace("-", "_")


ERROR_COLUMN = "error"
"""The column of a rejects file with the reason; it is ignored on input."""


new_tuple = tuple.__new__
"""Makes a named tuple of all its values, in a fifth of the time that its own constructor takes."""
TOP = 20
"""Among how many lines a header is looked for below a title."""


_MARK = "\ufeff"
"""The byte order mark, as it is in the middle of a text."""


class Raw(NamedTuple):
    """One row as it is in the file."""

    number: int
    """1 for the first row after the header."""
    line: int
    """The line, or the row of the sheet, where it begins."""
    columns: Sequence[str]
    """The names of its columns, as written in the file."""
    cells: Sequence[Any]
    """The value of each column: text, or a JSON value."""
    source: Sequence[str]
    """The unchanged row: its cells, or a line of JSON."""
    problem: str = ""
    """Why it cannot be read; empty if it can."""


class Rows(Protocol):
    """The rows of a file of some format. Skipping a record costs less than reading it."""

    columns: tuple[str, ...]
    delimiter: str

    def records(self) -> Iterator[Any]:
        """Yield every row for `read`.

        Raises:
            BadFile: the rest of the file cannot be read.
        """

    def read(self, record: Any) -> Raw:
        """Return a row."""

    def top(self) -> Iterator[tuple[int, Sequence[str]]]:
        """Yield the numbers and the cells of the first `TOP` lines, if it has a header."""


class Grid(abc.ABC):
    """Rows of cells below a header. Rows of blank cells are skipped, like blank lines.

    Args:
        name: the file.

    Raises:
        BadFile: there is no header.
    """

    delimiter = ","
    """The delimiter of the cells, or of a CSV file made from them."""
    _has_marks = False
    """Whether there are cells that mean something else than what they hold; see `_values`."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.columns: tuple[str, ...] = ()
        self._folded: Sequence[str] = []
        self._starts: frozenset[str] = frozenset()
        _, first = next(self._records(), (0, []))
        header = self._headed(first)
        columns = [cell.strip() for cell in header]
        # spreadsheets export empty columns that were used before
        while columns and not columns[-1]:
            columns.pop()
        if not columns:
            raise BadFile(self._empty())
        self.columns = tuple(columns)
        self._folded = [fold(cell) for cell in columns]
        start = columns[0][:1]
        self._starts = frozenset((start, start.lower(), start.upper(), header[0][:1], _MARK))

    @abc.abstractmethod
    def _records(self) -> Iterator[tuple[int, Sequence[Any]]]:
        """Yield each line that is not blank, with its number."""

    def _headed(self, cells: Sequence[Any]) -> Sequence[str]:
        """Return the texts of the header."""
        return cells

    def _values(self, cells: Sequence[Any]) -> Sequence[Any]:
        """Return what cells mean."""
        return cells

    def _empty(self) -> str:
        """Return the error for a file without a header."""
        return f"'{self.name}' is empty. Its first line must name the columns."

    def records(self) -> Iterator[tuple[int, tuple[int, Sequence[Any]]]]:
        """Yield every row, with its number and line; see `Rows`."""
        numbered = enumerate(self._records())
        next(numbered, None)
        return numbered

    def read(self, record: tuple[int, tuple[int, Sequence[Any]]]) -> Raw:
        """Return a row."""
        number, (line, cells) = record
        columns, width = self.columns, len(self.columns)
        if len(cells) > width and not any(cells[width:]):
            cells = cells[:width]
        if cells[0][:1] in self._starts and self._repeats_header(cells):
            return Raw(number, line, (), (), cells, "the row repeats the header")
        if len(cells) == width:
            values = self._values(cells) if self._has_marks else cells
            return new_tuple(Raw, (number, line, columns, values, cells, ""))
        return Raw(number, line, (), (), cells, self._wrong_width(line, cells))

    def _repeats_header(self, cells: Sequence[Any]) -> bool:
        """Tell whether a row is that of another file, which was appended to this one."""
        texts = [cell for cell in cells if isinstance(cell, str)]
        return len(texts) == len(cells) and self._folded == [
            fold(text.removeprefix(_MARK)) for text in texts
        ]

    def _wrong_width(self, line: int, cells: Sequence[Any]) -> str:
        """Return what is wrong with a row that has too many or too few cells."""
        del line
        count = "1 cell" if len(cells) == 1 else f"{len(cells)} cells"
        return f"the row has {count} instead of {len(self.columns)}"
