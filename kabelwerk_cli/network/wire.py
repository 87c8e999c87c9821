"""What a transport gives back: an answer, or a failure; and what is known of an attempt."""

from collections.abc import Callable, Mapping
from typing import NamedTuple, Protocol

from kabelwerk_cli.errors import ConnectionError  # noqa: A004 - the reference's name

from .request import Request

LONGEST_WAIT = 2_000_000.0
"""The longest that a socket can be told to wait, in seconds: about 23 days."""


class Answer(NamedTuple):
    """One complete HTTP response."""

    status: int
    reason: str
    """The text in the status line."""
    headers: Mapping[str, str]
    """The headers, with names in lower case."""
    body: bytes
    """The body, or its first `Request.body_limit` bytes."""
    oversize: bool = False
    """Whether the body was longer than that."""


class Attempt:
    """The state of one attempt in progress.

    `sent` separates "not sent" from "possibly applied". A transport sets it before it sends the
    first byte of the request.

    Args:
        clock: returns the monotonic time in seconds.
        connect: time limit for connecting once the host name is looked up, in seconds.
        total: time limit for the whole attempt, in seconds.
        request_id: identifies the attempt in the server's log.
        limit: what set the total, in words.
    """

    def __init__(
        self,
        clock: Callable[[], float],
        connect: float,
        total: float,
        request_id: str = "",
        limit: str = "",
    ) -> None:
        self._clock = clock
        self._connect = connect
        self._answered_by = self._connected_by = clock() + total
        self._limit = limit or f"{total:g} s"
        self.request_id = request_id
        self.sent = False

    def left(self) -> float:
        """Return the seconds left: to connect, or once the request is being sent, to finish.

        Looking the host name up may take the whole time of the attempt: a name server that is down
        costs more than the limit to connect before the next one is asked.

        Raises:
            TimeoutError: no time is left.
        """
        left = (self._answered_by if self.sent else self._connected_by) - self._clock()
        if left <= 0:
            raise TimeoutError("timed out")
        return min(left, LONGEST_WAIT)

    def looked_up(self) -> None:
        """Note that the host name is looked up: the time to connect begins."""
        self._connected_by = min(self._clock() + self._connect, self._answered_by)

    @property
    def limit(self) -> str:
        """The limit that applies now, in words: that to connect, or that of the attempt."""
        if not self.sent and self._connected_by < self._answered_by:
            return f"{self._connect:g} s"
        return self._limit


class Failure(Exception):
    """An attempt without a complete answer. `Attempt.sent` says whether the request was sent.

    Attributes:
        reason: what happened, as the second half of a sentence.
        error: what to raise if the request was not sent.
        advice: what to do about it, as a sentence; empty for trying again.
        timed_out: whether the cause is the time limit.
        garbled: whether there was an answer that is not HTTP, or broke off.
    """

    def __init__(
        self,
        reason: str,
        error: type[ConnectionError] = ConnectionError,
        *,
        advice: str = "",
        timed_out: bool = False,
        garbled: bool = False,
    ) -> None:
        super().__init__(reason)
        self.reason = reason
        self.error = error
        self.advice = advice
        self.timed_out = timed_out
        self.garbled = garbled


class Transport(Protocol):
    """Carries a request to a backend."""

    def carry(self, request: Request, attempt: Attempt) -> Answer:
        """Send `request` and return the complete answer.

        Raises:
            Failure: there is no complete answer.
        """
        ...

    def close(self) -> None:
        """Close all connections."""
        ...
