"""The pace of a run: how many rows start a second, and how a limit of the server slows all."""

import threading
import time
from collections import deque
from collections.abc import Callable

from kabelwerk_cli import errors
from kabelwerk_cli.delivery.verdicts import Ending, Verdict

PAUSE = 0.5
"""How long to wait after a 429 that does not say how long, in seconds."""
WINDOW = 1.0
"""A server has answered at the rate of this many last seconds when it says that it is too much."""
MARGIN = 0.95
"""Which part of that rate the run goes on with: requests do not arrive at even distances."""
DOUBLED_AFTER = 60.0
"""Seconds without a 429 after which the rate has doubled. It rises slowly at first, then faster."""


class StartRate:
    """Lets rows start at even distances, as `--rate` says.

    Args:
        per_second: how many rows may start in a second; None if there is no limit.
        clock: returns the monotonic time in seconds.
    """

    def __init__(self, per_second: float | None, clock: Callable[[], float]) -> None:
        self._distance = 1 / per_second if per_second else 0.0
        self._clock = clock
        self._start = 0.0

    def take_turn(self) -> None:
        """Take the next moment to start."""
        self._start = max(self._start + self._distance, self._clock())

    @property
    def left(self) -> float:
        """Seconds until the moment that was taken."""
        return self._start - self._clock()


class Pace:
    """Lets requests start, one at a time, as fast as the server takes them.

    Without a 429, it holds up nothing. After one, nothing starts until the time that the server
    asked for is over; then at most as many requests a second start as were answered in the second
    before.

    Args:
        wait: waits some seconds; returns whether nothing more is to be sent.
        clock: returns the monotonic time in seconds.
    """

    def __init__(
        self, wait: Callable[[float], bool], clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._wait = wait
        self._clock = clock
        self._lock = threading.Lock()
        self._answered: deque[float] = deque()
        self._limited_at: float | None = None
        """When the server said that it was too much; None before it ever did."""
        self._resume_at = self._next_start = 0.0
        self._rate: float | None = None
        """Requests a second after the pause; None until it is over."""

    def take_turn(self) -> bool:
        """Wait until a request may start; return whether nothing more is to be sent."""
        while (left := self._reserve()) > 0:
            if self._wait(left):
                return True
        return False

    def note(self, verdict: Verdict) -> None:
        """Take the verdict on a request into account, whichever row it was for."""
        with self._lock:
            now = self._clock()
            if verdict.error is errors.RateLimited:
                self._slow_down(now, verdict.retry_after or PAUSE)
            elif verdict.ending is not Ending.NOT_SENT:
                self._answered.append(now)
                if now >= self._resume_at:
                    self._forget(now)

    def _slow_down(self, now: float, wait: float) -> None:
        if now >= self._resume_at:  # otherwise it was in flight when the server said so first
            self._forget(now)
            self._limited_at, self._rate = now, None
        self._resume_at = max(self._resume_at, now + wait)

    def _reserve(self) -> float:
        """Take the next free moment to start; return the seconds until then, or to ask again."""
        with self._lock:
            now = self._clock()
            if self._limited_at is None:
                return 0.0
            if self._rate is None and now >= self._resume_at:
                # with the answers that were under way when the pause began
                self._rate = max(len(self._answered) * MARGIN / WINDOW, 1.0)
                self._next_start = self._resume_at
            start = self._resume_at if self._rate is None else self._next_start
            if now < start or self._rate is None:
                return start - now
            quiet = now - self._resume_at
            rate = self._rate * (1 + (quiet / DOUBLED_AFTER) ** 3)
            # a moment that nobody used may be made up for, but not more
            self._next_start = max(start, now - 1 / rate) + 1 / rate
            return 0.0

    def _forget(self, now: float) -> None:
        while self._answered and self._answered[0] <= now - WINDOW:
            self._answered.popleft()
