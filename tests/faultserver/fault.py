"""What a fault is, what a client may make of it, and the script that says when it strikes."""

import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, NamedTuple

from tests.model.endpoints import Answer
from tests.operations import CALLS, Operation

from .wire import Request, Wire, render


class Outcome(StrEnum):
    """The classes into which a client has to sort one attempt."""

    NOT_SENT = "not sent"
    REJECTED = "rejected"
    UNKNOWN = "unknown"
    ACKNOWLEDGED = "acknowledged"
    CONTRADICTED = "contradicted"
    DONE = "done"


class Moment(StrEnum):
    """When a fault strikes. Only the last two count as sent over plain HTTP and over TLS alike."""

    CONNECT = "connect"  # instead of accepting
    ACCEPT = "accept"  # before anything is read, a TLS handshake included
    UNREAD = "unread"  # the request has arrived and is not read
    ANSWER = "answer"  # the request was read


EVERY_CALL = tuple(CALLS)


def calls_that(ask: Callable[[Operation], object]) -> tuple[str, ...]:
    """The names of the calls for which `ask` returns a true value."""
    return tuple(name for name, call in CALLS.items() if ask(call))


RETURNING = calls_that(lambda call: call.request.record)  # those whose answer has a body
EXITS = {
    Outcome.NOT_SENT: 7,
    Outcome.REJECTED: 8,
    Outcome.ACKNOWLEDGED: 8,
    Outcome.CONTRADICTED: 8,
    Outcome.DONE: 0,
}

NOTHING = Answer(500)


class Exchange(NamedTuple):
    """What a fault acts on.

    `answer` is what an honest server would say to the request. Faults that strike before a request
    was read have neither. `last` says that the connection ends with this answer.
    """

    wire: Wire
    request: Request | None = None
    answer: Answer = NOTHING
    last: bool = False

    def send_answer(self, answer: Answer) -> bool:
        """Send an answer as it stands; returns whether the connection goes on."""
        farewell = (("Connection", "close"),) if self.last else ()
        self.wire.send(render(answer, *farewell))
        return not self.last

    def send_honest(self) -> bool:
        return self.send_answer(self.answer)


@dataclass(frozen=True)
class Fault:
    """One way to misbehave, and what a careful client makes of it.

    Attributes:
        act: does it; returns whether the connection goes on. Gets an Exchange, or the listener
            where the moment is CONNECT.
        expect: the class of one attempt that meets it, over plain HTTP.
        also: classes that a careful client may come to as well, where HTTP leaves it open.
        complete: whether a complete HTTP answer arrives; tells exit 8 from 9 for UNKNOWN.
        slow: whether only the client's own time limit ends it.
        reused: strikes only from the second request of a connection on; the first is served well.
        operations: the calls for which it makes sense.
        exits: what a single attempt may exit with, if that does not follow from the rest.
        worlds: the values of `applied` that make sense, if they do not follow from the rest.
    """

    name: str
    act: Callable[[Any], bool | None]
    expect: Outcome = Outcome.UNKNOWN
    also: tuple[Outcome, ...] = ()
    moment: Moment = Moment.ANSWER
    complete: bool = False
    slow: bool = False
    reused: bool = False
    operations: tuple[str, ...] = EVERY_CALL
    exits: tuple[int, ...] = ()
    worlds: tuple[bool, ...] = ()

    def __post_init__(self) -> None:
        if not self.exits:
            unknown = 8 if self.complete else 9
            classes = (self.expect, *self.also)
            exits = tuple(sorted({EXITS.get(outcome, unknown) for outcome in classes}))
            object.__setattr__(self, "exits", exits)
        if not self.worlds:
            object.__setattr__(self, "worlds", self._worlds())

    def _worlds(self) -> tuple[bool, ...]:
        """A request that was not read, or was rejected, is not applied."""
        if self.expect in {Outcome.DONE, Outcome.ACKNOWLEDGED}:
            return (True,)
        doubtful = {Outcome.UNKNOWN, Outcome.CONTRADICTED}
        if self.expect in doubtful and self.moment is Moment.ANSWER:
            return (False, True)
        return (False,)

    @property
    def sent(self) -> bool:
        """Whether a client has begun to send when it meets this fault over plain HTTP."""
        return self.moment is not Moment.CONNECT

    @property
    def expect_over_tls(self) -> Outcome:
        """The class over TLS, where a fault before the handshake is one before the request."""
        early = self.moment in {Moment.CONNECT, Moment.ACCEPT}
        return Outcome.NOT_SENT if early else self.expect

    @property
    def countable(self) -> bool:
        """Whether a server can count it: a connection that is refused is never seen."""
        return self.moment is not Moment.CONNECT

    def __str__(self) -> str:
        return self.name


HONEST = Fault("honest", Exchange.send_honest, Outcome.DONE)


@dataclass
class Step:
    """One line of a script: this fault, for so many requests (None: forever).

    `applied` says whether the model is changed before the server misbehaves; left out, it is what
    the fault implies, and False where both are possible. A method or a raw path narrows the step
    to requests that have them.
    """

    fault: Fault
    applied: bool | None = None
    times: int | None = None
    method: str | None = None
    path: str | None = None
    used: int = field(default=0, init=False)

    def __post_init__(self) -> None:
        if self.applied is None:
            self.applied = self.fault.worlds == (True,)
        if self.applied and self.fault.moment is not Moment.ANSWER:
            raise ValueError(f"{self.fault}: a request that is not read cannot be applied")
        if self.times is not None and not self.fault.countable:
            raise ValueError(f"{self.fault}: a refused connection cannot be counted")

    @property
    def finished(self) -> bool:
        return self.times is not None and self.used >= self.times

    def matches(self, request: Request | None) -> bool:
        if self.method is None and self.path is None:
            return True
        return (
            request is not None
            and self.method in {None, request.method}
            and self.path in {None, request.target}
        )


class Script:
    """Steps in order: the first unfinished one that matches is in force; after the last, none."""

    def __init__(self, steps: Iterable[Step]) -> None:
        self._steps = tuple(steps)
        self._lock = threading.Lock()

    def take(self, moment: Moment, request: Request | None = None, *, reused: bool) -> Step | None:
        """The step to play at this moment, counted as played; None to behave."""
        with self._lock:
            step = self._in_force(request)
            if step is None or step.fault.moment is not moment or (step.fault.reused > reused):
                return None
            step.used += 1
            return step

    def connect_fault(self) -> Fault | None:
        """The fault that keeps the next client from connecting, if that is what comes next."""
        with self._lock:
            step = self._in_force(None)
            return step.fault if step and step.fault.moment is Moment.CONNECT else None

    def _in_force(self, request: Request | None) -> Step | None:
        return next(
            (step for step in self._steps if not step.finished and step.matches(request)), None
        )
