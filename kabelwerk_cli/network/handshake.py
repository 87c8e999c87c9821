"""A TLS handshake that finds out whether the server speaks plain http instead.

Many servers that speak plain http take a handshake for the start of a request and wait for the
rest, so the client would wait, too.
"""

import contextlib
import socket
import ssl
from typing import Any

from .sockets import Deadline, timed

NOT_TLS = frozenset({"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "PACKET_LENGTH_TOO_LONG"})
"""What OpenSSL calls an answer that is not TLS."""
PATIENCE = 1.0
"""How long a server may be silent until it is asked whether it speaks plain http, in seconds."""


class PlainHttp(OSError):
    """The server speaks plain http on a port that should be for TLS."""


def suspicious(deadline: Deadline) -> Any:
    """Return a timed class of TLS sockets whose handshake raises `PlainHttp`."""

    class Suspicious(timed(ssl.SSLSocket, deadline)):  # type: ignore[misc]
        def do_handshake(self, block: bool = False) -> None:  # noqa: FBT001, FBT002 - as in ssl
            self.settimeout(min(PATIENCE, deadline.left()))
            try:
                super().do_handshake(block)
            except TimeoutError:
                self._ask()
                self.settimeout(deadline.left())
                super().do_handshake(block)
            except ssl.SSLError as error:
                if error.reason in NOT_TLS:
                    self._ask()
                raise

        def _ask(self) -> None:
            try:
                address = self.getpeername()
            except OSError:
                return  # closed by now
            if speaks_http(self.family, address, min(PATIENCE, deadline.left())):
                raise PlainHttp

    return Suspicious


def speaks_http(family: int, address: Any, limit: float) -> bool:
    """Tell whether a server answers a request without a token in plain http.

    Args:
        family: the family of its address.
        address: its address and port.
        limit: how many seconds it may take to connect, and to answer.
    """
    with contextlib.suppress(OSError), socket.socket(family) as connection:
        connection.settimeout(limit)
        connection.connect(address)
        connection.sendall(b"HEAD / HTTP/1.0\r\n\r\n")
        return connection.recv(5) == b"HTTP/"
    return False


def speaks_tls(family: int, address: Any, limit: float) -> bool:
    """Tell whether a server completes a TLS handshake, whatever its certificate is; see above."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE  # nothing is sent
    with contextlib.suppress(OSError), socket.socket(family) as connection:
        connection.settimeout(limit)
        connection.connect(address)
        with context.wrap_socket(connection):
            return True
    return False
