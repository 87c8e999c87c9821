"""One batch from its file to its summary."""

import contextlib
import os
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from kabelwerk_cli.api.client import Client, Tools
from kabelwerk_cli.api.verdicts import Verdict
from kabelwerk_cli.backend.client import open_client, warn_of_loose_files
from kabelwerk_cli.backend.request_log import observer
from kabelwerk_cli.backend.sandbox import sandbox_path
from kabelwerk_cli.config.settings import LOG_FILE, OUTPUT
from kabelwerk_cli.config.token import read_token
from kabelwerk_cli.output import Format, as_json
from kabelwerk_cli.terminal.console import complain, complain_json
from kabelwerk_cli.terminal.session import Session

from .checking import Changed, check
from .conclusion import conclude, cures
from .fate import SKIPPED, Fate
from .files import BadFile, RowFile
from .journal import Journal, JournalError
from .journals import compare, find_journal, journal_path, open_journal
from .key_warnings import warn_of_keys
from .live import show_records, signals
from .options import BatchOptions
from .plan import Plan
from .preview import ask, preview
from .progress import progress
from .records import batch_record, in_brief, to_record
from .rejects import Rejects
from .rows import BadRow, RowReader, with_stop
from .runner import MakeClient, Runner
from .tasks import Tasks
from .totals import Totals, count_of

FAILURES = frozenset({Fate.FAILED, Fate.UNKNOWN})
"""What a table shows."""


class Batch(NamedTuple):
    """A command whose call is sent for each row of a file."""

    name: str
    """The command's path, such as `users create`."""
    file: str
    reader: RowReader
    record: type | None
    """What a row's call returns; None for nothing."""
    destructive: bool
    """Whether to ask before sending."""
    repeatable: bool
    """Whether doing it twice is the same as doing it once."""
    options: BatchOptions
    session: Session

    @property
    def output(self) -> Format:
        """The format of the records."""
        return self.session.settings[OUTPUT]

    @property
    def tell_all(self) -> bool:
        """Whether rows that need nothing are shown as well."""
        return self.output is not Format.TABLE and not self.session.console.is_quiet


def run_batch(batch: Batch) -> None:
    """Send each row of a file.

    Raises:
        BatchFailed: rows are not done, and the outcome of each is known.
        BatchUnknown: the outcome of some rows is unknown.
        KabelwerkError: what stopped the run before anything was applied.
        Interrupted: a signal ended the run.
        Cancelled: it was not confirmed.
        AlreadyPosted: the journal is that of a finished mailing.
        click.UsageError: the file is invalid, or the journal belongs to another batch.
        ConfigurationError: the settings, or the journal, do not allow it.
    """
    options, session = batch.options, batch.session
    with contextlib.ExitStack() as stack:
        file = stack.enter_context(
            RowFile(batch.file, encoding=options.encoding, sheet=options.sheet)
        )
        _check_outputs(batch, file)
        if not file.is_json:
            batch.reader.check_columns(file.columns)
        found = stack.enter_context(find_journal(batch, file))
        plan = stack.enter_context(check(file, batch.reader, found.journal, teller(session)))
        warn_of_keys(plan, session.console.note, sets_values=batch.repeatable)
        compare(batch, found, plan)
        if plan.bad and not options.skip_invalid:
            verb = "is" if plan.bad == 1 else "are"
            raise BadFile(f"{plan.bad} of {count_of(plan.rows, 'row')} {verb} invalid.")
        rejects = stack.enter_context(Rejects(file, batch.reader, options.rejects))
        rejects.check(found.journal)
        tasks = Tasks(file, batch.reader, plan, found.journal, options, tell_all=batch.tell_all)
        if options.dry_run:
            preview(batch, tasks, plan.rows)
            return
        ask(batch, tasks)
        warn_of_loose_files(session)
        # what is missing in the settings is found before there is a journal
        clients = clients_for(session, stack)
        journal = stack.enter_context(open_journal(batch, found, plan))
        totals = _totals(batch, plan, found.path)
        runner = Runner(journal, plan, clients, options)
        session.book.open(totals)
        tasks = Tasks(file, batch.reader, plan, journal, options, tell_all=batch.tell_all)
        _send(batch, runner, tasks, totals)
        try:
            journal.flush()
            _hand_over(batch, rejects, journal, plan, totals)
            if journal.outstanding == 0:
                journal.settle([])  # the mark, where no row was left to bring it
        except JournalError as error:
            runner.end("the journal cannot be written", error)
        conclude(session.console, runner, totals, cures(batch, totals, found.path))
        # last of all: whoever kills the run before this finds in the journal that all is done; and
        # under its lock, so that nobody else has begun to write to it
        if batch.repeatable and totals.counts[Fate.DONE] == totals.rows:
            journal.remove()
        journal.close()


