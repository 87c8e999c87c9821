"""The sender: sends a `Call`, and repeats it if `retries` says so."""

import os
import time
from collections.abc import Callable, Iterator
from random import SystemRandom
from typing import Any, NamedTuple, Protocol

from kabelwerk_cli import errors
from kabelwerk_cli.network.request import build_request
from kabelwerk_cli.network.wire import Attempt, Failure, Transport
from kabelwerk_cli.operations.call import Call, R, Reason

from .history import History, Step
from .outcomes import Success, conclude
from .redaction import Redaction
from .retries import may_repeat, pause
from .verdicts import Ending, Verdict, judge, judge_failure

ODD = frozenset({Ending.UNKNOWN, Ending.ACKNOWLEDGED, Ending.CONTRADICTED})


class Limits(NamedTuple):
    """How long a call may take, and how often it is tried."""

    connect: float = 5.0
    """Seconds to connect once the host name is looked up, including the TLS handshake."""
    timeout: float = 20.0
    """Seconds for one attempt, to the last byte of its answer."""
    max_time: float = 60.0
    """Seconds for a call with all its attempts and pauses."""
    retries: int = 2
    """How many attempts may follow the first."""


class Attempted(NamedTuple):
    """What an observer is called with after each attempt."""

    call: Call[Any]
    number: int
    """1 for the first attempt."""
    verdict: Verdict
    seconds: float
    """How long the attempt took."""
    pause: float | None
    """Seconds until the next attempt; None if there is none."""
    answer: str
    """The body of the answer as text, without the token; empty if there was none."""


def new_request_id() -> str:
    """Return a unique ID for an attempt, for the server's log."""
    return os.urandom(16).hex()


def request_ids() -> Iterator[str]:
    """Yield such IDs for ever, many of them for one system call."""
    while True:
        block = os.urandom(16 * 256).hex()
        yield from (block[start : start + 32] for start in range(0, len(block), 32))


class Tools(NamedTuple):
    """What a sender depends on besides its transport; tests replace it."""

    clock: Callable[[], float] = time.monotonic
    now: Callable[[], float] = time.time
    sleep: Callable[[float], object] = time.sleep
    """Waits some seconds; a true result says that nothing more is to be sent."""
    random: Callable[[], float] = SystemRandom().random
    new_request_id: Callable[[], str] = new_request_id


class Pace(Protocol):
    """What the calls of a run share, which all slow down when the server limits their rate."""

    def note(self, verdict: Verdict) -> None:
        """Take the verdict on an attempt into account."""
        ...


