"""Counts rows by outcome, for what a batch can report at any moment."""

from collections import Counter
from collections.abc import Iterator
from http import HTTPStatus

from kabelwerk_cli.delivery.outcomes import ignored
from kabelwerk_cli.delivery.server_messages import says_taken
from kabelwerk_cli.errors import Applied, Report, ServerError
from kabelwerk_cli.journal.fate import Fate
from kabelwerk_cli.terminal.console import Summary
from kabelwerk_cli.terminal.error_report import Problem
from kabelwerk_cli.terminal.run_record import ROWS
from kabelwerk_cli.words import count_of

from .result import Result

DEEDS = ("created", "updated", "deleted", "absent", "posted")
"""The effects that a summary begins with; others follow."""
LEFT = (Fate.FAILED, Fate.UNKNOWN, Fate.HANDED_OVER, Fate.NOT_ATTEMPTED)
"""The outcomes that a summary lists after the effects."""

EARLIER = "done by earlier runs"


def _is_blocked(error: Problem) -> bool:
    return error.status == HTTPStatus.FORBIDDEN and error.type == ServerError.__name__


class Totals:
    """Counts the rows of one run.

    Args:
        rows: how many rows there are.
        before: how many of them need nothing and are not counted one by one, by fate.
        journal: the path of the journal; None if it is temporary.
        rerun: whether it is safe to run the same command again.

    Attributes:
        counts: the number of rows by fate.
        effects: the number of rows that this run `created`, `posted` ...
        errors: the number of rows that are not done, by type of error.
        sent: the number of rows that this run sent, by fate.
        rejected: how many rows need correction.
        taken: how many of them have the key of an existing user.
        blocked: how many rows something between here and the backend answered with 403.
        unused: the number of rows by what they ask for and was not sent.
        handed_over: how many this run wrote to the rejects file.
    """

    def __init__(
        self,
        rows: int,
        before: Counter[Fate],
        journal: str | None,
        *,
        rerun: bool,
    ) -> None:
        self.rows = rows
        self.counts = before.copy()
        self.effects = Counter[str]()
        self.errors = Counter[str]()
        self.sent = Counter[Fate]()
        self.unused = Counter[str]()
        self.rejected = self.taken = self.blocked = self.handed_over = 0
        self._journal = journal
        self._rerun = rerun

    def count(self, result: Result) -> None:
        """Count a row."""
        self.counts[result.fate.shown] += 1
        self.rejected += result.fate is Fate.REJECTED
        if result.effect:
            self.effects[result.effect] += 1
        if result.unused:
            self.unused[result.unused] += 1
        if result.error:
            self.errors[result.error.type] += 1
            self.blocked += result.sent and _is_blocked(result.error)
            self.taken += result.fate is Fate.REJECTED and says_taken(result.error.fields)
        if result.sent:
            self.sent[result.fate.shown] += 1

    def hand_over(self, rows: int) -> None:
        """Note that rejected rows, of this run or before, were written to the rejects file."""
        if not rows:
            return
        self.counts[Fate.FAILED] -= self.rejected
        # rows of an earlier run that this one did not reach
        self.counts[Fate.NOT_ATTEMPTED] -= rows - self.rejected
        self.counts[Fate.HANDED_OVER] += rows
        self.rejected = self.taken = 0
        self.handed_over = rows

    @property
    def are_all_counted(self) -> bool:
        """Whether the outcome of every row is counted."""
        return self.counts.total() == self.rows

    def report(self) -> Report:
        """Return the report of an error that ends the run."""
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

    def warnings(self) -> Iterator[str]:
        """Yield what those who asked for it should know about rows that are done."""
        for unused, rows in self.unused.items():
            yield ignored(count_of(rows, "user"), unused)

    def remarks(self) -> Iterator[str]:
        """Yield remarks about what was not as planned, as sentences."""
        yield from ()

    def summary(self) -> dict[str, int]:
        """Return the number of rows by outcome, without zeros."""
        earlier = self.counts[Fate.DONE] - self.effects.total()
        counts = dict.fromkeys(DEEDS, 0) | self.effects | {EARLIER: earlier}
        counts |= {str(fate): self.counts[fate] for fate in LEFT}
        return {what: count for what, count in counts.items() if count}

    def counted(self) -> dict[str, int]:
        """Return the number of rows, and of rows by outcome, in the words of records."""
        counts = self.summary()
        if earlier := counts.pop(EARLIER, 0):
            counts[str(Fate.DONE)] = earlier
        return {ROWS: self.rows} | counts

    def summed(self) -> Summary:
        """Return what became of the rows."""
        return Summary(str(self), self.counted())

    def __str__(self) -> str:
        counts = ", ".join(f"{count} {what}" for what, count in self.summary().items())
        return f"{count_of(self.rows, 'row')}: {counts or 'none'}."
