"""One batch from its file to its summary."""

import contextlib
import itertools
import os
import signal
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

import click

from kabelwerk_cli.api.client import Client
from kabelwerk_cli.api.errors import Interrupted
from kabelwerk_cli.api.verdicts import Verdict
from kabelwerk_cli.backend.client import describe, open_client
from kabelwerk_cli.backend.dry_run import previews, show_previews
from kabelwerk_cli.backend.request_log import observer
from kabelwerk_cli.backend.sandbox import sandbox_path
from kabelwerk_cli.config.settings import LOG_FILE, OUTPUT
from kabelwerk_cli.config.token import read_token
from kabelwerk_cli.output import Format
from kabelwerk_cli.terminal.confirm import check_protection, confirm
from kabelwerk_cli.terminal.console import Listing
from kabelwerk_cli.terminal.exit_codes import BatchFailed, BatchUnknown, OutputLost
from kabelwerk_cli.terminal.session import Session
from kabelwerk_cli.terminal.signals import Terminated

from .checking import Checked, Tasks, check
from .fate import Fate
from .files import BadFile, Rejects, RowFile
from .journal import Journal, OtherPurpose
from .options import BatchOptions
from .progress import progress
from .records import batch_record, in_brief, to_record
from .rows import Row, RowReader
from .runner import Runner
from .totals import Totals

SUMMARY = ("row", "key", "outcome", "error")
JOURNAL_SUFFIX = ".kabelwerk-journal"
FAILURES = frozenset({Fate.FAILED, Fate.UNKNOWN})
"""What a table shows."""
PREVIEWED = 3
"""How many requests a preview shows."""


class Batch(NamedTuple):
    """A command whose call is sent for each row of a file."""

    name: str
    """The command's path, such as `users create`."""
    file: str
    reader: RowReader
    record: type | None
    destructive: bool
    options: BatchOptions
    session: Session

    @property
    def is_table(self) -> bool:
        """Whether people read the output."""
        return self.session.settings[OUTPUT] is Format.TABLE


def run_batch(batch: Batch) -> None:
    """Send each row of a file.

    Raises:
        BatchFailed: rows are not done, and the outcome of each is known.
        BatchUnknown: the outcome of some rows is unknown.
        Interrupted: a signal ended the run.
        Cancelled: it was not confirmed.
        click.UsageError: the file is invalid, or the journal belongs to another batch.
        ConfigurationError: the settings, or the journal, do not allow it.
    """
    options, session = batch.options, batch.session
    with contextlib.ExitStack() as stack, _usage_errors():
        file = RowFile(batch.file)
        stack.callback(file.close)
        _check_outputs(batch, file)
        if not file.is_json:
            batch.reader.check_columns(file.columns)
        path = _journal_path(batch, file)
        journal = None
        # that of `os.path` raises for no name; what cannot be a journal is found when it is made
        if path and os.path.exists(path) and not (options.dry_run or options.restart):  # noqa: PTH110
            # what earlier runs have done is not checked again
            journal = stack.enter_context(_open_journal(batch, path, restart=False))
        checked = check(file, batch.reader, journal, session.settings[OUTPUT])
        stack.callback(checked.marks.close)
        if checked.bad and not options.skip_invalid:
            raise BadFile(f"{checked.bad} of {checked.rows} rows are invalid.")
        if options.dry_run:
            _preview(batch, checked, file)
            return
        _ask(batch, checked.rows - checked.bad)
        # what is missing in the settings is found before there is a journal
        clients = _clients(batch, stack)
        rejects = (
            stack.enter_context(file.rejects(Path(options.rejects))) if options.rejects else None
        )
        if journal is None:
            place = path or _passing_path(batch, stack)
            journal = stack.enter_context(_open_journal(batch, place, restart=options.restart))
        tell_done = not session.console.is_quiet and not batch.is_table
        runner = Runner(journal, clients, options)
        totals = Totals(checked, path, tell_done=tell_done)
        session.book.open(totals)
        _send(
            batch, runner, Tasks(file, batch.reader, checked, journal, tell_done=tell_done), totals
        )
        journal.close()
        if rejects and any(totals.rejects):
            _write_rejects(batch, rejects, file, totals)
    _conclude(batch, path, runner, totals)
    # last of all: whoever kills the run before this finds in the journal that all is done
    journal.remove()


def _check_outputs(batch: Batch, file: RowFile) -> None:
    """Refuse to overwrite the input, or to put a file where a device or a folder is."""
    made = {"--rejects": batch.options.rejects, "--journal": batch.options.journal}
    for option, path in {**made, LOG_FILE.option: batch.session.settings[LOG_FILE]}.items():
        if file.is_same(path):
            raise BadFile(f"{option} and --from name the same file.")
    for option, path in made.items():
        if path and os.path.exists(path) and not os.path.isfile(path):  # noqa: PTH110, PTH113
            raise BadFile(f"{option} '{path}' is not a regular file.")


def _ask(batch: Batch, rows: int) -> None:
    if batch.destructive:
        what = "1 user" if rows == 1 else f"{rows} users"
        confirm(batch.session, f"Delete {what}?", yes=batch.options.yes, answer=str(rows))
    else:
        check_protection(batch.session, yes=batch.options.yes)


def _write_rejects(batch: Batch, rejects: Rejects, file: RowFile, totals: Totals) -> None:
    try:
        rejects.write(raw.source for raw in file if totals.rejects[raw.number])
    except (OSError, BadFile) as error:
        reason = getattr(error, "strerror", None) or error
        batch.session.console.note(f"Cannot write the rejects: {reason}")


