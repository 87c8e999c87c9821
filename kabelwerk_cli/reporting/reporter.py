"""What a run reports about its rows besides records: grouped failures, a report, annotations."""

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple, Protocol

from kabelwerk_cli.config.settings import FIELDS, OUTPUT
from kabelwerk_cli.config.workflow import workflow
from kabelwerk_cli.engine.options import BatchOptions
from kabelwerk_cli.errors import NotAttempted
from kabelwerk_cli.journal.fate import Fate
from kabelwerk_cli.output import Format, as_json
from kabelwerk_cli.rows.reader import BadRow
from kabelwerk_cli.rows.table import Item
from kabelwerk_cli.tabular.file import BadFile, RowFile
from kabelwerk_cli.terminal.console import Listing, write_stderr, write_stderr_json
from kabelwerk_cli.terminal.error_report import problem
from kabelwerk_cli.terminal.session import Session
from kabelwerk_cli.words import count_of, with_stop

from .github import Failure, annotate, summarize
from .grouping import Case, Causes
from .junit import JUnitReport, Subject
from .result import Result, batch_record, refused, result_of, to_record

FAILURES = frozenset({Fate.FAILED, Fate.UNKNOWN})
MOST_ANNOTATED = 10
"""The most failures that are annotated and listed in the summary of a workflow step."""


class Row(Item, Protocol):
    """A row as it was checked."""

    @property
    def bad(self) -> bool:
        """Whether it is invalid."""


class Checked(Protocol):
    """All rows as they were checked."""

    @property
    def rows(self) -> int:
        """How many there are."""

    @property
    def bad(self) -> int:
        """How many of them are invalid."""

    def __iter__(self) -> Iterator[Row]:
        """Yield each."""


class Told(NamedTuple):
    """What to report, and where."""

    subject: Subject
    place: str
    """The path of the input for annotations; empty if there is no file to open."""
    report: str | None
    """Where the report goes; None for no report."""
    where: str
    """Where all rows are listed when only the first are shown, as a clause."""
    kind: Any
    """The type of the records."""


def told(command: str, file: RowFile, options: BatchOptions, record: type) -> Told:
    """Return what to report about the rows of a file.

    Args:
        command: the command's path, such as `users create`.
        file: the file.
        options: name the report and the rejects file.
        record: the type of the record that a row's call returns.
    """
    return Told(
        Subject(command, file.name),
        place="" if file.is_stream else file.name,
        report=None if options.dry_run else options.report,
        where=where_listed([options.report, options.rejects]),
        kind=batch_record(record),
    )


