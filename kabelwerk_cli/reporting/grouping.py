"""Groups rows with the same error, to show the error once with a count and the first rows.

Errors are the same if their texts differ only in the row's own values: its key, a request ID, the
number of the row it waits for. Memory is flat: a cause keeps its first rows only, and the number of
causes is limited; the rows of further causes are counted together.
"""

import bisect
import re
from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from kabelwerk_cli.journal.fate import Fate
from kabelwerk_cli.output import shortened
from kabelwerk_cli.words import capitalized, count_of

MOST_ROWS = 20
"""The most rows that are listed for a cause."""
MOST_CAUSES = 20
"""The most causes; the rows of further ones are counted together."""
LONGEST_TEXT = 500
"""Characters of an error that are shown."""
UNMISTAKABLE = 8
"""The least length of a value that is recognized anywhere in a text, in characters."""
MASK = "…"
_WORD = re.compile(r"\w+(?:[^\w\s'\"]+\w+)*")
ORDER = ("invalid", Fate.UNKNOWN, Fate.FAILED, Fate.NOT_ATTEMPTED)
"""The order in which outcomes are shown; others come last."""


class Case(NamedTuple):
    """A row, and what to show of it."""

    number: int
    line: int
    key: str
    outcome: str
    text: str
    kind: str = ""
    """The kind of the error: errors of different kinds are never the same."""
    own: tuple[str, ...] = ()
    """The row's own values that the text may contain."""
    record: Any = None
    """The row's record, if it is shown."""


class Group:
    """The rows of one cause.

    Attributes:
        outcome: what happened to them.
        text: their error, with the parts that differ masked.
        count: how many there are.
        first: the first of them, up to `MOST_ROWS`.
    """

    def __init__(self, outcome: str, text: str) -> None:
        self.outcome = outcome
        self.text = text
        self.count = 0
        self.first: list[Case] = []

    def add(self, case: Case, form: str) -> None:
        """Add a row whose masked text is `form`."""
        case = case._replace(text=shortened(case.text, LONGEST_TEXT))
        if self.count and case.text != self.text:
            self.text = shortened(form, LONGEST_TEXT)
        self.count += 1
        # results arrive in any order
        bisect.insort(self.first, case, key=lambda first: first.number)
        del self.first[MOST_ROWS:]

    def heading(self) -> str:
        """Return how many rows there are, what happened to them, and why."""
        return f"{count_of(self.count, 'row')} {self.outcome}: {self.text}"

    def lines(self) -> Iterator[str]:
        """Yield one line for a single row, otherwise a heading and the first rows."""
        if self.count == 1:
            line = _placed(self.first[0], self.text)
            yield capitalized(line)
            return
        yield self.heading()
        for case in self.first:
            yield f"  {_placed(case, case.key)}"

    def more(self, where: str) -> str:
        """Return how many rows are not listed, and where to find them; empty if all are listed."""
        more = self.count - len(self.first)
        return f"  and {more} more; {where}" if more else ""


class Rest(Group):
    """The rows of all further causes, each with its text."""

    def heading(self) -> str:
        """Return how many rows there are."""
        return f"{count_of(self.count, 'row')} with other errors:"

    def lines(self) -> Iterator[str]:
        """Yield a heading and the first rows."""
        yield self.heading()
        for case in self.first:
            yield f"  {_placed(case, case.text)}"


class Causes:
    """Groups the rows of one run by what happened to them and why."""

    def __init__(self) -> None:
        self._groups: list[Group] = []
        self._by_form: dict[tuple[str, str, str], Group] = {}
        self._rest = Rest("", "")

    def add(self, case: Case) -> None:
        """Add a row."""
        own = _own(case)
        case = case._replace(own=())
        certain = _masked(case.text, own)
        if self._add(case, certain):
            return
        possible = _WORD.sub(lambda word: MASK if word[0] in own else word[0], certain)
        if self._add(case, possible):
            return
        if len(self._groups) == MOST_CAUSES:
            self._rest.add(case, "")
            return
        group = Group(case.outcome, shortened(case.text, LONGEST_TEXT))
        self._groups.append(group)
        for form in (certain, possible):
            self._by_form[_name(case, form)] = group
        group.add(case, "")

    def _add(self, case: Case, form: str) -> bool:
        """Add a row to the group for a masked form of its text; return whether there is one."""
        group = self._by_form.get(_name(case, form))
        if group:
            group.add(case, form)
        return group is not None

    def __iter__(self) -> Iterator[Group]:
        """Yield the groups, the most important outcome first."""
        rank = {outcome: place for place, outcome in enumerate(ORDER)}
        yield from sorted(self._groups, key=lambda group: rank.get(group.outcome, len(rank)))
        if self._rest.count:
            yield self._rest

    def lines(self, where: str) -> Iterator[str]:
        """Yield all groups as lines.

        Args:
            where: where to find the rows that are not listed, as a clause.
        """
        for group in self:
            yield from group.lines()
            if more := group.more(where):
                yield more


def _placed(case: Case, text: str) -> str:
    """Return a text with the row that it is about, if it is about one."""
    place = f"line {case.line} (row {case.number})" if case.line else ""
    return ": ".join(filter(None, (place, text)))


def _name(case: Case, form: str) -> tuple[str, str, str]:
    return case.outcome, case.kind, form


def _own(case: Case) -> list[str]:
    return sorted(filter(None, set(case.own)), key=len, reverse=True)


def _masked(text: str, own: Sequence[str]) -> str:
    """Return a text with everything masked that is certainly one of the row's own values.

    A short key may also be an ordinary word: here, it is masked only within quotes.
    """
    for value in own:
        for found in (f"'{value}'", f'"{value}"'):
            text = text.replace(found, f"{found[0]}{MASK}{found[0]}")
        if len(value) >= UNMISTAKABLE:
            text = text.replace(value, MASK)
    return text
