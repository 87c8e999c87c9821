"""Checking a backend step by step, changing nothing (see `calls.probe` for why that is sure)."""

import os
import socket
import ssl
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import NamedTuple
from urllib.parse import urlsplit

from kabelwerk_cli.api import calls
from kabelwerk_cli.api.client import Attempted
from kabelwerk_cli.api.errors import (
    AuthenticationError,
    ConnectionError,  # noqa: A004 - the reference's name
    DoesNotExist,
    KabelwerkError,
    OutcomeUnknown,
    ServerError,
    UntrustedCertificate,
    ValidationError,
)
from kabelwerk_cli.api.transport import environment_proxies, look_up, tls_context
from kabelwerk_cli.api.url import Address
from kabelwerk_cli.config.settings import CA_FILE, TIMEOUT, Settings
from kabelwerk_cli.config.token import read_token, token_source
from kabelwerk_cli.terminal.console import Listing
from kabelwerk_cli.terminal.session import Session

from .client import network_address, open_client
from .request_log import Observer, observer
from .sandbox import sandbox_path

HTTPS_PORT = 443
HTTP_PORT = 80


def _ignore(_: Attempted) -> None:
    pass


class Check(NamedTuple):
    """One step, and what came of it."""

    check: str
    """What was checked."""
    outcome: str
    """`ok`, `failed` or `skipped`."""
    milliseconds: float | None
    """How long it took."""
    detail: str
    """What was found."""


class Findings(NamedTuple):
    """All steps; those after the first failure are skipped."""

    checks: tuple[Check, ...]
    failure: KabelwerkError | None


Step = Callable[[], str]
"""Returns what it found, or raises a KabelwerkError."""


def doctor(session: Session) -> None:
    """Check everything, and show what came of it.

    Raises:
        KabelwerkError: the first failure.
    """
    findings = examine(session.settings, observer(session))
    session.console.show(Listing(Check, findings.checks))
    if findings.failure:
        raise findings.failure


def examine(settings: Settings, observe: Observer) -> Findings:
    """Check the settings, the name, the connection, TLS, the API and the token, in this order."""
    tokens: list[str] = []
    findings = _examine([("settings", lambda: _settings(settings, tokens))])
    if findings.failure:
        return findings  # there is nothing to check with
    others = _examine(_steps(settings, tokens[0], observe))
    return Findings(findings.checks + others.checks, others.failure)


def _examine(steps: Iterable[tuple[str, Step]]) -> Findings:
    checks: list[Check] = []
    failure: KabelwerkError | None = None
    for name, step in steps:
        if failure:
            checks.append(Check(name, "skipped", None, ""))
            continue
        started = time.monotonic()
        try:
            outcome, detail = "ok", step()
        except KabelwerkError as error:
            outcome, detail, failure = "failed", str(error), error
        checks.append(Check(name, outcome, round((time.monotonic() - started) * 1000, 1), detail))
    return Findings(tuple(checks), failure)


def probe(settings: Settings, token: str, observe: Observer = _ignore) -> None:
    """Ask the backend whether it is the API and accepts the token.

    Args:
        settings: the settings.
        token: the token to try.
        observe: is told of each attempt.

    Raises:
        AuthenticationError: the token is not accepted.
        KabelwerkError: it is not the API, or cannot be asked.
    """
    attempts: list[Attempted] = []

    def remember(attempted: Attempted) -> None:
        attempts.append(attempted)
        observe(attempted)

    call = calls.probe(key=f"kabelwerk-doctor-{os.urandom(16).hex()}")
    with open_client(settings, remember, token=token) as client:
        try:
            client.send(call)
        except (DoesNotExist, ValidationError):
            return
        except AuthenticationError as error:
            raise AuthenticationError(
                "The backend does not accept the API token.", error.report
            ) from None
        except (ServerError, OutcomeUnknown) as error:
            raise type(error)(_not_the_api(attempts), error.report) from None
        except ConnectionError as error:
            raise type(error)(_not_reached(error, attempts), error.report) from None
    raise ServerError(_not_the_api(attempts))


