"""What every run does, a batch or a sync: from its file to its last line."""

import contextlib
import itertools
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple, Protocol, TypeVar

from kabelwerk_cli.backend.connect import senders_for
from kabelwerk_cli.config.settings import LOG_FILE, MAX_TIME
from kabelwerk_cli.errors import BadFile, JournalError
from kabelwerk_cli.files import are_same
from kabelwerk_cli.journal.journal import Journal
from kabelwerk_cli.reporting.ending import Ended, conclude
from kabelwerk_cli.reporting.opening import open_reporters
from kabelwerk_cli.reporting.reporter import Reporters, Subject
from kabelwerk_cli.reporting.totals import Totals
from kabelwerk_cli.rows.reader import RowReader
from kabelwerk_cli.rows.table import Table
from kabelwerk_cli.tabular.file import RowFile
from kabelwerk_cli.terminal.console import Console
from kabelwerk_cli.terminal.session import Session
from kabelwerk_cli.words import count_of

from .options import BatchOptions
from .runner import Runner
from .sending import send
from .task import Work


class Run(NamedTuple):
    """A command that takes its rows from a file."""

    command: str
    """The command's path, such as `users create`."""
    reader: RowReader
    record: type
    """The type of the record that a row's call returns."""
    options: BatchOptions
    session: Session


class Opened(NamedTuple):
    """The file of a run, and what reports about it."""

    file: RowFile
    reporters: Reporters


class Sending(Protocol):
    """The part of sending rows in which batches and syncs differ."""

    @property
    def journal(self) -> Journal:
        """The journal or state that is written to."""

    @property
    def tasks(self) -> Work:
        """The rows."""

    @property
    def totals(self) -> Totals:
        """Counts the results."""

    def finish(self, runner: Runner) -> None:
        """Do what is left once everything is sent.

        Raises:
            JournalError: the journal or state cannot be written.
        """

    def ended(self, runner: Runner) -> Ended:
        """Return how the run ended."""


Sends = TypeVar("Sends", bound=Sending)


@contextlib.contextmanager
def opened(run: Run, journal: Callable[[RowFile], tuple[str, Path | None]]) -> Iterator[Opened]:
    """Open the file and the reports of a run.

    Args:
        run: the run.
        journal: returns the option of the journal or state, and its path.

    Raises:
        Refused: a file or an option cannot be used.
    """
    options, session = run.options, run.session
    with _input(options) as file:
        for remark in file.remarks:
            session.console.warn(remark)
        _check_outputs(run, file, journal(file))
        if not file.is_json:
            run.reader.columns.check(file.columns, file.top(), file.shown, file.other_sheets)
        report = None if options.dry_run else options.report
        subject = Subject(run.command, file.name, is_stream=file.is_stream)
        with open_reporters(
            session, subject, run.record, report=report, rejects=options.rejects
        ) as reporters:
            yield Opened(file, reporters)


def _input(options: BatchOptions) -> RowFile:
    return RowFile(
        options.from_file or "",
        encoding=options.encoding,
        sheet=options.sheet,
        skip_lines=options.skip_lines,
        hidden_rows=options.hidden_rows,
    )


def note_hidden_rows(console: Console, file: RowFile) -> None:
    """Tell how many hidden rows were left out, once the file was read."""
    if file.skipped:
        console.note(f"Skipping {count_of(file.skipped, 'hidden row')} of '{file.shown}'.")


def refuse_invalid(reporters: Reporters, plan: Table, purpose: str) -> None:
    """Report that nothing is sent because rows are invalid.

    Args:
        reporters: the reporters.
        plan: the rows.
        purpose: what could be done with the other rows.

    Raises:
        BadFile: always.
    """
    reporters.refused(plan)
    verb = "is" if plan.bad == 1 else "are"
    raise BadFile(
        f"{plan.bad} of {count_of(plan.rows, 'row')} {verb} invalid. Correct the file, or use "
        f"--skip-invalid to {purpose} the other rows."
    )


def send_rows(
    run: Run, source: Opened, stack: contextlib.ExitStack, open_journal: Callable[[], Sends]
) -> Sends:
    """Send the rows, and report how that ended.

    Args:
        run: the run.
        source: the file, and what reports the run.
        stack: closes the connections, after what is opened from now on.
        open_journal: opens the journal or state to write to, or creates it.

    Returns:
        What `open_journal` returned, if everything requested is done.

    Raises:
        BatchFailed: rows are not done, and the outcome of each is known.
        BatchUnknown: the outcome of some rows is unknown.
        KabelwerkError: what stopped the run before anything was applied.
        Interrupted: a signal ended the run.
        OutputLost: stdout cannot be written.
        BadFile: the file is still being written; nothing was sent.
    """
    session, (file, reporters) = run.session, source
    # find missing settings before there is a journal
    senders = senders_for(session, stack)
    file.check_unchanged()
    sending = open_journal()
    journal, totals = sending.journal, sending.totals
    longest_wait = session.settings[MAX_TIME]
    runner = Runner(journal, senders, run.options, longest_wait=longest_wait)
    session.run_record.open(totals)
    try:
        send(runner, sending.tasks, totals, reporters)
    finally:
        # a second signal ends the run before the reporters do
        session.run_record.counts = totals.counted()
    try:
        journal.flush()
        journal.check_kept()
        sending.finish(runner)
    except JournalError as error:
        runner.end(f"the {journal.kind.noun} cannot be written: {error.reason}", error)
    reporters.end(totals.counted())
    for warning in totals.warnings():
        session.console.warn(warning)
    for remark in totals.remarks():
        session.console.note(remark)
    conclude(session.console, sending.ended(runner))
    return sending


def _check_outputs(run: Run, file: RowFile, journal: tuple[str, Path | None]) -> None:
    """Refuse to overwrite the input, another output, a device or a folder.

    Args:
        run: names the rejects file, the report and the log file.
        file: the input.
        journal: the option of the journal or state, and its path.

    Raises:
        BadFile: one of them cannot be used.
    """
    kept_by, kept = journal
    made = {
        "--rejects": run.options.rejects,
        "--report": run.options.report,
        "--summary": run.options.summary,
        kept_by: str(kept) if kept else None,
    }
    log = (LOG_FILE.option, run.session.settings[LOG_FILE])
    given = {option: path for option, path in (*made.items(), log) if path}
    for option, path in given.items():
        if file.is_same(path):
            raise BadFile(f"{option} and --from name the same file.")
        if option in made and os.path.exists(path) and not os.path.isfile(path):  # noqa: PTH110, PTH113
            raise BadFile(f"{option} '{path}' is not a regular file.")
    for (option, path), (other, its) in itertools.combinations(given.items(), 2):
        if are_same(path, its):
            raise BadFile(f"{option} and {other} name the same file.")
