"""What a run reports, as a small interface, and those who report it: see `opening`."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from kabelwerk_cli.journal.fate import Fate
from kabelwerk_cli.rows.row import Place
from kabelwerk_cli.rows.table import Table
from kabelwerk_cli.terminal.run_record import ROWS

from .result import Result


class Subject(NamedTuple):
    """What a run is about."""

    command: str
    """Such as `users create`."""
    file: str
    """The file of rows, as it was named."""
    is_stream: bool = False
    """Whether there is no file to open later."""


class Reporter:
    """Learns what happens in a run; each reporter overrides what it is interested in.

    The check comes first: `invalid` for each invalid row, then `checked`. Sending follows: `begin`,
    and `result` for each row. If nothing is sent or an error ends the run, `refused` or `failed`
    comes in between. `end` and `close` come last.
    """

    def invalid(self, place: Place, why: str, *, returns: bool) -> None:
        """The check found a row invalid.

        Args:
            place: the row.
            why: what is wrong with it, as a clause.
            returns: whether the run skips it, so that it is among the results, too.
        """

    def checked(self) -> None:
        """The check has ended, perhaps with an error."""

    def begin(self, rows: int, before: int) -> None:
        """Rows are about to be sent.

        Args:
            rows: how many rows there are.
            before: how many of them are not among the results, as earlier runs did them.
        """

    def result(self, result: Result) -> None:
        """A row has its result.

        Raises:
            OutputLost: stdout cannot be written.
        """

    def end(self, counts: Mapping[str, int]) -> None:
        """The run has ended, and nothing else becomes known of its rows.

        Args:
            counts: the number of rows by outcome; empty if an error ended the run.

        Raises:
            OutputLost: stdout cannot be written.
        """

    def refused(self, plan: Table) -> None:
        """Nothing is sent, because rows are invalid."""

    def failed(self, error: Exception) -> None:
        """An error ended the run before its end."""

    def close(self) -> None:
        """Nothing more follows; release what is open."""


class Reporters:
    """The reporters of one run. Closes them at the end, however the run ends.

    Args:
        reporters: each learns what happens, in this order.
    """

    def __init__(self, reporters: Sequence[Reporter]) -> None:
        self._reporters = reporters
        self._returns = self._is_over = False

    def __enter__(self) -> "Reporters":
        return self

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        # a second signal must end the run at once, without a report
        if not self._is_over and isinstance(error, Exception):
            for each in self._reporters:
                each.failed(error)
            self.end({})
        for each in self._reporters:
            each.close()

    @contextlib.contextmanager
    def checking(self, *, goes_on: bool) -> Iterator[None]:
        """Report the rows that are found invalid, however the check ends.

        Args:
            goes_on: whether the run skips them, and includes them in its results.
        """
        self._returns = goes_on
        try:
            yield
        finally:
            for each in self._reporters:
                each.checked()

    def invalid(self, place: Place, why: str) -> None:
        """Report a row that the check found invalid; see `Reporter.invalid`."""
        for each in self._reporters:
            each.invalid(place, why, returns=self._returns)

    def refused(self, plan: Table) -> None:
        """Report that nothing is sent, because rows are invalid."""
        for each in self._reporters:
            each.refused(plan)
        self.end(refused_counts(plan))

    def begin(self, rows: int, before: int) -> None:
        """Report that rows are about to be sent; see `Reporter.begin`."""
        for each in self._reporters:
            each.begin(rows, before)

    def result(self, result: Result) -> None:
        """Report the result of a row.

        Raises:
            OutputLost: stdout cannot be written.
        """
        for each in self._reporters:
            each.result(result)

    def end(self, counts: Mapping[str, int]) -> None:
        """Report the end of the run.

        Args:
            counts: the number of rows by outcome.

        Raises:
            OutputLost: stdout cannot be written.
        """
        self._is_over = True
        for each in self._reporters:
            each.end(counts)


def refused_counts(plan: Table) -> dict[str, int]:
    """Return the number of rows by outcome if nothing is sent, without zeros."""
    counts = {ROWS: plan.rows, "invalid": plan.bad, str(Fate.NOT_ATTEMPTED): plan.rows - plan.bad}
    return {what: count for what, count in counts.items() if count or what == ROWS}
