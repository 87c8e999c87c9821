"""One batch from its file to its summary: what a run does that is a batch."""

import contextlib
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from kabelwerk_cli.backend.connect import tell_about_files
from kabelwerk_cli.config.token import advise_on_token
from kabelwerk_cli.engine.rejects import Rejects
from kabelwerk_cli.engine.run import (
    Opened,
    Run,
    note_hidden_rows,
    opened,
    refuse_invalid,
    send_rows,
)
from kabelwerk_cli.engine.runner import Runner
from kabelwerk_cli.engine.stops import refuse_mistakes
from kabelwerk_cli.errors import Refused
from kabelwerk_cli.journal.fate import SKIPPED, Fate
from kabelwerk_cli.journal.journal import Journal, shown_time
from kabelwerk_cli.reporting.ending import Ended
from kabelwerk_cli.reporting.reporter import refused_counts
from kabelwerk_cli.reporting.totals import Totals
from kabelwerk_cli.rows.key_warnings import warn_of_keys
from kabelwerk_cli.tabular.file import RowFile
from kabelwerk_cli.words import count_of

from .batch import Batch
from .checking import check
from .decisions import Tasks
from .handover import check as check_rejects
from .handover import hand_over
from .mistakes import mistakes
from .opening import Found, compare, find_journal, journal_path, open_journal
from .plan import Plan
from .preview import ask, preview


class _Ready(NamedTuple):
    """A batch whose file has been checked and compared with the journal."""

    file: RowFile
    plan: Plan
    found: Found
    rejects: Rejects
    tasks: Callable[[Journal | None], Tasks]
    """Returns the rows, and what to do with each."""


class _Sending(NamedTuple):
    """A batch whose journal is open to be written to; see `Sending`."""

    batch: Batch
    file: RowFile
    journal: Journal
    plan: Plan
    tasks: Tasks
    totals: Totals
    path: Path | None
    rejects: Rejects

    def finish(self, runner: Runner) -> None:
        """Hand rejected rows over.

        Raises:
            JournalError: the journal cannot be written.
        """
        del runner
        try:
            rows = hand_over(self.rejects, self.file, self.batch.reader, self.journal, self.plan)
        except (OSError, Refused) as error:
            reason = getattr(error, "strerror", None) or error
            self.batch.session.console.warn(f"Cannot write the rejects file: {reason}")
        else:
            self.totals.hand_over(rows)

    def ended(self, runner: Runner) -> Ended:
        """Return how the batch ended."""
        return Ended(
            self.totals,
            runner.stop,
            failure=runner.failure,
            limited=runner.limit_reached,
            repeatable=self.batch.repeatable,
            journal=str(self.path) if self.path else None,
            finished=self.journal.about.finished,
            rejects=self.batch.options.rejects,
            line=self.batch.line,
            options=self.batch.session.settings.options(),
            unrecorded=tuple(runner.unrecorded),
            about_token=advise_on_token(self.batch.session.settings),
        )


def run_batch(batch: Batch) -> None:
    """Send each row of a file.

    Raises:
        BatchFailed: rows are not done, and the outcome of each is known.
        BatchUnknown: the outcome of some rows is unknown.
        KabelwerkError: what stopped the run before anything was applied.
        Interrupted: a signal ended the run.
        Cancelled: it was not confirmed.
        SafetyStop: it looks like a mistake, such as a mailing that is finished.
        Refused: the file is invalid, or the journal belongs to another batch.
        ConfigurationError: the settings, or the journal, do not allow it.
    """
    run = Run(batch.name, batch.reader, batch.record, batch.options, batch.session)

    def journal(file: RowFile) -> tuple[str, Path | None]:
        return "--journal", journal_path(batch, file)

    with contextlib.ExitStack() as stack:
        source = stack.enter_context(opened(run, journal))
        ready = _prepare(batch, source, stack)
        tasks = ready.tasks(ready.found.journal)
        if batch.options.dry_run:
            preview(batch, tasks, ready.plan.rows)
            return
        if ask(batch, tasks):
            # meanwhile, another run may have posted the same messages from a copy of the file
            refuse_mistakes(mistakes(batch, ready.found, ready.plan), batch.options.allow)
        tell_about_files(batch.session)
        sent = send_rows(run, source, stack, lambda: _sending(batch, ready, stack))
        # at the very end: a run that is killed earlier leaves a journal in which all rows are done;
        # and under the journal's lock, so that no other run has begun to write to it
        if batch.repeatable and sent.totals.counts[Fate.DONE] == sent.totals.rows:
            sent.journal.remove()
        sent.journal.close()


def _prepare(batch: Batch, source: Opened, stack: contextlib.ExitStack) -> _Ready:
    """Check the file, and compare it with the journal.

    Raises:
        Refused: rows are invalid, or a file or an option cannot be used.
        SafetyStop: it looks like a mistake.
    """
    options, (file, reporters) = batch.options, source
    found = stack.enter_context(find_journal(batch, file))
    with reporters.checking(goes_on=options.skip_invalid):
        plan = stack.enter_context(check(file, batch.reader, found.journal, reporters.invalid))
    note_hidden_rows(batch.session.console, file)
    warn_of_keys(plan, batch.session.console.warn, sets_values=batch.repeatable)
    compare(batch, found, plan)
    if plan.bad and not options.skip_invalid:
        refuse_invalid(reporters, plan, "send")
    file.check_unchanged()
    rejects = Rejects(file, options.rejects)
    check_rejects(rejects, found.journal)
    batch.session.run_record.counts = refused_counts(plan)
    refuse_mistakes(mistakes(batch, found, plan), options.allow)

    def tasks(journal: Journal | None) -> Tasks:
        return Tasks(file, batch.reader, plan, journal, options, tell_all=batch.tell_all)

    return _Ready(file, plan, found, rejects, tasks)


def _sending(batch: Batch, ready: _Ready, stack: contextlib.ExitStack) -> _Sending:
    """Open the journal to write to, and say what earlier runs did."""
    plan, path = ready.plan, ready.found.path
    journal = stack.enter_context(open_journal(batch, ready.found, plan))
    if last := plan.last_done():
        done = count_of(plan.count(Fate.DONE), "row")
        batch.session.console.note(f"Skipping {done} done by {shown_time(last)}.")
    totals = _totals(batch, plan, path)
    tasks = ready.tasks(journal)
    return _Sending(batch, ready.file, journal, plan, tasks, totals, path, ready.rejects)


def _totals(batch: Batch, plan: Plan, journal: Path | None) -> Totals:
    options = batch.options
    again = options.restart or options.send_changed or options.resend_unknown
    rerun = batch.repeatable or (journal is not None and not again)
    before = Counter[Fate]()
    if not batch.tell_all:
        before = Counter({fate: plan.count(fate) for fate in SKIPPED})
    return Totals(plan.rows, before, str(journal) if journal else None, rerun=rerun)
