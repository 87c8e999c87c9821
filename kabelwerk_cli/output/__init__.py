"""Output of records as table, json, jsonl, csv or tsv.

`text` escapes control characters in foreign text, `fields` turns NamedTuples into columns and JSON,
`formats` writes them, `schema` describes them, and `table` draws tables (the only module here that
imports rich).
"""

from .fields import as_json, columns, compact, known_fields
from .formats import Writer, open_writer, write
from .style import Format, Style
from .text import Color, painted, shortened, visible, visible_key, without_commands

__all__ = [
    "Color",
    "Format",
    "Style",
    "Writer",
    "as_json",
    "columns",
    "compact",
    "known_fields",
    "open_writer",
    "painted",
    "shortened",
    "visible",
    "visible_key",
    "without_commands",
    "write",
]
