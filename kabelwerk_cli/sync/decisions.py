"""Decides whether to send each change, and what to record in the state."""

from collections.abc import Callable, Iterator
from typing import Any

from kabelwerk_cli.delivery.history import History
from kabelwerk_cli.delivery.verdicts import Ending
from kabelwerk_cli.engine.task import Task
from kabelwerk_cli.journal.entry import Entry
from kabelwerk_cli.journal.fate import DOUBTFUL, Fate
from kabelwerk_cli.journal.origin import Origin
from kabelwerk_cli.operations.call import Call
from kabelwerk_cli.reporting.result import Result, refused
from kabelwerk_cli.rows.reader import RowReader, SecondReading
from kabelwerk_cli.rows.row import Place, Row
from kabelwerk_cli.tabular.file import RowFile

from .actions import Action
from .plan import Change, SyncPlan
from .state import Known, State

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
        reading = SecondReading(self._file)
        for change in self._plan.in_file():
            yield self._in_file(change, self._reader.read(reading.raw(change.place)))
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
            yield Result(change.place, fate)

    def entry(self, task: Task, entry: Entry, history: History | None) -> Entry | None:
        """Return the new entry in the state: the old one, if nothing was applied."""
        before = Known.read(task.known.content) if task.known else Known(Origin.WANTED, "")
        if entry.fate is Fate.DONE:
            if task.call.deletes:
                return None
            origin = _origin(before, history, in_doubt=task.known is not None)
            known = before._replace(origin=origin).with_values(task.content)
        elif entry.fate in DOUBTFUL:
            # a deletion may have been applied, so no value is certain
            deletes = task.call.deletes
            known = before._replace(values="") if deletes else before.without(task.content)
        else:
            return task.known
        return entry._replace(content=known.content)

    def hold(self, place: Place) -> None:
        """Do nothing: there is one row for each user or room."""

    def held_by(self, place: Place) -> int | None:
        """Return None: no row waits for another."""
        del place
        return None

    def _in_file(self, change: Change, call: Call[Any] | Row) -> Task | Result:
        if isinstance(call, Row):
            return refused(change.place, call.problem)
        if change.action is not Action.CREATE:
            call = call.swapped()
        return Task(change.place, call, self._known(change), change.content)

    def _leaver(self, change: Change) -> Task | Result:
        if change.action is Action.KEEP or self._delete is None:
            return Result(change.place, Fate.KEPT)
        call = self._delete(key=change.place.key)._replace(absence_suffices=True)
        return Task(change.place, call, self._known(change))

    def _known(self, change: Change) -> Entry | None:
        return self._state.find([change.place.id]).get(change.place.id)


def _origin(before: Known, history: History | None, *, in_doubt: bool) -> Origin:
    """Return the origin of a user who exists now.

    Args:
        before: what was known before.
        history: the history of its call.
        in_doubt: whether an earlier run may have created a user that was wanted.
    """
    assert history  # noqa: S101 - what is done was sent
    last = history.steps[-1]
    if last.call.method == "POST" and last.tries[-1].ending is Ending.DONE:
        return Origin.CREATED
    if before.origin is not Origin.WANTED:
        return before.origin
    return Origin.DOUBTFUL if in_doubt or history.doubt else Origin.FOUND
