"""A row to be sent, and the rows of one run."""

from collections.abc import Iterator
from typing import NamedTuple, Protocol

from kabelwerk_cli.delivery.history import History
from kabelwerk_cli.errors import Applied, OutcomeUnknown, Report
from kabelwerk_cli.journal.fate import Fate
from kabelwerk_cli.journal.file import Entry
from kabelwerk_cli.journal.journal import shown_time
from kabelwerk_cli.reporting.result import Result, own_words, result_of
from kabelwerk_cli.rows.reader import Row
from kabelwerk_cli.rows.table import Item
from kabelwerk_cli.terminal.error_report import problem, read_problem
from kabelwerk_cli.words import capitalized


class Task(NamedTuple):
    """A row to be sent."""

    row: Row
    planned: Item
    known: Entry | None
    """Its entry from an earlier run."""
    intent: Entry | None = None
    """Its entry in the journal once it may be sent."""


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

    def entry(self, task: Task, became: Became) -> Entry | None:
        """Return the new entry of a row in the journal or state; None to remove it."""


class Queue(Protocol):
    """Knows for which targets rows have to wait."""

    def hold(self, target: int, number: int) -> None:
        """Note that the rows for a target that follow the row `number` have to wait."""

    def held_by(self, target: int) -> int | None:
        """Return the number of the row that the rows for a target wait for, if they do."""


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
    return OutcomeUnknown(f"{subject} may have been {row.call.effect} on {when}: {why}", report)
