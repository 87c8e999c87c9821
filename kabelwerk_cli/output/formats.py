"""The formats: records go to a stream one by one, none of them kept but for a table's widths."""

import contextlib
from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import Any, NamedTuple, Protocol, TextIO

from .fields import as_cell, as_object, columns, compact, indented
from .text import visible


class Format(StrEnum):
    """How records are written."""

    TABLE = "table"
    JSON = "json"
    JSONL = "jsonl"
    CSV = "csv"
    TSV = "tsv"


class Style(NamedTuple):
    """How to write, besides the format."""

    fields: Sequence[str] | None = None
    """What to show of each record; None for the format's own choice."""
    summary: Sequence[str] | None = None
    """What a table shows unless told; None for all columns."""
    single: bool = False
    """Whether there is one record, which is an object in JSON and not an array."""
    terminal: bool = False
    """Whether a person looks at it."""
    color: bool = False
    """Whether colours may be used, on a terminal."""
    raw_csv: bool = False
    """Whether CSV cells stay as they are that a spreadsheet would run."""


class Writer(Protocol):
    """Takes records of one type."""

    def write(self, record: Any) -> None:
        """Write a record."""
        ...

    def close(self) -> None:
        """Write what comes after the last record."""
        ...


@contextlib.contextmanager
def writer(output: Format, record_type: type, stream: TextIO, style: Style) -> Iterator[Writer]:
    """Give a writer of records.

    Args:
        output: the format.
        record_type: the records' class, so that no records still have column names.
        stream: where to write.
        style: fields, width and colours.
    """
    kind = _WRITERS[output]
    chosen = kind(record_type, stream, style)
    yield chosen
    chosen.close()
    stream.flush()


class _Json:
    """An array, or the object itself where there is only one."""

    def __init__(self, _: type, stream: TextIO, style: Style) -> None:
        self._stream = stream
        self._style = style
        self._count = 0

    def write(self, record: Any) -> None:
        text = indented(as_object(record, self._style.fields))
        if self._style.single:
            self._stream.write(f"{text}\n")
        else:
            self._stream.write("[\n" if self._count == 0 else ",\n")
            self._stream.write("\n".join(f"  {line}" for line in text.splitlines()))
        self._count += 1

    def close(self) -> None:
        if not self._style.single:
            self._stream.write("\n]\n" if self._count else "[]\n")


class _Jsonl:
    """An object a line."""

    def __init__(self, _: type, stream: TextIO, style: Style) -> None:
        self._stream = stream
        self._fields = style.fields

    def write(self, record: Any) -> None:
        self._stream.write(compact(as_object(record, self._fields)) + "\n")

    def close(self) -> None:
        pass


class _Csv:
    """A header, then a row a record; what a spreadsheet would run is quoted."""

    def __init__(self, record_type: type, stream: TextIO, style: Style) -> None:
        import csv

        self._fields = style.fields or columns(record_type)
        self._raw = style.raw_csv
        self._rows = csv.writer(stream, lineterminator="\n")
        self._rows.writerow(self._fields)

    def write(self, record: Any) -> None:
        self._rows.writerow([self._cell(record, field) for field in self._fields])

    def close(self) -> None:
        pass

    def _cell(self, record: Any, field: str) -> str:
        text = as_cell(record, field)
        runs = text.startswith(("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠"))  # noqa: RUF001 - the wide forms are what is looked for
        return visible(f"'{text}" if runs and not self._raw and not _is_number(text) else text)


def _is_number(text: str) -> bool:
    return text.removeprefix("-").isdecimal()


class _Tsv:
    """Bare values with tabs between them."""

    def __init__(self, record_type: type, stream: TextIO, style: Style) -> None:
        self._stream = stream
        self._fields = style.fields or columns(record_type)

    def write(self, record: Any) -> None:
        cells = (visible(as_cell(record, field)) for field in self._fields)
        self._stream.write("\t".join(cells) + "\n")

    def close(self) -> None:
        pass


class _Table:
    """Columns for people: see `table`."""

    def __init__(self, record_type: type, stream: TextIO, style: Style) -> None:
        self._stream = stream
        self._style = style
        self._fields = style.fields or style.summary or columns(record_type)
        self._rows: list[list[str]] = []

    def write(self, record: Any) -> None:
        self._rows.append([visible(as_cell(record, field)) for field in self._fields])

    def close(self) -> None:
        from .table import print_table

        print_table(
            self._fields,
            self._rows,
            self._stream,
            terminal=self._style.terminal,
            color=self._style.color,
        )


_WRITERS: dict[Format, type[Any]] = {
    Format.TABLE: _Table,
    Format.JSON: _Json,
    Format.JSONL: _Jsonl,
    Format.CSV: _Csv,
    Format.TSV: _Tsv,
}
