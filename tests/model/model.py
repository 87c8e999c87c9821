"""The state behind a lock, and the routing of requests to endpoints.

Each path segment is decoded exactly once, so that a key which was encoded wrongly ends up as
another key, where a test can see it.
"""

import json
import threading
from urllib.parse import unquote

from tests.operations import CALLS

from .endpoints import BAD_REQUEST, NOT_FOUND, Answer
from .state import Message, Room, State, User, seeded

PREFIX = "/api/"


class Model:
    """Answers requests. Each one works on a copy of the state that is kept or thrown away."""

    def __init__(self, state: State | None = None) -> None:
        self._state = state or seeded()
        self._lock = threading.Lock()

    def handle(self, method: str, target: str, body: bytes, *, apply: bool = True) -> Answer:
        """Answer a request; with `apply=False`, answer the same and change nothing."""
        with self._lock:
            state = self._state.copy()
            answer = _route(state, method, target, body)
            if apply:
                self._state = state
            return answer

    def snapshot(self) -> State:
        """The state at this moment, which later requests do not change."""
        with self._lock:
            return self._state.copy()

    @property
    def users(self) -> dict[str, User]:
        return self.snapshot().users

    @property
    def rooms(self) -> dict[tuple[str, str], Room]:
        return self.snapshot().rooms

    @property
    def messages(self) -> list[Message]:
        return self.snapshot().messages


def _route(state: State, method: str, target: str, body: bytes) -> Answer:
    try:
        segments = _segments(target)
        sent = json.loads(body) if body else {}
    except (ValueError, RecursionError):
        return BAD_REQUEST
    if not isinstance(sent, dict):
        return BAD_REQUEST
    for call in CALLS.values():
        path = _match(call.request.path, segments)
        if method == call.method and path is not None:
            return call.request.endpoint(state, path, sent)
    return NOT_FOUND


def _segments(target: str) -> list[str]:
    """What is below the API's prefix, each segment decoded once; nothing for other paths."""
    path, _, _ = target.partition("?")
    if not path.startswith(PREFIX):
        return []
    return [unquote(segment, errors="strict") for segment in path.removeprefix(PREFIX).split("/")]


def _match(pattern: str, segments: list[str]) -> dict[str, str] | None:
    """What the pattern's names in braces stand for, or None where the path is another one."""
    names = pattern.split("/")
    if len(names) != len(segments):
        return None
    pairs = list(zip(names, segments, strict=True))
    if any(name != segment for name, segment in pairs if not name.startswith("{")):
        return None
    return {name.strip("{}"): segment for name, segment in pairs if name.startswith("{")}
