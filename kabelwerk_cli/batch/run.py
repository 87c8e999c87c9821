"""One batch from its file to its summary."""

import contextlib
from collections import Counter
from pathlib import Path
from typing import NamedTuple

from kabelwerk_cli.backend.connect import senders_for, tell_about_files
from kabelwerk_cli.engine.rejects import Rejects
from kabelwerk_cli.engine.run import check_outputs, open_input
from kabelwerk_cli.engine.runner import Runner
from kabelwerk_cli.engine.sending import send
from kabelwerk_cli.journal.fate import SKIPPED, Fate
from kabelwerk_cli.journal.journal import Journal, JournalError, shown_time
from kabelwerk_cli.reporting.ending import Ended, conclude
from kabelwerk_cli.reporting.reporter import Telling, told
from kabelwerk_cli.reporting.totals import Totals
from kabelwerk_cli.rows.key_warnings import warn_of_keys
from kabelwerk_cli.rows.table import Changed
from kabelwerk_cli.tabular.file import RowFile
from kabelwerk_cli.words import count_of

from .batch import Batch
from .checking import check
from .decisions import Tasks
from .opening import Found, compare, find_journal, journal_path, open_journal
from .plan import Plan
from .preview import ask, preview


class _Ready(NamedTuple):
    """A batch whose file has been checked and compared with the journal."""

    file: RowFile
    plan: Plan
    found: Found
    rejects: Rejects
    telling: Telling

    def tasks(self, batch: Batch, journal: Journal | None) -> Tasks:
        """Return the rows, and what to do with each."""
        options, tell_all = batch.options, batch.tell_all
        return Tasks(self.file, batch.reader, self.plan, journal, options, tell_all=tell_all)


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
    with contextlib.ExitStack() as stack:
        ready = _prepare(batch, stack)
        tasks = ready.tasks(batch, ready.found.journal)
        if batch.options.dry_run:
            preview(batch, tasks, ready.plan.rows)
            return
        ask(batch, tasks)
        tell_about_files(batch.session)
        _send(batch, ready, stack)


def _prepare(batch: Batch, stack: contextlib.ExitStack) -> _Ready:
    """Check the file, and compare it with the journal.

    Raises:
        Refused: rows are invalid, or a file or an option cannot be used.
    """
    options, session = batch.options, batch.session
    file = stack.enter_context(open_input(options, session.console))
    check_outputs(file, options, session.settings, ("--journal", journal_path(batch, file)))
    if not file.is_json:
        batch.reader.check_columns(file.columns)
    telling = stack.enter_context(Telling(session, told(batch.name, file, options, batch.record)))
    found = stack.enter_context(find_journal(batch, file))
    with telling.checking(goes_on=options.skip_invalid):
        plan = stack.enter_context(check(file, batch.reader, found.journal, telling.invalid))
    warn_of_keys(plan, session.console.warn, sets_values=batch.repeatable)
    compare(batch, found, plan)
    if plan.bad and not options.skip_invalid:
        raise telling.refusal(plan, "send")
    rejects = stack.enter_context(Rejects(file, batch.reader, options.rejects))
    rejects.check(found.journal)
    return _Ready(file, plan, found, rejects, telling)


def _send(batch: Batch, ready: _Ready, stack: contextlib.ExitStack) -> None:
    """Send the rows, and report the results."""
    session, plan, found, telling = batch.session, ready.plan, ready.found, ready.telling
    # find missing settings before there is a journal
    senders = senders_for(session, stack)
    journal = stack.enter_context(open_journal(batch, found, plan))
    totals = _totals(batch, plan, found.path)
    _note_earlier(batch, plan)
    runner = Runner(journal, plan, senders, batch.options)
    session.book.open(totals)
    send(session, runner, ready.tasks(batch, journal), totals, telling)
    try:
        journal.flush()
        _hand_over(batch, ready.rejects, journal, plan, totals)
        if journal.outstanding == 0:
            journal.settle([])  # marks the journal as finished if no row was left to do so
    except JournalError as error:
        runner.end("the journal cannot be written", error)
    telling.end(totals.summary())
    telling.show()
    for warning in totals.warnings():
        session.console.warn(warning)
    conclude(session.console, _ended(batch, runner, totals, journal, found.path))
    # at the very end: a run that is killed earlier leaves a journal in which all rows are done; and
    # under the journal's lock, so that no other run has begun to write to it
    if batch.repeatable and totals.counts[Fate.DONE] == totals.rows:
        journal.remove()
    journal.close()


def _totals(batch: Batch, plan: Plan, journal: Path | None) -> Totals:
    options = batch.options
    again = options.restart or options.send_changed or options.resend_unknown
    rerun = batch.repeatable or (journal is not None and not again)
    before = Counter[Fate]()
    if not batch.tell_all:
        before = Counter({fate: plan.count(fate) for fate in SKIPPED})
    return Totals(plan.rows, before, str(journal) if journal else None, rerun=rerun)


def _note_earlier(batch: Batch, plan: Plan) -> None:
    if last := plan.last_done():
        done = count_of(plan.count(Fate.DONE), "row")
        batch.session.console.note(f"Skipping {done} done by {shown_time(last)}.")


def _ended(
    batch: Batch, runner: Runner, totals: Totals, journal: Journal, path: Path | None
) -> Ended:
    return Ended(
        totals,
        runner.stop,
        limited=runner.limit_reached,
        repeatable=batch.repeatable,
        journal=str(path) if path else None,
        finished=journal.about.finished,
        rejects=batch.options.rejects,
        line=batch.line,
    )


def _hand_over(
    batch: Batch, rejects: Rejects, journal: Journal, plan: Plan, totals: Totals
) -> None:
    try:
        totals.hand_over(rejects.write(journal, plan))
    except (OSError, Changed) as error:
        reason = getattr(error, "strerror", None) or error
        batch.session.console.warn(f"Cannot write the rejects file: {reason}")
