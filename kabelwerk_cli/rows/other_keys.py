"""The keys in a row beside that of the user or room that it is about: of hubs, senders, assignees.

They are noted while a file is checked, as far as a spreadsheet may have damaged them, which it does
to what begins with a digit only.
"""

import itertools
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from kabelwerk_cli.output import visible_key

from .lookalikes import is_rounded, may_be_rounded
from .row import Row
from .table import Table

NAMES = ("hub", "hub_user", "user")
"""The columns that hold them."""
_TABLE = """
CREATE TABLE other_keys (name TEXT, value TEXT, line INTEGER, PRIMARY KEY (name, value))
WITHOUT ROWID
"""
_DIGITS = "value NOT GLOB '*[^0-9]*'"
_ROUNDED = f"""
SELECT name, value, line FROM other_keys WHERE {may_be_rounded("value")} ORDER BY line, name
"""  # noqa: S608
_SHORTER = f"""
SELECT name, value, line FROM other_keys
WHERE name = ? AND value GLOB '[1-9]*' AND {_DIGITS} AND length(value) < (
    SELECT max(length(value)) FROM other_keys
    WHERE name = ? AND value GLOB '0*' AND {_DIGITS}
) ORDER BY line
"""  # noqa: S608


class OtherKey(NamedTuple):
    """A key in a column."""

    name: str
    """The column; empty for that of the user or room that a row is about."""
    value: str
    line: int
    """The first line that has it."""

    def __str__(self) -> str:
        column = f"{self.name}, " if self.name else ""
        return f"'{visible_key(self.value)}' ({column}line {self.line})"


class OtherKeys:
    """Notes the keys of some columns in a plan.

    Args:
        plan: the plan.
        names: the columns.
    """

    def __init__(self, plan: Table, names: Sequence[str]) -> None:
        self._plan = plan
        self._names = names
        self._noted: dict[tuple[str, str], int] = {}
        plan.execute(_TABLE)

    def note(self, rows: Iterable[Row]) -> None:
        """Note the keys of rows; `store` is due after some hundred."""
        for name in self._names:
            for row in rows:
                value = row.arguments.get(name)
                if value and "0" <= value[0] <= "9":
                    self._noted.setdefault((name, value), row.line)

    def store(self) -> None:
        """Write what was noted."""
        if self._noted:
            places = ", ".join(["(?, ?, ?)"] * len(self._noted))
            values = ((*key, line) for key, line in self._noted.items())
            insert = f"INSERT OR IGNORE INTO other_keys VALUES {places}"  # noqa: S608
            self._plan.execute(insert, *itertools.chain.from_iterable(values))
            self._noted.clear()


def rounded_others(plan: Table) -> Iterator[OtherKey]:
    """Yield the keys that look like numbers which a spreadsheet has rounded."""
    found = map(OtherKey._make, plan.select(_ROUNDED))
    return (key for key in found if is_rounded(key.value))


def shorter_others(plan: Table) -> Iterator[OtherKey]:
    """Yield the keys that may have lost zeros, as others in their column begin with one."""
    for name in NAMES:
        yield from map(OtherKey._make, plan.select(_SHORTER, name, name))
