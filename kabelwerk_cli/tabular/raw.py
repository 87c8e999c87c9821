"""Rows as they are in a file, independent of its format."""

import abc
import re
import unicodedata
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple, Protocol

from kabelwerk_cli.errors import Refused


def fold(name: str) -> str:
    """Return a column's name in the form in which names are compared."""
    return unicodedata.normalize("NFC", name).strip().casefold().replace("-", "_")


_ASSIGNMENT = re.compile(r"(export\s+)?\w+=")
ERROR_COLUMN = "error"
"""The column of a rejects file with the reason; it is ignored on input."""


class BadFile(Refused):
    """The file as a whole cannot be read."""


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


class Grid(abc.ABC):
    """Rows of cells below a header. Rows of blank cells are skipped, like blank lines.

    Args:
        name: the file.

    Raises:
        BadFile: there is no header.
    """

    delimiter = ","
    """The delimiter of the cells, or of a CSV file made from them."""

    def __init__(self, name: str) -> None:
        self.name = name
        _, header = next(self._records(), (0, []))
        columns = [cell.strip() for cell in header]
        # spreadsheets export empty columns that were used before
        while columns and not columns[-1]:
            columns.pop()
        if not columns:
            raise BadFile(f"'{name}' is empty. Its first line must name the columns.")
        if any(map(_ASSIGNMENT.match, columns)):
            # an error that lists the columns would print what may be a secret
            raise BadFile(f"The first line of '{name}' sets a variable; it must name the columns.")
        self.columns = tuple(columns)

    @abc.abstractmethod
    def _records(self) -> Iterator[tuple[int, list[str]]]:
        """Yield each line that is not blank, with its number."""

    def records(self) -> Iterator[tuple[int, tuple[int, list[str]]]]:
        """Yield every row, with its number and line; see `Rows`."""
        numbered = enumerate(self._records())
        next(numbered, None)
        return numbered

    def read(self, record: tuple[int, tuple[int, list[str]]]) -> Raw:
        """Return a row."""
        number, (line, cells) = record
        columns, width = self.columns, len(self.columns)
        if len(cells) == width:
            return Raw(number, line, columns, cells, cells)
        if len(cells) > width and not any(cells[width:]):
            return Raw(number, line, columns, cells[:width], cells[:width])
        problem = f"the row has {_cells(len(cells))} instead of {width}"
        return Raw(number, line, (), (), cells, problem)


def _cells(count: int) -> str:
    return "1 cell" if count == 1 else f"{count} cells"
