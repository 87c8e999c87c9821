"""Checks of a backend, which change nothing (see `calls.probe` for why)."""

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
from kabelwerk_cli.api.sockets import look_up
from kabelwerk_cli.api.transport import environment_proxies, tls_context
from kabelwerk_cli.api.url import Address
from kabelwerk_cli.config.resolve import Settings
from kabelwerk_cli.config.settings import CA_FILE, MAX_TIME, TIMEOUT
from kabelwerk_cli.config.token import find_token, read_token
from kabelwerk_cli.terminal.console import Listing
from kabelwerk_cli.terminal.session import Session

from .client import network_address, open_client, warn_of_loose_files
from .request_log import Observer, observer
from .sandbox import sandbox_path

HTTPS_PORT = 443
HTTP_PORT = 80
AN_INSTANT = 0.001


def _ignore(_: Attempted) -> None:
    pass


class Check(NamedTuple):
    """The result of one check."""

    check: str
    """The name of the check."""
    outcome: str
    """`ok`, `failed` or `skipped`."""
    milliseconds: float | None
    """The time it took."""
    detail: str
    """The finding or the error, in words."""


class Findings(NamedTuple):
    """The results of all checks; those after the first failure are skipped."""

    checks: tuple[Check, ...]
    failure: KabelwerkError | None


Step = Callable[[], str]
"""Runs a check: returns the finding in words, or raises a KabelwerkError."""


def doctor(session: Session) -> None:
    """Run all checks and show the results.

    Raises:
        KabelwerkError: the first failure.
    """
    session.console.check_fields(Check)
    warn_of_loose_files(session)
    findings = examine(session.settings, observer(session))
    session.console.show(Listing(Check, findings.checks))
    if findings.failure:
        raise findings.failure


def examine(settings: Settings, observe: Observer) -> Findings:
    """Check settings, host name, connection, TLS, API and token, in this order."""
    tokens: list[str] = []
    findings = _examine([("settings", lambda: _settings(settings, tokens))])
    if findings.failure:
        return findings  # the other checks need the settings
    # the time limit is one for all checks together
    give_up_at = time.monotonic() + settings[MAX_TIME]

    def in_time() -> Settings:
        left = max(give_up_at - time.monotonic(), AN_INSTANT)
        limit = min(settings[TIMEOUT], left)
        return settings.with_option(MAX_TIME, left).with_option(TIMEOUT, limit)

    others = _examine(_steps(settings, in_time, tokens[0], observe))
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
    """Check that the backend is the Kabelwerk API and accepts the token.

    Args:
        settings: the settings.
        token: the token to try.
        observe: called after each attempt.

    Raises:
        AuthenticationError: the token is rejected.
        KabelwerkError: the backend is not the API, or is unreachable.
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
            raise AuthenticationError("The backend rejected the API token.", error.report) from None
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
    cure = "Check the URL, the network and whether the server is running."
    if isinstance(error, UntrustedCertificate):
        cure = "If you trust the server, pass its CA certificate with --ca-file."
    return f"{reason[:1].upper()}{reason[1:]}. {cure}"


def _steps(
    settings: Settings, in_time: Callable[[], Settings], token: str, observe: Observer
) -> Iterator[tuple[str, Step]]:
    answered: list[KabelwerkError] = []

    def api() -> str:
        try:
            probe(in_time(), token, observe)
        except AuthenticationError as error:
            cure = "Check the token, or run 'kabelwerk login'."
            answered.append(AuthenticationError(f"{error} {cure}", error.report))
        return "responds like the Kabelwerk API"

    def accepted() -> str:
        for error in answered:
            raise error
        return "accepted"

    if sandbox_path(settings) is None:
        address = network_address(settings)
        proxy = environment_proxies(address).get("https")
        peer = _address_of(proxy) if proxy else (address.host, address.port or _usual_port(address))
        yield "name", lambda: _name(*peer, in_time())
        yield "connection", lambda: _connection(*peer, in_time())
        if address.scheme == "https":
            yield "tls", lambda: _tls(*peer, in_time(), by_proxy=bool(proxy))
    yield "api", api
    yield "token", accepted


def _settings(settings: Settings, tokens: list[str]) -> str:
    """Check the settings and put the token into `tokens`: a pipe can be read only once."""
    path = sandbox_path(settings)
    if path is not None:
        tokens.append("")
        return f"sandbox '{path}'"
    address = network_address(settings)
    tokens.append(read_token(settings))
    source = find_token(settings)
    return f"{address.origin}, token from {source.name if source else 'nowhere'}"


def _name(host: str, port: int, settings: Settings) -> str:
    try:
        found = look_up(host, port, settings[TIMEOUT])
    except OSError as error:
        raise ConnectionError(
            f"Cannot resolve host name '{host}': {error.strerror or error}. Check the URL and the "
            "network."
        ) from None
    return f"{host} resolves to {found[0][4][0]}"


def _connection(host: str, port: int, settings: Settings) -> str:
    with _connect(host, port, settings):
        return f"port {port} is open"


def _tls(host: str, port: int, settings: Settings, *, by_proxy: bool) -> str:
    if by_proxy:
        return "behind a proxy; certificate checked in the next step"
    context = tls_context(settings[CA_FILE])
    with _connect(host, port, settings) as connection:
        try:
            with context.wrap_socket(connection, server_hostname=host) as secured:
                ends = str((secured.getpeercert() or {})["notAfter"])
        except ssl.SSLCertVerificationError as error:
            raise UntrustedCertificate(
                f"The certificate of {host} is not trusted: {error.verify_message}. If you trust "
                "the server, pass its CA certificate with --ca-file."
            ) from None
        except OSError as error:
            reason = getattr(error, "reason", None) or error
            raise ConnectionError(
                f"Port {port} on {host} does not support TLS ({reason}). Check the URL."
            ) from None
    day = datetime.fromtimestamp(ssl.cert_time_to_seconds(ends), UTC).date()
    return f"certificate trusted, expires {day}"


def _connect(host: str, port: int, settings: Settings) -> socket.socket:
    try:
        return socket.create_connection((host, port), timeout=settings[TIMEOUT])
    except OSError as error:
        raise ConnectionError(
            f"Cannot connect to port {port} on {host}: {error.strerror or error}. Check the URL, "
            "the network and whether the server is running."
        ) from None


def _usual_port(address: Address) -> int:
    return HTTPS_PORT if address.scheme == "https" else HTTP_PORT


def _address_of(proxy: str) -> tuple[str, int]:
    parts = urlsplit(proxy)
    return parts.hostname or "", parts.port or HTTP_PORT
