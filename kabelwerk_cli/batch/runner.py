"""Sends rows side by side, those for the same target in their order.

A row goes from the caller's thread through the journal, where its intent is put on disk, to a
worker that sends it, and through the journal, where its result is put on disk, back to the caller.
None of them waits for another. A row is handed out when no other row for its target is under way.
What waits is bounded, so that memory stays flat however long the file is.
"""

import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

from kabelwerk_cli.api.client import Client
from kabelwerk_cli.api.errors import (
    Applied,
    AuthenticationError,
    ConfigurationError,
    KabelwerkError,
    OutcomeUnknown,
    ServerError,
    UntrustedCertificate,
)
from kabelwerk_cli.api.errors import ConnectionError as NoConnection
from kabelwerk_cli.api.retries import repeats_when_unknown
from kabelwerk_cli.api.verdicts import Fate, Verdict

from .journal import Entry, Journal, JournalError, State
from .rows import Row

BACKLOG = 1000
"""How many rows may wait for others of their target."""
DEAD_AFTER = 10
"""After how many failures of server or network in a row the run is stopped."""
LONGEST_SLEEP = 0.2
"""How long an interrupt may go unnoticed, in seconds."""
QUOTA = 500
RETRY_COST = 5
TIMEOUT_COST = 10


class Task(NamedTuple):
    """A row with its place in the journal."""

    row: Row
    id: bytes
    known: Entry | None
    """What an earlier run left of it."""


class Result(NamedTuple):
    """What became of a row."""

    number: int
    key: str
    outcome: str
    """`done`, `failed`, `unknown` or `not attempted`."""
    record: Any = None
    error: Exception | None = None
    notes: tuple[str, ...] = ()
    sent: bool = True
    """Whether this run tried to send it."""
    again: bool = True
    """Whether it does no harm to send it again."""


class Stop(NamedTuple):
    """Why a run ended before its time."""

    reason: str
    error: KabelwerkError | None = None


class Quota:
    """How many repeats the whole run may make; each plain success gives one back."""

    def __init__(self) -> None:
        self._left = QUOTA
        self._lock = threading.Lock()

    def take(self, verdict: Verdict) -> bool:
        """Pay for a repeat; returns whether there was enough."""
        cost = TIMEOUT_COST if verdict.timed_out else RETRY_COST
        with self._lock:
            if self._left < cost:
                return False
            self._left -= cost
            return True

    def give_back(self) -> None:
        """Note a success without a repeat."""
        with self._lock:
            self._left = min(self._left + 1, QUOTA)


class Plan(NamedTuple):
    """How a batch is run."""

    concurrency: int
    rate: float | None
    """Rows handed out a second, at most."""
    max_failures: int | None
    resend_unknown: bool


