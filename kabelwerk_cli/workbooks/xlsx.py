"""Excel workbooks (.xlsx): rows of cells with what is known of their formats, row by row."""

import posixpath
import re
from collections.abc import Iterator

from kabelwerk_cli.errors import BadFile

from .archive import Archive, Attributes, Damaged, attribute, read_part, read_xml
from .cells import (
    BUILT_IN,
    CELL_LIMIT,
    COLUMNS,
    EXACT,
    ROWS,
    Cell,
    Format,
    Kind,
    Merge,
    SheetPart,
    SheetRow,
    formatted,
    moment_text,
    read_format,
)

TEXTS_LIMIT = 160 * 1024**2
"""The most memory for the texts that a workbook's sheets share, in bytes."""
TEXT_COST = 60
"""What a text needs in memory beside its characters, in bytes."""
MERGES_LIMIT = 100_000
_ESCAPE = re.compile(r"_x([0-9A-Fa-f]{4})_")
_REFERENCE = re.compile(r"([A-Z]{1,3})([0-9]{1,7})", re.ASCII)
_TRUE = frozenset({"1", "true"})
_GENERAL = Format()


class ExcelBook:
    """An Excel workbook.

    Args:
        name: the file.
        archive: its content.
        part: the member with the list of sheets.

    Attributes:
        is_uncalculated: whether the values of its formulas are not those that a person sees, as a
            spreadsheet program calculates them when it opens the file.

    Raises:
        Damaged: a part is missing, or is not what it must be.
        BadFile: it is too large.
    """

    def __init__(self, name: str, archive: Archive, part: str) -> None:
        self._name = name
        self._archive = archive
        self._from_1904 = False
        self.is_uncalculated = False
        self._related = _relations(archive, part)
        self.sheets = self._read_sheets(part)

    def rows(self, sheet: SheetPart) -> Iterator[SheetRow]:
        """Yield the rows of a sheet that have cells."""
        cells = _Cells(self, sheet.name)
        with self._archive.open(sheet.part) as file:
            for _ in read_xml(file, start=cells.start, end=cells.end, text=cells.text):
                yield from cells.take()

    def merges(self, sheet: SheetPart) -> list[Merge]:
        """Return the merged cells of a sheet, which are listed after its rows."""
        found: list[Merge] = []

        def start(name: str, attributes: Attributes) -> None:
            if name == "mergeCell":
                first, _, last = attributes.get("ref", "").partition(":")
                (row, column), (last_row, last_column) = _place(first), _place(last or first)
                found.append(Merge(row, last_row, column, last_column))
                if len(found) > MERGES_LIMIT:
                    raise BadFile(f"'{self._name}' has over {MERGES_LIMIT} merged cells.")

        with self._archive.open(sheet.part) as file:
            read_part(file, start)
        return sorted(found)

    def texts(self) -> list[str]:
        """Return the texts that its sheets share.

        Raises:
            BadFile: they do not fit into memory.
        """
        part = self._part("/sharedStrings")
        if not part:
            return []
        reader = _Texts(self._name)
        with self._archive.open(part) as file:
            for _ in read_xml(file, start=reader.start, end=reader.end, text=reader.text):
                pass
        return reader.found

    def formats(self) -> list[Format]:
        """Return the number format of each style."""
        part = self._part("/styles")
        codes, styles, within = dict(BUILT_IN), list[int](), [""]

        def start(name: str, attributes: Attributes) -> None:
            if name == "numFmt":
                codes[int(attributes["numFmtId"])] = attributes.get("formatCode", "")
            elif name in {"cellXfs", "cellStyleXfs", "cellStyles", "dxfs"}:
                within[0] = name
            elif name == "xf" and within[0] == "cellXfs":
                styles.append(int(attributes.get("numFmtId", "0")))

        if part:
            with self._archive.open(part) as file:
                read_part(file, start)
        known = {number: read_format(code) for number, code in codes.items()}
        return [known.get(style, _GENERAL) for style in styles]

    def shown(self, value: str, form: Format) -> tuple[str, Kind | None]:
        """Return a number as a person sees it."""
        return formatted(float(value), form, from_1904=self._from_1904)

    def _part(self, kind: str) -> str:
        return next((part for type_, part in self._related.values() if type_.endswith(kind)), "")

    def _read_sheets(self, part: str) -> tuple[SheetPart, ...]:
        found: list[SheetPart] = []

        def start(name: str, attributes: Attributes) -> None:
            if name == "workbookPr":
                self._from_1904 = attributes.get("date1904") in _TRUE
            elif name == "calcPr":
                self.is_uncalculated = attributes.get("fullCalcOnLoad") in _TRUE
            elif name == "sheet":
                kind, target = self._related.get(attribute(attributes, "id") or "", ("", ""))
                visible = attributes.get("state", "visible") == "visible"
                has_cells = kind.endswith("/worksheet") and _folded(target) in self._archive.names
                found.append(SheetPart(attributes.get("name", ""), visible, has_cells, target))

        with self._archive.open(part) as file:
            read_part(file, start)
        return tuple(found)


