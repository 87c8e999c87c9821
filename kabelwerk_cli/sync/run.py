"""One sync from its file to its summary."""

import contextlib
from pathlib import Path
from typing import NamedTuple

from kabelwerk_cli.backend.connect import senders_for, tell_about_files
from kabelwerk_cli.engine.run import check_outputs, open_input
from kabelwerk_cli.engine.runner import Runner
from kabelwerk_cli.engine.sending import send
from kabelwerk_cli.errors import BatchFailed
from kabelwerk_cli.journal.journal import JournalError
from kabelwerk_cli.reporting.ending import Ended, conclude
from kabelwerk_cli.reporting.reporter import Telling, told
from kabelwerk_cli.rows.table import Changed
from kabelwerk_cli.tabular.file import RowFile

from .checking import Sync, make_plan, refused
from .decisions import SyncTasks
from .opening import adopt, find_state, make_state, missing_state, state_path
from .plan import SyncPlan
from .preview import adoption, ask, counted, in_numbers, show_plan
from .rejects import RejectsCopy
from .remarks import SyncTotals
from .state import State


class _Ready(NamedTuple):
    """A sync whose file and state have been compared."""

    file: RowFile
    plan: SyncPlan
    path: Path
    """The path of the state."""
    state: State | None
    telling: Telling

    def opened(self, sync: Sync, stack: contextlib.ExitStack) -> State:
        """Return the state to write to, which is created if there is none."""
        made = make_state(self.path, sync.purpose, sync.secret)
        return self.state or stack.enter_context(made)


def run_sync(sync: Sync) -> None:
    """Send the differences between a file and what was last acknowledged.

    Raises:
        Refused: the file is invalid, the state is another sync's, or a guard refuses the plan.
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
            ready.telling.end(counted(ready.plan))
            return
        unasked = ready.state or missing_state(ready.path, sync.options) is None
        ask(sync, ready.plan, None if unasked else ready.path)
        tell_about_files(sync.session)
        if sync.options.adopt:
            adopt(ready.opened(sync, stack), ready.plan)
            ready.telling.end(counted(ready.plan))
            _conclude_adoption(sync, ready.plan)
        else:
            _send(sync, ready, stack)


def _conclude_adoption(sync: Sync, plan: SyncPlan) -> None:
    console, said = sync.session.console, adoption(plan, sync.noun)
    if plan.bad:
        advice = "Correct the invalid rows, then run the same command again."
        raise BatchFailed(console.with_summary(said, advice))
    console.note(said)


def _prepare(sync: Sync, stack: contextlib.ExitStack) -> _Ready:
    """Compare the file with the state, and show the plan of a dry run.

    Raises:
        Refused: the plan is refused, or there cannot be one.
    """
    file = stack.enter_context(open_input(sync.batch, sync.session.console))
    path = state_path(sync.options, file)
    check_outputs(file, sync.batch, sync.session.settings, ("--state", path))
    if not file.is_json:
        sync.reader.check_columns(file.columns)
    telling = stack.enter_context(
        Telling(sync.session, told(sync.command, file, sync.batch, sync.record))
    )
    state = find_state(path, sync.purpose, sync.options)
    if state:
        stack.push(state)
    missing = None if state or sync.may_ask else missing_state(path, sync.options)
    if missing and not sync.batch.dry_run:
        raise missing
    plan = stack.enter_context(SyncPlan())
    make_plan(sync, file, state, plan, telling)
    if sync.batch.dry_run:
        show_plan(sync.session.console, plan, sync.noun)
        sync.session.console.note(f"{in_numbers(plan)}.")
    for refusal in (*([missing] if missing else []), *refused(sync, file, state, plan)):
        raise refusal
    return _Ready(file, plan, path, state, telling)


def _send(sync: Sync, ready: _Ready, stack: contextlib.ExitStack) -> None:
    """Send the differences, and report the results."""
    session, plan, telling = sync.session, ready.plan, ready.telling
    # find missing settings before there is a state
    senders = senders_for(session, stack)
    rejects = stack.enter_context(RejectsCopy(ready.file, sync.reader, sync.batch.rejects))
    rejects.check(ready.state)
    state = ready.opened(sync, stack)
    totals = SyncTotals(plan, ready.path, sync.noun)
    runner = Runner(state, plan, senders, sync.batch)
    session.book.open(totals)
    tasks = SyncTasks(ready.file, sync.reader, plan, state, sync.delete)
    send(session, runner, tasks, totals, telling)
    _close(sync, runner, state, plan, rejects)
    telling.end(totals.summary())
    telling.show()
    for remark in totals.remarks():
        session.console.note(remark)
    path, copy = str(ready.path), sync.batch.rejects
    ended = Ended(totals, runner.stop, journal=path, rejects=copy, line=sync.line)
    conclude(session.console, ended)


def _close(sync: Sync, runner: Runner, state: State, plan: SyncPlan, rejects: RejectsCopy) -> None:
    """Finish the state and the rejects file once everything is sent."""
    try:
        state.flush()
        try:
            rejects.copy(state, plan)
        except (OSError, Changed) as error:
            reason = getattr(error, "strerror", None) or error
            sync.session.console.warn(f"Cannot write the rejects file: {reason}")
        if runner.stop is None and state.about.entries:
            state.finish()
    except JournalError as error:
        runner.end("the state cannot be written", error)
