"""Spreadsheet workbooks, and other files that are often mistaken for a table."""

import contextlib
import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import IO, Any, Protocol

from kabelwerk_cli.errors import BadFile
from kabelwerk_cli.workbooks.archive import Archive
from kabelwerk_cli.workbooks.cells import (
    Cell,
    Kind,
    Merge,
    SheetPart,
    SheetRow,
    is_only_covered,
    place_of,
)
from kabelwerk_cli.workbooks.ods import OpenDocument
from kabelwerk_cli.workbooks.xlsx import ExcelBook, book_part

from .raw import TOP, Grid, Raw

ZIP, OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
PASSWORD = "EncryptedPackage".encode("utf-16-le")
"""A stream in encrypted Excel workbooks, whose container is that of the old .xls format."""
ODS = (
    b"application/vnd.oasis.opendocument.spreadsheet",
    b"application/vnd.oasis.opendocument.spreadsheet-template",
)
AS_CSV = "save the sheet as CSV (in Excel: CSV UTF-8)"
OTHERS = (
    (b"<", "an HTML or XML page", "Open it in a spreadsheet program and save it as CSV."),
    (b"%PDF", "a PDF document", "Export the table as CSV."),
    (b"\x1f\x8b", "a gzip file", "Extract it first: gunzip -c FILE.gz > FILE."),
)
SKIP, INCLUDE = "skip", "include"
"""What is done with hidden rows."""
LISTED = 10
"""The most sheets that an error names."""


class Book(Protocol):
    """A workbook of some format."""

    @property
    def sheets(self) -> Sequence[SheetPart]:
        """Its sheets, in order."""

    def rows(self, sheet: SheetPart) -> Iterator[SheetRow]:
        """Yield the rows of a sheet that have cells."""

    def merges(self, sheet: SheetPart) -> list[Merge]:
        """Return the merged cells of a sheet whose rows do not mark them."""


def workbook_kind(name: str, start: bytes, open_binary: Callable[[], IO[bytes]]) -> str | None:
    """Return what kind of workbook a file is, by its content; None if it may be text.

    Args:
        name: the file.
        start: its first bytes.
        open_binary: opens it.

    Raises:
        BadFile: it is neither a workbook nor text.
    """
    for magic, what, cure in OTHERS:
        if start.lstrip().startswith(magic):
            raise BadFile(f"'{name}' is {what}, not a table. {cure}")
    if start.startswith(OLE):
        with open_binary() as file:
            protected = PASSWORD in file.read()
        old = f"'{name}' is an old Excel workbook (.xls). Save it as .xlsx, or {AS_CSV}."
        raise BadFile(_protected(name) if protected else old)
    if not start.startswith(ZIP):
        return None
    with _damaged(name), open_binary() as file:
        return _kind_of_archive(name, Archive(name, file))


def _kind_of_archive(name: str, archive: Archive) -> str:
    if part := book_part(archive):
        if part.endswith(".bin"):
            raise BadFile(
                f"'{name}' is a binary Excel workbook (.xlsb). Save it as .xlsx, or {AS_CSV}."
            )
        if part.startswith("xl/"):
            return "an Excel workbook"
    elif "mimetype" in archive.names and _read(archive, "mimetype").strip() in ODS:
        if "META-INF/manifest.xml".lower() in archive.names and b"encryption-data" in _read(
            archive, "META-INF/manifest.xml"
        ):
            raise BadFile(_protected(name))
        return "an OpenDocument spreadsheet"
    elif any(member.endswith(".iwa") for member in archive.names):
        raise BadFile(
            f"'{name}' is a document of Numbers or another iWork program. Export it as CSV: File > "
            "Export To > CSV."
        )
    raise BadFile(f"'{name}' is a zip archive, not a table. Extract the table first.")


