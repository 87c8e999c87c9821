"""One attempt over the network. The only file that imports requests.

It uses requests' adapter without its session, which would follow redirects with the token, keep
cookies, and read `.netrc` and the proxies of the environment. `sockets` adds the one time limit for
the whole attempt. The tests name each interface of requests and urllib3 that is not documented.
"""

import contextlib
import http.client
import socket
import ssl
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

import requests
import requests.adapters
import requests.utils
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import NewConnectionError

from kabelwerk_cli.errors import ConfigurationError

from .reasons import NoHandshake, explain
from .request import Request
from .sockets import check_loopback, open_socket, timed
from .trust import Trust, context_for, trust_in_force
from .url import Address
from .wire import Answer, Attempt

CHUNK = 64 * 1024
ANNOUNCEMENTS = range(100, 200)
"""The statuses of responses that another one follows."""
PROXY_VARIABLES = ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")


class NetworkTransport:
    """Carries requests to one address, reusing its connections. For one thread at a time.

    Args:
        address: the backend.
        trust: the source of the CA certificates.
        proxies: proxy URLs by scheme, as in `environment_proxies`; https only.

    Raises:
        ConfigurationError: the certificates cannot be read.
    """

    def __init__(
        self,
        address: Address,
        *,
        trust: Trust | None = None,
        proxies: Mapping[str, str] | None = None,
    ) -> None:
        self._address = address
        self._proxies = dict(proxies or {})
        self._trust = trust or trust_in_force()
        self._adapter = _Adapter(
            self._trust,
            address.origin,
            secure=address.scheme == "https",
            local_only=address.local_only,
        )

    def carry(self, request: Request, attempt: Attempt) -> Answer:
        """Send `request` and return the complete answer; see `wire.Transport`."""
        if request.fresh:
            self._adapter.close()
        self._adapter.attempt = attempt
        self._adapter.left, self._adapter.looked_up = attempt.left, attempt.looked_up
        self._adapter.at_proxy = bool(self._proxies)
        prepared = _prepared(request, self._address.base + request.path)
        try:
            with contextlib.closing(
                self._adapter.send(prepared, stream=True, proxies=self._proxies)
            ) as response:
                return _read(response, request.body_limit)
        # http.client, urllib3 and ssl raise many kinds of errors when the answer is malformed. All
        # of them mean that there is no complete answer. KeyboardInterrupt passes through.
        except Exception as error:
            self._adapter.close()
            proxy = _host_and_port(self._proxies) if self._adapter.at_proxy else None
            raise explain(
                error, attempt, address=self._address, proxy=proxy, trust=self._trust
            ) from error

    def close(self) -> None:
        """Close the connections."""
        self._adapter.close()


def environment_proxies(address: Address, variables: Mapping[str, str]) -> dict[str, str]:
    """Return the proxies in the environment for `address`: for https only, never for loopback.

    A proxy for plain http would see the token.

    Args:
        address: the backend.
        variables: the environment, to name the variable in an error.

    Raises:
        ConfigurationError: the proxy is of a kind that is not supported.
    """
    if address.scheme != "https" or address.is_loopback:
        return {}
    proxies = requests.utils.get_environ_proxies(address.base)
    proxy = requests.utils.select_proxy(address.base, proxies)
    if not proxy:
        return {}
    scheme, separator, _ = proxy.partition("://")
    if separator and scheme.lower() not in {"http", "https"}:
        name = next(
            (name for name in PROXY_VARIABLES if variables.get(name) == proxy), "a variable"
        )
        kind = "a SOCKS proxy" if scheme.lower().startswith("socks") else f"a proxy for {scheme}"
        raise ConfigurationError(
            f"{name} names {kind}, which is not supported. Use an HTTP proxy, or unset {name} or "
            f"add {address.host} to NO_PROXY to connect directly."
        )
    return {"https": proxy}


def _host_and_port(proxies: Mapping[str, str]) -> str:
    """Return where the proxy is; its URL may contain a password."""
    (url,) = proxies.values()
    return url.rpartition("@")[2].rpartition("//")[2].rstrip("/")


def _prepared(request: Request, url: str) -> Any:
    """Return a request as requests would prepare it, which takes longer than sending it."""
    prepared: Any = requests.PreparedRequest()
    prepared.method, prepared.url, prepared.body = request.method, url, request.body
    prepared.headers = {**request.headers, "Content-Length": str(len(request.body or b""))}
    return prepared


def _read(response: requests.Response, limit: int) -> Answer:
    body = bytearray()
    while len(body) <= limit:
        chunk = response.raw.read(CHUNK, decode_content=False)
        if not chunk:
            break
        body += chunk
    return Answer(
        status=response.status_code,
        reason=response.reason or "",
        headers={name.lower(): value for name, value in response.headers.items()},
        body=bytes(body[:limit]),
        oversize=len(body) > limit,
    )