def book_part(archive: Archive) -> str:
    """Return the main part of an Office document; empty if there is none."""
    try:
        related = _relations(archive, "")
    except Damaged:
        related = {}
    parts = [part for kind, part in related.values() if kind.endswith("/officeDocument")]
    usual = ("xl/workbook.xml", "xl/workbook.bin")
    return next((part for part in (*parts, *usual) if _folded(part) in archive.names), "")


class _Cells:
    """Collects the rows of a sheet while it is parsed."""

    def __init__(self, book: ExcelBook, sheet: str) -> None:
        self._book = book
        self._sheet = sheet
        self._texts = book.texts()
        self._formats = book.formats()
        self._columns: dict[str, int] = {}
        self._done: list[SheetRow] = []
        self._row, self._hidden = 0, False
        self._cells: list[str | Cell] = []
        self._column, self._type, self._style = -1, "n", 0
        self._has_formula, self._phonetic = False, False
        self._parts: list[str] | None = None
        self._value, self._size = "", 0

    def take(self) -> list[SheetRow]:
        """Return the rows that were completed since the last time."""
        done, self._done = self._done, []
        return done

    def start(self, name: str, attributes: Attributes) -> None:
        """Take the start of an element."""
        if name == "c":
            self._column = self._column_of(attributes.get("r"))
            self._type = attributes.get("t", "n")
            self._style = int(attributes.get("s", 0))
            self._has_formula, self._value, self._size = False, "", 0
        elif name == "v" or (name == "t" and not self._phonetic):
            self._parts = []
        elif name == "f":
            self._has_formula = True
        elif name == "row":
            number = int(attributes.get("r", self._row + 1))
            if not self._row < number <= ROWS:
                raise Damaged("rows")
            self._row, self._column, self._cells = number, -1, []
            self._hidden = attributes.get("hidden") in _TRUE or attributes.get("ht") == "0"
        elif name == "rPh":
            self._phonetic = True

    def text(self, text: str) -> None:
        """Take a part of a text."""
        if self._parts is not None:
            self._parts.append(text)
            self._size += len(text)
            if self._size > CELL_LIMIT:
                raise Damaged("cell")

    def end(self, name: str) -> None:
        """Take the end of an element."""
        if self._parts is not None and name in {"v", "t"}:
            self._value += "".join(self._parts)
            self._parts = None
        elif name == "c":
            if cell := self._cell():
                if len(self._cells) < self._column:
                    self._cells += [""] * (self._column - len(self._cells))
                self._cells[self._column :] = [cell]
        elif name == "row":
            self._done.append(SheetRow(self._row, self._hidden, self._cells))
        elif name == "rPh":
            self._phonetic = False

    def _cell(self) -> str | Cell:
        value, kind = self._value, self._type
        if self._has_formula and self._book.is_uncalculated:
            return self._marked("", Kind.UNKNOWN)
        if kind == "s" and value.isdecimal():
            return self._texts[int(value)]
        if kind in {"str", "inlineStr"}:
            return unescaped(value)
        if not value:
            return self._marked("", Kind.UNKNOWN) if self._has_formula else ""
        return self._number(value) if kind == "n" else self._typed(value, kind)

    def _typed(self, value: str, kind: str) -> Cell:
        if kind == "b":
            return self._marked("true" if value in _TRUE else "false", Kind.TRUTH)
        if kind == "e":
            return self._marked(value, Kind.ERROR)
        if kind == "d":
            return self._marked(moment_text(value), Kind.DATE)
        raise Damaged("type")

    def _number(self, value: str) -> str | Cell:
        form = self._formats[self._style] if self._style < len(self._formats) else _GENERAL
        if form is _GENERAL and value.isdecimal() and float(value) < EXACT:
            return str(int(value))
        text, kind = self._book.shown(value, form)
        return self._marked(text, kind) if kind else text

    def _marked(self, text: str, kind: Kind) -> Cell:
        return Cell(self._sheet, self._column, text, kind)

    def _column_of(self, reference: str | None) -> int:
        if reference is None:
            return self._column + 1
        letters = reference.rstrip("0123456789")
        column = self._columns.get(letters)
        if column is None:
            column = self._columns[letters] = _place(f"{letters}1")[1]
        if column <= self._column:
            raise Damaged("columns")
        return column


