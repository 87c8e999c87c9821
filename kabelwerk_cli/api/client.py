"""The client: sends a `Call`, and repeats it where the table in `repeats` says so."""

import os
import time
from collections.abc import Callable
from random import SystemRandom
from typing import NamedTuple

from .calls import Call, Ensure, Operation
from .errors import DoesNotExist
from .models import EnsuredUser, User
from .outcomes import Outcome, conclude, interruption
from .retries import may_repeat, pause
from .verdicts import Fate, Verdict, judge, judge_failure
from .wire import Attempt, Failure, Request, Transport

ODD = frozenset({Fate.UNKNOWN, Fate.ACKNOWLEDGED})


class Limits(NamedTuple):
    """How long a call may take, and how often it is tried."""

    connect: float = 5.0
    """Seconds for a connection to come about, name look-up and TLS included."""
    timeout: float = 20.0
    """Seconds for one attempt, to the last byte of its answer."""
    max_time: float = 60.0
    """Seconds for a call with all its attempts and pauses."""
    retries: int = 2
    """How many attempts may follow the first."""


class Attempted(NamedTuple):
    """What an observer is told after each attempt."""

    call: Call
    number: int
    """1 for the first attempt."""
    verdict: Verdict
    seconds: float
    """How long the attempt took."""
    pause: float | None
    """Seconds until the next attempt; None where there is none."""
    answer: str
    """The body of the answer as text, without the token; empty where there was none."""


class Tools(NamedTuple):
    """What a client takes from the world; tests give their own."""

    clock: Callable[[], float] = time.monotonic
    now: Callable[[], float] = time.time
    sleep: Callable[[float], None] = time.sleep
    random: Callable[[], float] = SystemRandom().random
    new_request_id: Callable[[], str] = lambda: os.urandom(16).hex()


