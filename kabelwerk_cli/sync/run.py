"""One sync from its file to its summary: what a run does that is a sync."""

import contextlib
from pathlib import Path
from typing import NamedTuple

from kabelwerk_cli.backend.connect import tell_about_files
from kabelwerk_cli.config.token import advise_on_token
from kabelwerk_cli.engine.rejects import Rejects
from kabelwerk_cli.engine.run import Opened, Run, opened, send_rows
from kabelwerk_cli.engine.runner import Runner
from kabelwerk_cli.errors import BatchFailed
from kabelwerk_cli.reporting.ending import Ended
from kabelwerk_cli.reporting.reporter import Reporters
from kabelwerk_cli.tabular.file import RowFile

from .checking import Sync, make_plan, refuse_plan
from .decisions import SyncTasks
from .opening import adopt, find_state, make_state, missing_state, state_path
from .plan import SyncPlan
from .preview import adoption, ask, refused, show_plan, summed
from .rejects import copy_rejects
from .remarks import SyncTotals
from .state import State


class _Ready(NamedTuple):
    """A sync whose file and state have been compared."""

    file: RowFile
    plan: SyncPlan
    path: Path
    """The path of the state."""
    state: State | None

    def opened(self, sync: Sync, stack: contextlib.ExitStack) -> State:
        """Return the state to write to, which is created if there is none."""
        made = make_state(self.path, sync.purpose, sync.secret)
        return self.state or stack.enter_context(made)


class _Sending(NamedTuple):
    """A sync whose state is open to be written to; see `Sending`."""

    sync: Sync
    file: RowFile
    journal: State
    plan: SyncPlan
    tasks: SyncTasks
    totals: SyncTotals
    path: Path
    rejects: Rejects

    def finish(self, runner: Runner) -> None:
        """Write the rejects file, and mark the state as finished.

        Raises:
            JournalError: the state cannot be written.
        """
        try:
            aside = copy_rejects(self.rejects, self.file, self.journal, self.plan)
            if aside:
                self.sync.session.console.warn(
                    f"The rejects file had been changed; it was moved to '{aside}'."
                )
        except OSError as error:
            reason = error.strerror or error
            self.sync.session.console.warn(f"Cannot write the rejects file: {reason}")
        if runner.stop is None and self.journal.about.entries:
            self.journal.finish()

    def ended(self, runner: Runner) -> Ended:
        """Return how the sync ended."""
        return Ended(
            self.totals,
            runner.stop,
            failure=runner.failure,
            journal=str(self.path),
            rejects=self.sync.batch.rejects,
            line=self.sync.line,
            options=self.sync.session.settings.options(),
            corrects_file=True,
            about_token=advise_on_token(self.sync.session.settings),
        )


def run_sync(sync: Sync) -> None:
    """Send the differences between a file and what was last acknowledged.

    Raises:
        Refused: the file is invalid, or the state is another sync's.
        SafetyStop: the plan looks like a mistake.
        Cancelled: it was not confirmed.
        ConfigurationError: the settings, or the state, do not allow it.
        BatchFailed: something is not done, and the outcome of everything is known.
        BatchUnknown: the outcome of something is unknown.
        KabelwerkError: what stopped the run before anything was applied.
        Interrupted: a signal ended the run.
    """
    run = Run(sync.command, sync.reader, sync.record, sync.batch, sync.session)

    def state(file: RowFile) -> tuple[str, Path | None]:
        return "--state", state_path(sync.options, file)

    with contextlib.ExitStack() as stack:
        source = stack.enter_context(opened(run, state))
        ready = _prepare(sync, source, stack)
        if sync.batch.dry_run:
            source.reporters.end(summed(ready.plan).counts)
            return
        unasked = ready.state or missing_state(ready.path, sync.options, sync.line) is None
        ask(sync, ready.plan, None if unasked else ready.path)
        tell_about_files(sync.session)
        if sync.options.adopt:
            source.file.check_unchanged()
            adopt(ready.opened(sync, stack), ready.plan)
            _conclude_adoption(sync, ready.plan, source.reporters)
        else:
            send_rows(run, source, stack, lambda: _sending(sync, ready, stack))


def _conclude_adoption(sync: Sync, plan: SyncPlan, reporters: Reporters) -> None:
    console, summary = sync.session.console, adoption(plan, sync.noun)
    reporters.end(summary.counts)
    if plan.bad:
        advice = "Correct the invalid rows, then run the same command again."
        raise BatchFailed(console.with_summary(summary, advice))
    console.sum_up(summary, is_success=True)


def _prepare(sync: Sync, source: Opened, stack: contextlib.ExitStack) -> _Ready:
    """Compare the file with the state, and show the plan of a dry run.

    Raises:
        Refused: there cannot be a plan.
        SafetyStop: it looks like a mistake.
    """
    file, reporters = source
    path = state_path(sync.options, file)
    dry_run = sync.batch.dry_run
    state = stack.enter_context(find_state(path, sync.purpose, sync.options, dry_run=dry_run))
    missing = None if state or sync.may_ask else missing_state(path, sync.options, sync.line)
    if missing and not sync.batch.dry_run:
        raise missing
    plan = stack.enter_context(SyncPlan(state, sync.reader.other_keys))
    make_plan(sync, file, state, plan, reporters)
    if sync.batch.dry_run:
        show_plan(sync, file, plan)
        sync.session.console.sum_up(summed(plan), is_success=True)
    file.check_unchanged()
    if missing:
        raise missing
    sync.session.run_record.counts = refused(plan)
    refuse_plan(sync, file, state, plan)
    return _Ready(file, plan, path, state)


def _sending(sync: Sync, ready: _Ready, stack: contextlib.ExitStack) -> _Sending:
    """Open the state to write to, which is created if there is none."""
    file, plan, path, _ = ready
    rejects = Rejects(file, sync.batch.rejects)
    state = ready.opened(sync, stack)
    tasks = SyncTasks(file, sync.reader, plan, state, sync.delete)
    totals = SyncTotals(plan, path, sync.noun)
    return _Sending(sync, file, state, plan, tasks, totals, path, rejects)
