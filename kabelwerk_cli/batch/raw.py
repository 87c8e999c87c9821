"""A row as a file has it, whatever the file's format."""

import abc
import re
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from kabelwerk_cli.terminal.exit_codes import Refused

_ASSIGNMENT = re.compile(r"(export\s+)?\w+=")
ERROR_COLUMN = "error"
"""What a rejects file says of each row; it is ignored when the file comes back."""


class BadFile(Refused):
    """The file as a whole cannot be read."""


class Raw(NamedTuple):
    """One row as it stands in the file."""

    number: int
    """1 for the first row after the header."""
    line: int
    """The line, or the row of the sheet, where it begins."""
    columns: Sequence[str]
    """The names of its columns, as they stand there."""
    cells: Sequence[Any]
    """The value of each column: text, or what JSON has there."""
    source: Sequence[str]
    """The row as it stands there: its cells, or a line of JSON."""
    problem: str = ""
    """Why it cannot be read, if it cannot."""


class Grid(abc.ABC):
    """Rows of cells below a header. Rows of blank cells are skipped, like blank lines.

    Args:
        name: the file.

    Raises:
        BadFile: there is no header.
    """

    delimiter = ","
    """What separates the cells, or would in a CSV file."""

    def __init__(self, name: str) -> None:
        self.name = name
        _, header = next(self._records(), (0, []))
        columns = [cell.strip() for cell in header]
        # spreadsheets export blank columns that were used once
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

    def __iter__(self) -> Iterator[Raw]:
        """Yield every row.

        Raises:
            BadFile: from some line on it cannot be read.
        """
        columns, width = self.columns, len(self.columns)
        records = self._records()
        next(records, None)
        for number, (line, cells) in enumerate(records, start=1):
            if len(cells) == width:
                yield Raw(number, line, columns, cells, cells)
            elif len(cells) > width and not any(cells[width:]):
                yield Raw(number, line, columns, cells[:width], cells[:width])
            else:
                problem = f"the row has {_cells(len(cells))} instead of {width}"
                yield Raw(number, line, (), (), cells, problem)


def _cells(count: int) -> str:
    return "1 cell" if count == 1 else f"{count} cells"
