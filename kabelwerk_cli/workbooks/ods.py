"""OpenDocument spreadsheets (.ods): rows of cells with what is known of them, row by row."""

import re
from collections.abc import Iterator

from .archive import Archive, Attributes, Damaged, read_xml
from .cells import (
    CELL_LIMIT,
    COLUMNS,
    ROWS,
    Cell,
    Format,
    Kind,
    Merge,
    SheetPart,
    SheetRow,
    formatted,
    is_error,
    moment_text,
)

CONTENT = "content.xml"
_NOT_CELLS = frozenset(
    {"annotation", "shapes", "frame", "custom-shape", "g", "forms", "ruby-text", "dde-link"}
)
"""Elements with texts, or tables, that are beside the cells, or above them."""
_HIDDEN = frozenset({"collapse", "filter"})
_DURATION = re.compile(r"(-?)P(?:(\d+)D)?T?(?:(\d+)H)?(?:(\d+)M)?(?:(\d+)(?:[.,]\d+)?S)?")
_NUMBERS = frozenset({"float", "currency"})
_PERCENT = re.compile(r"\s?%$")
_GENERAL = Format()
_NOT_DIGITS = re.compile(r"[-/() ]")
"""What a format of zeros may have between its digits; a blank may separate thousands as well."""
_LONGEST = 15


class OpenDocument:
    """An OpenDocument spreadsheet.

    Args:
        archive: its content.

    Raises:
        Damaged: a part is missing, or is not what it must be.
    """

    def __init__(self, archive: Archive) -> None:
        self._archive = archive
        self.sheets = self._read_sheets()

    def rows(self, sheet: SheetPart) -> Iterator[SheetRow]:
        """Yield the rows of a sheet that have cells."""
        cells = _Cells(sheet.name, int(sheet.part))
        with self._archive.open(CONTENT) as file:
            for _ in read_xml(file, start=cells.start, end=cells.end, text=cells.text):
                for row, times in cells.take():
                    for number in range(row.number, row.number + times):
                        yield row._replace(number=number)

    def merges(self, sheet: SheetPart) -> list[Merge]:
        """Return nothing: covered cells are marked as such in the rows."""
        del sheet
        return []

    def _read_sheets(self) -> tuple[SheetPart, ...]:
        found: list[SheetPart] = []
        hidden: set[str] = set()
        style = [""]
        sheets = _Sheets()

        def start(name: str, attributes: Attributes) -> None:
            if name == "style":
                style[0] = _get(attributes, "name")
            elif name == "table-properties" and _get(attributes, "display") == "false":
                hidden.add(style[0])
            elif sheets.start(name):
                visible = _get(attributes, "style-name") not in hidden
                found.append(SheetPart(_get(attributes, "name"), visible, part=str(sheets.number)))

        with self._archive.open(CONTENT) as file:
            for _ in read_xml(file, start=start, end=sheets.end):
                pass
        return tuple(found)


class _Sheets:
    """Counts the sheets while they are parsed: the tables that are in nothing else."""

    def __init__(self) -> None:
        self.number = 0
        self._depth = 0

    @property
    def is_beside(self) -> bool:
        """Whether the parser is in something that is beside the cells, or in a table in a cell."""
        return self._depth > 1

    def start(self, name: str) -> bool:
        """Take the start of an element; tell whether it is that of a sheet."""
        if name != "table" and name not in _NOT_CELLS:
            return False
        self._depth += 1
        is_sheet = self._depth == 1 and name == "table"
        self.number += is_sheet
        return is_sheet

    def end(self, name: str) -> bool:
        """Take the end of an element; tell whether it is that of a sheet."""
        if name != "table" and name not in _NOT_CELLS:
            return False
        self._depth -= 1
        return self._depth == 0


