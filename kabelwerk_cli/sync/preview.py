"""Shows the plan before it is carried out."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from kabelwerk_cli.backend.backends import backend_and_profile
from kabelwerk_cli.errors import Cancelled
from kabelwerk_cli.rows.reader import SecondReading
from kabelwerk_cli.tabular.file import RowFile
from kabelwerk_cli.terminal.confirm import check_protection
from kabelwerk_cli.terminal.console import Listing, Summary
from kabelwerk_cli.terminal.run_record import ROWS
from kabelwerk_cli.words import count_of

from .actions import Action, PlannedChange
from .checking import Sync
from .plan import SyncPlan
from .remarks import names_of
from .state import by_column

WORDS = {
    Action.CREATE: "to create",
    Action.UPDATE: "to update",
    Action.RESEND: "to send again",
    Action.DELETE: "to delete",
    Action.KEEP: "no longer in the file",
    Action.ADOPT: "to adopt",
    Action.INVALID: "invalid",
}

SENT = frozenset({Action.CREATE, Action.UPDATE, Action.RESEND})
"""The actions that send the values of a row."""
CHANGES = (Action.CREATE, Action.UPDATE, Action.RESEND, Action.DELETE, Action.ADOPT)


def show_plan(sync: Sync, file: RowFile, plan: SyncPlan) -> None:
    """Print every change to stdout."""
    hub = ("hub",) if sync.noun == "room" else ()
    columns = ("action", "key", *hub, "changes", "reason")
    sync.session.console.show(
        Listing(PlannedChange, _records(sync, file, plan), columns, live=True)
    )


def _records(sync: Sync, file: RowFile, plan: SyncPlan) -> Iterator[PlannedChange]:
    reading = SecondReading(file)
    for place, content, action, detail in plan:
        changes: dict[str, Any] = {}
        if action in SENT:
            # of a row that is sent again, all values are
            names = by_column(content) if action is Action.RESEND else detail.split(", ")
            values = sync.reader.parse(reading.raw(place)).arguments
            # an empty hub user unassigns
            changes = {name: None if (value := values.get(name)) == "" else value for name in names}
        reason = detail if action is Action.KEEP and detail else None
        row = place.number if place.number <= plan.rows else None
        yield PlannedChange(action, place.key, place.hub or sync.hub, changes, reason, row)


def counted(plan: SyncPlan) -> dict[str, int]:
    """Return the number of changes by kind, without zeros."""
    counts = {said: plan.counts[action] for action, said in WORDS.items()}
    counts["unchanged"] = plan.unchanged
    return {said: count for said, count in counts.items() if count}


def refused(plan: SyncPlan) -> dict[str, int]:
    """Return the number of changes by outcome if nothing is sent, without zeros."""
    counts = {
        "invalid": plan.bad,
        "not attempted": sum(plan.counts[action] for action in CHANGES),
        "unchanged": plan.unchanged,
    }
    return {ROWS: plan.rows} | {what: count for what, count in counts.items() if count}


def summed(plan: SyncPlan) -> Summary:
    """Return the summary of a plan."""
    counts = counted(plan)
    said = ", ".join(f"{count} {said}" for said, count in counts.items())
    return Summary(f"{said or '0 unchanged'}.", {ROWS: plan.rows} | counts)


def adoption(plan: SyncPlan, noun: str) -> Summary:
    """Return the summary of an adoption."""
    adopted = plan.counts[Action.ADOPT]
    counts = {"adopted": adopted, "unchanged": plan.unchanged, "invalid": plan.bad}
    invalid = f", {plan.bad} invalid" if plan.bad else ""
    return Summary(
        f"{count_of(adopted, noun)} adopted, {plan.unchanged} known before{invalid}.",
        {ROWS: plan.rows} | {what: count for what, count in counts.items() if count},
    )


def in_lines(plan: SyncPlan) -> Iterator[str]:
    """Yield the summary of a plan as a small table, with the keys of users to delete or keep."""
    width = len(str(max(plan.rows, plan.changes)))
    for action, said in WORDS.items():
        if plan.counts[action]:
            names = f": {who(plan, action)}" if action in {Action.DELETE, Action.KEEP} else ""
            yield f"{plan.counts[action]:>{width}} {said}{names}"
    yield f"{plan.unchanged:>{width}} unchanged"


def who(plan: SyncPlan, action: Action) -> str:
    """Return the keys of the first users or rooms with a kind of change."""
    return str(names_of(change.place.key for change in plan.of(action)))


def ask(sync: Sync, plan: SyncPlan, missing: Path | None) -> None:
    """Ask for confirmation of the plan; without a terminal, deletions need --yes.

    Args:
        sync: the sync.
        plan: the plan.
        missing: the path of the state, if there is no state.

    Raises:
        Cancelled: it is not confirmed.
    """
    console, deletions = sync.session.console, plan.counts[Action.DELETE]
    check_protection(sync.session, yes=sync.batch.yes)
    changes = any(plan.counts[action] for action in CHANGES)
    if sync.may_ask and (changes or missing):
        where = backend_and_profile(sync.session.settings)
        sends = f"adopt these {sync.noun}s" if sync.options.adopt else "make these changes"
        asks = f"{sends.capitalize()} at {where}?"
        if missing:
            asks = f"There is no state '{missing}'. Create it and {sends} at {where}?"
        console.confirm(asks, str(deletions) if deletions else "y", [*in_lines(plan)])
    elif deletions and not sync.batch.yes:
        raise Cancelled(
            f"{console.cannot_ask} Use --yes to delete {count_of(deletions, 'user')}: "
            f"{who(plan, Action.DELETE)}."
        )
    elif changes and not sync.options.adopt:
        console.note(summed(plan).sentence)
