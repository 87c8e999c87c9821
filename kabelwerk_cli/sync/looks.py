"""Compares the keys that left a file with those in it: to a person, some may be the same.

A spreadsheet that takes the zeros off all keys makes every user leave, and another one join. So a
key that left is kept while a key in the file looks like it, whatever is allowed, and a plan with
such a pair looks like a mistake if the key in the file is new.
"""

import itertools
from collections.abc import Iterator
from typing import Any

from kabelwerk_cli.engine.stops import NAMED, Mistake, allowed_by, listed
from kabelwerk_cli.errors import Stop
from kabelwerk_cli.output import visible_key
from kabelwerk_cli.rows.key_warnings import EXPORT
from kabelwerk_cli.rows.lookalikes import digits_kept, forms, is_rounded, may_be_rounded
from kabelwerk_cli.rows.other_keys import OtherKey, rounded_others, shorter_others
from kabelwerk_cli.words import count_of

from .plan import SyncPlan
from .state import Digests

BLOCK = 500
_TABLES = (
    "CREATE TABLE looks (form TEXT, hub TEXT, number INTEGER)",
    "CREATE INDEX by_form ON looks (form)",
    "CREATE TABLE alike (leaver INTEGER, number INTEGER, is_new INTEGER)",
)
_LEAVERS = "SELECT number, key, hub FROM rows WHERE number > ?"
_IN_FILE = """
SELECT number, rows.key, rows.hub, entries.id IS NULL AND NOT bad
FROM rows LEFT JOIN entries ON entries.id = digest WHERE number <= ? AND rows.key != ''
"""
_HIDDEN = "SELECT 0, key, hub, 0 FROM hidden"
_SCIENTIFIC = "SELECT key FROM %s WHERE key GLOB '*[0-9][Ee]*[0-9]*'"
_PAIRS = """
SELECT old.key, new.key, new.line FROM alike
JOIN rows AS old ON old.number = leaver JOIN rows AS new ON new.number = alike.number
WHERE is_new ORDER BY new.number, old.key
"""
_NEW = """
SELECT rows.key, line FROM rows LEFT JOIN entries ON entries.id = digest
WHERE number <= ? AND entries.id IS NULL AND NOT bad
AND number NOT IN (SELECT number FROM alike WHERE is_new) AND %s ORDER BY number
"""
_DIGITS = "NOT GLOB '*[^0-9]*'"
_ZEROS = f"""
SELECT max(length(key)) FROM (
    SELECT key FROM rows WHERE key GLOB '0*' AND key {_DIGITS}
    UNION ALL SELECT key FROM entries WHERE key GLOB '0*' AND key {_DIGITS}
)
"""  # noqa: S608
_SHORTER = f"rows.key GLOB '[1-9]*' AND rows.key {_DIGITS} AND length(rows.key) < ?"
_ROUNDED = may_be_rounded("rows.key")
_KNOWN = """
CREATE TEMPORARY TABLE known AS SELECT 'hub' AS name, hub AS value FROM entries
UNION SELECT 'hub_user', substr(content, instr(content, ' hub_user=') + 10, 32)
FROM entries WHERE instr(content, ' hub_user=')
"""


def compare_looks(plan: SyncPlan) -> None:
    """Find the keys that left the file, and the keys in it, or in a hidden row, that look like one.

    Args:
        plan: the differences between the file and the state.
    """
    for table in _TABLES:
        plan.execute(table)
    if next(plan.select(_LEAVERS + " LIMIT 1", plan.rows), None) is None:
        return
    _note_leavers(plan)
    left = _digits(plan, "rows", "AND number > ?", plan.rows)
    in_file = itertools.chain(plan.select(_IN_FILE, plan.rows), plan.select(_HIDDEN))
    for rows in _blocks(in_file):
        of_form: dict[str, list[tuple[int, str, int]]] = {}
        for number, key, hub, is_new in rows:
            for form in forms(key, left):
                of_form.setdefault(form, []).append((number, hub, is_new))
        places = ", ".join("?" * len(of_form))
        query = f"SELECT form, hub, number FROM looks WHERE form IN ({places})"  # noqa: S608
        found = {
            (leaver, number, is_new)
            for form, its_hub, leaver in plan.select(query, *of_form)
            for number, hub, is_new in of_form[form]
            if hub == its_hub
        }
        for pair in sorted(found):
            plan.execute("INSERT INTO alike VALUES (?, ?, ?)", *pair)


