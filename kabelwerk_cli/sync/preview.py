"""The plan as it is shown before it is done."""

from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from kabelwerk_cli.backend.client import place
from kabelwerk_cli.batch.totals import count_of
from kabelwerk_cli.terminal.confirm import check_protection
from kabelwerk_cli.terminal.console import Console, Listing
from kabelwerk_cli.terminal.exit_codes import Cancelled

from .checking import Sync
from .comparing import Action
from .plan import Change, SyncPlan
from .totals import names_of

WORDS = {
    Action.CREATE: "to create",
    Action.UPDATE: "to update",
    Action.RESEND: "to send again",
    Action.DELETE: "to delete",
    Action.KEEP: "no longer in the file",
    Action.ADOPT: "to adopt",
    Action.INVALID: "invalid",
}

CHANGES = (Action.CREATE, Action.UPDATE, Action.RESEND, Action.DELETE, Action.ADOPT)


class PlannedChange(NamedTuple):
    """What a dry run says of one user or room."""

    action: Action
    """`create`, `update`, `resend`, `delete`, `keep`, `adopt` or `invalid`."""
    key: str
    hub: str | None
    """The room's hub; None for users."""
    changes: str
    """The columns that change; for `keep`, why."""
    row: int | None
    """The number of the row; None for who is in no row."""


def show_plan(console: Console, plan: SyncPlan, noun: str) -> None:
    """Print every change to stdout; `noun` is `user` or `room`."""
    summary = ("action", "key", *(("hub",) if noun == "room" else ()), "changes")
    console.show(Listing(PlannedChange, _records(plan), summary, live=True))


def _records(plan: SyncPlan) -> Iterator[PlannedChange]:
    return (_record(change, plan.rows) for change in plan)


def _record(change: Change, rows: int) -> PlannedChange:
    row = change.number if change.number <= rows else None
    return PlannedChange(change.action, change.key, change.hub or None, change.detail, row)


def counted(plan: SyncPlan) -> dict[str, int]:
    """Return what a plan comes to, without what nothing comes to."""
    counts = {said: plan.counts[action] for action, said in WORDS.items()}
    counts["unchanged"] = plan.unchanged
    return {said: count for said, count in counts.items() if count}


def in_numbers(plan: SyncPlan) -> str:
    """Return what a plan comes to, in a line."""
    counts = ", ".join(f"{count} {said}" for said, count in counted(plan).items())
    return counts or "0 unchanged"


def adoption(plan: SyncPlan, noun: str) -> str:
    """Return what an adoption came to, as a sentence."""
    adopted = plan.counts[Action.ADOPT]
    invalid = f", {plan.bad} invalid" if plan.bad else ""
    return f"{count_of(adopted, noun)} adopted, {plan.unchanged} known before{invalid}."


def in_lines(plan: SyncPlan) -> Iterator[str]:
    """Yield what a plan comes to, as a small table; those to be deleted by name."""
    width = len(str(max(plan.rows, plan.changes)))
    for action, said in WORDS.items():
        if plan.counts[action]:
            names = f": {who(plan, action)}" if action in {Action.DELETE, Action.KEEP} else ""
            yield f"{plan.counts[action]:>{width}} {said}{names}"
    yield f"{plan.unchanged:>{width}} unchanged"


def who(plan: SyncPlan, action: Action) -> str:
    """Return the names of some of those about whom something is done."""
    return str(names_of(change.key for change in plan.of(action)))


def ask(sync: Sync, plan: SyncPlan, missing: Path | None) -> None:
    """Have a person confirm the plan; without one, deletions need --yes.

    Args:
        sync: the sync.
        plan: what is to be done.
        missing: the state that is not there.

    Raises:
        Cancelled: it is not confirmed.
    """
    console, deletions = sync.session.console, plan.counts[Action.DELETE]
    check_protection(sync.session, yes=sync.batch.yes)
    changes = any(plan.counts[action] for action in CHANGES)
    if sync.may_ask and (changes or missing):
        where = place(sync.session.settings)
        sends = f"Adopt this at {where}" if sync.options.adopt else f"Make these changes at {where}"
        asks = f"There is no state '{missing}': make one? {sends}?" if missing else f"{sends}?"
        console.confirm(asks, str(deletions) if deletions else "y", [*in_lines(plan)])
    elif deletions and not sync.batch.yes:
        raise Cancelled(
            f"{console.cannot_ask} Use --yes to delete {count_of(deletions, 'user')}: "
            f"{who(plan, Action.DELETE)}."
        )
    elif changes and not sync.options.adopt:
        console.note(f"{in_numbers(plan)}.")
