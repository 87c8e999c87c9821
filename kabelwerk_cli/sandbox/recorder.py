"""Keeping the latest requests and their answers in the database, without the token.

A request is only noted while it is answered. What was noted is written in one transaction twice a
second, which costs little; `kill -9` loses what was not written yet.
"""

import contextlib
import json
import re
import sqlite3
import threading
import time
from collections import deque
from collections.abc import Callable, Iterable
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote

from .database import StoreError, as_store_error, open_database, patiently
from .masking import Mask

App = Callable[..., Iterable[bytes]]

KEPT = 1000
"""How many requests are kept."""
KEPT_BYTES = 16 * 1024 * 1024
"""How much is kept of all bodies together, in bytes."""
BODY_LIMIT = 64 * 1024
"""How much is kept of one body, in bytes."""
MARGIN = 4096
"""How much more of a body is looked at, because the token may begin before the limit, in bytes."""
LINE_LIMIT = 2000
"""How much is kept of a path or a header, in characters."""
INTERVAL = 0.5
"""How often what was noted is written, in seconds."""
PATIENCE = 1.0
"""How long writing waits for other processes, in seconds, before it is put off."""
FAULT = "kabelwerk.fault"
"""Where the app leaves, in a request's environment, what it did wrong on purpose."""

_KEY_IN_PATH = re.compile(r"/api/(?:users|hubs/[^/?]+/rooms)/([^/?]+)")
_INSERT = """
INSERT INTO requests (at, method, path, key, status, duration_ms, fault, request_id, user_agent,
                      request_bytes, response_bytes, kept_bytes, request_body, response_body)
VALUES\
"""
_ROW = "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
_ROWS = 50
"""How many rows one statement inserts. At each statement, Python lets other threads go first, while
these wait for the transaction to end.
"""
_DELETE_OLD = "DELETE FROM requests WHERE id <= (SELECT max(id) FROM requests) - ?"
_DELETE_LARGE = """
DELETE FROM requests WHERE id <= (
    SELECT max(id) FROM (SELECT id, sum(kept_bytes) OVER (ORDER BY id DESC) AS size FROM requests)
    WHERE size > ?)
"""


class Noted(NamedTuple):
    """A request as it was answered; the times are in seconds, the sizes are those of all bodies."""

    at: float
    duration: float
    method: str
    path: str
    status: int | None
    fault: str | None
    request_id: str | None
    user_agent: str | None
    token: str
    request_size: int
    response_size: int
    request_body: bytes
    response_body: bytes


class RequestLog:
    """Writes the requests that are noted to the database. Any thread may use it.

    A failure to write may lose requests, but no answer: what a client asked for was done.

    Args:
        path: the database file, which is there.
        mask: has the API token, if there is only one.

    Raises:
        StoreError: the file cannot be used.
    """

    def __init__(self, path: Path, mask: Mask) -> None:
        self._path = path
        self._mask = mask
        self._noted: deque[Noted] = deque(maxlen=KEPT)  # older ones would be deleted at once
        self._rows: list[tuple[Any, ...]] = []  # which could not be written yet
        self._writing = threading.Lock()
        self._written_at = time.monotonic()
        self._stopped = threading.Event()
        with as_store_error(path):
            self._db = open_database(path, PATIENCE)

    def note(self, noted: Noted) -> None:
        """Keep a request in memory until it is written."""
        self._noted.append(noted)

    def write_if_due(self) -> None:
        """Write what was noted if the last time was a while ago."""
        if time.monotonic() - self._written_at > INTERVAL:
            self._write()

    def start(self) -> None:
        """Write again and again, in another thread, until the log is closed."""
        threading.Thread(target=self._run, daemon=True).start()

    def close(self) -> None:
        """Write what is left, and close the file."""
        self._stopped.set()
        self._write()
        with self._writing:
            self._db.close()

    def _run(self) -> None:
        while not self._stopped.wait(INTERVAL):
            self._write()

    def _write(self) -> None:
        with self._writing:
            self._written_at = time.monotonic()
            new = [_row(self._noted.popleft(), self._mask) for _ in range(len(self._noted))]
            self._rows = [*self._rows, *new][-KEPT:]
            if self._rows:
                with contextlib.suppress(StoreError), as_store_error(self._path):
                    patiently(lambda: self._db.execute("BEGIN IMMEDIATE"), PATIENCE)
                    _insert(self._db, self._rows)
                    self._rows = []


