"""How many rows came to what: what may be claimed of a batch, at any moment."""

from collections import Counter
from pathlib import Path

from kabelwerk_cli.api.errors import Applied, Report

from .checking import Checked
from .fate import Fate
from .runner import Result

SHOWN = (Fate.DONE, Fate.FAILED, Fate.UNKNOWN, Fate.NOT_ATTEMPTED)


class Totals:
    """Counts the rows of one run.

    Args:
        checked: what the check of the file found.
        journal: where what was sent is recorded; None where it is forgotten at the end.
        tell_done: whether rows that an earlier run has done are counted one by one.
    """

    def __init__(self, checked: Checked, journal: Path | None, *, tell_done: bool) -> None:
        self.rows = checked.rows
        self._journal = journal
        # what is not told row by row is not read again either
        self.counts = Counter({Fate.DONE: 0 if tell_done else checked.done})
        self.rejects = bytearray(checked.rows + 1)

    def count(self, result: Result) -> None:
        """Count a row."""
        self.counts[result.fate] += 1
        self.rejects[result.number] = result.fate is not Fate.DONE and result.repeatable

    @property
    def complete(self) -> bool:
        """Whether every row is done."""
        return self.counts[Fate.DONE] == self.rows

    def report(self) -> Report:
        """Return the circumstances of whatever ends the run."""
        if self.counts[Fate.UNKNOWN] or not self._are_all_counted:
            applied = Applied.UNKNOWN
        else:
            applied = Applied.YES if self.counts[Fate.DONE] else Applied.NO
        return Report(applied=applied, safe_to_rerun=True)

    def sentence(self) -> str:
        """Say what was changed, as far as is known."""
        if self._are_all_counted:
            return str(self)
        return f"'{self._journal}' records which rows were sent." if self._journal else str(self)

    def __str__(self) -> str:
        counts = ", ".join(f"{self.counts[fate]} {fate}" for fate in SHOWN)
        return f"{self.rows} {'row' if self.rows == 1 else 'rows'}: {counts}."

    @property
    def _are_all_counted(self) -> bool:
        return self.counts.total() == self.rows
