"""A Kabelwerk server that misbehaves by a script, on real sockets, and records everything."""

import itertools
import ssl
from collections.abc import Iterable

from tests.model.endpoints import UNAUTHORIZED, Answer
from tests.model.model import Model

from .fault import HONEST, Exchange, Fault, Moment, Script, Step
from .listener import Listener
from .wire import LIMITS, LOOPBACK, Limits, Request, Wire, read_request


class FaultyServer(Listener):
    """Serves the model, but for the faults of its script.

    Attributes:
        model: the backend's state, to assert effects on.
        requests: each request that was read, in order.
        attempts: for each attempt that was seen, the name of the fault it met, or "honest"; also
            counts those that ended before their request was read.
        failed_handshakes: for each connection that did not get through TLS, the reason.
    """

    def __init__(
        self,
        script: Iterable[Step] = (),
        *,
        model: Model | None = None,
        token: str | None = None,
        tls: ssl.SSLContext | None = None,
        limits: Limits = LIMITS,
    ) -> None:
        super().__init__(limits)
        self.model = model or Model()
        self.requests: list[Request] = []
        self.attempts: list[str] = []
        self.failed_handshakes: list[str] = []
        self._script = Script(script)
        self._token = token
        self._tls = tls

    @property
    def url(self) -> str:
        return f"{'https' if self._tls else 'http'}://{LOOPBACK}:{self.port}"

    @property
    def plain_url(self) -> str:
        """The address with http, also where the server expects TLS."""
        return f"http://{LOOPBACK}:{self.port}"

    @property
    def encrypted_url(self) -> str:
        """The address with https, also where the server expects plain text."""
        return f"https://{LOOPBACK}:{self.port}"

    def open(self) -> None:
        super().open()
        self._obstruct()

    def follow(self, script: Iterable[Step]) -> None:
        """Follow another script from here on."""
        self._script = Script(script)
        self._obstruct()

    def serve(self, wire: Wire, number: int) -> None:
        if step := self._take(Moment.ACCEPT, reused=False):
            self._play(step.fault, Exchange(wire))
            return
        if self._tls and not self._handshake(wire, self._tls):
            return
        for count in itertools.count(1):
            if not wire.waits() or not self._exchange(wire, number, count):
                break

    def _handshake(self, wire: Wire, context: ssl.SSLContext) -> bool:
        try:
            wire.encrypt(context)
        except OSError as error:
            self.failed_handshakes.append(str(error))
            return False
        return True

    def _exchange(self, wire: Wire, connection: int, number: int) -> bool:
        """One request and its answer; whether another may follow on this connection."""
        reused = number > 1
        if step := self._take(Moment.UNREAD, reused=reused):
            return self._play(step.fault, Exchange(wire))
        request = read_request(wire, connection, number)
        self.requests.append(request)
        if not request.complete:
            return False
        step = self._take(Moment.ANSWER, request, reused=reused)
        answer = self._answer(request, apply=step is None or bool(step.applied))
        fault = step.fault if step else HONEST
        return self._play(fault, Exchange(wire, request, answer, self._last(request)))

    def _play(self, fault: Fault, exchange: Exchange) -> bool:
        """Count the attempt, whose effect is in the model by now, and misbehave."""
        self.attempts.append(fault.name)
        return bool(fault.act(exchange))

    def _answer(self, request: Request, *, apply: bool) -> Answer:
        if self._token is not None and request.header("Kabelwerk-Token") != self._token:
            return UNAUTHORIZED
        return self.model.handle(request.method, request.target, request.body, apply=apply)

    def _last(self, request: Request) -> bool:
        """Whether a connection ends with this request; nothing lingers where nobody listens."""
        asked = (request.header("Connection") or "").lower() == "close"
        return asked or self._socket is None

    def _take(self, moment: Moment, request: Request | None = None, *, reused: bool) -> Step | None:
        step = self._script.take(moment, request, reused=reused)
        if step:
            self._obstruct()  # before the client learns that it has to come back
        return step

    def _obstruct(self) -> None:
        fault = self._script.connect_fault()
        if fault and self._socket:
            fault.act(self)