class Telling:
    """Reports the outcome of each row, and at the end, of the run.

    Args:
        session: has the settings and the console.
        told: what to report, and where.

    Raises:
        Refused: the report cannot be written.
    """

    def __init__(self, session: Session, told: Told) -> None:
        self._session = session
        self._told = told
        self._report = JUnitReport(told.report, told.subject) if told.report else None
        self._workflow = workflow()
        self._failures: list[Failure] = []
        self._causes, self._notes, self._invalid = Causes(), Causes(), Causes()
        self._goes_on = self._is_over = False
        output = session.settings[OUTPUT]
        self._is_table = output is Format.TABLE
        self._is_json = output in {Format.JSON, Format.JSONL}

    def __enter__(self) -> "Telling":
        return self

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        # a second signal must end the run at once, without a report
        if not self._is_over and isinstance(error, Exception):
            self._fail(Failure(self._told.place, 1, self._told.subject.command, str(error)))
            if self._report:
                self._report.add_ending(error)
            self.end({})
        if self._report:
            self._report.close()

    @property
    def label(self) -> str:
        """The name of the command."""
        return self._told.subject.command

    @property
    def kind(self) -> Any:
        """The type of the records."""
        return self._told.kind

    @contextlib.contextmanager
    def checking(self, *, goes_on: bool) -> Iterator[None]:
        """Show the rows that were found invalid, however the check ends.

        Args:
            goes_on: whether the run skips them, and includes them in its results.
        """
        self._goes_on = goes_on
        try:
            yield
        finally:
            if not (goes_on and self._is_table and not self._session.console.is_quiet):
                for line in self._invalid.lines(self._told.where):
                    write_stderr(line)

    def invalid(self, row: BadRow) -> None:
        """Report a row that the check found invalid."""
        if not self._goes_on:
            self._record(refused(row))
        if self._is_json:
            said = {"number": row.number, "line": row.line, "key": row.key, "problem": row.problem}
            write_stderr_json({"invalid": as_json(said)})
        else:
            case = _case(refused(row))
            self._invalid.add(case._replace(outcome="invalid", text=with_stop(row.problem)))

    def refusal(self, plan: Checked, purpose: str) -> BadFile:
        """Report that nothing is sent because rows are invalid, and return the error.

        Args:
            plan: the rows.
            purpose: what could be done with the other rows.
        """
        if self._report:
            other = problem(NotAttempted("Other rows of the file are invalid."))
            fate = Fate.NOT_ATTEMPTED
            self._report.add_all(result_of(r, fate, error=other) for r in plan if not r.bad)
        self.end({"invalid": plan.bad, str(Fate.NOT_ATTEMPTED): plan.rows - plan.bad})
        verb = "is" if plan.bad == 1 else "are"
        return BadFile(
            f"{plan.bad} of {count_of(plan.rows, 'row')} {verb} invalid. Correct the file, or use "
            f"--skip-invalid to {purpose} the other rows."
        )

    def result(self, result: Result) -> None:
        """Report the outcome of a row."""
        self._record(result)
        for note in result.notes:
            if self._is_table:
                self._notes.add(_case(result)._replace(text=note))
            else:
                self._session.console.note(f"Row {result.number}: {note}" if result.line else note)
        if self._is_table and result.error:
            chosen = bool(self._session.settings[FIELDS])
            record = to_record(self._told.kind, result) if chosen else None
            self._causes.add(_case(result)._replace(record=record))

    def show(self) -> None:
        """Show the failures, grouped by cause, if the output is a table.

        Raises:
            OutputLost: stdout cannot be written.
        """
        console, where = self._session.console, self._told.where
        for line in self._notes.lines(where):
            console.note(line)
        if console.is_quiet:
            return
        if not self._session.settings[FIELDS]:
            console.say(self._causes.lines(where))
            return
        for group in self._causes:
            console.say([group.heading()])
            records = [case.record for case in group.first]
            console.show(Listing(self._told.kind, records, live=True))
            console.say(filter(None, [group.more(where)]))

    def end(self, counts: Mapping[str, int]) -> None:
        """Write the report, and the summary of the workflow step.

        Args:
            counts: the number of rows by outcome.
        """
        self._is_over = True
        console = self._session.console
        try:
            if self._report:
                self._report.finish()
        except OSError as error:
            console.warn(f"Cannot write '{self._told.report}': {error.strerror or error}.")
        try:
            if self._workflow:
                title = f"kabelwerk {self._told.subject.command} --from {self._told.subject.file}"
                summarize(self._workflow, title, counts, self._failures)
        except OSError as error:
            console.warn(f"Cannot write GITHUB_STEP_SUMMARY: {error.strerror or error}.")

    def _record(self, result: Result) -> None:
        """Add a row to the report, and a failure to the annotations."""
        if self._report:
            self._report.add(result)
        if result.fate.shown in FAILURES and result.error:
            row = f" (row {result.number})" if result.line else ""
            title = f"{self._told.subject.command}{row}"
            self._fail(Failure(self._told.place, result.line or 1, title, result.error.message))

    def _fail(self, failure: Failure) -> None:
        if self._workflow and len(self._failures) < MOST_ANNOTATED:
            self._failures.append(failure)
            annotate(self._workflow, failure)


def where_listed(files: Sequence[str | None]) -> str:
    """Return where all rows are listed, as a clause.

    Args:
        files: the report and the rejects file; None for one that was not requested.
    """
    named = [f"'{file}'" for file in files if file]
    if named:
        return f"see {' and '.join(named)}"
    return "use -o jsonl, --report FILE or --rejects FILE to list them"


def _case(result: Result) -> Case:
    error = result.error
    own = (*result.own, result.key)
    if error is None:
        return Case(result.number, result.line, result.key, result.outcome, "", own=own)
    kind = f"{error.type} {error.status}"
    own = (*own, error.request_id or "")
    return Case(result.number, result.line, result.key, result.outcome, error.message, kind, own)
