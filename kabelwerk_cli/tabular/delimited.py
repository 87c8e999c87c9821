"""CSV and TSV: cells separated by a comma, a semicolon, a tab or a pipe."""

import csv
import io
import itertools
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import IO, Any

from kabelwerk_cli.errors import BadFile

from .raw import TOP, Grid
from .text import Text

CELL_LIMIT = 1024 * 1024
"""The longest cell, in characters; a request may not be longer either."""
LINE_LIMIT = 8 * CELL_LIMIT
"""The longest line, in characters: a cell may be written with escapes, and there are several."""
BLOCK = 4 * 1024
"""About how many characters are read at once."""
DELIMITERS = ",;\t|"
_QUOTES = "\"'"
_DECLARED = re.compile(r'"?sep=(?P<delimiter>[^\w\s"]|\t)"?\s*', re.IGNORECASE)
"""The first line of a file that declares its delimiter, as Excel writes it."""
_QUOTED = re.compile(r'"[^"]*"')


_FORMULA = re.compile(r'="((?:[^"]|"")*)"')
"""A cell that Excel keeps as text, such as `="00123"`."""
_RUN = r"[=+\-@\t\r＝＋－＠]"  # noqa: RUF001 - the full-width forms are intended
"""What a cell begins with that a spreadsheet would run."""
_ESCAPED = re.compile(rf"'+{_RUN}")
"""A cell that `-o csv` keeps from being run."""
_MARKS = frozenset("='")
_START, _BLANK, _PLAIN, _QUOTED_CELL, _CLOSED = range(5)
"""The position of a character: before a cell, after blanks at its start, in a plain or quoted cell,
or after a quoted one."""
_OPEN = (
    'a quoted cell is not closed. Add a quotation mark (") at the end of the cell, or remove the '
    "one at its start."
)
_STRAY = (
    'there is text after the closing quotation mark (") of a cell, if only a space. Inside a '
    'quoted cell, double each quotation mark ("").'
)
_EARLY_SPACE = 'there is white space before the opening quotation mark (") of a cell. Remove it.'
_TOO_LONG = "larger than field limit"
_LONG = f"a cell is longer than {CELL_LIMIT} characters."


class LongLine(csv.Error):
    """A line is longer than any row may be; the rest of the file is not read."""


class Delimited(Grid):
    """The rows of a text with delimited cells.

    Args:
        name: the file.
        text: its text.
        delimiter: what separates the cells; None to detect it from the first line.
        skip_lines: how many lines above the header to skip.

    Raises:
        BadFile: its first line cannot be read.
    """

    def __init__(
        self, name: str, text: Text, delimiter: str | None = None, *, skip_lines: int = 0
    ) -> None:
        self._text = text
        with text.open() as file:
            for _ in range(skip_lines):
                if not file.readline(LINE_LIMIT):
                    break
            first = file.readline(LINE_LIMIT)
            declared = _DECLARED.fullmatch(first)
            header = first_line(file) if declared or first.isspace() else first
        self._skipped = skip_lines + (1 if declared else 0)
        self.delimiter = declared["delimiter"] if declared else delimiter or _delimiter(header)
        self._early_space = re.compile(rf'(?:^|[{re.escape(self.delimiter)}])\s+"')
        # what Excel, or `-o csv`, does so that a cell is text
        cells = rf"(?:^|[{re.escape(self.delimiter)}\"])(?:=\"|'+{_RUN})"
        self._marks = re.compile(cells)
        super().__init__(name)

    def top(self) -> Iterator[tuple[int, Sequence[str]]]:
        """Yield the numbers and the cells of the first `TOP` lines, each with its own delimiter."""
        with self._text.open() as file:
            for number, line in enumerate(itertools.islice(read_lines(file), TOP), start=1):
                yield number, next(csv.reader([line], delimiter=_delimiter(line)), [])

    def _headed(self, cells: Sequence[Any]) -> Sequence[str]:
        return self._values(cells)

    def _values(self, cells: Sequence[Any]) -> Sequence[str]:
        return [_value(cell) if cell[:1] in _MARKS else cell for cell in cells]

    def _records(self) -> Iterator[tuple[int, list[str]]]:
        csv.field_size_limit(CELL_LIMIT)
        quoted: list[str] = []
        with self._text.open() as file:
            lines = read_lines(file, quoted)
            for _ in itertools.islice(lines, self._skipped):
                quoted.clear()
            reader = csv.reader(lines, delimiter=self.delimiter, strict=True)
            line = first = self._skipped + 1
            try:
                for cells in reader:
                    if quoted:
                        self._check_quotes(line, quoted)
                        quoted.clear()
                    if any(cells):
                        yield line, cells
                    line = first + reader.line_num
            except LongLine as error:
                at = self._skipped + reader.line_num + 1
                raise BadFile(f"Line {at} of '{self.name}' {error}.") from None
            except csv.Error as error:
                if _TOO_LONG in str(error) and self._skipped + reader.line_num == line:
                    raise self._misquoted(line, _LONG) from None
                raise self._misquoted(line, _mistake(quoted, self.delimiter) or _OPEN) from None

    def _check_quotes(self, line: int, quoted: Sequence[str]) -> None:
        """Look closer at the lines of a record that have quotation marks or apostrophes."""
        text = "".join(quoted)
        if not self._has_marks and self._marks.search(text):
            self._has_marks = True
        if self._early_space.search(text) and (mistake := _mistake(quoted, self.delimiter)):
            raise self._misquoted(line, mistake)

    def _misquoted(self, line: int, mistake: str) -> BadFile:
        return BadFile(f"Line {line} of '{self.name}': {mistake}")