class Client:
    """Sends calls to one backend.

    - An attempt has a time limit as a whole; so has the call with all its attempts.
    - A call that was not sent, or was turned away with 429, is tried again.
    - A call whose outcome is unknown is tried again, but never a message.
    - A `Retry-After` is obeyed where it fits the time that is left.
    - Redirects are never followed.

    Args:
        transport: carries the requests.
        token: the API token; empty where the backend needs none.
        user_agent: how the program names itself to the backend.
        limits: times and numbers of attempts.
        observe: is told of each attempt once it is over.
        may_retry: is asked before an attempt is repeated, besides the table.
        tools: clock, sleep and randomness.
    """

    def __init__(
        self,
        transport: Transport,
        *,
        token: str,
        user_agent: str,
        limits: Limits | None = None,
        observe: Callable[[Attempted], None] = lambda _: None,
        may_retry: Callable[[Verdict], bool] = lambda _: True,
        tools: Tools | None = None,
    ) -> None:
        self._transport = transport
        self._token = token
        self._user_agent = user_agent
        self._limits = limits or Limits()
        self._observe = observe
        self._may_retry = may_retry
        self._tools = tools or Tools()

    def send(self, operation: Call | Ensure, *, earlier: Verdict | None = None) -> Outcome:
        """Send a call until it is done, or nothing more may be tried.

        Args:
            operation: what to send.
            earlier: what an attempt long ago came to, if nobody knows whether it was applied.

        Returns:
            The outcome, known to be a success.

        Raises:
            KabelwerkError: one of the reference's five; its `report` says what may have happened.
            Interrupted: a KeyboardInterrupt came in between.
        """
        give_up_at = self._tools.clock() + self._limits.max_time
        if isinstance(operation, Ensure):
            return self._ensure(operation, give_up_at)
        return conclude(operation, self._attempts(operation, give_up_at), earlier)

    def _ensure(self, wanted: Ensure, give_up_at: float) -> Outcome:
        """Update; create who does not exist; update again who exists by now.

        A doubt about one call is resolved by the next: it does not matter who did it, as long as
        the user is there at the end with the name that was asked for.
        """
        updates = self._attempts(wanted.update, give_up_at)
        if updates[-1].error is not DoesNotExist or updates[-1].fate is not Fate.REJECTED:
            return _ensured(conclude(wanted.update, updates), "updated")
        creations = self._attempts(wanted.create, give_up_at)
        in_doubt = any(verdict.fate is Fate.UNKNOWN for verdict in creations)
        if creations[-1].fate is not Fate.DONE and (in_doubt or "key" in creations[-1].fields):
            repairs = self._attempts(wanted.update, give_up_at)
            if repairs[-1].fate is Fate.DONE:
                outcome = "created" if in_doubt else "updated"
                return _ensured(conclude(wanted.update, repairs), outcome)
        return _ensured(conclude(wanted.create, creations), "created")

    def _attempts(self, call: Call, give_up_at: float) -> list[Verdict]:
        """Return what each attempt came to, the last of them final."""
        history: list[Verdict] = []
        attempt: Attempt | None = None
        try:
            while True:
                started = self._tools.clock()
                attempt = self._new_attempt(give_up_at - started)
                verdict, body = self._try(call, attempt)
                history.append(verdict)
                attempt = None
                wait = self._wait_before_next(call, history, give_up_at)
                seconds = self._tools.clock() - started
                self._observe(Attempted(call, len(history), verdict, seconds, wait, body))
                if wait is None:
                    return history
                self._tools.sleep(wait)
        except KeyboardInterrupt as signal:
            in_flight = attempt is not None and attempt.sent
            raise interruption(call, history, in_flight=in_flight) from signal

    def _new_attempt(self, left: float) -> Attempt:
        return Attempt(
            self._tools.clock, self._limits.connect, total=min(self._limits.timeout, left)
        )

    def _try(self, call: Call, attempt: Attempt) -> tuple[Verdict, str]:
        """Return what an attempt came to, and the body of the answer."""
        request_id = self._tools.new_request_id()
        request = build_request(
            call, token=self._token, user_agent=self._user_agent, request_id=request_id
        )
        body = b""
        try:
            answer = self._transport.carry(request, attempt)
        except Failure as failure:
            verdict = judge_failure(failure, sent=attempt.sent)
        else:
            body = answer.body
            verdict = judge(call, answer, self._tools.now())
            if verdict.fate in ODD:
                # what is left on such a connection might be taken for the next call's answer
                self._transport.close()
        verdict = without_token(self._token, verdict)._replace(request_id=request_id)
        return verdict, hide(self._token, body.decode(errors="backslashreplace"))

    def _wait_before_next(
        self, call: Call, history: list[Verdict], give_up_at: float
    ) -> float | None:
        if len(history) > self._limits.retries or not may_repeat(call.operation, history[-1]):
            return None
        if not self._may_retry(history[-1]):
            return None
        return pause(history, give_up_at - self._tools.clock(), self._tools.random)


def build_request(call: Call, *, token: str, user_agent: str, request_id: str) -> Request:
    """Return a call as it travels (reference: wire-protocol, Address and headers).

    Args:
        call: what to send.
        token: the API token.
        user_agent: how the program names itself to the backend.
        request_id: what this attempt is called in the server's log.
    """
    return Request(
        method=call.method,
        path=call.path,
        headers={
            "Accept": "application/json",
            "Accept-Encoding": "identity",
            "Content-Type": "application/json",
            "Kabelwerk-Token": token,
            "User-Agent": user_agent,
            "X-Request-Id": request_id,
        },
        body=call.content(),
        # the server may just be closing a connection that was used before, which would make a
        # sure "not sent" of a message an "unknown"
        fresh=call.operation is Operation.POST_MESSAGE,
    )


def _ensured(outcome: Outcome, how: str) -> Outcome:
    user = outcome.record
    if not isinstance(user, User):
        return outcome
    return outcome._replace(record=EnsuredUser(user.id, user.key, user.name, how))


def hide(token: str, text: str) -> str:
    """Return `text` without the token, should a server have repeated it."""
    # what is shorter is no secret, but a part of common words
    return text.replace(token, "[token]") if len(token) >= 4 else text  # noqa: PLR2004


def without_token(token: str, verdict: Verdict) -> Verdict:
    """Return `verdict` without the token."""
    return verdict._replace(
        reason=hide(token, verdict.reason),
        fields={
            hide(token, name): [hide(token, message) for message in messages]
            for name, messages in verdict.fields.items()
        },
    )