class Sender:
    """Sends calls to one backend.

    - An attempt has a time limit as a whole; so has the call with all its attempts.
    - A call that was not sent, or was rejected with 429, is sent again.
    - A call whose outcome is unknown is sent again, but never a message.
    - A `Retry-After` is obeyed if it fits into the time that is left.
    - Redirects are never followed.

    Args:
        transport: carries the requests.
        token: the API token; empty if the backend needs none.
        limits: times and numbers of attempts.
        observe: called after each attempt.
        may_retry: called before each retry that `retries` allows; returns whether to go on.
        tools: clock, sleep and randomness.
        pace: the pace of the run that the calls belong to, if they belong to one. Then, a call that
            was rejected with 429 is sent again as long as its time lasts.
    """

    def __init__(
        self,
        transport: Transport,
        *,
        token: str,
        limits: Limits | None = None,
        observe: Callable[[Attempted], None] = lambda _: None,
        may_retry: Callable[[Verdict], bool] = lambda _: True,
        tools: Tools | None = None,
        pace: Pace | None = None,
    ) -> None:
        self._transport = transport
        self._token = token
        self._redacted = Redaction(token)
        self._limits = limits or Limits()
        self._observe = observe
        self._may_retry = may_retry
        self._tools = tools or Tools()
        self._pace = pace

    def close(self) -> None:
        """Close the connections; the next call opens new ones."""
        self._transport.close()

    def send(self, call: Call[R], history: History | None = None) -> Success[R]:
        """Send a call until it is done, or nothing more may be tried.

        If a call is rejected for the reason in its `Call.otherwise`, the call there is sent next.
        All of them are one history: a doubt about any is a doubt about the whole.

        Args:
            call: what to send.
            history: records what is known, for callers that report it however the call ends.

        Returns:
            The result of a call that is known to have succeeded.

        Raises:
            KabelwerkError: the call failed; the error's `report` says what may have happened.
            KeyboardInterrupt: a signal arrived; its `report` and a note say what is known.
        """
        history = history or History()
        give_up_at = self._tools.clock() + self._limits.max_time
        step = history.begin(call)
        try:
            self._try_all(step, history, give_up_at)
            while other := step.following():
                following = other.call
                if other.when is Reason.TAKEN and step.when is Reason.MISSING and step.in_doubt:
                    # nobody had the key before, so the user with this key was created by this call
                    following = following._replace(effect=step.call.effect, unused="")
                step = history.begin(following, other.when)
                self._try_all(step, history, give_up_at)
        except KeyboardInterrupt as signal:
            # itself: an uncaught KeyboardInterrupt ends Python by SIGINT, a subclass does not
            signal.report = history.report()  # type: ignore[attr-defined]
            signal.add_note(f"Interrupted. {history.sentence()}")
            raise
        return conclude(history)

    def _try_all(self, step: Step, history: History, give_up_at: float) -> None:
        """Make attempts at a step until one of them is final."""
        wait: float | None = 0.0
        while wait is not None:
            if wait and self._tools.sleep(wait):
                return
            started = self._tools.clock()
            body = self._try(step.call, history, give_up_at - started)
            wait = self._wait_before_next(step, give_up_at)
            seconds = self._tools.clock() - started
            number, verdict = len(step.tries), step.tries[-1]
            self._observe(Attempted(step.call, number, verdict, seconds, wait, body))

    def _try(self, call: Call[Any], history: History, left: float) -> str:
        """Make one attempt, note its verdict, and return the body of the answer."""
        timeout, most = self._limits.timeout, self._limits.max_time
        attempt = Attempt(
            self._tools.clock,
            self._limits.connect,
            min(timeout, left),
            self._next_request_id(history),
            f"{timeout:g} s" if timeout <= left else f"{most:g} s for the whole call",
        )
        request = build_request(call, token=self._token, request_id=attempt.request_id)
        history.attempting(attempt)
        body = b""
        try:
            answer = self._transport.carry(request, attempt)
        except Failure as failure:
            verdict = judge_failure(failure, sent=attempt.sent)
            verdict = verdict._replace(reason=self._redacted(verdict.reason))
        else:
            body = answer.body
            verdict = judge(call, answer, self._tools.now(), self._redacted)
        history.ended(verdict._replace(request_id=attempt.request_id))
        if self._pace:
            self._pace.note(verdict)
        if verdict.ending in ODD:
            # leftover bytes on such a connection might be read as the next call's answer
            self._transport.close()
        return self._redacted.of_body(body)

    def _next_request_id(self, history: History) -> str:
        is_first = not history.steps[0].tries
        return (is_first and history.first_request_id) or self._tools.new_request_id()

    def _is_free(self, verdict: Verdict) -> bool:
        """Tell whether a retry costs nothing: the server's limit is for all calls of the run."""
        return self._pace is not None and verdict.error is errors.RateLimited

    def _wait_before_next(self, step: Step, give_up_at: float) -> float | None:
        """Return the seconds until the next attempt; None if this one was final."""
        last = step.tries[-1]
        counted = [each for each in step.tries if not self._is_free(each)]
        if not may_repeat(step.call, last) or self._limits.retries == 0:
            return None
        spent = len(counted) > self._limits.retries
        if not self._is_free(last) and (spent or not self._may_retry(last)):
            return None
        return pause(step.tries, give_up_at - self._tools.clock(), self._tools.random)
