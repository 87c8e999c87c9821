"""The output formats. Records are streamed; only a table keeps them, to measure its columns."""

from collections.abc import Iterable
from typing import Any, TextIO

from .fields import as_cell, as_object, columns, compact, indented
from .style import Format, Style
from .text import visible, without_commands


def write(
    output: Format, record_type: type, records: Iterable[Any], stream: TextIO, style: Style
) -> None:
    """Write records of one type.

    Args:
        output: the format.
        record_type: the class of the records, so that zero records still have column names.
        records: the records.
        stream: where to write.
        style: fields, terminal and color.
    """
    _WRITERS[output](record_type, records, stream, style)
    stream.flush()


def _json(_: type, records: Iterable[Any], stream: TextIO, style: Style) -> None:
    """Write an array, or a single object."""
    before = "[\n"
    for record in records:
        text = indented(as_object(record, style.fields), workflow=style.workflow)
        if style.single:
            stream.write(f"{text}\n")
        else:
            stream.write(before + "\n".join(f"  {line}" for line in text.splitlines()))
            before = ",\n"
    if not style.single:
        stream.write("[]\n" if before == "[\n" else "\n]\n")


def _jsonl(_: type, records: Iterable[Any], stream: TextIO, style: Style) -> None:
    """Write one object per line."""
    for record in records:
        value = as_object(record, style.fields)
        stream.write(compact(value, workflow=style.workflow) + "\n")


def _csv(record_type: type, records: Iterable[Any], stream: TextIO, style: Style) -> None:
    """Write a header, then one row per record; formulas are prefixed with an apostrophe."""
    import csv

    fields = style.fields or columns(record_type)
    rows = csv.writer(stream, lineterminator="\n")
    quoted = csv.writer(stream, lineterminator="\n", quoting=csv.QUOTE_ALL)
    rows.writerow(fields)
    for record in records:
        cells = [_csv_cell(as_cell(record, field), style) for field in fields]
        commands = style.workflow and any(without_commands(cell) != cell for cell in cells)
        (quoted if commands else rows).writerow(cells)


def _csv_cell(text: str, style: Style) -> str:
    runs = text.startswith(("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠"))  # noqa: RUF001 - the full-width forms are intended
    is_number = text.removeprefix("-").isdecimal()
    return visible(f"'{text}" if runs and not style.raw_csv and not is_number else text)


def _tsv(record_type: type, records: Iterable[Any], stream: TextIO, style: Style) -> None:
    """Write tab-separated values without a header."""
    fields = style.fields or columns(record_type)
    for record in records:
        stream.write("\t".join(visible(as_cell(record, field)) for field in fields) + "\n")


def _table(record_type: type, records: Iterable[Any], stream: TextIO, style: Style) -> None:
    """Write a table for people, see `table`."""
    from .table import print_table

    fields = style.fields or style.summary or columns(record_type)
    safe = without_commands if style.workflow else str
    rows = [[safe(visible(as_cell(record, field))) for field in fields] for record in records]
    print_table(fields, rows, stream, style)


_WRITERS = {
    Format.TABLE: _table,
    Format.JSON: _json,
    Format.JSONL: _jsonl,
    Format.CSV: _csv,
    Format.TSV: _tsv,
}
