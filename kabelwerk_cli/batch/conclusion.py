"""How a batch ended: its summary, the cure that fits, and the error that goes with it."""

from pathlib import Path
from typing import TYPE_CHECKING

from kabelwerk_cli.api.errors import Applied, Interrupted
from kabelwerk_cli.terminal.console import Console
from kabelwerk_cli.terminal.exit_codes import BatchFailed, BatchUnknown
from kabelwerk_cli.terminal.signals import Terminated

from .fate import Fate
from .runner import Runner
from .totals import Totals

if TYPE_CHECKING:
    from .run import Batch


def conclude(console: Console, runner: Runner, totals: Totals, cure: str) -> None:
    """Say how the run ended; return only if everything that was asked for is done.

    Args:
        console: where to say it.
        runner: knows what stopped the run, if something did.
        totals: what became of the rows.
        cure: what to do about rows that are not done, as sentences.

    Raises:
        Interrupted: a signal ended it.
        KabelwerkError: what stopped it before anything was applied.
        BatchFailed: rows are not done, and the outcome of each is known.
        BatchUnknown: the outcome of some rows is unknown.
    """
    counts = totals.counts
    unsent = counts[Fate.NOT_ATTEMPTED] if not runner.limit_reached or runner.stop else 0
    if not (counts[Fate.FAILED] or counts[Fate.UNKNOWN] or unsent or runner.stop):
        console.note(str(totals))
        return
    text = f"{totals}{_why(runner)}{cure}"
    report = totals.report()
    if runner.stop and runner.stop.is_signal:
        cause = Terminated() if runner.stop.reason == "SIGTERM" else KeyboardInterrupt()
        raise Interrupted(f"Interrupted. {text}", report) from cause
    if runner.stop and runner.stop.error and report.applied is Applied.NO:
        raise type(runner.stop.error)(text, report) from runner.stop.error
    raise BatchUnknown(text) if counts[Fate.UNKNOWN] else BatchFailed(text)


def _why(runner: Runner) -> str:
    return f" Stopped: {runner.stop.reason}." if runner.stop else ""


def cures(batch: "Batch", totals: Totals, journal: Path | None) -> str:
    """Return what to do about the rows of a batch that are not done, as sentences."""
    cures = ""
    if totals.counts[Fate.FAILED]:
        cures += " Correct the rejected rows; --rejects FILE writes them to a file."
    if journal:
        cures += f" Run the same command again to resume: '{journal}' records what is done."
    if totals.counts[Fate.UNKNOWN] and not batch.repeatable:
        cures += (
            " Check the rooms whose outcome is unknown, then use --mark-posted=ROOM or "
            "--resend-unknown=ROOM."
        )
    return cures
