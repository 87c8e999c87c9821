"""Spreadsheet workbooks, and other files that are often mistaken for a table."""

import contextlib
import datetime as dt
import zipfile
from collections.abc import Callable, Iterator
from typing import IO, TYPE_CHECKING, Any

from .raw import BadFile, Grid

if TYPE_CHECKING:
    from python_calamine import CalamineWorkbook

ZIP, OLE = b"PK\x03\x04", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
PASSWORD = "EncryptedPackage".encode("utf-16-le")
"""A stream in encrypted Excel workbooks, whose container is that of the old .xls format."""
EXCEL = frozenset({"xl/workbook.xml", "xl/workbook.bin"})
"""Files in an Excel workbook: it has one or the other."""
ODS = b"application/vnd.oasis.opendocument.spreadsheet"
ODS_END = b"document-content>"
AS_CSV = "save the sheet as CSV (in Excel: CSV UTF-8)"
OTHERS = (
    (b"<", "an HTML or XML page", "Open it in a spreadsheet program and save it as CSV."),
    (b"%PDF", "a PDF document", "Export the table as CSV."),
    (b"\x1f\x8b", "a gzip file", "Extract it first: gunzip -c FILE.gz > FILE."),
)
EXACT = 1e15
"""Excel keeps 15 digits of a number."""


def workbook_kind(name: str, start: bytes, open_binary: Callable[[], IO[bytes]]) -> str | None:
    """Return what kind of workbook a file is, by its content; None if it may be text.

    Args:
        name: the file.
        start: its first bytes.
        open_binary: opens it.

    Raises:
        BadFile: it is neither a workbook nor text.
    """
    for magic, what, advice in OTHERS:
        if start.lstrip().startswith(magic):
            raise BadFile(f"'{name}' is {what}, not a table. {advice}")
    if start.startswith(OLE):
        with open_binary() as file:
            protected = PASSWORD in file.read()
        old = f"'{name}' is an old Excel workbook (.xls). Save it as .xlsx, or {AS_CSV}."
        raise BadFile(_protected(name) if protected else old)
    if not start.startswith(ZIP):
        return None
    with _damaged(name), open_binary() as file, zipfile.ZipFile(file) as archive:
        names = archive.namelist()
        if EXCEL.intersection(names):
            return "an Excel workbook"
        if "mimetype" in names and archive.read("mimetype").strip() == ODS:
            if b"encryption-data" in archive.read("META-INF/manifest.xml"):
                raise BadFile(_protected(name))
            if not archive.read("content.xml").rstrip().endswith(ODS_END):
                raise BadFile(_broken(name))  # reading it would never end
            return "an OpenDocument spreadsheet"
    raise BadFile(f"'{name}' is a zip archive, not a table. Extract the table first.")


class Sheet(Grid):
    """The rows of one sheet of a workbook, which is read into memory as a whole.

    Args:
        name: the file.
        kind: what kind of workbook it is.
        open_binary: opens it.
        sheet: the name of the sheet; None for the first one.

    Raises:
        BadFile: it cannot be read, or there is no such sheet.
    """

    def __init__(
        self, name: str, kind: str, open_binary: Callable[[], IO[bytes]], sheet: str | None
    ) -> None:
        self._kind = kind
        self._open_binary = open_binary
        self._sheet = sheet
        super().__init__(name)

    def _records(self) -> Iterator[tuple[int, list[str]]]:
        load = _reader(self.name, self._kind)
        with _damaged(self.name), self._open_binary() as file:
            rows = self._chosen(load(file)).iter_rows()
            for line, cells in enumerate(rows, start=1):
                texts = [cell_text(cell) for cell in cells]
                if any(texts):
                    yield line, texts

    def _chosen(self, workbook: "CalamineWorkbook") -> Any:
        names = workbook.sheet_names
        if self._sheet is not None and self._sheet not in names:
            known = ", ".join(f"'{name}'" for name in names)
            raise BadFile(f"'{self.name}' has no sheet '{self._sheet}'; it has {known}.")
        if not names:
            raise BadFile(f"'{self.name}' has no sheets.")
        return workbook.get_sheet_by_name(self._sheet or names[0])


def cell_text(cell: Any) -> str:
    """Return a cell as it would be in a CSV file, whatever its format in the sheet."""
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() and abs(cell) < EXACT else f"{cell:.15G}"
    if isinstance(cell, dt.timedelta):
        minutes, seconds = divmod(round(cell.total_seconds()), 60)
        return f"{minutes // 60:02}:{minutes % 60:02}:{seconds:02}"
    if isinstance(cell, dt.datetime):
        cell += dt.timedelta(microseconds=500_000)  # stored times are inexact
        return f"{cell.replace(microsecond=0).isoformat()}"
    return cell.isoformat() if isinstance(cell, (dt.date, dt.time)) else str(cell)


def _reader(name: str, kind: str) -> Callable[[IO[bytes]], "CalamineWorkbook"]:
    try:
        from python_calamine import CalamineWorkbook
    except ImportError:
        raise BadFile(
            f"'{name}' is {kind}. To read it, run pip install 'kabelwerk-cli[excel]', or {AS_CSV}."
        ) from None
    return CalamineWorkbook.from_filelike


@contextlib.contextmanager
def _damaged(name: str) -> Iterator[None]:
    """Turn any exception of the workbook readers into a readable error."""
    try:
        yield
    except BadFile:
        raise
    except Exception:  # noqa: BLE001 - damaged files raise all kinds of exceptions
        raise BadFile(_broken(name)) from None


def _broken(name: str) -> str:
    return f"'{name}' is damaged. Open it in a spreadsheet program and save it again."


def _protected(name: str) -> str:
    return f"'{name}' is protected with a password. Save a copy without one."
