"""Sockets whose operations share one time limit, and how they are opened.

A socket's own time limit applies to a single read or write. Here, each waits no longer than the
time that is left for all of them; see `Deadline`.
"""

import errno
import http.client
import io
import ipaddress
import socket
from typing import Any, Protocol

from .time_limit import in_time


class Deadline(Protocol):
    """Knows how much time is left."""

    def left(self) -> float:
        """Return the remaining seconds.

        Raises:
            TimeoutError: there are none.
        """
        ...

    def looked_up(self) -> None:
        """Note that the host name is looked up: from here on, the limit is that to connect."""
        ...


TLS_RECORDS = (b"\x15\x03", b"\x16\x03")
"""How an alert and a handshake of TLS begin."""
LINE_LIMIT = 64 * 1024
"""The longest line in the headers of a response, in bytes."""
SLACK = 0.01
"""By which part of its limit a wait may be too long or short: a new limit is a system call."""


class NoAddress(TimeoutError):
    """The host name was not looked up in time."""


class NoConnection(TimeoutError):
    """No address of the host accepted the connection in time."""


class ExpectsTls(Exception):
    """The server answered a request in plain http with TLS."""


def timed(base: type, deadline: Deadline) -> Any:
    """Return a subclass of a socket class whose operations wait no longer than the time left."""
    return type(f"Timed{base.__name__}", (_Timed, base), {"deadline": deadline})


def _in_time(name: str) -> Any:
    def method(self: Any, *args: Any) -> Any:
        left = self.deadline.left()
        limit = self.gettimeout()
        if limit is None or abs(limit - left) > SLACK * left:
            self.settimeout(left)
        return getattr(super(_Timed, self), name)(*args)

    return method


class _Timed:
    deadline: Deadline
    recv = _in_time("recv")
    recv_into = _in_time("recv_into")
    send = _in_time("send")
    sendall = _in_time("sendall")

    def settimeout(self: Any, value: float | None, /) -> None:
        # urllib3 removes the limit before each request
        if value is not None:
            super().settimeout(value)  # type: ignore[misc]

    def makefile(self: Any, *args: Any, **kwargs: Any) -> io.BufferedReader:
        return _WholeLines(super().makefile(*args, **kwargs).detach())  # type: ignore[misc]


class _WholeLines(io.BufferedReader):
    """A reader that refuses a line without an end.

    http.client takes the end of the connection for the end of the headers, and so half a response
    for a whole one. urllib3 reads the size of a chunk without a limit.
    """

    def readline(self, size: int | None = -1, /) -> bytes:
        limit = LINE_LIMIT if size is None or size < 0 else size
        line = super().readline(limit)
        if line.endswith(b"\n") or (limit == size and len(line) == size):
            return line
        if line.startswith(TLS_RECORDS):
            raise ExpectsTls
        if len(line) == limit:
            raise http.client.LineTooLong("answer")
        raise ConnectionAbortedError(errno.ECONNABORTED, "connection closed by the server")


def open_socket(host: str, port: int, deadline: Deadline) -> socket.socket:
    """Return a timed socket, connected to the first of the host's addresses that accepts.

    Args:
        host: a name or an address.
        port: the port.
        deadline: knows the time left, now and for all later operations of the socket.

    Raises:
        OSError: no address accepts the connection in time.
    """
    failure: OSError = OSError("the host has no address")
    timed_socket = timed(socket.socket, deadline)
    addresses = look_up(host, port, deadline.left())
    deadline.looked_up()
    for tried, (family, kind, protocol, _, address) in enumerate(addresses):
        connection: socket.socket = timed_socket(family, kind, protocol)
        try:
            # a fair share, so that an address that is silent leaves time for the next one
            connection.settimeout(deadline.left() / (len(addresses) - tried))
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.connect(address)
            connection.settimeout(deadline.left())  # for the TLS handshake
        except OSError as error:
            connection.close()
            failure = NoConnection() if isinstance(error, TimeoutError) else error
        except BaseException:
            connection.close()
            raise
        else:
            return connection
    raise failure


class NotLoopback(Exception):
    """The other end of a connection is another machine; the message is its address."""


def check_loopback(connection: socket.socket) -> None:
    """Check that the other end of a connection is this machine, whatever the host is called.

    Raises:
        NotLoopback: it is not. The connection is closed.
        OSError: the other end has already closed it. The connection is closed.
    """
    try:
        host: str = connection.getpeername()[0]
        peer = ipaddress.ip_address(host)
        mapped = peer.ipv4_mapped if isinstance(peer, ipaddress.IPv6Address) else None
        if not (mapped or peer).is_loopback:
            raise NotLoopback(host)  # noqa: TRY301 - what follows is for any error
    except BaseException:
        connection.close()
        raise


def look_up(host: str, port: int, limit: float) -> list[Any]:
    """Return the host's addresses, like `socket.getaddrinfo`, which has no time limit of its own.

    Args:
        host: a name or an address.
        port: the port.
        limit: how many seconds it may take.

    Raises:
        OSError: there are none, or it took too long.
    """
    try:
        return in_time(lambda: socket.getaddrinfo(host, port, type=socket.SOCK_STREAM), limit)
    except TimeoutError:
        raise NoAddress from None
    except UnicodeError:
        raise socket.gaierror(socket.EAI_NONAME, "not a valid host name") from None
