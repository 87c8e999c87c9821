"""Writes rows in the format of the file that they are from."""

import csv
import io
import json
from collections.abc import Sequence

from .file import RowFile
from .raw import ERROR_COLUMN, Raw, fold


class RowWriter:
    """Formats rows like those of a file, with one more column: what is wrong with them.

    Args:
        file: the file that they are from.
    """

    def __init__(self, file: RowFile) -> None:
        self._like = file
        columns = [fold(name) for name in file.columns]
        self._errors = columns.index(ERROR_COLUMN) if ERROR_COLUMN in columns else None

    def header(self) -> bytes:
        """Return what stands above the rows."""
        columns = [name for name in self._like.columns if fold(name) != ERROR_COLUMN]
        header = b"" if self._like.is_json else self._csv([*columns, ERROR_COLUMN])
        return self._like.mark + header

    def row(self, raw: Raw, error: str) -> bytes:
        """Return a row, with an error in place of what the column for errors had."""
        if self._like.is_json:
            values = zip(raw.columns, raw.cells, strict=True)
            row = {name: value for name, value in values if fold(name) != ERROR_COLUMN}
            return f"{json.dumps(row | {ERROR_COLUMN: error})}\n".encode(self._like.encoding)
        cells = list(raw.source)
        if self._errors is not None and len(cells) == len(self._like.columns):
            cells.pop(self._errors)
        return self._csv([*cells, error])

    def _csv(self, cells: Sequence[str]) -> bytes:
        text = io.StringIO()
        csv.writer(text, delimiter=self._like.delimiter, lineterminator="\n").writerow(cells)
        return text.getvalue().encode(self._like.encoding, "backslashreplace")