class Runner:
    """Runs one batch.

    Args:
        journal: remembers what becomes of each row.
        clients: makes a client for each worker, told what to ask before a repeat.
        plan: how.
        clock: returns the monotonic time in seconds.
        sleep: waits.
    """

    def __init__(
        self,
        journal: Journal,
        clients: Callable[[Callable[[Verdict], bool]], Client],
        plan: Plan,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._journal = journal
        self._plan = plan
        self._clock = clock
        self._sleep = sleep
        self._quota = Quota()
        self._tasks: queue.SimpleQueue[Task | None] = queue.SimpleQueue()
        self._results: queue.SimpleQueue[tuple[Task, Result] | BaseException] = queue.SimpleQueue()
        self._waiting: dict[tuple[str, ...], deque[Task]] = {}
        self._backlog = self._in_flight = self._failures = self._dead = 0
        self._next_start = 0.0
        self._watching = threading.Lock()
        self.stop: Stop | None = None
        self._workers = [
            threading.Thread(target=self._work, args=(clients(self._quota.take),), daemon=True)
            for _ in range(plan.concurrency)
        ]

    def run(self, rows: Iterator[Task | Result]) -> Iterator[Result]:
        """Send rows until there are none, and yield what became of each, in no certain order.

        A result among the rows, of one that need or can not be sent, is passed on. After `end` no
        new rows are sent, those in flight are waited for, and what is left comes as
        `not attempted`.
        """
        for worker in self._workers:
            worker.start()
        try:
            for row in rows:
                if isinstance(row, Result):
                    yield row
                else:
                    yield from self._place(row)
            while self._in_flight:
                yield from self._take_result()
        finally:
            for _ in self._workers:
                self._tasks.put(None)

    def end(self, reason: str, error: KabelwerkError | None = None) -> None:
        """Hand out no more rows."""
        if self.stop is None:
            self.stop = Stop(reason, error)

    def _place(self, task: Task) -> Iterator[Result]:
        """Hand a row out, have it wait, or say at once what becomes of it."""
        settled = self._settled(task)
        if settled:
            yield settled
            return
        while self._in_flight >= self._plan.concurrency * 2 or self._backlog >= BACKLOG:
            yield from self._take_result()
        if self.stop:
            yield _result(task, "not attempted", sent=False)
        elif (target := task.row.target) in self._waiting:
            self._waiting[target].append(task)
            self._backlog += 1
        else:
            self._waiting[target] = deque()
            self._hand_out(task)

    def _settled(self, task: Task) -> Result | None:
        if task.known and task.known.state is State.DONE:
            return _result(task, "done", sent=False)
        again = repeats_when_unknown(task.row.operation) or self._plan.resend_unknown
        if _doubt(task.known) and not again:
            return _result(task, "unknown", sent=False)
        return None

    def _hand_out(self, task: Task) -> None:
        if self._plan.rate:
            self._next_start = max(self._next_start + 1 / self._plan.rate, self._clock())
            while (wait := self._next_start - self._clock()) > 0 and not self.stop:
                self._sleep(min(wait, LONGEST_SLEEP))
        self._in_flight += 1
        self._journal.write(_entry(task, State.INTENT), task.known, partial(self._start, task))

    def _start(self, task: Task, trouble: JournalError | None) -> None:
        """Let a row be sent, now that its intent is on the disk."""
        if trouble:
            self.end("the journal cannot be written", trouble)
            self._results.put((task, _result(task, "not attempted", error=trouble, sent=False)))
        else:
            self._tasks.put(task)

    def _take_result(self) -> Iterator[Result]:
        if not self._in_flight:
            return
        finished = self._results.get()
        self._in_flight -= 1
        if isinstance(finished, BaseException):
            raise finished
        task, result = finished
        yield result
        yield from self._follow(task.row.target)

    def _follow(self, target: tuple[str, ...]) -> Iterator[Result]:
        """Hand out the next row for a target, or let go of it."""
        waiting = self._waiting[target]
        while waiting:
            task = waiting.popleft()
            self._backlog -= 1
            if not self.stop:
                self._hand_out(task)
                return
            yield _result(task, "not attempted", sent=False)
        del self._waiting[target]

    def _watch(self, result: Result) -> None:
        """Stop a run that gets nowhere."""
        error = result.error
        if not result.sent:
            return
        if result.outcome == "done":
            self._dead = 0
            return
        self._failures += 1
        if isinstance(error, (AuthenticationError, UntrustedCertificate, ConfigurationError)):
            self.end("the server does not accept the token, or cannot be trusted", error)
        elif isinstance(error, (NoConnection, ServerError)) and not _was_turned_away(error):
            self._dead += 1
            if self._dead >= DEAD_AFTER:
                self.end(f"the server or the network failed {DEAD_AFTER} times in a row", error)
        else:
            self._dead = 0
        if self._plan.max_failures is not None and self._failures > self._plan.max_failures:
            self.end(f"more than {self._plan.max_failures} rows failed")

    def _work(self, client: Client) -> None:
        while (task := self._tasks.get()) is not None:
            try:
                result, entry = self._send(client, task)
                # here, and not where results are taken: the next row must not go out any more
                with self._watching:
                    self._watch(result)
                intent = _entry(task, State.INTENT)
                self._journal.write(entry, intent, partial(self._finish, task, result))
            except BaseException as error:  # noqa: BLE001 - the caller's thread raises it
                self._results.put(error)

    def _finish(self, task: Task, result: Result, trouble: JournalError | None) -> None:
        """Give a result back, now that it is on the disk; if it is not, it still is the result."""
        if trouble:
            self.end("the journal cannot be written", trouble)
        self._results.put((task, result))

    def _send(self, client: Client, task: Task) -> tuple[Result, Entry]:
        """Return what became of a row, and what the journal is to say of it."""
        if self.stop:
            left = task.known or _entry(task, State.FAILED)
            return _result(task, "not attempted", sent=False), left
        try:
            outcome = client.send(task.row.operation, earlier=_doubt(task.known))
        except KabelwerkError as error:
            result = _result(task, _outcome_of(error), error=error)
            report = error.report
        else:
            result = _result(task, "done", record=outcome.record, notes=outcome.notes)
            report = outcome.report
            if report.attempts == 1:
                self._quota.give_back()
        return result, _entry(task, _STATES[result.outcome], report.request_id)


def _result(task: Task, outcome: str, **more: Any) -> Result:
    # a message that may have been posted is not one to be sent again
    again = outcome != "unknown" or repeats_when_unknown(task.row.operation)
    return Result(task.row.number, task.row.key, outcome, again=again, **more)


def _entry(task: Task, state: State, request_id: str | None = None) -> Entry:
    return Entry(task.id, state, task.row.key, request_id)


def _doubt(known: Entry | None) -> Verdict | None:
    """Return what an earlier run left open, which a rejection now does not settle."""
    if known and known.state in {State.INTENT, State.UNKNOWN}:
        return Verdict(Fate.UNKNOWN, "an earlier run sent it, and got no answer")
    return None


def _was_turned_away(error: KabelwerkError) -> bool:
    """Tell whether a working server rejected what was in doubt from an earlier try."""
    status = error.report.status
    return isinstance(error, OutcomeUnknown) and status is not None and 400 <= status < 500  # noqa: PLR2004


_STATES = {"done": State.DONE, "failed": State.FAILED, "unknown": State.UNKNOWN}


def _outcome_of(error: KabelwerkError) -> str:
    """Return what became of a row; one that was applied, but not as asked, is not done either."""
    return "failed" if error.report.applied is Applied.NO else "unknown"