@contextlib.contextmanager
def _usage_errors() -> Iterator[None]:
    try:
        yield
    except (BadFile, OtherPurpose) as error:
        raise click.UsageError(f"{error} Nothing was sent.") from None


def _clients(
    batch: Batch, stack: contextlib.ExitStack
) -> Callable[[Callable[[Verdict], bool]], Client]:
    """Return what makes a client for each worker; the token is read once for all."""
    settings = batch.session.settings
    token = "" if sandbox_path(settings) else read_token(settings)
    # a repeat is one line among thousands, and does not name its row
    observe = observer(batch.session, repeats=False)

    def make(may_retry: Callable[[Verdict], bool]) -> Client:
        return stack.enter_context(open_client(settings, observe, token=token, may_retry=may_retry))

    return make


def _open_journal(batch: Batch, path: Path, *, restart: bool) -> Journal:
    purpose = f"{batch.name} at {describe(batch.session.settings)}"
    return Journal(path, purpose, restart=restart)


def _passing_path(batch: Batch, stack: contextlib.ExitStack) -> Path:
    """Return where a journal is that ends with the run."""
    batch.session.console.note(
        "Input from stdin or a pipe cannot be resumed. Use --journal FILE to make it resumable."
    )
    return Path(stack.enter_context(tempfile.TemporaryDirectory()), "journal")


def _journal_path(batch: Batch, file: RowFile) -> Path | None:
    """Return where the journal is; None where nobody would look for it again."""
    if batch.options.journal:
        return Path(batch.options.journal)
    return None if file.is_stream else Path(f"{batch.file}{JOURNAL_SUFFIX}")


def _send(batch: Batch, runner: Runner, tasks: Tasks, totals: Totals) -> None:
    """Send the rows, and show the record of each as its result comes."""
    console = batch.session.console
    kind = batch_record(batch.record)
    records = _records(batch, runner, tasks, totals, kind)
    # a table of nothing is not drawn: all went well
    first = next(records, None) if batch.is_table else None
    silent = console.is_quiet or (batch.is_table and first is None)
    try:
        if not silent:
            rows = itertools.chain([first] if first else [], records)
            console.show(Listing(kind, rows, SUMMARY if batch.is_table else None, live=True))
    except (OutputLost, BrokenPipeError):
        runner.end("standard output cannot be written")
        _exhaust(records)
        raise
    _exhaust(records)


def _exhaust(records: Iterator[Any]) -> None:
    """Send what is left, although nobody looks at it."""
    for _ in records:
        pass


def _records(
    batch: Batch, runner: Runner, tasks: Tasks, totals: Totals, kind: Any
) -> Iterator[Any]:
    """Send the rows; yield the record of each, in a table only of failures."""
    console = batch.session.console
    done = totals.counts.total()
    with progress(console, totals.rows, done) as advance, _signals(runner):
        for result in runner.run(iter(tasks)):
            totals.count(result)
            for note in result.notes:
                console.note(f"Row {result.number}: {note}")
            if not batch.is_table:
                yield to_record(kind, result)
            elif result.fate in FAILURES:
                yield in_brief(to_record(kind, result))
            if result.fate is not Fate.NOT_ATTEMPTED:
                advance()


@contextlib.contextmanager
def _signals(runner: Runner) -> Iterator[None]:
    """Have a first signal end the run in good order, and a second one at once."""

    def ask_to_end(number: int, _: object) -> None:
        if runner.stop:
            raise Terminated if number == signal.SIGTERM else KeyboardInterrupt
        runner.end("SIGTERM" if number == signal.SIGTERM else "SIGINT")

    before = {n: signal.signal(n, ask_to_end) for n in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _preview(batch: Batch, checked: Checked, file: RowFile) -> None:
    rows = "1 row" if checked.rows == 1 else f"{checked.rows} rows"
    batch.session.console.note(f"{rows}, {checked.bad} invalid. The first requests:")
    sendable = (row for row in map(batch.reader.read, file) if isinstance(row, Row))
    requests = [
        request
        for row in itertools.islice(sendable, PREVIEWED)
        for request in previews(row.call, batch.session.settings)
    ]
    show_previews(batch.session, requests)


def _conclude(batch: Batch, journal: Path | None, runner: Runner, totals: Totals) -> None:
    """Say how the run ended; return only if every row is done."""
    if totals.complete:
        batch.session.console.note(str(totals))
        return
    unknown = totals.counts[Fate.UNKNOWN]
    why = f" Stopped: {runner.stop.reason}." if runner.stop else ""
    more = ""
    if totals.counts[Fate.FAILED]:
        more += " Correct the rejected rows; --rejects FILE writes them to a file."
    if journal:
        more += f" Run the same command again to resume: '{journal}' records what is done."
    if unknown and batch.name == "messages post":
        more += " Messages whose outcome is unknown are not resent without --resend-unknown."
    text = f"{totals}{why}{more}"
    if runner.stop and runner.stop.reason in {"SIGINT", "SIGTERM"}:
        cause = Terminated() if runner.stop.reason == "SIGTERM" else KeyboardInterrupt()
        raise Interrupted(f"Interrupted. {text}", totals.report()) from cause
    raise BatchUnknown(text) if unknown else BatchFailed(text)
