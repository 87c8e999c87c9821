"""Records to table, json, jsonl, csv or tsv, and foreign text made safe.

`text` has the one function that makes control characters visible, `records` turns NamedTuples
into columns and JSON, `formats` writes them, `table` draws tables (and alone imports rich).
"""

from .fields import UnknownField, as_json, check_fields, columns, compact, known_fields
from .formats import Format, Style, Writer, writer
from .text import visible

__all__ = [
    "Format",
    "Style",
    "UnknownField",
    "Writer",
    "as_json",
    "check_fields",
    "columns",
    "compact",
    "known_fields",
    "visible",
    "writer",
]
