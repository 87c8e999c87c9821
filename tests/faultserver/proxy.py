"""A small CONNECT proxy, to show what goes through one and what does not."""

import contextlib
import socket
import threading

from .listener import Listener
from .wire import LIMITS, LOOPBACK, Limits, Request, Wire, read_request

ESTABLISHED = b"HTTP/1.1 200 Connection established\r\n\r\n"
NOT_A_WEB_PROXY = b"HTTP/1.1 405 Method Not Allowed\r\nContent-Length: 0\r\n\r\n"
# What a proxy may say instead; None is silence. After any of these, the request was not sent.
PROXY_REFUSALS: dict[str, bytes | None] = {
    "403": b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n",
    "407": b"HTTP/1.1 407 Proxy Authentication Required\r\n"
    b'Proxy-Authenticate: Basic realm="office"\r\nContent-Length: 0\r\n\r\n',
    "502": b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n",
    "503": b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n",
    "redirect": b"HTTP/1.1 302 Found\r\nLocation: http://127.0.0.1:9/\r\n\r\n",
    "cut": b"HTTP/1.1 20",
    "garbage": bytes(range(256)),
    "close": b"",
    "hang": None,
}


class ConnectProxy(Listener):
    """Tunnels every CONNECT to one address on loopback, whatever name was asked for.

    The name that is asked for need not resolve; it has to be in the server's certificate.

    Attributes:
        requests: what was asked of the proxy itself.
        relayed: the bytes that clients sent through it, as they went over the wire.
    """

    def __init__(
        self,
        to: tuple[str, int],
        *,
        answer: bytes | None = ESTABLISHED,
        limits: Limits = LIMITS,
    ) -> None:
        super().__init__(limits)
        self.requests: list[Request] = []
        self.relayed = b""
        self._to = to
        self._answer = answer

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.port}"

    def serve(self, wire: Wire, number: int) -> None:
        request = read_request(wire, number, 1)
        self.requests.append(request)
        if request.method != "CONNECT":
            wire.send(NOT_A_WEB_PROXY)
        elif self._answer is None:
            wire.hang()
        elif self._answer != ESTABLISHED:
            wire.send(self._answer)
        else:
            self._tunnel(wire)

    def _tunnel(self, wire: Wire) -> None:
        upstream = Wire(socket.create_connection(self._to), self._stop, self._limits)
        wire.send(ESTABLISHED)
        back = threading.Thread(target=self._pump_back, args=(upstream, wire))
        back.start()
        try:
            while data := wire.receive():
                self.relayed += data
                upstream.send(data)
        finally:
            upstream.interrupt()
            back.join()
            upstream.finish()

    @staticmethod
    def _pump_back(upstream: Wire, wire: Wire) -> None:
        with contextlib.suppress(OSError):
            while data := upstream.receive():
                wire.send(data)
        wire.interrupt()