class _Texts:
    """Collects the texts that sheets share."""

    def __init__(self, name: str) -> None:
        self._name = name
        self.found: list[str] = []
        self._parts: list[str] = []
        self._wanted, self._phonetic = False, False
        self._cost = 0

    def start(self, name: str, _: Attributes) -> None:
        if name == "t":
            self._wanted = not self._phonetic
        elif name == "rPh":
            self._phonetic = True

    def text(self, text: str) -> None:
        if self._wanted:
            self._parts.append(text)
            self._spend(len(text))

    def end(self, name: str) -> None:
        if name == "si":
            self.found.append(unescaped("".join(self._parts)))
            self._parts = []
            self._spend(TEXT_COST)
        elif name == "t":
            self._wanted = False
        elif name == "rPh":
            self._phonetic = False

    def _spend(self, size: int) -> None:
        self._cost += size
        if self._cost > TEXTS_LIMIT:
            raise BadFile(f"'{self._name}' has too much text to be read. Save the sheet as CSV.")


def unescaped(text: str) -> str:
    """Return a text with the characters that XML cannot hold, such as `_x000D_`."""
    return _ESCAPE.sub(lambda found: chr(int(found[1], 16)), text) if "_x" in text else text


def _place(reference: str) -> tuple[int, int]:
    """Return the row, from 1, and the column, from 0, of a reference such as `B7`."""
    found = _REFERENCE.fullmatch(reference.replace("$", "").upper())
    if not found:
        raise Damaged("reference")
    column = 0
    for letter in found[1]:
        column = column * 26 + ord(letter) - ord("A") + 1
    if column > COLUMNS or not 0 < int(found[2]) <= ROWS:
        raise Damaged("reference")
    return int(found[2]), column - 1


def _relations(archive: Archive, part: str) -> dict[str, tuple[str, str]]:
    """Return the type and the member of each part that a part is related to, by ID."""
    folder, base = posixpath.split(part)
    found: dict[str, tuple[str, str]] = {}

    def start(name: str, attributes: Attributes) -> None:
        if name == "Relationship" and attributes.get("TargetMode") != "External":
            target = attributes.get("Target", "").replace("\\", "/")
            whole = target if target.startswith("/") else posixpath.join(folder, target)
            found[attributes.get("Id", "")] = (attributes.get("Type", ""), whole.lstrip("/"))

    with archive.open(posixpath.join(folder, "_rels", f"{base}.rels")) as file:
        read_part(file, start)
    return found


def _folded(name: str) -> str:
    return posixpath.normpath(name).lstrip("/").lower()
