"""Checks of a backend, which change nothing (see `probe` for why)."""

import os
import socket
import ssl
import time
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from urllib.parse import urlsplit

from kabelwerk_cli.api import calls, errors
from kabelwerk_cli.api.sender import Attempted
from kabelwerk_cli.api.sockets import look_up
from kabelwerk_cli.api.transport import environment_proxies, tls_context
from kabelwerk_cli.config.resolve import Settings
from kabelwerk_cli.config.settings import CA_FILE, MAX_TIME, TIMEOUT
from kabelwerk_cli.config.token import read_token
from kabelwerk_cli.terminal.console import Listing
from kabelwerk_cli.terminal.session import Session

from .checks import Check, Outcome
from .client import network_address, open_sender, warn_of_loose_files
from .request_log import Observer, observer
from .sandbox import sandbox_path

PORTS = {"https": 443, "http": 80}
AN_INSTANT = 0.001


Step = Callable[[], str]
"""Runs a check: returns the finding in words, or raises a KabelwerkError."""


def doctor(session: Session) -> None:
    """Check settings, host name, connection, TLS, API and token, in this order, and show it.

    Checks after the first failure are skipped, and not even shown if the settings are what failed.

    Raises:
        KabelwerkError: the first failure.
    """
    session.console.check_fields(Check)
    warn_of_loose_files(session)
    checks: list[Check] = []
    outcome: Outcome
    failure: errors.KabelwerkError | None = None
    for name, step in _steps(session.settings, observer(session)):
        if failure:
            checks.append(Check(name, "skipped", None, ""))
            continue
        started = time.monotonic()
        try:
            outcome, detail = "ok", step()
        except errors.KabelwerkError as error:
            outcome, detail, failure = "failed", str(error), error
        checks.append(Check(name, outcome, round((time.monotonic() - started) * 1000, 1), detail))
    session.console.show(Listing(Check, checks))
    if failure:
        raise failure


def probe(settings: Settings, token: str, observe: Observer = lambda _: None) -> None:
    """Check that the backend is the Kabelwerk API and accepts the token.

    The call has an empty body and a key that nobody has, so there is nothing to change and nobody
    to change it for: a backend that accepts the token can only reject the call.

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

    call = calls.update_user(key=f"kabelwerk-doctor-{os.urandom(16).hex()}", name="")
    call = call._replace(body={}, subject="no user")
    with open_sender(settings, remember, token=token) as sender:
        try:
            sender.send(call)
        except (errors.DoesNotExist, errors.ValidationError):
            return
        except errors.AuthenticationError as error:
            raise errors.AuthenticationError(
                "The backend rejected the API token.", error.report
            ) from None
        except (errors.ServerError, errors.OutcomeUnknown) as error:
            raise type(error)(_not_the_api(attempts), error.report) from None
        except errors.ConnectionError as error:
            raise type(error)(_not_reached(error, attempts), error.report) from None
    raise errors.ServerError(_not_the_api(attempts))


def _not_the_api(attempts: Sequence[Attempted]) -> str:
    reason = attempts[-1].verdict.reason
    return f"This does not look like the Kabelwerk API: {reason}. Check the URL."


def _not_reached(error: errors.ConnectionError, attempts: Sequence[Attempted]) -> str:
    reason = attempts[-1].verdict.reason
    cure = "Check the URL, the network and whether the server is running."
    if isinstance(error, errors.UntrustedCertificate):
        cure = "If you trust the server, pass its CA certificate with --ca-file."
    return f"{reason[:1].upper()}{reason[1:]}. {cure}"


def _steps(settings: Settings, observe: Observer) -> Iterator[tuple[str, Step]]:
    tokens: list[str] = []
    yield "settings", lambda: _settings(settings, tokens)
    if not tokens:
        return  # the other checks need the settings
    # the time limit is one for all checks together
    give_up_at = time.monotonic() + settings[MAX_TIME]
    rejected: list[errors.KabelwerkError] = []

    def in_time() -> Settings:
        left = max(give_up_at - time.monotonic(), AN_INSTANT)
        limit = min(settings[TIMEOUT], left)
        return settings.with_option(MAX_TIME, left).with_option(TIMEOUT, limit)

    def api() -> str:
        try:
            probe(in_time(), tokens[0], observe)
        except errors.AuthenticationError as error:
            cure = "Check the token, or run 'kabelwerk login'."
            rejected.append(errors.AuthenticationError(f"{error} {cure}", error.report))
        return "responds like the Kabelwerk API"

    def accepted() -> str:
        for error in rejected:
            raise error
        return "accepted"

    if sandbox_path(settings) is None:
        address = network_address(settings)
        proxy = environment_proxies(address).get("https")
        peer = (
            _address_of(proxy) if proxy else (address.host, address.port or PORTS[address.scheme])
        )
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
    source = settings.token_source
    return f"{address.origin}, token from {source.name if source else 'nowhere'}"


def _name(host: str, port: int, settings: Settings) -> str:
    try:
        found = look_up(host, port, settings[TIMEOUT])
    except OSError as error:
        raise errors.ConnectionError(
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
            raise errors.UntrustedCertificate(
                f"The certificate of {host} is not trusted: {error.verify_message}. If you trust "
                "the server, pass its CA certificate with --ca-file."
            ) from None
        except OSError as error:
            reason = getattr(error, "reason", None) or error
            raise errors.ConnectionError(
                f"Port {port} on {host} does not support TLS ({reason}). Check the URL."
            ) from None
    day = datetime.fromtimestamp(ssl.cert_time_to_seconds(ends), UTC).date()
    return f"certificate trusted, expires {day}"


def _connect(host: str, port: int, settings: Settings) -> socket.socket:
    try:
        return socket.create_connection((host, port), timeout=settings[TIMEOUT])
    except OSError as error:
        raise errors.ConnectionError(
            f"Cannot connect to port {port} on {host}: {error.strerror or error}. Check the URL, "
            "the network and whether the server is running."
        ) from None


def _address_of(proxy: str) -> tuple[str, int]:
    parts = urlsplit(proxy)
    return parts.hostname or "", parts.port or PORTS["http"]
