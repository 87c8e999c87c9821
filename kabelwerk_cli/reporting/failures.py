"""Reports what is wrong with rows to people: once for each cause, with the first rows."""

from collections.abc import Mapping
from typing import Any

from kabelwerk_cli.output import as_json
from kabelwerk_cli.rows.row import Place
from kabelwerk_cli.rows.table import Table
from kabelwerk_cli.terminal.console import Console, Listing, write_stderr, write_stderr_json
from kabelwerk_cli.words import with_stop

from .grouping import Case, Causes, Group
from .reporter import Reporter, refused_counts
from .result import Result, refused, to_record


class InvalidRows(Reporter):
    """Shows the rows that the check found invalid on stderr.

    Args:
        where: where all rows are listed when only the first are shown, as a clause.
    """

    def __init__(self, where: str) -> None:
        self._where = where
        self._invalid = Causes()

    def invalid(self, place: Place, why: str, *, returns: bool) -> None:
        """Group a row with those that have the same problem."""
        del returns
        case = case_of(refused(place, why))
        self._invalid.add(case._replace(outcome="invalid", text=with_stop(why)))

    def checked(self) -> None:
        """Show the groups."""
        for line in self._invalid.lines(self._where):
            write_stderr(line)


class InvalidAsJson(Reporter):
    """Writes each row that the check found invalid to stderr, as an object."""

    def invalid(self, place: Place, why: str, *, returns: bool) -> None:
        """Write a row."""
        del returns
        said = {"number": place.number, "line": place.line, "key": place.key, "problem": why}
        write_stderr_json({"invalid": as_json(said)})

    def refused(self, plan: Table) -> None:
        """Write how many rows are invalid."""
        write_stderr_json({"summary": refused_counts(plan)})


class RowNotes(Reporter):
    """Writes the notes about each row to stderr, for the formats that have a record a row."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def result(self, result: Result) -> None:
        """Write the notes about a row."""
        for note in result.notes:
            self._console.note(f"Row {result.place.number}: {note}" if result.place.line else note)


class GroupedFailures(InvalidRows):
    """Groups what is wrong with rows; see below for where it is shown."""

    def __init__(self, where: str) -> None:
        super().__init__(where)
        self._causes = Causes()

    def invalid(self, place: Place, why: str, *, returns: bool) -> None:
        """Group a row, unless it is shown among the results."""
        if not returns:
            super().invalid(place, why, returns=returns)

    def result(self, result: Result) -> None:
        """Group a row with those that have the same error."""
        if result.error:
            self._causes.add(case_of(result))


class TableFailures(GroupedFailures):
    """Shows the failures on stdout, instead of a record a row, and notes on stderr.

    Args:
        console: shows them.
        kind: the type of the records.
        where: see `InvalidRows`.
        by_fields: whether to show the records of the first rows, whose fields were chosen.
    """

    def __init__(self, console: Console, kind: Any, where: str, *, by_fields: bool) -> None:
        super().__init__(where)
        self._console = console
        self._kind = kind
        self._by_fields = by_fields
        self._notes = Causes()

    def result(self, result: Result) -> None:
        """Group a row with those that have the same error, and likewise for its notes."""
        for note in result.notes:
            self._notes.add(case_of(result)._replace(text=note))
        if result.error:
            record = to_record(self._kind, result) if self._by_fields else None
            self._causes.add(case_of(result)._replace(record=record))

    def end(self, counts: Mapping[str, int]) -> None:
        """Show the groups."""
        del counts
        for line in self._notes.lines(self._where):
            self._console.note(line)
        if not self._by_fields:
            self._console.say(self._causes.lines(self._where))
            return
        for group in self._causes:
            self._say_records(group)

    def _say_records(self, group: Group) -> None:
        self._console.say([group.heading()])
        records = [case.record for case in group.first]
        self._console.show(Listing(self._kind, records, live=True))
        self._console.say(filter(None, [group.more(self._where)]))


class QuietFailures(GroupedFailures):
    """Shows the failures on stderr, where a quiet run writes what is not a success."""

    def end(self, counts: Mapping[str, int]) -> None:
        """Show the groups."""
        del counts
        for line in self._causes.lines(self._where):
            write_stderr(line)


class FailuresAsJson(GroupedFailures):
    """Writes the failures of a quiet run to stderr, an object a group."""

    def checked(self) -> None:
        """Show nothing: each row was written when it was found."""

    def end(self, counts: Mapping[str, int]) -> None:
        """Write the groups."""
        del counts
        for group in self._causes:
            rows = [{"row": each.number, "key": each.key} for each in group.first]
            said = {"outcome": group.outcome, "message": group.text, "rows": rows}
            write_stderr_json({"failures": {"count": group.count, **said}})


def case_of(result: Result) -> Case:
    """Return what to show of a row."""
    (number, line, key, *_), error = result.place, result.error
    own = (*result.own, key)
    if error is None:
        return Case(number, line, key, result.outcome, "", own=own)
    kind = f"{error.type} {error.status}"
    own = (*own, error.request_id or "")
    return Case(number, line, key, result.outcome, error.message, kind, own)
