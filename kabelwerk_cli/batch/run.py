"""One batch from its file to its summary."""

import contextlib
import itertools
import os
import signal
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import click

from kabelwerk_cli.api.client import Client
from kabelwerk_cli.api.errors import Applied, Interrupted, Report
from kabelwerk_cli.api.verdicts import Verdict
from kabelwerk_cli.backend.client import describe, open_client
from kabelwerk_cli.backend.dry_run import previews, show_previews
from kabelwerk_cli.backend.request_log import observer
from kabelwerk_cli.backend.sandbox import sandbox_path
from kabelwerk_cli.config.settings import EXACT_KEY, LOG_FILE, OUTPUT
from kabelwerk_cli.config.token import read_token
from kabelwerk_cli.output import Format
from kabelwerk_cli.terminal.console import Listing
from kabelwerk_cli.terminal.exit_codes import BatchFailed, BatchUnknown, OutputLost, bug_after
from kabelwerk_cli.terminal.session import Session
from kabelwerk_cli.terminal.signals import Terminated

from .checking import Checked, Tasks, check
from .files import BadFile, Rejects, RowFile
from .journal import Journal, OtherPurpose
from .progress import progress
from .records import batch_record, in_brief, to_record
from .rows import BadRow, Row, RowReader
from .runner import Plan, Runner

SUMMARY = ("row", "key", "outcome", "error")
JOURNAL_SUFFIX = ".kabelwerk-journal"
FAILURES = ("failed", "unknown")
"""What a table shows."""
UNTOLD = Report(applied=Applied.UNKNOWN, safe_to_rerun=True)
"""What can be said where a run ends before it has counted."""
SHOWN = 3
"""How many requests a preview shows."""


class Request(NamedTuple):
    """What was asked for on the command line."""

    file: str
    plan: Plan
    skip_invalid: bool
    restart: bool
    dry_run: bool
    journal: str | None
    rejects: str | None


class Batch(NamedTuple):
    """A command, its options, and where to show what comes of them."""

    command: click.Command
    name: str
    """The command's path, such as `users create`."""
    params: Mapping[str, Any]
    explicit: Sequence[str]
    record: type | None
    session: Session


def run_batch(batch: Batch, request: Request, ask_leave: Callable[[int], None]) -> None:
    """Send each row of a file.

    Args:
        batch: the command.
        request: the file, and how.
        ask_leave: is called with the number of rows before anything is sent.

    Raises:
        BatchFailed: rows were not done, none of them unknown.
        BatchUnknown: of some rows nobody knows.
        Interrupted: a signal ended the run.
        click.UsageError: the file is wrong, or the journal is that of another batch.
        ConfigurationError: the settings, or the journal, do not allow it.
    """
    with contextlib.ExitStack() as stack, _usage_errors():
        file = RowFile(request.file)
        stack.callback(file.close)
        reader = RowReader(
            batch.command, batch.params, batch.explicit, exact_key=batch.session.settings[EXACT_KEY]
        )
        _check_outputs(batch, request, file)
        if not file.is_json:
            reader.check_columns(file.columns)
        path = _journal_path(request, file)
        journal = None
        # the one of `os.path` raises for no name; what cannot be a journal is found when it is made
        if path and os.path.exists(path) and not (request.dry_run or request.restart):  # noqa: PTH110
            # what earlier runs have done needs no second look
            journal = stack.enter_context(_journal(batch, path, restart=False))
        checked = check(file, reader, journal, batch.session.settings[OUTPUT])
        stack.callback(checked.marks.close)
        if checked.bad and not request.skip_invalid:
            raise BadFile(f"{checked.bad} of {checked.rows} rows are not fit to be sent.")
        if request.dry_run:
            _preview(batch, checked, map(reader.read, file))
            return
        ask_leave(checked.rows - checked.bad)
        # what is missing in the settings is found before there is a journal
        clients = _clients(batch, stack)
        rejects = (
            stack.enter_context(file.rejects(Path(request.rejects))) if request.rejects else None
        )
        if journal is None:
            place = path or _passing_path(batch, stack)
            journal = stack.enter_context(_journal(batch, place, restart=request.restart))
        runner = Runner(journal, clients, request.plan)
        tell_done = (
            not batch.session.console.is_quiet
            and batch.session.settings[OUTPUT] is not Format.TABLE
        )
        tasks = Tasks(file, reader, checked, journal, tell_done=tell_done)
        totals = Totals(checked, tell_done=tell_done)
        knows = f"'{path}' knows which rows were sent." if path else "Rows were sent."
        with bug_after(knows, UNTOLD), _second_signal(knows), _usage_errors():
            _send(batch, runner, tasks, totals, knows)
            journal.close()
            if rejects and any(totals.rejects):
                _write_rejects(batch, rejects, file, totals)
    _conclude(batch, path, runner, totals)
    # last of all: whoever kills the run before finds in it that all is done
    journal.remove()


