"""Compares the keys that left a file with those in it: to a person, some may be the same.

A spreadsheet that takes the zeros off all keys makes every user leave, and another one join. So a
key that left is kept while a key in the file looks like it, whatever is allowed, and a plan with
such a pair looks like a mistake if the key in the file is new.
"""

import itertools
from collections.abc import Iterator, Sequence
from typing import Any

from kabelwerk_cli.engine.stops import NAMED, Mistake, allowed_by, listed
from kabelwerk_cli.errors import Stop
from kabelwerk_cli.output import visible_key
from kabelwerk_cli.rows.key_warnings import EXPORT
from kabelwerk_cli.rows.lookalikes import digits_kept, forms, is_rounded
from kabelwerk_cli.words import count_of

from .plan import SyncPlan

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
_SCIENTIFIC = "SELECT key FROM rows WHERE key GLOB '*[0-9][Ee]*[0-9]*' AND "
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
_ROUNDED = "rows.key GLOB '[0-9]*[Ee]+[0-9]*'"


def compare_looks(plan: SyncPlan) -> None:
    """Keep everybody whose key left the file while a key in it looks like theirs.

    Args:
        plan: the differences between the file and the state.
    """
    _do(plan, *_TABLES)
    if next(plan.select(_LEAVERS + " LIMIT 1", plan.rows), None) is None:
        return
    _note_leavers(plan)
    left = _digits(plan, "number > ?")
    for rows in _blocks(plan.select(_IN_FILE, plan.rows)):
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
            _do(plan, "INSERT INTO alike VALUES (?, ?, ?)", values=pair)
    for (leaver,) in list(plan.select("SELECT DISTINCT leaver FROM alike")):
        plan.keep_leaver(leaver, "a key in the file looks like it")


def suspicious_keys(plan: SyncPlan) -> Iterator[Mistake]:
    """Yield what looks like a mistake in the keys, the most important first."""
    pairs = plan.select(_PAIRS)
    if first := list(itertools.islice(pairs, NAMED)):
        count = len(first) + sum(1 for _ in pairs)
        names = (
            f"'{visible_key(old)}' and '{visible_key(new)}' (line {line})"
            for old, new, line in first
        )
        left = "1 key left" if count == 1 else f"{count} keys left"
        yield Mistake(
            Stop.LOOKALIKES,
            f"{left} the file and look like new ones: {listed(names, count)}. The API cannot "
            "rename a key: a new key is a new user with a new, empty chat.",
            f"Correct the keys. If they are right, {allowed_by(Stop.LOOKALIKES)}.",
        )
    yield from _damaged(plan)


def _damaged(plan: SyncPlan) -> Iterator[Mistake]:
    ((longest,),) = plan.select(_ZEROS)
    rounded = (row for row in plan.select(_NEW % _ROUNDED, plan.rows) if is_rounded(row[0]))
    shorter = plan.select(_NEW % _SHORTER, plan.rows, longest or 0)
    for rows, said in ((rounded, "been rounded"), (shorter, "lost leading zeros")):
        if first := list(itertools.islice(rows, NAMED)):
            count = len(first) + sum(1 for _ in rows)
            names = (f"'{visible_key(key)}' (line {line})" for key, line in first)
            yield Mistake(
                Stop.DAMAGED_KEYS,
                f"{count_of(count, 'new key')} may have {said} in a spreadsheet: "
                f"{listed(names, count)}.",
                f"{EXPORT} If they are right, {allowed_by(Stop.DAMAGED_KEYS)}.",
            )


def _note_leavers(plan: SyncPlan) -> None:
    digits = _digits(plan, "number <= ?")
    for leavers in _blocks(plan.select(_LEAVERS, plan.rows)):
        looks = [(form, hub, number) for number, key, hub in leavers for form in forms(key, digits)]
        for some in _blocks(iter(looks)):
            places = ", ".join(["(?, ?, ?)"] * len(some))
            _do(plan, f"INSERT INTO looks VALUES {places}", values=[*itertools.chain(*some)])  # noqa: S608


def _digits(plan: SyncPlan, which: str) -> set[int]:
    """Return to how many digits numbers are rounded among some keys."""
    return {digits_kept(key) for (key,) in plan.select(_SCIENTIFIC + which, plan.rows)} - {0}


def _blocks(rows: Iterator[Any]) -> Iterator[list[Any]]:
    while block := list(itertools.islice(rows, BLOCK)):
        yield block


def _do(plan: SyncPlan, *statements: str, values: Sequence[Any] = ()) -> None:
    for statement in statements:
        for _ in plan.select(statement, *values):
            pass
