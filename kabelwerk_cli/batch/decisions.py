"""Decides what to do with each row: whether to send it, and if not, why."""

from collections.abc import Iterator

from kabelwerk_cli.engine.options import ALL, BatchOptions
from kabelwerk_cli.engine.task import Became, Task, in_doubt
from kabelwerk_cli.errors import AlreadyPosted
from kabelwerk_cli.journal.fate import DOUBTFUL, Fate
from kabelwerk_cli.journal.file import Entry
from kabelwerk_cli.journal.journal import Journal, shown_time
from kabelwerk_cli.reporting.result import Result, own_words, refused, result_of
from kabelwerk_cli.rows.reader import BadRow, Row, RowReader
from kabelwerk_cli.rows.table import Planned, read_row, reread
from kabelwerk_cli.tabular.file import Raw, RowFile
from kabelwerk_cli.terminal.error_report import problem, read_problem

from .plan import Plan


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
        for planned, raw in reread(self._file, rows):
            yield _settled(planned) if planned.is_settled else self._decide(planned, raw)

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
            if planned.number > after and not planned.is_settled:
                fate = Fate.UNKNOWN if planned.fate in DOUBTFUL else Fate.NOT_ATTEMPTED
                yield result_of(planned, fate)
            elif planned.number > after and self._tell_all:
                yield _settled(planned)

    def entry(self, task: Task, became: Became) -> Entry:
        """Return the new entry of a row in the journal."""
        planned, (fate, at, request_id, error, _) = task.planned, became
        return Entry(planned.id, fate, planned.key, task.row.hub, at, request_id, error)

    def _decide(self, planned: Planned, raw: Raw) -> Task | Result:
        made = read_row(self._reader, raw)
        if planned.overridden and (isinstance(made, BadRow) or made.call.method != "PATCH"):
            return _settled(planned)  # only updates have to be sent again
        if isinstance(made, BadRow):
            return refused(made)
        known = self._known(planned)
        if known and planned.closed:
            error = read_problem(known.error)
            return result_of(planned, Fate.REJECTED, error=error, own=own_words(made.call))
        if known and known.fate in DOUBTFUL and not self._may_repeat(made):
            return in_doubt(planned, made, known)
        may_repeat = known or made.call.repeatable
        stale = None if may_repeat else self._plan.stale_since(planned.target)
        if stale is not None and not self._options.send_changed:
            return _already_posted(planned, stale)
        return Task(made, planned, known)

    def _known(self, planned: Planned) -> Entry | None:
        if self._journal is None or planned.fate is None:
            return None
        return self._journal.find([planned.id]).get(planned.id)

    def _may_repeat(self, row: Row) -> bool:
        # a dry run leaves the journal as it is, so a row to be marked is still in doubt there
        resend, mark = self._options.resend_unknown, self._options.mark_posted
        return row.call.repeatable or (matches(resend, row.key) and not matches(mark, row.key))


def matches(rooms: tuple[str, ...], room: str) -> bool:
    """Tell whether an option that takes rooms applies to a room."""
    return ALL in rooms or room in rooms


def _settled(planned: Planned) -> Result:
    return result_of(planned, planned.fate or Fate.DONE)


def _already_posted(planned: Planned, at: int) -> Result:
    error = AlreadyPosted(
        f"A message to this room was sent on {shown_time(at)}, and its row is no longer in the "
        "file. Use --send-changed to post this one as well.",
        stop=None,
    )
    # the message is about this row only: others may have been sent
    said = problem(error)._replace(message=str(error))
    own = (planned.key, shown_time(at))
    return result_of(planned, Fate.NOT_ATTEMPTED, error=said, own=own)