def _check_outputs(batch: Batch, request: Request, file: RowFile) -> None:
    """Refuse to write over the input, or to put a file where a device or a folder is."""
    made = {"--rejects": request.rejects, "--journal": request.journal}
    for option, path in {**made, LOG_FILE.option: batch.session.settings[LOG_FILE]}.items():
        if file.is_same(path):
            raise BadFile(f"{option} and --from name the same file.")
    for option, path in made.items():
        if path and os.path.exists(path) and not os.path.isfile(path):  # noqa: PTH110, PTH113
            raise BadFile(f"{option} '{path}' is no regular file.")


def _write_rejects(batch: Batch, rejects: Rejects, file: RowFile, totals: "Totals") -> None:
    try:
        rejects.write(raw.source for raw in file if totals.rejects[raw.number])
    except (OSError, BadFile) as error:
        reason = getattr(error, "strerror", None) or error
        batch.session.console.note(f"The rejects are not written: {reason}")


@contextlib.contextmanager
def _usage_errors() -> Iterator[None]:
    try:
        yield
    except BadFile as error:
        raise click.UsageError(f"{error} Nothing was sent.") from None
    except OtherPurpose as error:
        raise click.UsageError(f"{error} Nothing was sent.") from None


def _clients(
    batch: Batch, stack: contextlib.ExitStack
) -> Callable[[Callable[[Verdict], bool]], Client]:
    """Return what makes a client for each worker; the token is read once for all."""
    settings = batch.session.settings
    token = "" if sandbox_path(settings) else read_token(settings)
    # what is tried again is one line among thousands, and not known by its row
    observe = observer(batch.session, repeats=False)

    def make(may_retry: Callable[[Verdict], bool]) -> Client:
        return stack.enter_context(open_client(settings, observe, token=token, may_retry=may_retry))

    return make


def _journal(batch: Batch, path: Path, *, restart: bool) -> Journal:
    purpose = f"{batch.name} at {describe(batch.session.settings)}"
    return Journal(path, purpose, restart=restart)


def _passing_path(batch: Batch, stack: contextlib.ExitStack) -> Path:
    """Return where a journal is that ends with the run."""
    batch.session.console.note("A stream cannot be gone on with later; for that, name a --journal.")
    return Path(stack.enter_context(tempfile.TemporaryDirectory()), "journal")


def _journal_path(request: Request, file: RowFile) -> Path | None:
    """Return where the journal is to be; None where nobody would look for it again."""
    if request.journal:
        return Path(request.journal)
    return None if file.is_stream else Path(f"{request.file}{JOURNAL_SUFFIX}")


class Totals:
    """How many rows came to what; and which of them belong into the rejects."""

    def __init__(self, checked: Checked, *, tell_done: bool) -> None:
        self.rows = checked.rows
        # what is not told row by row is not read again either
        self.outcomes = Counter(done=0 if tell_done else checked.done)
        self.rejects = bytearray(checked.rows + 1)

    def count(self, number: int, outcome: str, *, reject: bool) -> None:
        """Count a row."""
        self.outcomes[outcome] += 1
        self.rejects[number] = reject

    @property
    def complete(self) -> bool:
        """Whether every row is done."""
        return self.outcomes["done"] == self.rows

    def __str__(self) -> str:
        parts = ("done", "failed", "unknown", "not attempted")
        return f"{self.rows} rows: " + ", ".join(f"{self.outcomes[p]} {p}" for p in parts) + "."


