"""A model with what stands before a real server: a firewall that dislikes texts, a rate limit."""

import json
import threading
import time
from collections import Counter, deque

from tests.model.endpoints import Answer, answer_json
from tests.model.model import Model
from tests.model.state import populated

from .invariants import Line

PAGE = b"<!DOCTYPE html><title>Forbidden</title><p>Your request was blocked.</p>"
BLOCKED = Answer(403, (("Content-Type", "text/html"),), PAGE)
TOO_MANY = answer_json(429, {"errors": {"detail": "Too Many Requests"}})
EACH = 4
"""The firewall dislikes one of so many values."""
MOST = 2
WINDOW = 0.4
"""The rate limit is so many requests in so many seconds."""


def is_disliked(line: Line) -> bool:
    """Tell whether the firewall dislikes a row."""
    number = line.value.lstrip("v").rstrip(".")
    return number.isdigit() and int(number) % EACH == 0


class GuardedModel(Model):
    """A model that keeps what was applied, in order, behind a firewall and a rate limit.

    Args:
        targets: how many users there are.

    Attributes:
        effects: the rows that were applied.
        has_firewall: whether a value may be answered with a page.
        waits: the `Retry-After` of the rate limit, empty for none of them; None for no limit.
        refused: how many requests the firewall, and the rate limit, has answered.
    """

    def __init__(self, targets: int) -> None:
        super().__init__(populated(targets))
        self.effects: list[Line] = []
        self.has_firewall = False
        self.waits: str | None = None
        self.refused = Counter[str]()
        self._taken: deque[float] = deque()
        self._guard = threading.Lock()

    def handle(self, method: str, target: str, body: bytes, *, apply: bool = True) -> Answer:
        """Answer a request, unless the firewall or the rate limit does."""
        line = line_of(target, body)
        with self._guard:
            if self.has_firewall and is_disliked(line):
                self.refused["firewall"] += 1
                return BLOCKED
            if self.waits is not None and not self._admits(time.monotonic()):
                self.refused["rate limit"] += 1
                after = (("Retry-After", self.waits),) if self.waits else ()
                return TOO_MANY._replace(headers=(*TOO_MANY.headers, *after))
        answer = super().handle(method, target, body, apply=apply)
        if apply and answer.status < 300:
            self.effects.append(line)
        return answer

    def _admits(self, now: float) -> bool:
        while self._taken and self._taken[0] < now - WINDOW:
            self._taken.popleft()
        if len(self._taken) >= MOST:
            return False
        self._taken.append(now)
        return True


def line_of(target: str, body: bytes) -> Line:
    """The row that a request is for."""
    sent = json.loads(body) if body else {}
    words = target.split("/")
    key = words[5] if "rooms" in words else sent.get("key") or words[3]
    value = sent.get("text") or sent.get("name") or (sent.get("attributes") or {}).get("v", "")
    return Line(key, value.rstrip("."))
