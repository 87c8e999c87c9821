"""The output formats. Records are streamed; only a table keeps them, to measure its columns."""

import contextlib
from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import Any, NamedTuple, Protocol, TextIO

from .fields import as_cell, as_object, columns, compact, indented
from .text import visible, without_commands


class Format(StrEnum):
    """The format of the output."""

    TABLE = "table"
    JSON = "json"
    JSONL = "jsonl"
    CSV = "csv"
    TSV = "tsv"


class Style(NamedTuple):
    """Output options other than the format."""

    fields: Sequence[str] | None = None
    """The fields to show; None for the format's default."""
    summary: Sequence[str] | None = None
    """The fields of a table by default; None for all columns."""
    single: bool = False
    """Whether it is one result: an object in JSON; a table too wide lists its fields."""
    terminal: bool = False
    """Whether the output is a terminal."""
    color: bool = False
    """Whether to use color."""
    raw_csv: bool = False
    """Whether to leave CSV cells alone that a spreadsheet would run as a formula."""
    workflow: bool = False
    """Whether it is printed in a workflow of GitHub Actions, and must hold no command."""


class Writer(Protocol):
    """Writes records of one type."""

    def write(self, record: Any) -> None:
        """Write a record."""
        ...

    def close(self) -> None:
        """Finish the output after the last record."""
        ...


@contextlib.contextmanager
def writer(output: Format, record_type: type, stream: TextIO, style: Style) -> Iterator[Writer]:
    """Provide a writer of records.

    Args:
        output: the format.
        record_type: the class of the records, so that zero records still have column names.
        stream: where to write.
        style: fields, terminal and color.
    """
    kind = _WRITERS[output]
    chosen = kind(record_type, stream, style)
    yield chosen
    chosen.close()
    stream.flush()


class _Json:
    """An array, or a single object."""

    def __init__(self, _: type, stream: TextIO, style: Style) -> None:
        self._stream = stream
        self._style = style
        self._count = 0

    def write(self, record: Any) -> None:
        text = indented(as_object(record, self._style.fields), workflow=self._style.workflow)
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
    """One object per line."""

    def __init__(self, _: type, stream: TextIO, style: Style) -> None:
        self._stream = stream
        self._style = style

    def write(self, record: Any) -> None:
        value = as_object(record, self._style.fields)
        self._stream.write(compact(value, workflow=self._style.workflow) + "\n")

    def close(self) -> None:
        pass


class _Csv:
    """A header, then one row per record; formulas are prefixed with an apostrophe."""

    def __init__(self, record_type: type, stream: TextIO, style: Style) -> None:
        import csv

        self._fields = style.fields or columns(record_type)
        self._raw = style.raw_csv
        self._workflow = style.workflow
        self._rows = csv.writer(stream, lineterminator="\n")
        self._quoted = csv.writer(stream, lineterminator="\n", quoting=csv.QUOTE_ALL)
        self._rows.writerow(self._fields)

    def write(self, record: Any) -> None:
        cells = [self._cell(record, field) for field in self._fields]
        commands = self._workflow and any(without_commands(cell) != cell for cell in cells)
        (self._quoted if commands else self._rows).writerow(cells)

    def close(self) -> None:
        pass

    def _cell(self, record: Any, field: str) -> str:
        text = as_cell(record, field)
        runs = text.startswith(("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠"))  # noqa: RUF001 - the full-width forms are intended
        return visible(f"'{text}" if runs and not self._raw and not _is_number(text) else text)


def _is_number(text: str) -> bool:
    return text.removeprefix("-").isdecimal()


class _Tsv:
    """Tab-separated values without a header."""

    def __init__(self, record_type: type, stream: TextIO, style: Style) -> None:
        self._stream = stream
        self._fields = style.fields or columns(record_type)

    def write(self, record: Any) -> None:
        cells = (visible(as_cell(record, field)) for field in self._fields)
        self._stream.write("\t".join(cells) + "\n")

    def close(self) -> None:
        pass


class _Table:
    """A table for people, see `table`."""

    def __init__(self, record_type: type, stream: TextIO, style: Style) -> None:
        self._stream = stream
        self._style = style
        self._fields = style.fields or style.summary or columns(record_type)
        self._rows: list[list[str]] = []

    def write(self, record: Any) -> None:
        cells = [visible(as_cell(record, field)) for field in self._fields]
        self._rows.append([*map(without_commands, cells)] if self._style.workflow else cells)

    def close(self) -> None:
        from .table import print_table

        print_table(
            self._fields,
            self._rows,
            self._stream,
            terminal=self._style.terminal,
            color=self._style.color,
            single=self._style.single,
        )


_WRITERS: dict[Format, type[Any]] = {
    Format.TABLE: _Table,
    Format.JSON: _Json,
    Format.JSONL: _Jsonl,
    Format.CSV: _Csv,
    Format.TSV: _Tsv,
}
