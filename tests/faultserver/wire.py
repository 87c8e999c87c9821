"""Sockets with bounds, and as much HTTP as a misbehaving server needs.

Nothing of `http.server` is used: it would refuse to write most of what a fault has to write.
"""

import contextlib
import json
import socket
import ssl
import struct
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, NamedTuple

from tests.model.endpoints import Answer

LOOPBACK = "127.0.0.1"
CHUNK = 1 << 16
HEAD_LIMIT = 1 << 16
BODY_LIMIT = 1 << 23
RESET_ON_CLOSE = struct.pack("ii", 1, 0)
LAST_WORDS = 1.0  # seconds that a peer gets to read and to close after our FIN


class Limits(NamedTuple):
    """What one connection may cost: seconds in all, bytes that are sent."""

    seconds: float = 30.0
    bytes: int = 1 << 28


LIMITS = Limits()


@dataclass(frozen=True)
class Request:
    """A request as it came; `complete` is False where its head or its body was cut off.

    `connection` counts the server's connections, `number` the requests on that connection.
    """

    method: str
    target: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    connection: int
    number: int
    time: float
    complete: bool
    raw: bytes

    def header(self, name: str) -> str | None:
        """The first header of that name, in any case."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Wire:
    """One connection. Any bound that is reached, and the server's stop, is an OSError."""

    def __init__(self, sock: socket.socket, stop: threading.Event, limits: Limits) -> None:
        self._sock = sock
        self._stop = stop
        self._ends = time.monotonic() + limits.seconds
        self._budget = limits.bytes
        self._buffer = b""
        self.received = b""
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # one write, one packet

    def encrypt(self, context: ssl.SSLContext) -> None:
        self._arm()
        # In two steps, so that `interrupt` finds the right socket during the handshake.
        self._sock = context.wrap_socket(
            self._sock, server_side=True, do_handshake_on_connect=False
        )
        self._sock.do_handshake()

    def send(self, data: bytes) -> None:
        for start in range(0, len(data), CHUNK):
            piece = data[start : start + CHUNK]
            self._budget -= len(piece)
            if self._budget < 0:
                raise TimeoutError("this connection has sent its share of bytes")
            self._arm()
            self._sock.sendall(piece)

    def repeat(self, data: bytes) -> None:
        """Send the same data until the peer leaves or a limit is reached."""
        block = data * max(1, CHUNK // len(data))
        while True:
            self.send(block)

    def drip(self, data: bytes, interval: float) -> None:
        for byte in data:
            self.send(bytes([byte]))
            self.pause(interval)

    def pause(self, seconds: float) -> None:
        self._arm()
        self._stop.wait(seconds)

    def hang(self) -> None:
        """Neither send nor read until the peer leaves."""
        while self.receive():
            pass

    def waits(self) -> bool:
        """Wait for the peer's next byte without taking it; False if the peer left instead."""
        if self._buffer or (isinstance(self._sock, ssl.SSLSocket) and self._sock.pending()):
            return True
        self._arm()
        # The plain method, as an SSLSocket refuses to peek.
        return bool(socket.socket.recv(self._sock, 1, socket.MSG_PEEK))

    def receive(self, size: int = CHUNK) -> bytes:
        self._arm()
        data, self._buffer = self._buffer or self._sock.recv(size), b""
        return data

    def read_until(self, mark: bytes, limit: int) -> bytes:
        """The bytes up to and with the mark, or all there is if the mark never comes."""
        data = b""
        while mark not in data and len(data) < limit:
            more = self.receive()
            data += more
            if not more:
                break
        head, found, self._buffer = data.partition(mark)
        return head + found

    def read_exactly(self, size: int) -> bytes:
        """That many bytes, or fewer if the peer leaves."""
        data = b""
        while len(data) < size and (more := self.receive()):
            data += more
        self._buffer = data[size:]
        return data[:size]

    def reset(self) -> None:
        """End with a RST."""
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET_ON_CLOSE)
        self._sock.close()

    def stop_sending(self) -> None:
        """Send the FIN, and keep reading."""
        # The plain method: TLS is not asked, and says no goodbye.
        socket.socket.shutdown(self._sock, socket.SHUT_WR)

    def finish(self) -> None:
        """End with a FIN. Bytes left unread would turn it into a RST, so they are drained."""
        with contextlib.suppress(OSError):
            self.stop_sending()
            self._ends = min(self._ends, time.monotonic() + LAST_WORDS)
            self._arm()
            while socket.socket.recv(self._sock, CHUNK):
                self._arm()
        self._sock.close()

    def interrupt(self) -> None:
        """Wake whatever thread is blocked on this connection."""
        with contextlib.suppress(OSError):
            socket.socket.shutdown(self._sock, socket.SHUT_RDWR)

    def _arm(self) -> None:
        left = self._ends - time.monotonic()
        if self._stop.is_set() or left <= 0:
            raise TimeoutError("this connection's time is up")
        self._sock.settimeout(left)


def read_request(wire: Wire, connection: int, number: int) -> Request:
    """Read one request; whatever is not HTTP is kept in `raw`, with an empty method."""
    head = wire.read_until(b"\r\n\r\n", HEAD_LIMIT)
    first, _, rest = head.decode("latin-1").partition("\r\n")
    method, target = (*first.split(" "), "", "")[:2] if " HTTP/1." in first else ("", "")
    headers = tuple(
        (name.strip(), value.strip())
        for name, colon, value in (line.partition(":") for line in rest.split("\r\n"))
        if colon and method
    )
    request = Request(
        method, target, headers, b"", connection, number, time.monotonic(), complete=False, raw=head
    )
    length = request.header("Content-Length") or "0"
    if not method or not head.endswith(b"\r\n\r\n") or not length.isdecimal():
        return request
    size = min(int(length), BODY_LIMIT)
    body = wire.read_exactly(size)
    changed = {"body": body, "complete": len(body) == int(length), "raw": head + body}
    return Request(**{**vars(request), **changed})


def status_line(status: int) -> bytes:
    try:
        reason = HTTPStatus(status).phrase
    except ValueError:
        reason = "Unheard Of"
    return f"HTTP/1.1 {status} {reason}\r\n".encode()


def header_lines(headers: Iterable[tuple[str, str]]) -> bytes:
    return b"".join(f"{name}: {value}\r\n".encode("latin-1") for name, value in headers)


def render(answer: Answer, *extra: tuple[str, str]) -> bytes:
    """The answer's bytes, with a Content-Length where HTTP has one and none was given."""
    headers = (*answer.headers, *extra)
    known = {name.lower() for name, _ in headers}
    bodiless = answer.status < 200 or answer.status in {204, 304}
    if not bodiless and not known & {"content-length", "transfer-encoding"}:
        headers = (*headers, ("Content-Length", str(len(answer.body))))
    return status_line(answer.status) + header_lines(headers) + b"\r\n" + answer.body
