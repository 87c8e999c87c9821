"""Decides what to do with each row: whether to send it, and if not, why."""

from collections.abc import Iterator
from typing import Any

from kabelwerk_cli.delivery.history import History
from kabelwerk_cli.engine.options import ALL, BatchOptions
from kabelwerk_cli.engine.task import Task, in_doubt
from kabelwerk_cli.errors import AlreadyPosted
from kabelwerk_cli.journal.entry import Entry
from kabelwerk_cli.journal.fate import DOUBTFUL, Fate
from kabelwerk_cli.journal.journal import Journal, shown_time
from kabelwerk_cli.operations.call import Call
from kabelwerk_cli.reporting.result import Result, own_words, refused
from kabelwerk_cli.rows.reader import RowReader, SecondReading
from kabelwerk_cli.rows.row import Place, Row
from kabelwerk_cli.tabular.file import RowFile
from kabelwerk_cli.terminal.error_report import problem, read_problem

from .plan import Plan, Planned


class Tasks:
    """The rows of the second reading.

    Args:
        file: the file.
        reader: makes calls of its rows.
        plan: the rows as they were checked.
        journal: what earlier runs did, if there were any.
        options: how to handle rows whose outcome is unknown, or that were changed.
        tell_all: whether to report rows that need nothing, too.
    """

    def __init__(
        self,
        file: RowFile,
        reader: RowReader,
        plan: Plan,
        journal: Journal | None,
        options: BatchOptions,
        *,
        tell_all: bool,
    ) -> None:
        self._file = file
        self._reader = reader
        self._plan = plan
        self._journal = journal
        self._options = options
        self._tell_all = tell_all

    def __iter__(self) -> Iterator[Task | Result]:
        """Yield the rows to send, and the results of those that are not sent."""
        rows = iter(self._plan) if self._tell_all else self._plan.unsettled()
        reading = SecondReading(self._file)
        for planned in rows:
            if planned.is_settled:
                yield _settled(planned)
            else:
                yield self._decide(planned, self._reader.read(reading.raw(planned.place)))

    def count(self) -> int:
        """Return how many rows are sent if nothing fails."""
        if self._journal and self._journal.about.entries:
            return sum(isinstance(task, Task) for task in self)
        return self._plan.rows - self._plan.bad

    def unread(self, after: int) -> Iterator[Result]:
        """Yield the results of the rows that could not be read again.

        Args:
            after: the number of the last row that was read.
        """
        for planned in self._plan:
            if planned.place.number > after and not planned.is_settled:
                fate = Fate.UNKNOWN if planned.fate in DOUBTFUL else Fate.NOT_ATTEMPTED
                yield Result(planned.place, fate)
            elif planned.place.number > after and self._tell_all:
                yield _settled(planned)

    def entry(self, task: Task, entry: Entry, history: History | None) -> Entry:
        """Return the new entry of a row in the journal."""
        del task, history
        return entry

    def hold(self, place: Place) -> None:
        """Have the rows for a target that follow a row wait."""
        self._plan.hold(place)

    def held_by(self, place: Place) -> int | None:
        """Return the number of the row that a row waits for, if it does."""
        return self._plan.held_by(place)

    def _decide(self, planned: Planned, call: Call[Any] | Row) -> Task | Result:
        place = planned.place
        if planned.overridden and (isinstance(call, Row) or call.method != "PATCH"):
            return _settled(planned)  # only updates have to be sent again
        if isinstance(call, Row):
            return refused(place, call.problem)
        known = self._known(planned)
        if known and planned.closed:
            error = read_problem(known.error)
            return Result(place, Fate.REJECTED, error=error, own=own_words(call))
        if known and known.fate in DOUBTFUL and not self._may_repeat(call):
            return in_doubt(Task(place, call, known), known)
        may_repeat = known or call.repeatable
        stale = None if may_repeat else self._plan.stale_since(place.target)
        if stale is not None and not self._options.send_changed:
            return _already_posted(place, stale)
        return Task(place, call, known)

    def _known(self, planned: Planned) -> Entry | None:
        if self._journal is None or planned.fate is None:
            return None
        return self._journal.find([planned.place.id]).get(planned.place.id)

    def _may_repeat(self, call: Call[Any]) -> bool:
        # a dry run leaves the journal as it is, so a row to be marked is still in doubt there
        resend, mark = self._options.resend_unknown, self._options.mark_posted
        return call.repeatable or (matches(resend, call.key) and not matches(mark, call.key))


def matches(rooms: tuple[str, ...], room: str) -> bool:
    """Tell whether an option that takes rooms applies to a room."""
    return ALL in rooms or room in rooms


def _settled(planned: Planned) -> Result:
    return Result(planned.place, planned.fate or Fate.DONE)


def _already_posted(place: Place, at: int) -> Result:
    error = AlreadyPosted(
        f"A message to this room was sent on {shown_time(at)}, and its row is no longer in the "
        "file. Use --send-changed to post this one as well.",
        stop=None,
    )
    # the message is about this row only: others may have been sent
    said = problem(error)._replace(message=str(error))
    own = (place.key, shown_time(at))
    return Result(place, Fate.NOT_ATTEMPTED, error=said, own=own)
