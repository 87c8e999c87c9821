"""What goes wrong on purpose: delays, error statuses, and requests that get no answer."""

import itertools
from collections.abc import Callable, Sequence
from typing import NamedTuple

RESET = "reset"
"""The connection is reset."""
TIMEOUT = "timeout"
"""There is no answer until the client gives up; the server's own limit ends the connection."""


class Fault(NamedTuple):
    """A kind of fault, and how often it strikes."""

    kind: int | str
    """An HTTP status, which is answered without doing anything; or `RESET` or `TIMEOUT`."""
    probability: float
    """From 0 to 1."""
    retry_after: int | None = None
    """The seconds in the header Retry-After of a status; None for no header."""


class Struck(NamedTuple):
    """A fault of one request."""

    fault: Fault
    applied: bool
    """Whether a request without an answer takes effect."""


class Unanswered(Exception):
    """A request that gets no answer; the server handles it.

    Attributes:
        reset: whether to reset the connection.
    """

    def __init__(self, *, reset: bool) -> None:
        super().__init__()
        self.reset = reset


class FaultInjector:
    """Draws the faults of requests.

    The faults of a request depend on the seed and on how many requests came before it, so the same
    sequence of requests has the same faults.

    Args:
        sleep: waits for some seconds.
        seed: what the faults depend on.
        latency: seconds before each response.
        faults: drawn in this order; the first one that strikes is the only one.
    """

    def __init__(
        self, sleep: Callable[[float], None], seed: int, latency: float, faults: Sequence[Fault]
    ) -> None:
        import random  # a completion does not need it

        self._random = random.Random
        self._sleep = sleep
        self._seed = seed
        self._latency = latency
        self._faults = faults
        self._numbers = itertools.count()

    def draw(self) -> Struck | None:
        """Delay a request, and return its fault, if any."""
        drawn = self._random(f"{self._seed} {next(self._numbers)}")
        struck = next((each for each in self._faults if drawn.random() < each.probability), None)
        if self._latency:
            self._sleep(self._latency)
        return struck and Struck(struck, applied=drawn.random() < 0.5)  # noqa: PLR2004 - half
