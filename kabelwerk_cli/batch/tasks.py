"""Decides what to do with each row: whether to send it, and if not, why."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, NamedTuple, Protocol

from kabelwerk_cli.api.call import Call
from kabelwerk_cli.api.errors import Applied, OutcomeUnknown, Report
from kabelwerk_cli.api.history import History, capitalized
from kabelwerk_cli.terminal.error_report import Problem, problem, read_problem
from kabelwerk_cli.terminal.exit_codes import AlreadyPosted, InvalidRow

from .checking import reread, same
from .fate import DOUBTFUL, Fate
from .files import Raw, RowFile
from .journal import PER_SECOND, Journal
from .journal_file import Entry
from .options import ALL, BatchOptions
from .plan import Plan
from .planned import Planned
from .rows import BadRow, Row, RowReader, sentence

LONGEST_OWN = 200
"""The longest value that a message is expected to repeat, in characters."""


class Item(Protocol):
    """What a runner needs to know about a planned row."""

    @property
    def number(self) -> int:
        """1 for the first row after the header; users who are in no row come after the last."""

    @property
    def line(self) -> int:
        """The line in the file where it begins; 0 for users who are in no row."""

    @property
    def key(self) -> str:
        """The key of the user, or of the room's user."""

    @property
    def id(self) -> bytes:
        """The ID of the row in the journal or state."""

    @property
    def target(self) -> int:
        """Identifies the user or room for which rows are kept in order."""

    @property
    def shared(self) -> bool:
        """Whether there are other rows for its target."""


class Task(NamedTuple):
    """A row to be sent."""

    row: Row
    planned: Item
    known: Entry | None
    """Its entry from an earlier run."""
    intent: Entry | None = None
    """Its entry in the journal once it may be sent."""


class Result(NamedTuple):
    """The result of a row."""

    number: int
    line: int
    key: str
    fate: Fate
    record: Any = None
    error: Problem | None = None
    notes: tuple[str, ...] = ()
    deed: str = ""
    """What this run did: `created`, `posted` ...; empty if this run did nothing."""
    sent: bool = False
    """Whether this run sent it."""
    unused: str = ""
    """What the row asks for and was not sent, see `Success`."""
    own: tuple[str, ...] = ()
    """The row's own values that the error's message may contain, such as its key."""

    @property
    def outcome(self) -> str:
        """The outcome as it is shown."""
        return self.deed or self.fate.shown


def result_of(planned: Item, fate: Fate, **more: Any) -> Result:
    """Return the result of a planned row."""
    return Result(planned.number, planned.line, planned.key, fate, **more)


class Became(NamedTuple):
    """The fate of a row, for the journal or state."""

    fate: Fate
    at: int
    """When, see `PER_SECOND`."""
    request_id: str | None = None
    error: str | None = None
    """The error object, as JSON."""
    history: History | None = None
    """The history of its call, if it was sent."""


class Work(Protocol):
    """The rows of one run."""

    def __iter__(self) -> Iterator[Task | Result]:
        """Yield the rows to send, and the results of those that are not sent."""

    def unread(self, after: int) -> Iterator[Result]:
        """Yield the results of the rows after one, which are no longer read."""

    def entry(self, task: Task, became: Became) -> Entry:
        """Return the new entry of a row in the journal or state."""


class Queue(Protocol):
    """Knows for which targets rows have to wait."""

    def hold(self, target: int, number: int) -> None:
        """Note that the rows for a target that follow the row `number` have to wait."""

    def held_by(self, target: int) -> int | None:
        """Return the number of the row that the rows for a target wait for, if they do."""


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
        """Yield the rows to send, and the results of those that are not sent.

        Raises:
            Changed: the file was changed after the check.
        """
        rows = iter(self._plan) if self._tell_all else self._plan.unsettled()
        for planned, raw in reread(self._file, rows, self._plan.rows):
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
        made = same(self._file, self._reader, raw, planned)
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


def refused(row: BadRow) -> Result:
    """Return the result of an invalid row."""
    error = problem(InvalidRow(sentence(row.problem)))
    # messages about cells have foreign text in quotes
    own = (row.key, *re.findall("'([^']*)'", row.problem))
    return Result(row.number, row.line, row.key, Fate.REJECTED, error=error, own=own)


def own_words(call: Call[Any]) -> tuple[str, ...]:
    """Return the values of a call that a message may repeat; see `Result.own`."""
    values = (call.key, *call.target[1::2], *(call.body or {}).values())
    return tuple(value for value in values if isinstance(value, str) and len(value) <= LONGEST_OWN)


def in_doubt(planned: Item, row: Row, known: Entry) -> Result:
    """Return the result of a row whose outcome is unknown since an earlier run."""
    own = (*own_words(row.call), shown_time(known.at))
    return result_of(planned, Fate.UNKNOWN, error=problem(_doubt_about(row, known)), own=own)


def _doubt_about(row: Row, known: Entry) -> OutcomeUnknown:
    said = read_problem(known.error)
    why = f"the run ended before an answer came (request {known.request_id})."
    subject = capitalized(row.call.subject)
    report = Report(Applied.UNKNOWN, row.call.repeatable, request_id=known.request_id)
    if said:
        report = report._replace(status=said.status, attempts=said.attempts)
        why = said.message
    when = shown_time(known.at)
    return OutcomeUnknown(f"{subject} may have been {row.call.deed} on {when}: {why}", report)


def _settled(planned: Planned) -> Result:
    return result_of(planned, planned.fate or Fate.DONE)


def _already_posted(planned: Planned, at: int) -> Result:
    error = AlreadyPosted(
        f"A message to this room was sent on {shown_time(at)}, and its row is no longer in the "
        "file. Use --send-changed to post this one as well."
    )
    # the message is about this row only: others may have been sent
    said = problem(error)._replace(message=str(error))
    own = (planned.key, shown_time(at))
    return result_of(planned, Fate.NOT_ATTEMPTED, error=said, own=own)


def shown_time(at: int) -> str:
    """Return a time in UTC, for people.

    Args:
        at: the time as a journal has it.
    """
    return datetime.fromtimestamp(at / PER_SECOND, UTC).strftime("%Y-%m-%d %H:%M UTC")
