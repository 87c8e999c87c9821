"""A row to be sent, and the rows of one run."""

from collections.abc import Iterator
from typing import Any, NamedTuple, Protocol

from kabelwerk_cli.delivery.history import History
from kabelwerk_cli.errors import Applied, OutcomeUnknown, Report
from kabelwerk_cli.journal.entry import Entry
from kabelwerk_cli.journal.fate import Fate
from kabelwerk_cli.journal.journal import shown_time
from kabelwerk_cli.operations.call import Call
from kabelwerk_cli.reporting.result import Result, own_words
from kabelwerk_cli.rows.row import Place
from kabelwerk_cli.terminal.error_report import problem, read_problem
from kabelwerk_cli.words import capitalized


class Task(NamedTuple):
    """A row to be sent."""

    place: Place
    call: Call[Any]
    known: Entry | None
    """Its entry from an earlier run."""
    content: str = ""
    """What its entry says of its values, in a state; see `Entry`."""
    intent: Entry | None = None
    """Its entry in the journal once it may be sent."""


class Work(Protocol):
    """The rows of one run."""

    def __iter__(self) -> Iterator[Task | Result]:
        """Yield the rows to send, and the results of those that are not sent."""

    def unread(self, after: int) -> Iterator[Result]:
        """Yield the results of the rows after one, which are no longer read."""

    def entry(self, task: Task, entry: Entry, history: History | None) -> Entry | None:
        """Return the new entry of a row in the journal or state; None to remove it.

        Args:
            task: the row.
            entry: what became of it.
            history: the history of its call, if it was sent.
        """

    def hold(self, place: Place) -> None:
        """Have the rows for a target that follow a row wait."""

    def held_by(self, place: Place) -> int | None:
        """Return the number of the row that a row waits for, if it does."""


def in_doubt(task: Task, known: Entry) -> Result:
    """Return the result of a row whose outcome is unknown since an earlier run."""
    own = (*own_words(task.call), shown_time(known.at))
    error = problem(_doubt_about(task.call, known))
    return Result(task.place, Fate.UNKNOWN, error=error, own=own)


def _doubt_about(call: Call[Any], known: Entry) -> OutcomeUnknown:
    said = read_problem(known.error)
    why = f"the run ended before an answer came (request {known.request_id})."
    subject = capitalized(call.subject)
    report = Report(Applied.UNKNOWN, call.repeatable, request_id=known.request_id)
    if said:
        report = report._replace(status=said.status, attempts=said.attempts)
        why = said.message
    when = shown_time(known.at)
    return OutcomeUnknown(f"{subject} may have been {call.effect} on {when}: {why}", report)
