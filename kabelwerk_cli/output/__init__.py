"""Output of records as table, json, jsonl, csv or tsv.

`text` escapes control characters in foreign text, `fields` turns NamedTuples into columns and JSON,
`formats` writes them, and `table` draws tables (the only module here that imports rich).
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
