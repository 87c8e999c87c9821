"""One sync from its file to its summary."""

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NamedTuple

from kabelwerk_cli.backend.client import warn_of_loose_files
from kabelwerk_cli.batch.checking import Changed
from kabelwerk_cli.batch.conclusion import conclude
from kabelwerk_cli.batch.fate import Fate
from kabelwerk_cli.batch.files import RowFile
from kabelwerk_cli.batch.journal import JournalError
from kabelwerk_cli.batch.live import show_records, signals
from kabelwerk_cli.batch.progress import progress
from kabelwerk_cli.batch.records import batch_record, in_brief, to_record
from kabelwerk_cli.batch.run import FAILURES, check_outputs, clients_for
from kabelwerk_cli.batch.runner import Runner
from kabelwerk_cli.batch.tasks import Result
from kabelwerk_cli.config.settings import OUTPUT
from kabelwerk_cli.output import Format

from .checking import Sync, make_plan, refused
from .opening import adopt, find_state, make_state, missing_state, state_path
from .plan import SyncPlan
from .preview import adoption, ask, in_numbers, show_plan
from .rejects import RejectsCopy
from .rows import Digests
from .state import State, new_secret
from .tasks import SyncTasks
from .totals import SyncTotals


class _Ready(NamedTuple):
    """A sync whose file and state have been compared."""

    file: RowFile
    plan: SyncPlan
    path: Path
    """Where the state is, or will be."""
    state: State | None
    secret: str
    """The key of the digests."""

    def opened(self, sync: Sync, stack: contextlib.ExitStack) -> State:
        """Return the state to write to, which is made if there is none."""
        made = make_state(self.path, sync.purpose, self.secret)
        return self.state or stack.enter_context(made)


def run_sync(sync: Sync) -> None:
    """Send what differs between a file and what was last acknowledged.

    Raises:
        Refused: the file is invalid, the state is another one, or a guard refuses the plan.
        Cancelled: it was not confirmed.
        ConfigurationError: the settings, or the state, do not allow it.
        BatchFailed: something is not done, and the outcome of everything is known.
        BatchUnknown: the outcome of something is unknown.
        KabelwerkError: what stopped the run before anything was applied.
        Interrupted: a signal ended the run.
    """
    with contextlib.ExitStack() as stack:
        ready = _prepare(sync, stack)
        if sync.batch.dry_run:
            return
        unasked = ready.state or missing_state(ready.path, sync.options) is None
        ask(sync, ready.plan, None if unasked else ready.path)
        warn_of_loose_files(sync.session)
        if sync.options.adopt:
            adopt(ready.opened(sync, stack), ready.plan)
            sync.session.console.note(adoption(ready.plan, sync.noun))
        else:
            _send(sync, ready, stack)


def _prepare(sync: Sync, stack: contextlib.ExitStack) -> _Ready:
    """Compare the file with the state, and show the plan of a dry run.

    Raises:
        Refused: the plan is refused, or there cannot be one.
    """
    name, encoding, sheet = sync.batch.from_file or "", sync.batch.encoding, sync.batch.sheet
    file = stack.enter_context(RowFile(name, encoding=encoding, sheet=sheet))
    path = state_path(sync.options, file)
    made = {"--rejects": sync.batch.rejects, "--state": str(path)}
    check_outputs(sync.session, file, made)
    if not file.is_json:
        sync.reader.check_columns(file.columns)
    state = find_state(path, sync.purpose, sync.options)
    if state:
        stack.push(state)
    missing = None if state or sync.may_ask else missing_state(path, sync.options)
    if missing and not sync.batch.dry_run:
        raise missing
    secret = state.about.secret if state else new_secret()
    plan = stack.enter_context(SyncPlan())
    make_plan(sync, file, state, plan, Digests(secret))
    if sync.batch.dry_run:
        show_plan(sync.session.console, plan)
        sync.session.console.note(f"{in_numbers(plan)}.")
    for refusal in (*([missing] if missing else []), *refused(sync, file, state, plan)):
        raise refusal
    return _Ready(file, plan, path, state, secret)


def _send(sync: Sync, ready: _Ready, stack: contextlib.ExitStack) -> None:
    """Send what differs, and say what became of it."""
    console, plan = sync.session.console, ready.plan
    # what is missing in the settings is found before there is a state
    clients = clients_for(sync.session, stack)
    rejects = stack.enter_context(RejectsCopy(ready.file, sync.reader, sync.batch.rejects))
    rejects.check(ready.state)
    state = ready.opened(sync, stack)
    totals = SyncTotals(plan, ready.path, sync.noun)
    runner = Runner(state, plan, clients, sync.batch)
    sync.session.book.open(totals)
    tasks = SyncTasks(ready.file, sync.reader, plan, state, sync.delete)
    records = _records(sync, runner, tasks, totals, plan)
    show_records(sync.session, batch_record(sync.record), records, runner)
    _close(sync, runner, state, plan, rejects)
    for remark in totals.remarks():
        console.note(remark)
    conclude(console, runner, totals, _cures(sync, plan, runner))


def _records(
    sync: Sync, runner: Runner, tasks: SyncTasks, totals: SyncTotals, plan: SyncPlan
) -> Iterator[Any]:
    """Send the changes; yield the record of each, in a table only of failures."""
    console, kind = sync.session.console, batch_record(sync.record)
    table = sync.session.settings[OUTPUT] is Format.TABLE
    with progress(console, totals.rows, 0) as advance, signals(runner):
        for result in runner.run(tasks):
            totals.count(result)
            if result.fate is Fate.REJECTED and result.error:
                plan.reject(result.number, result.error.message)
            for note in result.notes:
                console.note(f"'{result.key}': {note}")
            record = _record(kind, result, plan.rows)
            if not table:
                yield record
            elif result.fate.shown in FAILURES:
                yield in_brief(record)
            if result.fate is not Fate.NOT_ATTEMPTED:
                advance()


def _record(kind: Any, result: Result, rows: int) -> Any:
    number = result.number if result.number <= rows else None
    outcome = result.deed or result.fate.shown
    return to_record(kind, result)._replace(row=number, outcome=outcome)


def _close(sync: Sync, runner: Runner, state: State, plan: SyncPlan, rejects: RejectsCopy) -> None:
    """Write what is left to be written once everything is sent."""
    try:
        state.flush()
        try:
            rejects.copy(state, plan)
        except (OSError, Changed) as error:
            reason = getattr(error, "strerror", None) or error
            sync.session.console.note(f"Cannot write the rejects: {reason}")
        if runner.stop is None and state.about.entries:
            state.finish()
    except JournalError as error:
        runner.end("the state cannot be written", error)


def _cures(sync: Sync, plan: SyncPlan, runner: Runner) -> str:
    """Return what to do about what is not done, as sentences."""
    cures = ""
    if plan.has_rejected:
        cures += " Correct the rejected rows; --rejects FILE writes a copy of them to a file."
    if runner.stop and isinstance(runner.stop.error, JournalError):
        return f"{cures} {runner.stop.error}"
    again = "command again without --new-state" if sync.options.new_state else "same command again"
    return f"{cures} Run the {again}: it sends what is left."