class Sheet(Grid):
    """The rows of one sheet of a workbook.

    Args:
        name: the file.
        open_binary: opens it.
        sheet: the name of the sheet; None for the first one that is visible.
        skip_lines: how many rows above the header to skip.
        hidden_rows: `SKIP` or `INCLUDE` hidden rows; None to refuse them.

    Attributes:
        skipped: how many hidden rows were left out when it was last read to the end.

    Raises:
        BadFile: it cannot be read, or there is no such sheet.
    """

    def __init__(
        self,
        name: str,
        open_binary: Callable[[], IO[bytes]],
        sheet: str | None,
        *,
        skip_lines: int = 0,
        hidden_rows: str | None = None,
    ) -> None:
        self._open_binary = open_binary
        self._skip_lines = skip_lines
        self._hidden_rows = hidden_rows
        self._first = self.skipped = 0
        self.name = name
        self.columns = ()
        with self._book() as book:
            self._sheets: Sequence[SheetPart] = book.sheets
            self._chosen = self._choose(sheet)
            self._merges = book.merges(self._chosen)
        super().__init__(name)

    def read(self, record: Any) -> Raw:
        """Return a row."""
        number, (line, cells) = record
        if any(cells[: self._first]) or len(cells) > self._first + len(self.columns):
            return Raw(number, line, (), (), _texts(cells), self._wrong_width(line, cells))
        raw = super().read((number, (line, cells[self._first :])))
        return raw._replace(source=_texts(raw.source))

    def hidden(self) -> Iterator[Raw]:
        """Yield the hidden rows, which have no number, as they are no rows of the table."""
        with self._book() as book:
            for row in self._rows(book):
                if row.hidden and row.number > self._skip_lines and not row.is_blank:
                    yield self.read((0, (row.number, self._cells(row.cells))))

    def top(self) -> Iterator[tuple[int, Sequence[str]]]:
        """Yield the numbers and the texts of the first rows."""
        with self._book() as book:
            for row in itertools.islice(book.rows(self._chosen), TOP):
                yield row.number, _texts(row.cells)

    def _records(self) -> Iterator[tuple[int, list[Any]]]:
        first = count = 0
        with self._book() as book:
            for row in self._rows(book):
                if row.number <= self._skip_lines or row.is_blank:
                    continue
                if row.hidden and self._hidden_rows != INCLUDE:
                    first = first or row.number
                    count += 1
                else:
                    yield row.number, self._cells(row.cells)
        self.skipped = count
        if count and self._hidden_rows is None:
            raise BadFile(self._hidden(first, count))

    def _rows(self, book: Book) -> Iterator[SheetRow]:
        for row, merges in _merged(book.rows(self._chosen), self._merges):
            for merge in merges:
                self._cover(row, merge)
            yield row

    def _cover(self, row: SheetRow, merge: Merge) -> None:
        """Mark the cells of a row that a merged cell covers."""
        cells, first = row.cells, merge.first_column + (merge.first_row == row.number)
        last = min(merge.last_column, max(len(cells), len(self.columns)) - 1)
        cells += [""] * (last + 1 - len(cells))
        for column in range(first, last + 1):
            text = _text(cells[column])
            cells[column] = Cell(self._chosen.name, column, text, Kind.COVERED)

    def _cells(self, cells: list[str | Cell]) -> list[str | Cell]:
        """Return the cells of a row, with as many as the header has if no other one holds any."""
        width = self._first + len(self.columns)
        while len(cells) > width and (not cells[-1] or is_only_covered(cells[-1])):
            cells.pop()
        return cells + [""] * (width - len(cells))

    def _headed(self, cells: Sequence[Any]) -> Sequence[str]:
        """Return the header, which may begin in any column."""
        self._first = next((at for at, cell in enumerate(cells) if cell), 0)
        return _texts(cells[self._first :])

    def _wrong_width(self, line: int, cells: Sequence[Any]) -> str:
        last = self._first + len(self.columns)
        at = next(at for at, cell in enumerate(cells) if cell and not self._first <= at < last)
        return f"cell {place_of(self._chosen.name, line, at)} is in no column of the header"

    def _hidden(self, first: int, count: int) -> str:
        some = f"a hidden row ({first})" if count == 1 else f"{count} hidden rows, first {first}"
        return (
            f"Sheet '{self._chosen.name}' of '{self.name}' has {some}. Use --hidden-rows skip to "
            "leave hidden rows out, or --hidden-rows include to use them."
        )

    def _choose(self, name: str | None) -> SheetPart:
        if name is not None:
            chosen = next((sheet for sheet in self._sheets if sheet.name == name), None)
            if chosen is None:
                raise BadFile(f"'{self.name}' has no sheet '{name}'{self._others('; it has {}')}.")
            if not chosen.has_cells:
                others = self._others(". Use --sheet with {}", but=name)
                raise BadFile(f"Sheet '{name}' of '{self.name}' has no cells{others}.")
            return chosen
        tables = [sheet for sheet in self._sheets if sheet.has_cells]
        visible = next((sheet for sheet in tables if sheet.is_visible), None)
        if visible is None:
            others = self._others(". Use --sheet with {}") if tables else ""
            raise BadFile(f"'{self.name}' has no visible sheet with cells{others}.")
        return visible

    def _others(self, words: str, but: str | None = None) -> str:
        """Return words about the sheets that have cells; nothing if there is none."""
        names = [
            f"'{sheet.name}'" for sheet in self._sheets if sheet.has_cells and sheet.name != but
        ]
        more = f" and {len(names) - LISTED} more" if len(names) > LISTED else ""
        return words.format(", ".join(names[:LISTED]) + more) if names else ""

    @property
    def other_sheets(self) -> str:
        """Which other sheets the workbook has, as a sentence; empty if there are none."""
        return self._others("To read another sheet, use --sheet with {}.", but=self._chosen.name)

    def _empty(self) -> str:
        first = "Its first row must name the columns."
        said = f"Sheet '{self._chosen.name}' of '{self.name}' is empty. {first}"
        return f"{said} {self.other_sheets}".rstrip()

    @contextlib.contextmanager
    def _book(self) -> Iterator[Book]:
        with _damaged(self.name), self._open_binary() as file:
            archive = Archive(self.name, file)
            part = book_part(archive)
            book: Book = ExcelBook(self.name, archive, part) if part else OpenDocument(archive)
            yield book