class _Adapter(requests.adapters.HTTPAdapter):
    """requests' adapter over connections that keep the time limit of the current attempt."""

    attempt: Attempt
    """The current attempt. Connections, and with them their sockets, outlive it."""
    left: Callable[[], float]
    """Returns the seconds left for it."""
    looked_up: Callable[[], None]
    """Called once the host name is looked up, see `sockets.Deadline`."""
    at_proxy = False
    """Whether what fails now is the proxy: the backend is not reached yet."""

    def __init__(self, trust: Trust, origin: str, *, secure: bool, local_only: bool) -> None:
        self.local_only = local_only
        self.origin = origin
        # one context for all connections: loading the certificates takes longer than a handshake
        self._context = tls_context(trust) if secure else None
        if self._context:
            self._context.sslsocket_class = timed(ssl.SSLSocket, self)
        self._pool: Any = None
        super().__init__(max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, ssl_context=self._context, **kwargs)
        self._install(self.poolmanager)

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> PoolManager:
        contexts = {"ssl_context": self._context, "proxy_ssl_context": self._context}
        return self._install(super().proxy_manager_for(proxy, **contexts, **kwargs))

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        """Do nothing: the context verifies, and has loaded its certificates."""

    def build_connection_pool_key_attributes(
        self, request: requests.PreparedRequest, verify: Any, cert: Any = None
    ) -> Any:
        host, pool = super().build_connection_pool_key_attributes(request, verify, cert)
        return host, {**pool, "ssl_context": self._context}

    def get_connection_with_tls_context(self, *args: Any, **options: Any) -> Any:
        """Return the same pool for every request: all go to one address, by one way."""
        if self._pool is None:
            self._pool = super().get_connection_with_tls_context(*args, **options)
        return self._pool

    def request_url(self, request: Any, proxies: Any) -> Any:
        """Return the path: no proxy gets the whole URL, as they are used for https only."""
        del proxies
        return request.url.removeprefix(self.origin)

    def close(self) -> None:
        """Close the connections; the next request opens others."""
        self._pool = None
        super().close()

    def _install(self, manager: PoolManager) -> PoolManager:
        manager.pool_classes_by_scheme = {
            "http": _pool_class(HTTPConnectionPool, _TimedHTTPConnection, self),
            "https": _pool_class(HTTPSConnectionPool, _TimedHTTPSConnection, self),
        }
        return manager


def _pool_class(pool: type, connection: type, adapter: _Adapter) -> Any:
    # urllib3 makes its connections by calling the pool's ConnectionCls
    bound = type(connection.__name__, (connection,), {"adapter": adapter})
    return type(pool.__name__, (pool,), {"ConnectionCls": bound})


def tls_context(trust: Trust) -> ssl.SSLContext:
    """Return a TLS context that trusts the certificates of a source.

    Raises:
        ConfigurationError: they cannot be read.
    """
    return context_for(trust, requests.utils.DEFAULT_CA_BUNDLE_PATH)


class _FinalResponse(http.client.HTTPResponse):
    """A response after those that only announce it: http.client skips no others than 100."""

    def _read_status(self) -> tuple[str, int, str]:
        version, status, reason = super()._read_status()  # type: ignore[misc]
        if status in ANNOUNCEMENTS and status != HTTPStatus.SWITCHING_PROTOCOLS:
            status = HTTPStatus.CONTINUE
        return version, status, reason


class _TimedConnection:
    """Adds to urllib3's connections the time limit, and a note that the request is being sent."""

    adapter: _Adapter
    connecting = False
    head = b""
    """The head of a request whose body follows: they are sent together, as one packet."""
    body_follows = False

    def _new_conn(self: Any) -> socket.socket:
        try:
            connection = open_socket(self._dns_host, self.port, self.adapter)
        except OSError as error:
            raise NewConnectionError(self, "cannot connect") from error
        if self.adapter.local_only:
            check_loopback(connection)
        return connection

    def connect(self: Any) -> None:
        self.connecting = True
        super().connect()  # type: ignore[misc]
        self.connecting = False

    def request(
        self: Any, method: str, url: str, body: Any = None, *rest: Any, **options: Any
    ) -> None:
        self.head, self.body_follows = b"", bool(body)
        super().request(method, url, body, *rest, **options)  # type: ignore[misc]

    def send(self: Any, data: Any) -> None:
        if self.sock is None:
            self.connect()
        # what a proxy receives while connecting is not the request
        if not self.connecting:
            if self.body_follows:
                self.head, self.body_follows = data, False
                return
            data, self.head = self.head + data, b""
            # raises where no time is left: nothing was sent yet
            self.adapter.left()
            self.adapter.at_proxy = False
            self.adapter.attempt.sent = True
        super().send(data)  # type: ignore[misc]


class _TimedHTTPConnection(_TimedConnection, HTTPConnection):
    response_class = _FinalResponse


class _TimedHTTPSConnection(_TimedConnection, HTTPSConnection):
    response_class = _FinalResponse

    def connect(self) -> None:
        try:
            super().connect()
        except TimeoutError as error:
            if self.adapter.at_proxy:
                raise
            raise NoHandshake from error

    def _tunnel(self) -> None:
        super()._tunnel()
        self.adapter.at_proxy = False
