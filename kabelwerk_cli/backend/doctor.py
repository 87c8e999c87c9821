"""`kabelwerk doctor`: checks of a backend, which change nothing."""

import ipaddress
import socket
import ssl
import time
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from kabelwerk_cli import errors
from kabelwerk_cli.config.resolve import Settings
from kabelwerk_cli.config.settings import MAX_TIME, OUTPUT, TIMEOUT
from kabelwerk_cli.config.token import advise_on_token, find_token, read_token
from kabelwerk_cli.delivery.sender import Limits
from kabelwerk_cli.network.reasons import NoHandshake, explain
from kabelwerk_cli.network.sockets import look_up, open_socket, timed
from kabelwerk_cli.network.transport import environment_proxies, tls_context
from kabelwerk_cli.network.url import Address
from kabelwerk_cli.network.wire import Attempt
from kabelwerk_cli.output import Color, Format
from kabelwerk_cli.terminal.console import Listing
from kabelwerk_cli.terminal.run_record import RunRecord
from kabelwerk_cli.terminal.session import Session
from kabelwerk_cli.words import capitalized

from .backends import Network, backend_and_profile, resolve_backend, trust
from .checks import Check, Outcome
from .connect import tell_about_files
from .probe import UNREACHABLE, probe
from .request_log import Observer, observer

PORTS = {"https": 443, "http": 80}
AN_INSTANT = 0.001
BELOW = "see the error below"
"""The detail of a failed check on a terminal, where the error itself follows."""
VERDICTS = {
    ("outcome", "ok"): Color.GREEN,
    ("outcome", "failed"): Color.RED,
    ("outcome", "skipped"): Color.YELLOW,
}


def doctor(session: Session) -> None:
    """Check settings, host name, connection, TLS, API and token, in this order, and show it.

    Checks after the first failure are skipped.

    Raises:
        KabelwerkError: the first failure.
    """
    session.console.check_fields(Check)
    tell_about_files(session)
    checks: list[Check] = []
    failed: tuple[str, errors.KabelwerkError] | None = None
    below = session.settings[OUTPUT] is Format.TABLE and session.console.is_shown
    examination = Examination(session.settings, session.run_record, observer(session))
    for name in CHECKS:
        if failed:
            checks.append(Check(name, "skipped", None, f"'{failed[0]}' failed"))
            continue
        started = time.monotonic()
        outcome: Outcome = "ok"
        try:
            detail = getattr(examination, name)()
        except NotNeeded as reason:
            checks.append(Check(name, "skipped", None, str(reason)))
            continue
        except errors.KabelwerkError as error:
            outcome, failed = "failed", (name, error)
            detail = BELOW if below else str(error)
        checks.append(Check(name, outcome, round((time.monotonic() - started) * 1000, 1), detail))
    session.console.show(Listing(Check, checks, colors=VERDICTS))
    if failed:
        raise failed[1]


CHECKS = ("settings", "name", "connection", "tls", "api", "token")
"""The checks, in their order; each is a method of `Examination`."""


class NotNeeded(Exception):
    """There is nothing to check; the message says why."""


