"""Sends rows in parallel, but those for the same target in order.

A row goes from the caller's thread through the journal, which puts its intent on disk, to a worker
that sends it, and through the journal, which puts its result on disk, back to the caller. None of
them waits for another. A row starts when no other row for its target is in flight, and only if all
earlier ones are settled. The queues are bounded, so memory stays flat however long the file is.
"""

import contextlib
import queue
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

from kabelwerk_cli.backend.connect import MakeSender
from kabelwerk_cli.delivery.history import History
from kabelwerk_cli.delivery.sender import Sender, Tools, request_ids
from kabelwerk_cli.delivery.verdicts import Ending, Verdict
from kabelwerk_cli.errors import (
    Applied,
    DoesNotExist,
    JournalError,
    KabelwerkError,
    NotAttempted,
    ValidationError,
)
from kabelwerk_cli.journal.entry import Entry
from kabelwerk_cli.journal.fate import DOUBTFUL, Fate
from kabelwerk_cli.journal.journal import PER_SECOND, Journal
from kabelwerk_cli.output import as_json, compact
from kabelwerk_cli.reporting.ending import Stop
from kabelwerk_cli.reporting.result import Result, own_words
from kabelwerk_cli.terminal.error_report import problem

from .limits import Breaker, Quota
from .options import BatchOptions
from .pace import Pace, StartRate
from .task import Task, Work, in_doubt

BACKLOG = 1000
"""How many rows may wait for others of their target."""
AHEAD = 16
"""How many rows may wait for a worker; never messages, and none at a given rate."""
WAIT = 1.0
"""Seconds after which the main thread waits anew: a signal just before a wait does not end it."""
OPEN = frozenset({Fate.FAILED, Fate.UNKNOWN, Fate.NOT_ATTEMPTED})
"""Fates that hold back the later rows of their target."""


