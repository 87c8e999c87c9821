"""Ends a batch: prints the summary and advice, and raises the matching error."""

from kabelwerk_cli.api.errors import Applied, Interrupted
from kabelwerk_cli.terminal.console import Console
from kabelwerk_cli.terminal.exit_codes import AlreadyPosted, BatchFailed, BatchUnknown
from kabelwerk_cli.terminal.signals import Terminated

from .cures import Ended, cures
from .fate import Fate


def conclude(console: Console, ended: Ended) -> None:
    """Print how the run ended; return only if everything requested is done.

    Raises:
        Interrupted: a signal ended it.
        KabelwerkError: what stopped it before anything was applied.
        BatchFailed: rows are not done, and the outcome of each is known.
        BatchUnknown: the outcome of some rows is unknown.
    """
    totals, stop = ended.totals, ended.stop
    counts, advice = totals.counts, " ".join(cures(ended))
    # rows beyond --limit are not failures
    all_unsent, changed = counts[Fate.NOT_ATTEMPTED], totals.errors[AlreadyPosted.__name__]
    unsent = changed if ended.limited and not stop else all_unsent
    if not (counts[Fate.FAILED] or counts[Fate.UNKNOWN] or unsent or stop):
        console.note(str(totals))
        if advice:
            console.note(advice)
        return
    text = console.with_summary(str(totals), advice)
    report = totals.report()
    if stop and stop.is_signal:
        cause = Terminated() if stop.reason == "SIGTERM" else KeyboardInterrupt()
        raise Interrupted(text, report) from cause
    if stop and stop.error and report.applied is Applied.NO:
        raise type(stop.error)(text, report) from stop.error
    raise BatchUnknown(text) if counts[Fate.UNKNOWN] else BatchFailed(text)
