"""Chooses what reports a run; nothing else knows which reporters there are."""

from collections.abc import Callable, Iterator, Sequence

from kabelwerk_cli.config.settings import FIELDS, OUTPUT
from kabelwerk_cli.config.workflow import workflow
from kabelwerk_cli.output import Format
from kabelwerk_cli.terminal.session import Session

from .failures import (
    FailuresAsJson,
    InvalidAsJson,
    InvalidRows,
    QuietFailures,
    RowNotes,
    TableFailures,
)
from .github import WorkflowReporter
from .junit import JUnitReport
from .progress import Progress
from .records import Recorded, Records
from .reporter import Reporter, Reporters, Subject
from .result import batch_record


def open_reporters(
    session: Session, subject: Subject, record: type, *, report: str | None, rejects: str | None
) -> Reporters:
    """Return what reports a run.

    Args:
        session: has the settings and the console.
        subject: what the run is about.
        record: the type of the record that a row's call returns.
        report: the JUnit report to write, if any.
        rejects: the rejects file, if any; rows are listed there, too.

    Raises:
        Refused: the report cannot be written.
    """
    where = where_listed([report, rejects])
    # those that write to stdout come last: if that fails, the others know of the row
    return Reporters(
        [
            Recorded(session.run_record),
            *_unattended(session.console.warn, subject, report),
            *_on_streams(session, subject, batch_record(record), where),
        ]
    )


def _unattended(
    warn: Callable[[str], None], subject: Subject, report: str | None
) -> Iterator[Reporter]:
    """Yield what reports to programs."""
    if report:
        yield JUnitReport(report, subject, warn)
    if found := workflow():
        yield WorkflowReporter(found, subject, warn)


def _on_streams(session: Session, subject: Subject, kind: type, where: str) -> Iterator[Reporter]:
    """Yield what reports on stderr and stdout."""
    settings, console = session.settings, session.console
    is_table = settings[OUTPUT] is Format.TABLE
    is_json = settings[OUTPUT] in {Format.JSON, Format.JSONL}
    if is_json:
        yield InvalidAsJson()
    if console.is_quiet:
        yield (FailuresAsJson if is_json else QuietFailures)(where)
        return
    yield Progress(console, subject.command)
    if is_table:
        yield TableFailures(console, kind, where, by_fields=bool(settings[FIELDS]))
        return
    if not is_json:
        yield InvalidRows(where)
    yield RowNotes(console)
    yield Records(console, kind)


def where_listed(files: Sequence[str | None]) -> str:
    """Return where all rows are listed, as a clause.

    Args:
        files: the report and the rejects file; None for one that was not requested.
    """
    named = [f"'{file}'" for file in files if file]
    if named:
        return f"see {' and '.join(named)}"
    return "use -o jsonl, --report FILE or --rejects FILE to list them"
