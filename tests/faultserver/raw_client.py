"""A client that shows what went over the wire, and how it ended."""

import contextlib
import http.client
import io
import re
import socket
import ssl
import time
from collections.abc import Iterator
from enum import StrEnum
from typing import NamedTuple, cast

from tests.operations import CALLS

from .fault import Fault, Step
from .server import FaultyServer

ENOUGH = 1 << 22  # bytes after which an answer counts as endless
PATIENCE = 2.0  # seconds
SOON = 0.1  # seconds after which a fault that says nothing counts as silent
WHOLE = re.compile(rb"HTTP/1\.1 \d{3} [^\r]*\r\n")  # an honest status line


class End(StrEnum):
    FIN = "fin"
    RESET = "reset"
    REFUSED = "refused"
    SILENCE = "silence"
    ENDLESS = "endless"


class Heard(NamedTuple):
    """All bytes of an answer, how it ended, and how long that took in seconds."""

    data: bytes
    end: End
    seconds: float

    def parsed(self, method: str = "POST") -> http.client.HTTPResponse:
        """The answer as Python's own client reads it."""
        response = http.client.HTTPResponse(
            cast("socket.socket", _Recorded(self.data)), method=method
        )
        response.begin()
        return response

    @property
    def head(self) -> bytes:
        return self.data.partition(b"\r\n\r\n")[0]

    @property
    def body(self) -> bytes:
        return self.data.partition(b"\r\n\r\n")[2]


class _Recorded:
    """The part of a socket that `HTTPResponse` uses."""

    def __init__(self, data: bytes) -> None:
        self._data = data

    def makefile(self, _mode: str) -> io.BytesIO:
        return io.BytesIO(self._data)


def request_bytes(operation: str, *headers: str) -> bytes:
    call = CALLS[operation]
    lines = [f"{call.method} {call.target} HTTP/1.1", "Host: kabelwerk.test", *headers]
    lines += [f"Content-Length: {len(call.body)}", "", ""]
    return "\r\n".join(lines).encode() + call.body


def ask(
    address: tuple[str, int],
    operation: str = "message",
    *,
    patience: float = PATIENCE,
    tls: ssl.SSLContext | None = None,
) -> Heard:
    """One request on a fresh connection that is to end with it, read to the end or to a bound."""
    data, began = b"", time.monotonic()
    sent = request_bytes(operation, "Connection: close")
    try:
        with connected(address, patience, tls) as sock:
            data, end = _read(sock, sent, began + patience)
    except ConnectionRefusedError:
        end = End.REFUSED
    except TimeoutError:
        end = End.SILENCE
    except ConnectionError:
        end = End.RESET
    return Heard(data, end, time.monotonic() - began)


@contextlib.contextmanager
def connected(
    address: tuple[str, int], patience: float = PATIENCE, tls: ssl.SSLContext | None = None
) -> Iterator[socket.socket]:
    with socket.create_connection(address, timeout=patience) as sock:
        if tls is None:
            yield sock
        else:
            with tls.wrap_socket(sock, server_hostname=address[0]) as encrypted:
                yield encrypted


def _read(sock: socket.socket, sent: bytes, until: float) -> tuple[bytes, End]:
    data = bytearray()
    try:
        sock.sendall(sent)
        while len(data) < ENOUGH:
            sock.settimeout(max(0.001, until - time.monotonic()))
            more = sock.recv(1 << 16)
            if not more:
                return bytes(data), End.FIN
            data += more
    except TimeoutError:
        return bytes(data), End.SILENCE
    except (ConnectionError, ssl.SSLError):
        return bytes(data), End.RESET
    return bytes(data), End.ENDLESS


def meet(fault: Fault, operation: str | None = None, *, patience: float | None = None) -> Heard:
    """What a client hears that meets this fault."""
    with FaultyServer([Step(fault)]) as server:
        return ask(
            server.address,
            operation or usual_operation(fault),
            patience=patience or (SOON if fault.slow else PATIENCE),
        )


def usual_operation(fault: Fault) -> str:
    return "message" if "message" in fault.operations else fault.operations[0]
