"""How many rows came to what: what may be claimed of a batch, at any moment."""

from collections import Counter

from kabelwerk_cli.api.errors import Applied, Report

from .fate import Fate
from .tasks import Result

SHOWN = (Fate.DONE, Fate.FAILED, Fate.UNKNOWN, Fate.HANDED_OVER, Fate.NOT_ATTEMPTED)


class Totals:
    """Counts the rows of one run.

    Args:
        rows: how many rows there are.
        before: how many of them need nothing and are not counted one by one, by their fate.
        journal: where it is recorded which rows were sent; None where that ends with the run.
        rerun: whether running the same command again does nothing twice.
    """

    def __init__(
        self, rows: int, before: Counter[Fate], journal: str | None, *, rerun: bool
    ) -> None:
        self.rows = rows
        self.counts = before.copy()
        self.sent = Counter[Fate]()
        """What became of the rows that this run sent."""
        self._rejected = 0
        self._journal = journal
        self._rerun = rerun

    def count(self, result: Result) -> None:
        """Count a row."""
        self.counts[result.fate.shown] += 1
        self._rejected += result.fate is Fate.REJECTED
        if result.sent:
            self.sent[result.fate.shown] += 1

    def hand_over(self, rows: int) -> None:
        """Note that rows that were rejected, in this run or before, stand in the rejects file."""
        if not rows:
            return
        self.counts[Fate.FAILED] -= self._rejected
        # an earlier run's, which this one was stopped before
        self.counts[Fate.NOT_ATTEMPTED] -= rows - self._rejected
        self.counts[Fate.HANDED_OVER] += rows

    @property
    def are_all_counted(self) -> bool:
        """Whether it is known of every row what became of it."""
        return self.counts.total() == self.rows

    def report(self) -> Report:
        """Return the circumstances of whatever ends the run."""
        if self.counts[Fate.UNKNOWN] or not self.are_all_counted:
            applied = Applied.UNKNOWN
        else:
            applied = Applied.YES if self.sent[Fate.DONE] else Applied.NO
        untouched = self.are_all_counted and not (self.sent[Fate.DONE] or self.sent[Fate.UNKNOWN])
        return Report(applied=applied, safe_to_rerun=self._rerun or untouched)

    def sentence(self) -> str:
        """Say what was changed, as far as is known."""
        if self._journal and not self.are_all_counted:
            return f"'{self._journal}' records which rows were sent."
        return str(self)

    def __str__(self) -> str:
        counts = ", ".join(f"{self.counts[fate]} {fate}" for fate in SHOWN if self.counts[fate])
        return f"{count_of(self.rows, 'row')}: {counts or 'none'}."


def count_of(number: int, noun: str) -> str:
    """Return a number with its noun: `1 row`, `2 rows`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