class _Cells:
    """Collects the rows of a sheet while it is parsed.

    Args:
        sheet: its name.
        number: which one it is, from 1.
    """

    def __init__(self, sheet: str, number: int) -> None:
        self._sheet = sheet
        self._number = number
        self._sheets = _Sheets()
        self._in_sheet = False
        self._done: list[tuple[SheetRow, int]] = []
        self._row, self._rows = 0, 1
        self._hidden = False
        self._cells: list[str | Cell] = []
        self._blanks = 0
        self._cell: Attributes | None = None
        self._covered = False
        self._parts: list[str] = []
        self._paragraphs, self._size = 0, 0

    def take(self) -> list[tuple[SheetRow, int]]:
        """Return the rows that were completed since the last time, and how often each is there."""
        done, self._done = self._done, []
        return done

    def start(self, name: str, attributes: Attributes) -> None:
        """Take the start of an element."""
        if self._sheets.start(name):
            self._in_sheet = self._sheets.number == self._number
        elif not self._in_sheet or self._sheets.is_beside:
            return
        elif name in {"table-cell", "covered-table-cell"}:
            self._cell, self._covered = attributes, name != "table-cell"
            self._parts, self._paragraphs, self._size = [], 0, 0
        elif name == "table-row":
            self._row += self._rows
            self._rows = int(_get(attributes, "number-rows-repeated", "1"))
            if self._rows < 1:
                raise Damaged("rows")
            self._hidden = _get(attributes, "visibility") in _HIDDEN
            self._cells, self._blanks = [], 0
        elif self._cell is not None:
            self._start_text(name, attributes)

    def _start_text(self, name: str, attributes: Attributes) -> None:
        if name == "p":
            self._parts += ["\n"] * bool(self._paragraphs)
            self._paragraphs += 1
        elif name == "s":
            self.text(" " * min(int(_get(attributes, "c", "1")), CELL_LIMIT))
        elif name in {"tab", "line-break"}:
            self.text("\t" if name == "tab" else "\n")

    def text(self, text: str) -> None:
        """Take a part of a text."""
        if self._cell is not None and self._paragraphs and not self._sheets.is_beside:
            self._parts.append(text)
            self._size += len(text)
            if self._size > CELL_LIMIT:
                raise Damaged("cell")

    def end(self, name: str) -> None:
        """Take the end of an element."""
        if self._sheets.end(name):
            self._in_sheet = False
        elif not self._in_sheet or self._sheets.is_beside:
            return
        elif self._cell is not None and name in {"table-cell", "covered-table-cell"}:
            self._add(self._cell)
            self._cell = None
        elif name == "table-row" and self._cells:
            if self._row + self._rows > ROWS + 1:
                raise Damaged("rows")
            row = SheetRow(self._row, self._hidden, self._cells)
            self._done.append((row, self._rows))

    def _add(self, attributes: Attributes) -> None:
        times = int(_get(attributes, "number-columns-repeated", "1"))
        column = len(self._cells) + self._blanks
        cell = self._read(attributes)
        if cell == "":
            self._blanks += times
            return
        if column + times > COLUMNS or times < 1:
            raise Damaged("columns")
        self._cells += [""] * self._blanks
        self._cells += (
            [cell] * times
            if isinstance(cell, str)
            else [cell._replace(column=at) for at in range(column, column + times)]
        )
        self._blanks = 0

    def _read(self, attributes: Attributes) -> str | Cell:
        shown = "".join(self._parts)
        kind = _get(attributes, "value-type")
        text, mark = shown, None
        if self._covered:
            mark = Kind.COVERED
        elif _is_error(attributes, shown):
            mark = Kind.ERROR
        elif _get(attributes, "formula") and not (kind or self._paragraphs):
            mark = Kind.UNKNOWN  # a formula whose value is empty has an empty paragraph
        elif kind in _NUMBERS:
            text, mark = _number(_get(attributes, "value"), shown)
        elif kind == "percentage":
            text, mark = _percentage(_get(attributes, "value"), shown)
        elif kind == "string":
            text = shown or _get(attributes, "string-value")
        elif kind:
            text, mark = _typed(kind, attributes)
        return Cell(self._sheet, 0, text, mark) if mark else text


def _is_error(attributes: Attributes, shown: str) -> bool:
    """Tell whether a formula has an error: LibreOffice says so in an attribute of its own."""
    says_so = any(n.endswith(":value-type") and v == "error" for n, v in attributes.items())
    return says_so or (bool(_get(attributes, "formula")) and is_error(shown))


def _number(value: str, shown: str) -> tuple[str, Kind | None]:
    """Return a number as a person sees it, if it is a truth value or in a format of zeros."""
    number = float(value)
    if shown.isalpha() and number in {0, 1}:
        return "true" if number else "false", Kind.TRUTH
    digits = _NOT_DIGITS.sub("", shown)
    is_sure = " " not in shown or digits.startswith("0")
    if digits.isdecimal() and is_sure and len(digits) <= _LONGEST and float(digits) == number:
        return shown, None
    return formatted(number, _GENERAL)


def _percentage(value: str, shown: str) -> tuple[str, Kind | None]:
    found = _PERCENT.search(shown)
    return formatted(float(value), Format(percent=found[0] if found else "%"))


def _typed(kind: str, attributes: Attributes) -> tuple[str, Kind]:
    if kind == "boolean":
        return _get(attributes, "boolean-value"), Kind.TRUTH
    if kind == "date":
        return moment_text(_get(attributes, "date-value")), Kind.DATE
    found = _DURATION.fullmatch(_get(attributes, "time-value")) if kind == "time" else None
    if not found:
        raise Damaged("type")
    sign, days, hours, minutes, seconds = found.groups(default="0")
    whole = int(days) * 24 + int(hours)
    return f"{sign.strip('0')}{whole:02}:{int(minutes):02}:{int(seconds):02}", Kind.DATE


def _get(attributes: Attributes, name: str, default: str = "") -> str:
    """Return an attribute by its local name."""
    ends = f":{name}"
    return next((value for key, value in attributes.items() if key.endswith(ends)), default)
