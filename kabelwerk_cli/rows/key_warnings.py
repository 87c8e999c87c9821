"""Warnings about keys that are probably wrong, before they are sent."""

import itertools
from collections.abc import Callable, Iterator

from kabelwerk_cli.words import count_of

from .lookalikes import is_rounded, may_be_rounded
from .other_keys import OtherKey, rounded_others, shorter_others
from .table import Table

SHOWN = 3
"""How many keys a warning names."""
_DIGITS = "key NOT GLOB '*[^0-9]*'"
_ROUNDED = f"SELECT key, line FROM rows WHERE {may_be_rounded('key')} %s ORDER BY number"  # noqa: S608
_SHORTER = f"""
SELECT key, line FROM rows
WHERE key GLOB '[1-9]*' AND {_DIGITS} AND length(key) < (
    SELECT max(length(key)) FROM rows WHERE key GLOB '0*' AND {_DIGITS}
) ORDER BY number
"""  # noqa: S608
# the plus makes SQLite sort the rows that share a target, which is faster than using the index
_AGAIN = """
SELECT key, min(number) AS first, target FROM rows WHERE shared AND NOT bad
GROUP BY +target HAVING count(DISTINCT digest) > 1 ORDER BY first
"""


EXPORT = "Format that column as text in the spreadsheet and export it again."


def warn_of_keys(plan: Table, warn: Callable[[str], None], *, sets_values: bool) -> None:
    """Report keys that may have lost zeros, or whose rows contradict each other.

    Args:
        plan: the rows.
        warn: shows a warning.
        sets_values: whether a later row of a key overrides an earlier one.
    """
    if found := _listed(_own(plan.select(_SHORTER)), shorter_others(plan)):
        count, keys = found
        warn(
            f"{count_of(count, 'key')} may have lost leading zeros in a spreadsheet, as other keys "
            f"begin with a zero: {keys}. {EXPORT}"
        )
    if sets_values:
        _warn_of_contradictions(plan, warn)


def damaged_keys(plan: Table, condition: str) -> str:
    """Return which keys a spreadsheet has rounded, as a sentence; empty if there are none.

    Args:
        plan: the rows.
        condition: which rows count, in SQL, beginning with AND.
    """
    rows = (row for row in plan.select(_ROUNDED % condition) if is_rounded(row[0]))
    if not (found := _listed(_own(rows), rounded_others(plan))):
        return ""
    count, keys = found
    looks = "key looks like a number" if count == 1 else "keys look like numbers"
    return f"{count} {looks} that a spreadsheet has rounded: {keys}."


def _own(rows: Iterator[tuple[str, int]]) -> Iterator[OtherKey]:
    return (OtherKey("", key, line) for key, line in rows)


def _listed(*found: Iterator[OtherKey]) -> tuple[int, str] | None:
    """Return how many keys were found, and the first with their lines; None for none."""
    keys = itertools.chain(*found)
    first = list(map(str, itertools.islice(keys, SHOWN)))
    more = sum(1 for _ in keys)
    names = ", ".join(first) + (" and others" if more else "")
    return (len(first) + more, names) if first else None


def _warn_of_contradictions(plan: Table, warn: Callable[[str], None]) -> None:
    found = plan.select(_AGAIN)
    if not (first := next(found, None)):
        return
    key, _, target = first
    count = 1 + sum(1 for _ in found)
    lines = dict(
        plan.select(
            "SELECT digest, min(line) FROM rows WHERE target = ? AND NOT bad"
            " GROUP BY digest ORDER BY min(number) LIMIT 2",
            target,
        )
    )
    appear = "1 key appears" if count == 1 else f"{count} keys appear"
    one, other = lines.values()
    warn(
        f"{appear} more than once with different values, first '{key}' (lines {one} and {other}). "
        "The rows of a key are sent in file order."
    )