def _not_the_api(attempts: Sequence[Attempted]) -> str:
    reason = attempts[-1].verdict.reason
    return f"This does not look like the Kabelwerk API: {reason}. Check the URL."


def _not_reached(error: ConnectionError, attempts: Sequence[Attempted]) -> str:
    reason = attempts[-1].verdict.reason
    cure = "Check the URL, the network, and whether the server runs."
    if isinstance(error, UntrustedCertificate):
        cure = "If the server is yours, name its CA with --ca-file."
    return f"{reason[:1].upper()}{reason[1:]}. {cure}"


def _steps(settings: Settings, token: str, observe: Observer) -> Iterator[tuple[str, Step]]:
    answered: list[KabelwerkError] = []

    def api() -> str:
        try:
            probe(settings, token, observe)
        except AuthenticationError as error:
            cure = "Check it, or run 'kabelwerk login'."
            answered.append(AuthenticationError(f"{error} {cure}", error.report))
        return "it answers as the Kabelwerk API"

    def accepted() -> str:
        for error in answered:
            raise error
        return "it is accepted"

    if sandbox_path(settings) is None:
        address = network_address(settings)
        proxy = environment_proxies(address).get("https")
        peer = _address_of(proxy) if proxy else (address.host, address.port or _usual_port(address))
        yield "name", lambda: _name(*peer, settings)
        yield "connection", lambda: _connection(*peer, settings)
        if address.scheme == "https":
            yield "tls", lambda: _tls(*peer, settings, by_proxy=bool(proxy))
    yield "api", api
    yield "token", accepted


def _settings(settings: Settings, tokens: list[str]) -> str:
    """Check the settings; put the token, which can be read but once from a pipe, into `tokens`."""
    path = sandbox_path(settings)
    if path is not None:
        tokens.append("")
        return f"the sandbox in '{path}'"
    address = network_address(settings)
    tokens.append(read_token(settings))
    source = token_source(settings)
    return f"{address.origin}, token from {source.name if source else 'nowhere'}"


def _name(host: str, port: int, settings: Settings) -> str:
    try:
        found = look_up(host, port, settings[TIMEOUT])
    except OSError as error:
        raise ConnectionError(
            f"The host name '{host}' cannot be looked up ({error.strerror or error}). Check the "
            "URL and the network."
        ) from None
    return f"{host} is {found[0][4][0]}"


def _connection(host: str, port: int, settings: Settings) -> str:
    with _connect(host, port, settings):
        return f"port {port} is open"


def _tls(host: str, port: int, settings: Settings, *, by_proxy: bool) -> str:
    if by_proxy:
        return "there is a proxy; the certificate is checked with the API"
    context = tls_context(settings[CA_FILE])
    with _connect(host, port, settings) as connection:
        try:
            with context.wrap_socket(connection, server_hostname=host) as secured:
                ends = str((secured.getpeercert() or {})["notAfter"])
        except ssl.SSLCertVerificationError as error:
            raise UntrustedCertificate(
                f"The certificate of {host} is not trusted: {error.verify_message}. If the server "
                "is yours, name its CA with --ca-file."
            ) from None
        except OSError as error:
            reason = getattr(error, "reason", None) or error
            raise ConnectionError(
                f"Port {port} of {host} does not speak TLS ({reason}). Check the URL."
            ) from None
    day = datetime.fromtimestamp(ssl.cert_time_to_seconds(ends), UTC).date()
    return f"the certificate is trusted, until {day}"


def _connect(host: str, port: int, settings: Settings) -> socket.socket:
    try:
        return socket.create_connection((host, port), timeout=settings[TIMEOUT])
    except OSError as error:
        raise ConnectionError(
            f"Port {port} of {host} does not answer ({error.strerror or error}). Check the URL, "
            "the network, and whether the server runs."
        ) from None


def _usual_port(address: Address) -> int:
    return HTTPS_PORT if address.scheme == "https" else HTTP_PORT


def _address_of(proxy: str) -> tuple[str, int]:
    parts = urlsplit(proxy)
    return parts.hostname or "", parts.port or HTTP_PORT