def keep_lookalikes(plan: SyncPlan) -> None:
    """Keep everybody whose key left the file while a key in it looks like theirs."""
    for (leaver,) in list(plan.select("SELECT DISTINCT leaver FROM alike")):
        plan.keep_leaver(leaver, "a key in the file looks like it")


def suspicious_keys(plan: SyncPlan, digests: Digests | None) -> Iterator[Mistake]:
    """Yield what looks like a mistake in the keys, the most important first.

    Args:
        plan: the differences between the file and the state.
        digests: those of the state; None if there is none.
    """
    pairs = plan.select(_PAIRS)
    if first := list(itertools.islice(pairs, NAMED)):
        count = len(first) + sum(1 for _ in pairs)
        names = (
            f"'{visible_key(old)}' and '{visible_key(new)}' (line {line})"
            for old, new, line in first
        )
        look = "looks like a new one" if count == 1 else "look like new ones"
        yield Mistake(
            Stop.LOOKALIKES,
            f"{count_of(count, 'key')} left the file and {look}: {listed(names, count)}. The API "
            "cannot rename a key: a new key is a new user with a new, empty chat.",
            f"Correct the keys. If they are right, {allowed_by(Stop.LOOKALIKES)}.",
        )
    yield from _damaged(plan, _Others(plan, digests))


def _damaged(plan: SyncPlan, others: "_Others") -> Iterator[Mistake]:
    ((longest,),) = plan.select(_ZEROS)
    rounded = (row for row in plan.select(_NEW % _ROUNDED, plan.rows) if is_rounded(row[0]))
    shorter = plan.select(_NEW % _SHORTER, plan.rows, longest or 0)
    for own, other, said in (
        (rounded, rounded_others(plan), "been rounded"),
        (shorter, shorter_others(plan), "lost leading zeros"),
    ):
        keys = itertools.chain((OtherKey("", *row) for row in own), filter(others.is_new, other))
        if first := list(itertools.islice(keys, NAMED)):
            count = len(first) + sum(1 for _ in keys)
            yield Mistake(
                Stop.DAMAGED_KEYS,
                f"{count_of(count, 'new key')} may have {said} in a spreadsheet: "
                f"{listed(map(str, first), count)}.",
                f"{EXPORT} If they are right, {allowed_by(Stop.DAMAGED_KEYS)}.",
            )


class _Others:
    """The keys of hubs and assignees that a state has.

    Args:
        plan: the plan.
        digests: those of the state; None if there is none.
    """

    def __init__(self, plan: SyncPlan, digests: Digests | None) -> None:
        self._plan = plan
        self._digests = digests
        self._is_filled = False

    def is_new(self, key: OtherKey) -> bool:
        """Tell whether a key is none of them."""
        if not self._digests:
            return True
        if not self._is_filled:
            self._plan.execute(_KNOWN)
            self._plan.execute("CREATE INDEX by_value ON known (value, name)")
            self._is_filled = True
        is_hub = key.name == "hub"
        value = key.value if is_hub else self._digests.of_value(key.name, key.value)
        query = "SELECT 1 FROM known WHERE name = ? AND value = ?"
        return next(self._plan.select(query, key.name, value), None) is None


def _note_leavers(plan: SyncPlan) -> None:
    digits = _digits(plan, "rows", "AND number <= ?", plan.rows) | _digits(plan, "hidden")
    for leavers in _blocks(plan.select(_LEAVERS, plan.rows)):
        looks = [(form, hub, number) for number, key, hub in leavers for form in forms(key, digits)]
        for some in _blocks(iter(looks)):
            places = ", ".join(["(?, ?, ?)"] * len(some))
            plan.execute(f"INSERT INTO looks VALUES {places}", *itertools.chain(*some))  # noqa: S608


def _digits(plan: SyncPlan, table: str, which: str = "", *values: int) -> set[int]:
    """Return to how many digits numbers are rounded among some keys."""
    found = plan.select(f"{_SCIENTIFIC % table} {which}", *values)
    return {digits_kept(key) for (key,) in found} - {0}


def _blocks(rows: Iterator[Any]) -> Iterator[list[Any]]:
    while block := list(itertools.islice(rows, BLOCK)):
        yield block
