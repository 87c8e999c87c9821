"""What a transport takes and gives: one request, one answer, and what is known in between."""

from collections.abc import Callable, Mapping
from typing import NamedTuple, Protocol


class Request(NamedTuple):
    """One HTTP request, complete but for the address of the backend."""

    method: str
    path: str
    """The path below the API's address, percent-encoded."""
    headers: Mapping[str, str]
    body: bytes | None
    fresh: bool
    """Whether it must not go out on a connection that was used before."""


class Answer(NamedTuple):
    """One HTTP answer, read to its end."""

    status: int
    reason: str
    """The status line's text."""
    headers: Mapping[str, str]
    """The headers, their names in lower case."""
    body: bytes
    """The body, at most `BODY_LIMIT` bytes of it."""
    oversize: bool = False
    """Whether the body was longer than `BODY_LIMIT`."""


BODY_LIMIT = 1024 * 1024
"""How much of an answer's body is read, in bytes."""


class Attempt:
    """What is known of one attempt while it is under way.

    `sent` is the one bit that separates "not sent" from "perhaps applied". A transport sets it
    before the first byte of the request goes out.

    Args:
        clock: returns the monotonic time in seconds.
        connect: how long the connection may take to come about, in seconds.
        total: how long the whole attempt may take, in seconds.
        request_id: what the attempt is called in the server's log.
    """

    def __init__(
        self, clock: Callable[[], float], connect: float, total: float, request_id: str = ""
    ) -> None:
        now = clock()
        self._clock = clock
        self._connected_by = now + min(connect, total)
        self._answered_by = now + total
        self.request_id = request_id
        self.sent = False

    def left(self) -> float:
        """Return the seconds left for what is under way.

        Raises:
            TimeoutError: there are none.
        """
        left = (self._answered_by if self.sent else self._connected_by) - self._clock()
        if left <= 0:
            raise TimeoutError("timed out")
        return left


class Failure(Exception):
    """An attempt that brought no whole answer; whether it was sent, the `Attempt` tells.

    Attributes:
        reason: what happened, as the second half of a sentence.
        untrusted: whether the server's certificate was the reason.
        timed_out: whether the time limit was the reason.
    """

    def __init__(self, reason: str, *, untrusted: bool = False, timed_out: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.untrusted = untrusted
        self.timed_out = timed_out


class Transport(Protocol):
    """Carries a request to a backend."""

    def carry(self, request: Request, attempt: Attempt) -> Answer:
        """Send `request` and return the whole answer.

        Raises:
            Failure: there is no whole answer.
        """
        ...

    def close(self) -> None:
        """Let go of every connection."""
        ...