class Runner:
    """Runs one batch.

    Args:
        journal: records the fate of each row.
        senders: creates a sender for each worker, of which there are as many as rows are in
            flight, and not more than the concurrency.
        options: concurrency, rate and limits.
        longest_wait: how long a row may take, in seconds.
        clock: returns the monotonic time in seconds.
        now: returns the time of day in seconds since the epoch.

    Attributes:
        stop: why no new rows are started.
        unrecorded: the key of each row whose intent is on disk, and what became of it, which could
            not be written.
    """

    def __init__(
        self,
        journal: Journal,
        senders: MakeSender,
        options: BatchOptions,
        *,
        longest_wait: float,
        clock: Callable[[], float] = time.monotonic,
        now: Callable[[], float] = time.time,
    ) -> None:
        self._journal = journal
        self._options = options
        self._now = now
        self._request_ids = request_ids()
        self._quota = Quota()
        self._breaker = Breaker(options.max_failures, longest_wait)
        self._tasks: queue.SimpleQueue[Task | None] = queue.SimpleQueue()
        self._results: queue.SimpleQueue[tuple[Task, Result] | BaseException] = queue.SimpleQueue()
        self._waiting: dict[int, deque[Task]] = {}
        self._backlog = self._in_flight = self._asked = 0
        self._rate = StartRate(options.rate, clock)
        self._last: int | None = None  # the number of the last row that may be sent
        self.stop: Stop | None = None
        self.unrecorded: list[tuple[str, Fate]] = []
        self._rows: Work
        self._stopping = threading.Event()
        # unlike an Event, a signal handler may wake this while the same thread waits for it
        self._woken: queue.SimpleQueue[None] = queue.SimpleQueue()
        self._pace = Pace(self._stopping.wait)
        self._open_sender = partial(senders, self._quota.take, Tools(sleep=self._sleep), self._pace)
        self._workers, self._most_workers = 0, options.concurrency
        self._add_worker()  # now, as it tells what is missing

    def run(self, rows: Work) -> Iterator[Result]:
        """Send all rows, and yield the result of each, in any order.

        Results among the rows, of those that are not sent, are passed on. After `end`, or if the
        journal cannot be read, no new rows are sent, rows in flight are waited for, and the rest
        is `not attempted`.
        """
        last, read_all = 0, False
        self._rows = rows
        try:
            try:
                for row in rows:
                    last = row.place.number
                    if isinstance(row, Result):
                        yield row
                    else:
                        yield from self._place(row)
                read_all = True
            except JournalError as error:
                self.end(f"the {self._journal.kind.noun} cannot be read: {error.reason}", error)
            while self._in_flight:
                yield from self._take_result()
        finally:
            for _ in range(self._workers):
                self._tasks.put(None)
        if not read_all:
            yield from rows.unread(last)

    def end(self, reason: str, error: KabelwerkError | None = None) -> None:
        """Start no more rows."""
        if self.stop is None:
            self.stop = Stop(reason, error)
        self._woken.put(None)
        self._stopping.set()  # wakes rows that wait for a retry or for their turn

    @property
    def limit_reached(self) -> bool:
        """Whether there were more rows to send than this run may attempt."""
        return self._options.limit is not None and self._asked > self._options.limit

    @property
    def failure(self) -> KabelwerkError | None:
        """How the server or the network failed last; None if it has worked since."""
        return self._breaker.failure

    def _place(self, task: Task) -> Iterator[Result]:
        """Start a row, queue it, or yield its result if it is not sent."""
        self._asked += 1
        if self._asked == self._options.limit:
            self._last = task.place.number
        # a row that waits for a worker has its intent on disk: after a crash, it would be unknown;
        # and after a slow answer, those that wait would exceed the rate
        ahead = AHEAD if task.call.repeatable and not self._options.rate else 0
        most = self._options.concurrency + ahead
        # until the API has answered, the address may be wrong, or the token
        while (
            self._in_flight >= (most if self._breaker.is_proven else 1) or self._backlog >= BACKLOG
        ):
            yield from self._take_result()
        target = task.place.target
        if target in self._waiting:
            self._waiting[target].append(task)
            self._backlog += 1
        elif left := self._left(task):
            yield left
        else:
            self._waiting[target] = deque()
            self._start(task)

    def _left(self, task: Task) -> Result | None:
        """Return the result of a row that must not start; None if it may."""
        # only those that were shown, and looked for in other journals, are sent: no later one in
        # the place of a row that waits for another
        if self.stop or (self._last is not None and task.place.number > self._last):
            return self._not_attempted(task)
        if task.place.shared and (first := self._rows.held_by(task.place)):
            waits = NotAttempted(f"It waits for row {first}, which is not done.")
            return self._not_attempted(task, error=problem(waits), own=(str(first),))
        return None

    def _not_attempted(self, task: Task, **why: Any) -> Result:
        if task.known and task.known.fate in DOUBTFUL:
            # an unknown outcome of an earlier run stays unknown
            return in_doubt(task, task.known)
        result = Result(task.place, Fate.NOT_ATTEMPTED, **why)
        self._hold(task, result)
        return result

    def _hold(self, task: Task, result: Result) -> None:
        if result.fate in OPEN and task.place.shared:
            self._rows.hold(task.place)

    def _start(self, task: Task) -> None:
        self._rate.take_turn()
        while not self.stop and (left := self._rate.left) > 0:
            with contextlib.suppress(queue.Empty):
                self._woken.get(timeout=min(left, WAIT))
        self._in_flight += 1
        if self._workers < min(self._in_flight, self._most_workers):
            try:
                self._add_worker()
            except Exception:  # noqa: BLE001 - whatever is used up, the other workers go on
                self._most_workers = self._workers
        intent = self._entry(task, Fate.IN_FLIGHT, request_id=next(self._request_ids))
        self._journal.write(intent, task.known, partial(self._send_next, task, intent))

    def _send_next(self, task: Task, intent: Entry | None, trouble: JournalError | None) -> None:
        """Hand a row to a worker, now that its intent is on disk."""
        if trouble:
            self.end(f"the {self._journal.kind.noun} cannot be written: {trouble.reason}", trouble)
            self._results.put((task, self._not_sent(task)))
        else:
            self._tasks.put(task._replace(intent=intent))

    def _not_sent(self, task: Task) -> Result:
        """Return the result of a row that was started and not sent."""
        doubtful = task.known and task.known.fate in DOUBTFUL
        return Result(task.place, Fate.UNKNOWN if doubtful else Fate.NOT_ATTEMPTED)

    def _take_result(self) -> Iterator[Result]:
        if not self._in_flight:
            return
        while True:
            with contextlib.suppress(queue.Empty):
                finished = self._results.get(timeout=WAIT)
                break
        self._in_flight -= 1
        if isinstance(finished, BaseException):
            raise finished
        task, result = finished
        self._hold(task, result)
        yield result
        yield from self._follow(task.place.target)

    def _follow(self, target: int) -> Iterator[Result]:
        """Start the next row for a target, if there is one."""
        waiting = self._waiting[target]
        while waiting:
            task = waiting.popleft()
            self._backlog -= 1
            left = self._left(task)
            if left is None:
                self._start(task)
                return
            yield left
        del self._waiting[target]

    def _sleep(self, seconds: float) -> bool:
        """Wait before a retry, for which a row takes its turn like for the first attempt."""
        return self._stopping.wait(seconds) or self._pace.take_turn()

    def _add_worker(self) -> None:
        sender = self._open_sender()
        threading.Thread(target=self._work, args=(sender,), daemon=True).start()
        self._workers += 1

    def _work(self, sender: Sender) -> None:
        while (task := self._tasks.get()) is not None:
            try:
                result, entry = self._send(sender, task)
                finish = partial(self._finish, task, result)
                self._journal.write(entry, task.intent, finish)
            except BaseException as error:  # noqa: BLE001 - the caller's thread raises it
                self._results.put(error)

    def _finish(self, task: Task, result: Result, trouble: JournalError | None) -> None:
        """Return a result to the caller once it is on disk, or could not be written."""
        if trouble:
            self.end(f"the {self._journal.kind.noun} cannot be written: {trouble.reason}", trouble)
            self.unrecorded.append((task.place.key, result.fate))
        self._results.put((task, result))

    def _send(self, sender: Sender, task: Task) -> tuple[Result, Entry | None]:
        """Send a row, and return its result and its new entry in the journal."""
        self._pace.take_turn()
        if self.stop:
            # restore the old entry: the row was not sent, although its intent was recorded
            left = task.known or self._entry(task, Fate.FAILED)
            return self._not_sent(task), left
        history = History(_doubt(task), task.intent and task.intent.request_id)
        try:
            success = sender.send(task.call, history)
        except KabelwerkError as error:
            report = error.report
            said = problem(error)
            own = own_words(task.call)
            result = Result(task.place, _fate_of(error), error=said, own=own, sent=True)
            cause: str | None = compact(as_json(said))
            stop = self._breaker.watch(result.fate, error, history.last)
        else:
            report = success.report
            record, effect, notes, _, unused = success
            result = Result(
                task.place,
                Fate.DONE,
                record=record,
                effect=effect,
                notes=notes,
                sent=True,
                unused=unused,
            )
            cause = None
            stop = self._breaker.watch(result.fate, None, history.last)
            if report.attempts == 1:
                self._quota.give_back()
        if stop:
            # at once, before results are taken: the next row must not be sent
            self.end(stop.reason, stop.error)
        return result, self._entry(
            task, result.fate, request_id=report.request_id, error=cause, history=history
        )

    def _entry(
        self, task: Task, fate: Fate, history: History | None = None, **known: Any
    ) -> Entry | None:
        (_, _, key, hub, row_id, *_), at = task.place, int(self._now() * PER_SECOND)
        entry = Entry(row_id, fate, key, hub, at, **known)
        return self._rows.entry(task, entry, history)


def _fate_of(error: KabelwerkError) -> Fate:
    if error.report.applied is not Applied.NO:
        return Fate.UNKNOWN
    rejected = isinstance(error, (ValidationError, DoesNotExist))
    return Fate.REJECTED if rejected else Fate.FAILED


def _doubt(task: Task) -> Verdict | None:
    """Return the unknown outcome of an earlier run, which a rejection now does not settle."""
    if task.known and task.known.fate in DOUBTFUL:
        return Verdict(Ending.UNKNOWN, "an earlier run sent it, and no answer came")
    return None