def _check_outputs(batch: Batch, file: RowFile) -> None:
    """Refuse to overwrite the input, or to put a file where a device or a folder is."""
    journal = journal_path(batch, file)
    made = {"--rejects": batch.options.rejects, "--journal": str(journal) if journal else None}
    check_outputs(batch.session, file, made)


def check_outputs(session: Session, file: RowFile, made: Mapping[str, str | None]) -> None:
    """Refuse to overwrite the input, or to put a file where another one is to be.

    Args:
        session: has the log file.
        file: the input.
        made: the files that the run makes, by the options that name them.

    Raises:
        BadFile: one of them cannot be made.
    """
    for option, path in {**made, LOG_FILE.option: session.settings[LOG_FILE]}.items():
        if file.is_same(path):
            raise BadFile(f"{option} and --from name the same file.")
    for option, path in made.items():
        if path and os.path.exists(path) and not os.path.isfile(path):  # noqa: PTH110, PTH113
            raise BadFile(f"{option} '{path}' is not a regular file.")
    real = [os.path.realpath(path) for path in made.values() if path]
    if len(set(real)) < len(real):
        raise BadFile(f"{' and '.join(made)} name the same file.")


def teller(session: Session) -> Callable[[BadRow], None]:
    """Return what tells of each row that is invalid."""

    def tell(row: BadRow) -> None:
        if session.settings[OUTPUT] in {Format.JSON, Format.JSONL}:
            said = {"number": row.number, "line": row.line, "key": row.key, "problem": row.problem}
            complain_json({"invalid": as_json(said)})
        else:
            complain(f"Line {row.line} (row {row.number}): {with_stop(row.problem)}")

    return tell


def _totals(batch: Batch, plan: Plan, journal: Path | None) -> Totals:
    options = batch.options
    again = options.restart or options.send_changed or options.resend_unknown
    rerun = batch.repeatable or (journal is not None and not again)
    before = Counter[Fate]()
    if not batch.tell_all:
        before = Counter({fate: plan.count(fate) for fate in SKIPPED})
    return Totals(plan.rows, before, str(journal) if journal else None, rerun=rerun)


def _hand_over(
    batch: Batch, rejects: Rejects, journal: Journal, plan: Plan, totals: Totals
) -> None:
    try:
        totals.hand_over(rejects.write(journal, plan))
    except (OSError, Changed) as error:
        reason = getattr(error, "strerror", None) or error
        batch.session.console.note(f"Cannot write the rejects: {reason}")


def clients_for(session: Session, stack: contextlib.ExitStack) -> MakeClient:
    """Return what makes a client for each worker; the token is read once for all."""
    settings = session.settings
    token = "" if sandbox_path(settings) else read_token(settings)
    # a repeat is one line among thousands, and does not name its row
    observe = observer(session, repeats=False)

    def make(may_retry: Callable[[Verdict], bool], tools: Tools) -> Client:
        client = open_client(settings, observe, token=token, may_retry=may_retry, tools=tools)
        return stack.enter_context(client)

    return make


def _send(batch: Batch, runner: Runner, tasks: Tasks, totals: Totals) -> None:
    """Send the rows, and show the record of each as its result comes."""
    kind = batch_record(batch.record)
    records = _records(batch, runner, tasks, totals, kind)
    show_records(batch.session, kind, records, runner)


def _records(
    batch: Batch, runner: Runner, tasks: Tasks, totals: Totals, kind: Any
) -> Iterator[Any]:
    """Send the rows; yield the record of each, in a table only of failures."""
    console = batch.session.console
    table = batch.output is Format.TABLE
    with progress(console, totals.rows, totals.counts.total()) as advance, signals(runner):
        for result in runner.run(tasks):
            totals.count(result)
            for note in result.notes:
                console.note(f"Row {result.number}: {note}")
            if not table:
                yield to_record(kind, result)
            elif result.fate.shown in FAILURES:
                yield in_brief(to_record(kind, result))
            if result.fate is not Fate.NOT_ATTEMPTED:
                advance()