def _send(batch: Batch, runner: Runner, tasks: Tasks, totals: Totals, knows: str) -> None:
    """Send the rows, and tell of each as its result comes."""
    table = batch.session.settings[OUTPUT] is Format.TABLE
    kind = batch_record(batch.record)
    records = _records(batch, runner, tasks, totals, kind)
    # a table of nothing is not drawn: all went well
    first = next(records, None) if table else None
    silent = batch.session.console.is_quiet or (table and first is None)
    try:
        if not silent:
            rows = itertools.chain([first] if first else [], records)
            listing = Listing(kind, rows, SUMMARY if table else None, live=True)
            batch.session.console.show(listing, knows, UNTOLD)
    except OutputLost as lost:
        runner.end("standard output cannot be written")
        _exhaust(records)
        applied = Applied.YES if totals.outcomes["done"] else Applied.NO
        raise OutputLost(f"{lost} {totals}", Report(applied=applied)) from lost
    _exhaust(records)


def _exhaust(records: Iterator[Any]) -> None:
    """Send what is left, although nobody looks at it."""
    for _ in records:
        pass


def _records(
    batch: Batch, runner: Runner, tasks: Tasks, totals: Totals, kind: Any
) -> Iterator[Any]:
    """Send the rows; yield what is to be told of each, in a table only of failures."""
    table = batch.session.settings[OUTPUT] is Format.TABLE
    done = totals.outcomes.total()
    with progress(batch.session.console, totals.rows, done) as advance, _signals(runner):
        for result in runner.run(iter(tasks)):
            reject = result.outcome != "done" and result.again
            totals.count(result.number, result.outcome, reject=reject)
            for note in result.notes:
                batch.session.console.note(f"Row {result.number}: {note}")
            if not table:
                yield to_record(kind, result)
            elif result.outcome in FAILURES:
                yield in_brief(to_record(kind, result))
            if result.outcome != "not attempted":
                advance()


@contextlib.contextmanager
def _second_signal(knows: str) -> Iterator[None]:
    """Have a signal that ends the run at once say no more than what is known."""
    try:
        yield
    except Interrupted:
        raise
    except KeyboardInterrupt as signal_:
        raise Interrupted(f"Interrupted. {knows}", UNTOLD) from signal_


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


def _preview(batch: Batch, checked: Checked, rows: Iterator[Row | BadRow]) -> None:
    console = batch.session.console
    console.note(f"{checked.rows} rows, {checked.bad} of them not fit to be sent. The first ones:")
    sendable = (row for row in rows if isinstance(row, Row))
    requests = [
        request
        for row in itertools.islice(sendable, SHOWN)
        for request in previews(row.operation, batch.session.settings)
    ]
    show_previews(batch.session, requests)


def _conclude(batch: Batch, journal: Path | None, runner: Runner, totals: Totals) -> None:
    """Say how the run ended; return only if every row is done."""
    if totals.complete:
        batch.session.console.note(str(totals))
        return
    unknown, done = totals.outcomes["unknown"], totals.outcomes["done"]
    why = f" Stopped: {runner.stop.reason}." if runner.stop else ""
    more = ""
    if totals.outcomes["failed"]:
        more += " Correct the rows that were rejected; --rejects FILE writes them."
    if journal:
        more += f" Run the same command again to go on: '{journal}' knows what is done."
    if unknown and batch.name == "messages post":
        more += " Messages of unknown outcome are not sent again without --resend-unknown."
    text = f"{totals}{why}{more}"
    known = Applied.YES if done else Applied.NO
    report = Report(applied=Applied.UNKNOWN if unknown else known, safe_to_rerun=True)
    if runner.stop and runner.stop.reason in {"SIGINT", "SIGTERM"}:
        cause = Terminated() if runner.stop.reason == "SIGTERM" else KeyboardInterrupt()
        raise Interrupted(f"Interrupted. {text}", report) from cause
    raise (BatchUnknown if unknown else BatchFailed)(text, report)
