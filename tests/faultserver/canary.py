"""A server that must never receive a secret, and records every byte it receives."""

import ssl

from .listener import Listener
from .wire import LOOPBACK, Limits, Wire

BRIEF = Limits(seconds=10)
GOODBYE = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"


class Canary(Listener):
    """Records what it receives, in any protocol. HTTP clients get one answer."""

    def __init__(
        self,
        *,
        answer: bytes = GOODBYE,
        tls: ssl.SSLContext | None = None,
        limits: Limits = BRIEF,
    ) -> None:
        super().__init__(limits)
        self._answer = answer
        self._tls = tls
        self._heard: dict[int, bytes] = {}

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://{LOOPBACK}:{self.port}"

    @property
    def heard(self) -> list[bytes]:
        """What was received, one value per connection, silent ones included."""
        return list(self._heard.values())

    def saw(self, secret: str) -> bool:
        return any(secret.encode() in heard for heard in self.heard)

    def serve(self, wire: Wire, number: int) -> None:
        self._heard[number] = b""
        if self._tls:
            wire.encrypt(self._tls)
        while data := wire.receive():
            self._heard[number] += data
            if b"\r\n\r\n" in self._heard[number]:
                wire.send(self._answer)
                break
        # The body may still be on its way, and must be recorded.
        wire.stop_sending()
        while data := wire.receive():
            self._heard[number] += data
