"""Sends rows at the same time, those for the same target in their order.

A row goes from the caller's thread through the journal, where its intent is put on disk, to a
worker that sends it, and through the journal, where its result is put on disk, back to the caller.
None of them waits for another. A row starts when no other row for its target is under way.
The queues are bounded, so that memory stays flat however long the file is.
"""

import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NamedTuple

from kabelwerk_cli.api.client import Client
from kabelwerk_cli.api.errors import Applied, KabelwerkError
from kabelwerk_cli.api.history import History
from kabelwerk_cli.api.verdicts import Ending, Verdict

from .fate import DOUBTFUL, Fate
from .journal import Entry, Journal, JournalError
from .limits import Breaker, Quota, Stop
from .options import BatchOptions
from .rows import Row

BACKLOG = 1000
"""How many rows may wait for others of their target."""
LONGEST_SLEEP = 0.2
"""How long an interrupt may go unnoticed, in seconds."""


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
    fate: Fate
    record: Any = None
    error: Exception | None = None
    notes: tuple[str, ...] = ()
    repeatable: bool = True
    """Whether sending it again does no harm."""


class Runner:
    """Runs one batch.

    Args:
        journal: remembers what becomes of each row.
        clients: makes a client for each worker, given what to ask before a repeat.
        options: how many at the same time, how fast, and when to stop.
        clock: returns the monotonic time in seconds.
        sleep: waits.
    """

    def __init__(
        self,
        journal: Journal,
        clients: Callable[[Callable[[Verdict], bool]], Client],
        options: BatchOptions,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._journal = journal
        self._options = options
        self._clock = clock
        self._sleep = sleep
        self._quota = Quota()
        self._breaker = Breaker(options.max_failures)
        self._tasks: queue.SimpleQueue[Task | None] = queue.SimpleQueue()
        self._results: queue.SimpleQueue[tuple[Task, Result] | BaseException] = queue.SimpleQueue()
        self._waiting: dict[tuple[str, ...], deque[Task]] = {}
        self._backlog = self._in_flight = 0
        self._next_start = 0.0
        self.stop: Stop | None = None
        self._workers = [
            threading.Thread(target=self._work, args=(clients(self._quota.take),), daemon=True)
            for _ in range(options.concurrency)
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
        while self._in_flight >= self._options.concurrency * 2 or self._backlog >= BACKLOG:
            yield from self._take_result()
        if self.stop:
            yield _result(task, Fate.NOT_ATTEMPTED)
        elif (target := task.row.call.target) in self._waiting:
            self._waiting[target].append(task)
            self._backlog += 1
        else:
            self._waiting[target] = deque()
            self._hand_out(task)

    def _settled(self, task: Task) -> Result | None:
        if task.known and task.known.fate is Fate.DONE:
            return _result(task, Fate.DONE)
        again = task.row.call.repeatable or self._options.resend_unknown
        if _doubt(task.known) and not again:
            return _result(task, Fate.UNKNOWN)
        return None

    def _hand_out(self, task: Task) -> None:
        if self._options.rate:
            self._next_start = max(self._next_start + 1 / self._options.rate, self._clock())
            while (wait := self._next_start - self._clock()) > 0 and not self.stop:
                self._sleep(min(wait, LONGEST_SLEEP))
        self._in_flight += 1
        self._journal.write(_entry(task, Fate.IN_FLIGHT), task.known, partial(self._start, task))

    def _start(self, task: Task, trouble: JournalError | None) -> None:
        """Let a row be sent, now that its intent is on the disk."""
        if trouble:
            self.end("the journal cannot be written", trouble)
            self._results.put((task, _result(task, Fate.NOT_ATTEMPTED, error=trouble)))
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
        yield from self._follow(task.row.call.target)

    def _follow(self, target: tuple[str, ...]) -> Iterator[Result]:
        """Hand out the next row for a target, or let go of it."""
        waiting = self._waiting[target]
        while waiting:
            task = waiting.popleft()
            self._backlog -= 1
            if not self.stop:
                self._hand_out(task)
                return
            yield _result(task, Fate.NOT_ATTEMPTED)
        del self._waiting[target]

    def _work(self, client: Client) -> None:
        while (task := self._tasks.get()) is not None:
            try:
                result, entry = self._send(client, task)
                intent = _entry(task, Fate.IN_FLIGHT)
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
            left = task.known or _entry(task, Fate.FAILED)
            return _result(task, Fate.NOT_ATTEMPTED), left
        try:
            success = client.send(task.row.call, History(_doubt(task.known)))
        except KabelwerkError as error:
            report = error.report
            fate = Fate.FAILED if report.applied is Applied.NO else Fate.UNKNOWN
            result = _result(task, fate, error=error)
        else:
            report = success.report
            result = _result(task, Fate.DONE, record=success.record, notes=success.notes)
            if report.attempts == 1:
                self._quota.give_back()
        # here, and not where results are taken: the next row must not go out any more
        if stop := self._breaker.watch(result.fate, result.error):
            self.end(stop.reason, stop.error)
        return result, _entry(task, result.fate, report.request_id)


def _result(task: Task, fate: Fate, **more: Any) -> Result:
    # a message that may have been posted is not one to send again
    repeatable = fate is not Fate.UNKNOWN or task.row.call.repeatable
    return Result(task.row.number, task.row.key, fate, repeatable=repeatable, **more)


def _entry(task: Task, fate: Fate, request_id: str | None = None) -> Entry:
    return Entry(task.id, fate, task.row.key, request_id)


def _doubt(known: Entry | None) -> Verdict | None:
    """Return what an earlier run left open, which a rejection now does not settle."""
    if known and known.fate in DOUBTFUL:
        return Verdict(Ending.UNKNOWN, "an earlier run sent it, and no answer came")
    return None
