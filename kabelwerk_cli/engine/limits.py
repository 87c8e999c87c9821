"""Keeps a batch from overloading a failing server: a retry quota and a circuit breaker."""

import threading

from kabelwerk_cli.delivery.error_messages import A_YEAR
from kabelwerk_cli.delivery.verdicts import HTTP_REJECTED, Verdict
from kabelwerk_cli.errors import (
    AuthenticationError,
    ConfigurationError,
    ConnectionError,  # noqa: A004 - the reference's name
    KabelwerkError,
    OutcomeUnknown,
    RateLimited,
    ServerError,
    UntrustedCertificate,
)
from kabelwerk_cli.journal.fate import Fate
from kabelwerk_cli.reporting.ending import Stop

QUOTA = 500
RETRY_COST = 5
TIMEOUT_COST = 10
DEAD_AFTER = 10
"""The run stops after this many consecutive server or network failures."""


class Quota:
    """Limits the retries of the whole run; each success without a retry gives some back."""

    def __init__(self) -> None:
        self._left = QUOTA
        self._lock = threading.Lock()

    def take(self, verdict: Verdict) -> bool:
        """Take the cost of a retry; return whether enough was left."""
        cost = TIMEOUT_COST if verdict.timed_out else RETRY_COST
        with self._lock:
            if self._left < cost:
                return False
            self._left -= cost
            return True

    def give_back(self) -> None:
        """Note a success without a retry."""
        with self._lock:
            self._left = min(self._left + 1, QUOTA)


class Breaker:
    """Decides when a run has to stop.

    Args:
        max_failures: how many rows may fail; None for any number.
        longest_wait: how long a row may take, in seconds.
    """

    def __init__(self, max_failures: int | None, longest_wait: float) -> None:
        self._max_failures = max_failures
        self._longest_wait = longest_wait
        self.is_proven = False
        """Whether the API has answered."""
        self.failure: KabelwerkError | None = None
        """How the server or the network failed last; None if it has worked since."""
        self._failures = self._dead = 0
        self._lock = threading.Lock()

    def watch(self, fate: Fate, error: KabelwerkError | None, last: Verdict | None) -> Stop | None:
        """Note the outcome of a row that was sent; return why the run has to stop, if it does.

        Args:
            fate: what became of the row.
            error: why it failed, if it did.
            last: the verdict on its last attempt, if there was one.
        """
        with self._lock:
            if last and last.is_of_the_api:
                self.is_proven = True
            if fate is Fate.DONE:
                self._dead, self.failure = 0, None
                return None
            self._failures += 1
            return self._of_answer(error, last) or self._verdict(error)

    def _of_answer(self, error: KabelwerkError | None, last: Verdict | None) -> Stop | None:
        """Return why the run has to stop, if a single answer says so."""
        if last and last.is_elsewhere and not self.is_proven:
            return Stop("this is probably not a Kabelwerk backend", error)
        asked = last.retry_after if last and last.error is RateLimited else None
        if asked is not None and asked > self._longest_wait:
            wait = f"{asked:.0f} s" if asked < A_YEAR else "for years"
            return Stop(f"the server asked to wait {wait}, which is longer than --max-time", error)
        return None

    def _verdict(self, error: KabelwerkError | None) -> Stop | None:
        if isinstance(error, AuthenticationError):
            status = f" ({error.report.status})" if error.report.status else ""
            return Stop(f"the server rejected the API token{status}", error)
        if isinstance(error, UntrustedCertificate):
            return Stop("the server's certificate is not trusted", error)
        if isinstance(error, ConfigurationError):
            return Stop("the settings do not allow it", error)
        if isinstance(error, (ConnectionError, ServerError)) and not _was_rejected(error):
            self._dead, self.failure = self._dead + 1, error
            if self._dead >= DEAD_AFTER:
                reason = f"the server or the network failed {DEAD_AFTER} times in a row"
                return Stop(reason, error)
        else:
            self._dead, self.failure = 0, None
        if self._max_failures is not None and self._failures > self._max_failures:
            rows = "row" if self._max_failures == 1 else "rows"
            return Stop(f"more than {self._max_failures} {rows} failed (--max-failures)")
        return None


def _was_rejected(error: KabelwerkError) -> bool:
    """Tell whether the server rejected a row whose outcome was unknown before."""
    return isinstance(error, OutcomeUnknown) and error.report.status in HTTP_REJECTED