def _value(cell: str) -> str:
    """Return what a cell means: `="00123"` means 00123, and `'=1` means `=1`."""
    if found := _FORMULA.fullmatch(cell):
        return found[1].replace('""', '"')
    return cell[1:] if _ESCAPED.match(cell) else cell


def first_line(file: IO[str]) -> str:
    """Return the next line that is not blank, up to `LINE_LIMIT`; an empty text at the end."""
    while (line := file.readline(LINE_LIMIT)).isspace():
        pass
    return line


def read_lines(file: IO[str], marked: list[str] | None = None) -> Iterator[str]:
    """Yield the lines of a file, in flat memory even if a line never ends.

    Args:
        file: the file.
        marked: gets the lines that have quotation marks or apostrophes.

    Raises:
        LongLine: a line is longer than `LINE_LIMIT`.
    """
    while block := file.read(BLOCK):
        rest = file.readline(LINE_LIMIT)
        is_plain = not any(mark in text for text in (block, rest) for mark in _QUOTES)
        lines = io.StringIO(block, newline="").readlines()
        if lines[-1].endswith("\n") or (lines[-1].endswith("\r") and rest != "\n"):
            lines += [rest] if rest else []
        else:
            lines[-1] += rest
        del rest
        too_long = len(lines[-1]) >= LINE_LIMIT and lines.pop()
        if is_plain or marked is None:
            yield from lines
        else:
            for line in lines:
                if '"' in line or "'" in line:
                    marked.append(line)
                yield line
        if too_long:
            raise LongLine(f"is longer than {LINE_LIMIT} characters")


def _delimiter(header: str) -> str:
    """Return the delimiter that is most frequent in a header."""
    return max(DELIMITERS, key=_QUOTED.sub("", header).count)


def _mistake(quoted: Iterable[str], delimiter: str) -> str:
    """Return what is wrong with the quotation marks of a record; an empty text if nothing is.

    Args:
        quoted: its lines with quotation marks; others change nothing.
        delimiter: what separates its cells.
    """
    place, opened = _START, 0
    for number, line in enumerate(quoted):
        for character in line:
            if place == _QUOTED_CELL:
                place = _CLOSED if character == '"' else place
            elif character == '"' and place == _BLANK:
                return _EARLY_SPACE
            elif character == '"' and place in {_START, _CLOSED}:
                opened = opened if place == _CLOSED else number
                place = _QUOTED_CELL
            elif character in (delimiter, "\r", "\n"):
                place = _START
            elif place == _CLOSED:
                is_open = number > opened and not character.isspace()
                return _OPEN if is_open else _STRAY
            elif place in {_START, _BLANK}:
                place = _BLANK if character.isspace() else _PLAIN
    return ""
