"""The output formats. Records are streamed; only a table keeps some, to measure its columns."""

import re
from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Protocol, TextIO

from .fields import as_cell, as_object, columns, compact, indented
from .style import Format, Style
from .text import visible, visible_key, without_commands

if TYPE_CHECKING:
    from .table import LongTable

LONGEST_TABLE = 1000
"""How many rows of a table are kept in memory, and drawn on a terminal."""
KEYS = frozenset({"key", "hub"})
"""The last part of the names of fields that hold a key."""


class Writer(Protocol):
    """Writes records of one type, one after the other."""

    def __init__(self, record_type: type, stream: TextIO, style: Style) -> None: ...

    def write(self, record: Any) -> None:
        """Write a record."""

    def end(self) -> None:
        """Write what comes after the last record."""


def open_writer(output: Format, record_type: type, stream: TextIO, style: Style) -> Writer:
    """Write what comes before the first record, and return what writes the records.

    Args:
        output: the format.
        record_type: the class of the records, so that zero records still have column names.
        stream: where to write.
        style: fields, terminal and color.
    """
    return _WRITERS[output](record_type, stream, style)


def write(
    output: Format, record_type: type, records: Iterable[Any], stream: TextIO, style: Style
) -> None:
    """Write records of one type; see `open_writer`."""
    writer = open_writer(output, record_type, stream, style)
    for record in records:
        writer.write(record)
    writer.end()
    stream.flush()


class _Json:
    """Writes an array, or a single object."""

    def __init__(self, _: type, stream: TextIO, style: Style) -> None:
        self._stream = stream
        self._style = style
        self._before = "[\n"

    def write(self, record: Any) -> None:
        text = indented(as_object(record, self._style.fields), workflow=self._style.workflow)
        if self._style.single:
            self._stream.write(f"{text}\n")
        else:
            item = "\n".join(f"  {line}" for line in text.splitlines())
            self._stream.write(self._before + item)
            self._before = ",\n"

    def end(self) -> None:
        if not self._style.single:
            self._stream.write("[]\n" if self._before == "[\n" else "\n]\n")


class _JsonLines:
    """Writes one object per line."""

    def __init__(self, _: type, stream: TextIO, style: Style) -> None:
        self._stream = stream
        self._style = style

    def write(self, record: Any) -> None:
        value = as_object(record, self._style.fields)
        self._stream.write(compact(value, workflow=self._style.workflow) + "\n")

    def end(self) -> None:
        pass


class _Csv:
    """Writes a header, then one row per record; formulas are prefixed with an apostrophe."""

    def __init__(self, record_type: type, stream: TextIO, style: Style) -> None:
        import csv

        self._style = style
        self._fields = style.fields or columns(record_type)
        self._rows = csv.writer(stream, lineterminator="\n")
        self._quoted = csv.writer(stream, lineterminator="\n", quoting=csv.QUOTE_ALL)
        self._rows.writerow(self._fields)

    def write(self, record: Any) -> None:
        cells = [_csv_cell(as_cell(record, field), self._style) for field in self._fields]
        commands = self._style.workflow and any(without_commands(cell) != cell for cell in cells)
        white = any(not _KEPT.isdisjoint(cell) for cell in cells)
        (self._quoted if commands or white else self._rows).writerow(cells)

    def end(self) -> None:
        pass


def _csv_cell(text: str, style: Style) -> str:
    """Return a cell that no spreadsheet runs, and that `--from` reads as the same text.

    One apostrophe is put before a formula, and before apostrophes that stand before one.
    """
    bare = text.lstrip("'")
    is_number = text.removeprefix("-").isdecimal()
    if bare.startswith(FORMULAS) and not style.raw_csv and not is_number:
        text = f"'{text}"
    if style.workflow and any(without_commands(line) != line for line in text.splitlines()[1:]):
        return visible(text)  # in quotation marks, only the first line cannot be a command
    kept = _KEPT - {"\r"} if style.terminal else _KEPT  # it would go back to the line's start
    return "".join(part if part in kept else visible(part) for part in re.split(_WHITE, text))


FORMULAS = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")  # noqa: RUF001 - the full-width forms are intended
"""How a cell begins that a spreadsheet would run."""
_WHITE = r"([\t\n\r])"
_KEPT = frozenset("\t\n\r")
"""White space that may be in a quoted cell."""


class _Tsv:
    """Writes tab-separated values without a header."""

    def __init__(self, record_type: type, stream: TextIO, style: Style) -> None:
        self._stream = stream
        self._fields = style.fields or columns(record_type)

    def write(self, record: Any) -> None:
        cells = (visible(as_cell(record, field)) for field in self._fields)
        self._stream.write("\t".join(cells) + "\n")

    def end(self) -> None:
        pass


class _Table:
    """Writes a table for people, see `table`."""

    def __init__(self, record_type: type, stream: TextIO, style: Style) -> None:
        self._stream = stream
        self._style = style
        self._fields = style.fields or style.summary or columns(record_type)
        self._safe = without_commands if style.workflow else str
        self._shown = [
            visible_key if field.split(".")[-1] in KEYS else visible for field in self._fields
        ]
        self._rows: list[list[str]] = []
        self._long: LongTable | None = None

    def write(self, record: Any) -> None:
        cells = [as_cell(record, field) for field in self._fields]
        shown = zip(self._shown, cells, strict=True)
        row = [self._safe(show(cell)) for show, cell in shown]
        if self._long is None and len(self._rows) == LONGEST_TABLE:
            from .table import LongTable

            self._long = LongTable(self._fields)
            for earlier in self._rows:
                self._long.add(earlier)
        if self._long:
            self._long.add(row)
        else:
            self._rows.append(row)

    def end(self) -> None:
        from .table import print_table

        if self._long:
            self._long.print(self._stream, self._style)
        else:
            print_table(self._fields, self._rows, self._stream, self._style)


_WRITERS: dict[Format, type[Writer]] = {
    Format.TABLE: _Table,
    Format.JSON: _Json,
    Format.JSONL: _JsonLines,
    Format.CSV: _Csv,
    Format.TSV: _Tsv,
}
