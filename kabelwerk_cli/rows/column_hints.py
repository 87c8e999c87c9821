"""The names of a file's columns, as errors show them and suggest them to options."""

import csv
import difflib
import io
import re
import unicodedata
from collections.abc import Mapping, Sequence

from kabelwerk_cli.tabular.raw import fold

LISTED = 5
"""The most columns that an error names."""
_ASSIGNMENT = re.compile(r"(export\s+)?\w+=")


def named(column: str) -> str:
    """Return a column's name in quotation marks, with its invisible characters escaped.

    Of what looks like the assignment of a variable, only the variable is shown: the value may be a
    secret.
    """
    if not column:
        return "'' (no name)"
    found = _ASSIGNMENT.match(column)
    shown = f"{found[0]}…" if found else column
    return f"'{escaped(shown)}'"


def escaped(text: str) -> str:
    """Return a text with its invisible characters escaped."""
    return "".join(_escaped(char) if _is_invisible(char) else char for char in text)


def listed(columns: Sequence[str]) -> str:
    """Return the names of columns, at most `LISTED` of them."""
    shown = ", ".join(map(named, columns[:LISTED]))
    more = len(columns) - LISTED
    return f"{shown} and {more} more" if more > 0 else shown


def joined(columns: Sequence[str]) -> str:
    """Return columns as a list that --ignore-columns takes."""
    text = io.StringIO()
    csv.writer(text, lineterminator="").writerow(columns)
    return text.getvalue()


def is_assignment(column: str) -> bool:
    """Tell whether a column's name may be the assignment of a variable."""
    return _ASSIGNMENT.match(column) is not None


def without_invisible(column: str) -> str:
    """Return a column's name without the characters that nobody sees."""
    return "".join(char for char in column if not _is_invisible(char))


def guess(
    missing: Sequence[str], optional: Sequence[str], columns: Sequence[str]
) -> Mapping[str, str]:
    """Return the unknown column that each of the command's columns probably corresponds to."""
    left = {fold(column): column for column in columns}
    meant: dict[str, str] = {}
    for name in (*missing, *optional):
        holding = [key for key in left if name in key and name in missing]
        close = difflib.get_close_matches(name, left, n=1)
        if key := holding if len(holding) == 1 else close:
            meant[name] = left.pop(key[0])
    rest = [name for name in missing if name not in meant]
    if len(rest) == len(left) == 1:
        meant[rest[0]] = next(iter(left.values()))
    return meant


def _is_invisible(char: str) -> bool:
    return unicodedata.category(char) == "Cf"


def _escaped(char: str) -> str:
    return f"\\u{ord(char):04x}" if ord(char) < 0x10000 else f"\\U{ord(char):08x}"  # noqa: PLR2004
