"""CSV and TSV: cells separated by a comma, a semicolon, a tab or a pipe."""

import csv
import itertools
import re
from collections.abc import Iterable, Iterator
from typing import IO

from .raw import BadFile, Grid
from .text import Text

CELL_LIMIT = 1024 * 1024
"""The longest cell, in characters; a request may not be longer either."""
LINE_LIMIT = 8 * CELL_LIMIT
"""The longest line, in characters: a cell may be written with escapes, and there are several."""
DELIMITERS = ",;\t|"
_DECLARED = re.compile(r'"?sep=(?P<delimiter>[^\w\s"]|\t)"?\s*', re.IGNORECASE)
"""The first line of a file that declares its delimiter, as Excel writes it."""
_QUOTED = re.compile(r'"[^"]*"')


_START, _PLAIN, _QUOTED_CELL, _CLOSED = range(4)
"""The position of a character: before a cell, in a plain or quoted cell, or after a quoted one."""
_OPEN = (
    'a quoted cell is not closed. Add a quotation mark (") at the end of the cell, or remove the '
    "one at its start."
)
_STRAY = (
    'there is text after the closing quotation mark (") of a cell. Inside a quoted cell, double '
    'each quotation mark ("").'
)
_LONG = f"a cell is longer than {CELL_LIMIT} characters."


class LongLine(csv.Error):
    """A line is longer than any row may be; the rest of the file is not read."""


class Delimited(Grid):
    """The rows of a text with delimited cells.

    Args:
        name: the file.
        text: its text.
        delimiter: what separates the cells; None to detect it from the first line.

    Raises:
        BadFile: its first line cannot be read.
    """

    def __init__(self, name: str, text: Text, delimiter: str | None = None) -> None:
        self._text = text
        with text.open() as file:
            first = file.readline(LINE_LIMIT)
            declared = _DECLARED.fullmatch(first)
            header = first_line(file) if declared or first.isspace() else first
        self._skipped = 1 if declared else 0
        self.delimiter = declared["delimiter"] if declared else delimiter or _delimiter(header)
        super().__init__(name)

    def _records(self) -> Iterator[tuple[int, list[str]]]:
        csv.field_size_limit(CELL_LIMIT)
        with self._text.open() as file:
            lines = itertools.islice(read_lines(file), self._skipped, None)
            reader = csv.reader(lines, delimiter=self.delimiter, strict=True)
            line = self._skipped + 1
            try:
                for cells in reader:
                    if any(cells):
                        yield line, cells
                    line = self._skipped + reader.line_num + 1
            except LongLine as error:
                at = self._skipped + reader.line_num + 1
                raise BadFile(f"Line {at} of '{self.name}' {error}.") from None
            except csv.Error:
                raise BadFile(self._misquoted(line)) from None

    def _misquoted(self, line: int) -> str:
        """Return what is wrong with the quotation marks of the record that begins at a line."""
        with self._text.open() as file:
            lines = itertools.islice(read_lines(file), line - 1, None)
            below, mistake = _mistake(lines, self.delimiter)
        return f"Line {line + below} of '{self.name}': {mistake}"


def first_line(file: IO[str]) -> str:
    """Return the next line that is not blank, up to `LINE_LIMIT`; an empty text at the end."""
    while (line := file.readline(LINE_LIMIT)).isspace():
        pass
    return line


def read_lines(file: IO[str]) -> Iterator[str]:
    """Yield the lines of a file, in flat memory even if a line never ends.

    Raises:
        LongLine: a line is longer than `LINE_LIMIT`.
    """
    while line := file.readline(LINE_LIMIT):
        if len(line) == LINE_LIMIT:
            raise LongLine(f"is longer than {LINE_LIMIT} characters")
        yield line


def _delimiter(header: str) -> str:
    """Return the delimiter that is most frequent in a header."""
    return max(DELIMITERS, key=_QUOTED.sub("", header).count)


def _mistake(lines: Iterable[str], delimiter: str) -> tuple[int, str]:
    """Return on which line, counted from 0, a cell is malformed, and what is wrong with it."""
    place, opened, number, length = _START, 0, 0, 0
    for number, line in enumerate(lines):
        for character in line:
            length += 1
            if length > CELL_LIMIT:
                return (opened, _OPEN) if number > opened else (number, _LONG)
            if place == _QUOTED_CELL:
                place = _CLOSED if character == '"' else place
            elif character == '"' and place in {_START, _CLOSED}:
                opened = opened if place == _CLOSED else number
                place = _QUOTED_CELL
            elif character in (delimiter, "\r", "\n"):
                place, length, opened = _START, 0, number
            elif place == _CLOSED:
                return (opened, _OPEN) if number > opened else (number, _STRAY)
            else:
                place = _PLAIN
    return opened, _OPEN