class Examination:
    """Checks a backend, step by step; later steps use what earlier ones found.

    Each step returns the finding in words, or raises a KabelwerkError or `NotNeeded`.

    Args:
        settings: the settings.
        run_record: records that a call is sent.
        observe: called after each attempt.
    """

    def __init__(self, settings: Settings, run_record: RunRecord, observe: Observer) -> None:
        self._settings = settings
        self._run_record = run_record
        self._observe = observe
        # one time limit for all checks together
        self._give_up_at = time.monotonic() + settings[MAX_TIME]
        self._token = ""
        self._address: Address | None = None
        self._proxy = ""
        self._peer = ("", 0)
        self._found: list[Any] = []
        self._rejected: errors.AuthenticationError | None = None
        self._attempt = self._begin()

    def settings(self) -> str:
        """Check the settings, and read the token: a pipe can be read only once."""
        settings = self._settings
        backend = resolve_backend(settings)
        if not isinstance(backend, Network):
            return f"{backend_and_profile(settings)}; no token needed"
        address = self._address = backend.address
        self._token = read_token(settings)
        self._peer = address.host, address.port or PORTS[address.scheme]
        if proxy := environment_proxies(address, settings.environ).get("https"):
            self._peer = _address_of(proxy)
            self._proxy = "{}:{}".format(*self._peer)
        source = find_token(settings)
        return f"{backend_and_profile(settings)}, token from {source.name if source else 'nowhere'}"

    def name(self) -> str:
        """Look the host name up, or the proxy's."""
        self._network()
        host, port = self._peer
        try:
            self._found = look_up(host, port, self._begin().left())
        except OSError as error:
            raise self._unreachable(error) from None
        if _is_address(host):
            raise NotNeeded(f"{host} is an IP address")
        addresses = list(dict.fromkeys(found[4][0] for found in self._found))
        return f"{self._who(host)} resolves to {', '.join(addresses)}"

    def connection(self) -> str:
        """Connect to the host, or to the proxy."""
        self._network()
        with self._connect():
            return f"{self._who(self._peer[0])} accepts connections on port {self._peer[1]}"

    def tls(self) -> str:
        """Check the certificate."""
        if self._network().scheme != "https":
            raise NotNeeded("the URL starts with http://")
        if self._proxy:
            raise NotNeeded("'api' checks the certificate, through the proxy")
        context = tls_context(trust(self._settings))
        context.sslsocket_class = timed(ssl.SSLSocket, self._begin())
        with self._connect() as connection:
            try:
                with context.wrap_socket(connection, server_hostname=self._peer[0]) as secured:
                    ends = str((secured.getpeercert() or {})["notAfter"])
            except TimeoutError:
                raise self._unreachable(NoHandshake()) from None
            except OSError as error:
                raise self._unreachable(error) from None
        day = datetime.fromtimestamp(ssl.cert_time_to_seconds(ends), UTC).date()
        return f"the certificate is trusted and valid until {day}"

    def api(self) -> str:
        """Check that it is the API, with a call that cannot change anything."""
        try:
            probe(self._limits(), self._token, self._run_record, self._observe)
        except errors.AuthenticationError as error:
            self._rejected = error
        return "responds like the Kabelwerk API"

    def token(self) -> str:
        """Report what the API said about the token."""
        if self._address is None:
            raise NotNeeded("the sandbox needs no token")
        if error := self._rejected:
            raise error.with_advice(advise_on_token(self._settings))
        return "the server accepts the token"

    def _network(self) -> Address:
        if self._address is None:
            raise NotNeeded("the sandbox runs in this process")
        return self._address

    def _who(self, host: str) -> str:
        return f"the proxy {host}" if self._proxy else host

    def _limits(self) -> Settings:
        """Return the settings with the time that is left."""
        left = max(self._give_up_at - time.monotonic(), AN_INSTANT)
        limit = min(self._settings[TIMEOUT], left)
        return self._settings.with_option(MAX_TIME, left).with_option(TIMEOUT, limit)

    def _begin(self) -> Attempt:
        """Begin the time limits of an attempt."""
        total = self._limits()[TIMEOUT]
        self._attempt = Attempt(time.monotonic, Limits().connect, total, limit=f"{total:.3g} s")
        return self._attempt

    def _connect(self) -> socket.socket:
        try:
            return open_socket(*self._peer, self._begin())
        except OSError as error:
            raise self._unreachable(error) from None

    def _unreachable(self, error: OSError) -> errors.ConnectionError:
        """Return the error for a failure, in the words of a call."""
        failure = explain(
            error,
            self._attempt,
            address=self._network(),
            proxy=self._proxy or None,
            trust=trust(self._settings),
        )
        return failure.error(f"{capitalized(failure.reason)}. {failure.advice or UNREACHABLE}")


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _address_of(proxy: str) -> tuple[str, int]:
    parts = urlsplit(proxy)
    return parts.hostname or "", parts.port or PORTS["http"]
