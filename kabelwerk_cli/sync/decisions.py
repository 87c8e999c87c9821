"""Decides whether to send each change, and what to record in the state."""

from collections.abc import Callable, Iterator
from typing import Any

from kabelwerk_cli.delivery.verdicts import Ending
from kabelwerk_cli.engine.task import Became, Task
from kabelwerk_cli.journal.fate import DOUBTFUL, Fate
from kabelwerk_cli.journal.file import Entry
from kabelwerk_cli.operations.call import Call
from kabelwerk_cli.reporting.result import Result, refused, result_of
from kabelwerk_cli.rows.reader import BadRow, Row, RowReader
from kabelwerk_cli.rows.table import read_row, reread
from kabelwerk_cli.tabular.file import Raw, RowFile

from .actions import Action
from .plan import Change, SyncPlan
from .state import Known, Origin, State

Delete = Callable[..., Call[None]]
"""Returns the call that deletes a user, given the key."""


class SyncTasks:
    """The changes of one run, in order; deletions come last.

    Args:
        file: the file.
        reader: turns rows into calls.
        plan: the differences.
        state: the state of earlier runs.
        delete: returns the call for a deletion; None if nothing can be deleted.
    """

    def __init__(
        self, file: RowFile, reader: RowReader, plan: SyncPlan, state: State, delete: Delete | None
    ) -> None:
        self._file = file
        self._reader = reader
        self._plan = plan
        self._state = state
        self._delete = delete

    def __iter__(self) -> Iterator[Task | Result]:
        """Yield the changes to send, and the results of those that are not sent."""
        for change, raw in reread(self._file, self._plan.in_file()):
            yield self._in_file(change, raw)
        for change in self._plan.after(self._plan.rows):
            yield self._leaver(change)

    def unread(self, after: int) -> Iterator[Result]:
        """Yield the results of the changes after one, which are not sent."""
        for change in self._plan.after(after):
            fate = Fate.NOT_ATTEMPTED
            if change.action is Action.KEEP:
                fate = Fate.KEPT
            elif (known := self._known(change)) and known.fate in DOUBTFUL:
                fate = Fate.UNKNOWN
            yield result_of(change, fate)

    def entry(self, task: Task, became: Became) -> Entry | None:
        """Return the new entry in the state: the old one, if nothing was applied."""
        change: Any = task.planned
        if became.fate is Fate.DONE and task.row.call.deletes:
            return None
        before = Known.read(task.known.content) if task.known else Known(Origin.WANTED, "")
        if became.fate is Fate.DONE:
            origin = _origin(before, became, in_doubt=task.known is not None)
            known = before._replace(origin=origin).having(change.content)
        elif became.fate in DOUBTFUL:
            # a deletion may have been applied, so no value is certain
            known = (
                before._replace(values="") if task.row.call.deletes else before.but(change.content)
            )
        else:
            return task.known
        fate, at, request_id, error, _ = became
        return Entry(change.id, fate, change.key, change.hub, at, request_id, error, known.content)

    def _in_file(self, change: Change, raw: Raw) -> Task | Result:
        made = read_row(self._reader, raw)
        if isinstance(made, BadRow):
            return refused(made)
        if change.action is not Action.CREATE:
            made = made._replace(call=made.call.swapped())
        return Task(made, change, self._known(change))

    def _leaver(self, change: Change) -> Task | Result:
        if change.action is Action.KEEP or self._delete is None:
            return result_of(change, Fate.KEPT)
        call = self._delete(key=change.key)._replace(absence_suffices=True)
        return Task(Row(change.number, 0, call, b""), change, self._known(change))

    def _known(self, change: Change) -> Entry | None:
        return self._state.find([change.id]).get(change.id)


def _origin(before: Known, became: Became, *, in_doubt: bool) -> Origin:
    """Return the origin of a user who exists now.

    Args:
        before: what was known before.
        became: what became of the change.
        in_doubt: whether an earlier run may have created a user that was wanted.
    """
    history = became.history
    assert history  # noqa: S101 - what is done was sent
    last = history.steps[-1]
    if last.call.method == "POST" and last.tries[-1].ending is Ending.DONE:
        return Origin.CREATED
    if before.origin is not Origin.WANTED:
        return before.origin
    return Origin.DOUBTFUL if in_doubt or history.doubt else Origin.FOUND