def _insert(db: sqlite3.Connection, rows: list[tuple[Any, ...]]) -> None:
    with db:
        for start in range(0, len(rows), _ROWS):
            some = rows[start : start + _ROWS]
            db.execute(_INSERT + ", ".join([_ROW] * len(some)), [*chain.from_iterable(some)])
        db.execute(_DELETE_OLD, (KEPT,))
        db.execute(_DELETE_LARGE, (KEPT_BYTES,))


def recorded(app: App, log: RequestLog) -> App:
    """Return an app that does as `app`, and notes requests and answers in a log."""

    def record(request: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        at, started = time.time(), time.perf_counter()
        size = int(request.get("CONTENT_LENGTH") or 0)
        sent, answer = b"", b""
        status, headers = None, {}
        if size:
            sent = request["wsgi.input"].read(BODY_LIMIT + MARGIN)
            request["wsgi.input"].seek(0)

        def start(line: str, fields: list[tuple[str, str]], *_: object) -> Any:
            nonlocal status, headers
            status, headers = int(line[:3]), dict(fields)
            return start_response(line, fields)

        try:
            chunks = app(request, start)
            answer = b"".join(chunks)
        finally:
            log.note(
                Noted(
                    at=at,
                    duration=time.perf_counter() - started,
                    method=request["REQUEST_METHOD"],
                    path=request["REQUEST_URI"],
                    status=status,
                    fault=request.get(FAULT),
                    request_id=headers.get("x-request-id"),
                    user_agent=request.get("HTTP_USER_AGENT"),
                    token=request.get("HTTP_KABELWERK_TOKEN", ""),
                    request_size=size,
                    response_size=len(answer),
                    request_body=sent,
                    response_body=answer[: BODY_LIMIT + MARGIN],
                )
            )
        return [answer]

    return record


def _row(noted: Noted, mask: Mask) -> tuple[Any, ...]:
    """Return what `_INSERT` takes."""
    mask = mask.also(noted.token)
    # Latin-1 keeps all bytes, and the token is ASCII, so it is found whatever the encoding is.
    bodies = [body.decode("latin-1") for body in (noted.request_body, noted.response_body)]
    lines = [noted.method, noted.path, noted.request_id or "", noted.user_agent or ""]
    if mask.finds("\n".join((*lines, *bodies))):
        lines, bodies = [mask(line) for line in lines], [mask(body) for body in bodies]
    method, path, request_id, user_agent = (line[:LINE_LIMIT] for line in lines)
    sizes = (noted.request_size, noted.response_size)
    sent, answered = (_kept(*body, mask) for body in zip(bodies, sizes, strict=True))
    return (
        noted.at,
        method,
        path,
        _key(path, sent),
        noted.status,
        round(noted.duration * 1000, 1),
        noted.fault,
        request_id or None,
        user_agent or None,
        noted.request_size,
        noted.response_size,
        len(sent) + len(answered),
        sent or None,
        answered or None,
    )


def _kept(body: str, size: int, mask: Mask) -> bytes:
    if size > BODY_LIMIT + MARGIN:  # a token may have begun where reading ended
        body = body[: max(0, len(body) - mask.longest)]
    return body[:BODY_LIMIT].encode("latin-1")


def _key(path: str, body: bytes) -> str | None:
    """Return the key of the user, or of the room's user, that a request is about."""
    if match := _KEY_IN_PATH.match(path):
        return unquote(match[1])
    if path != "/api/users":
        return None
    try:
        key = json.loads(body)["key"]
    except (ValueError, LookupError, TypeError, RecursionError):
        return None
    return key.encode(errors="replace").decode()[:LINE_LIMIT] if isinstance(key, str) else None
