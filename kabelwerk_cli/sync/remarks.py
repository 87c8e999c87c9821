"""The totals of a sync, and the users named in its remarks."""

from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

from kabelwerk_cli.journal.fate import Fate
from kabelwerk_cli.output import visible_key
from kabelwerk_cli.reporting.result import Result
from kabelwerk_cli.reporting.totals import Totals
from kabelwerk_cli.terminal.run_record import ROWS
from kabelwerk_cli.words import count_of

from .actions import Action
from .plan import SyncPlan

NAMED = 20
"""How many users are named in one line."""


class Names:
    """Some names, and how many there are."""

    def __init__(self) -> None:
        self._first: list[str] = []
        self.count = 0

    def add(self, name: str) -> None:
        """Add a name."""
        self.count += 1
        if self.count <= NAMED:
            self._first.append(f"'{visible_key(name)}'")

    def __str__(self) -> str:
        more = self.count - len(self._first)
        return ", ".join(self._first) + (f" and {more} more" if more else "")


def names_of(keys: Iterable[str]) -> Names:
    """Return names for a line."""
    names = Names()
    for key in keys:
        names.add(key)
    return names


class SyncTotals(Totals):
    """Counts the changes of one sync.

    Args:
        plan: the plan.
        state: the path of the state.
        noun: `user` or `room`.
    """

    def __init__(self, plan: SyncPlan, state: Path, noun: str) -> None:
        super().__init__(plan.changes, Counter(), str(state), rerun=True)
        self._plan = plan
        self._noun = noun
        self._found, self._again = Names(), Names()

    def count(self, result: Result) -> None:
        """Count a change, and remember users whose outcome was not as planned."""
        super().count(result)
        if result.fate is Fate.REJECTED and result.error:
            self._plan.reject(result.place, result.error.message)
        if not result.effect:
            return
        action = self._plan.action_of(result.place)
        if action is Action.CREATE and result.effect == "updated":
            self._found.add(result.place.key)
        if action in {Action.UPDATE, Action.RESEND} and result.effect == "created":
            self._again.add(result.place.key)

    def warnings(self) -> Iterator[str]:
        """Yield nothing: an update of a user is none of what a hub is for."""
        yield from ()

    def remarks(self) -> Iterator[str]:
        """Yield remarks about what was not as planned, as sentences."""
        if self._found.count and self._noun == "user":
            yield (
                f"{self._many(self._found)} {_was(self._found)} found to exist and updated: "
                f"{self._found}. --delete keeps them, unless --adopt adds them to the state."
            )
        if self._again.count:
            yield (
                f"{self._many(self._again)} no longer existed and {_was(self._again)} created "
                f"again: {self._again}."
            )
        for why, names in self._kept().items():
            are, reason = _was(names, "is", "are"), f" ({why})" if why else ""
            kept = f"{are} no longer in the file and {_was(names)} kept{reason}"
            yield f"{self._many(names)} {kept}: {names}."

    def _many(self, names: Names) -> str:
        return count_of(names.count, self._noun)

    def _kept(self) -> dict[str, Names]:
        kept: dict[str, Names] = {}
        if self.counts[Fate.KEPT]:
            for change in self._plan.of(Action.KEEP):
                kept.setdefault(change.detail, Names()).add(change.place.key)
        return kept

    def summary(self) -> dict[str, int]:
        """Return the number of users or rooms by outcome, without zeros."""
        others = {"kept": self.counts[Fate.KEPT], "unchanged": self._plan.unchanged}
        return super().summary() | {what: count for what, count in others.items() if count}

    def counted(self) -> dict[str, int]:
        """Return the number of rows of the file, and of users or rooms by outcome."""
        return super().counted() | {ROWS: self._plan.rows}

    def __str__(self) -> str:
        counts = ", ".join(f"{count} {what}" for what, count in self.summary().items())
        return f"{counts or 'Nothing to do'}."


def _was(names: Names, one: str = "was", many: str = "were") -> str:
    return one if names.count == 1 else many