def _merged(
    rows: Iterator[SheetRow], merges: Sequence[Merge]
) -> Iterator[tuple[SheetRow, Sequence[Merge]]]:
    """Yield rows, each with the merged cells that extend to it.

    Args:
        rows: the rows, in order.
        merges: the merged cells, in the order of their first rows.
    """
    left, active = list(reversed(merges)), list[Merge]()
    for row in rows:
        while left and left[-1].first_row <= row.number:
            active.append(left.pop())
        if active:
            active = [merge for merge in active if merge.last_row >= row.number]
        yield row, active


def _texts(cells: Sequence[str | Cell]) -> Sequence[str]:
    return [_text(cell) for cell in cells]


def _text(cell: str | Cell) -> str:
    return cell.text if isinstance(cell, Cell) else cell


def _read(archive: Archive, name: str) -> bytes:
    with archive.open(name) as file:
        return file.read(SMALL)


SMALL = 1024 * 1024
"""How much is read of a member that is no table, in bytes."""


@contextlib.contextmanager
def _damaged(name: str) -> Iterator[None]:
    """Turn any exception of the workbook readers into a readable error."""
    try:
        yield
    except BadFile:
        raise
    except OSError as error:
        if error.errno is not None:
            raise
        raise BadFile(_broken(name)) from None
    except Exception:  # noqa: BLE001 - damaged files raise all kinds of exceptions
        raise BadFile(_broken(name)) from None


def _broken(name: str) -> str:
    return f"'{name}' is damaged. Open it in a spreadsheet program and save it again."


def _protected(name: str) -> str:
    return f"'{name}' is protected with a password. Save a copy without one."
