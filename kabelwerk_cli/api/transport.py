"""One attempt over the network. The only file that imports requests.

requests' adapter is used below its session: a session would follow redirects with the token, keep
cookies, and read `.netrc` and the proxies of the environment. Its time limits hold for a single
read, so here every wait on the socket is cut to what is left of the attempt as a whole.
"""

import contextlib
import errno
import io
import socket
import ssl
import threading
from collections.abc import Mapping
from typing import Any

import requests
import requests.adapters
import requests.utils
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.exceptions import HTTPError, NewConnectionError

from .errors import ConfigurationError
from .url import Address
from .wire import BODY_LIMIT, Answer, Attempt, Failure, Request

CHUNK = 64 * 1024
LINE_LIMIT = 64 * 1024


class NetworkTransport:
    """Carries requests to one address, reusing its connections. For one thread at a time.

    Args:
        address: the backend.
        ca_file: a file of PEM certificates to trust instead of the usual ones.
        proxies: proxy URLs by scheme, as in `environment_proxies`; https only.

    Raises:
        ConfigurationError: `ca_file` cannot be read.
    """

    def __init__(
        self,
        address: Address,
        *,
        ca_file: str | None = None,
        proxies: Mapping[str, str] | None = None,
    ) -> None:
        self._address = address
        self._proxies = dict(proxies or {})
        self._adapter = _Adapter(ca_file, secure=address.scheme == "https")

    def carry(self, request: Request, attempt: Attempt) -> Answer:
        """Send `request` and return the whole answer; see `wire.Transport`."""
        if request.fresh:
            self._adapter.close()
        self._adapter.attempt = attempt
        prepared = requests.Request(
            request.method,
            self._address.base + request.path,
            headers=dict(request.headers),
            data=request.body,
        ).prepare()
        try:
            with contextlib.closing(
                self._adapter.send(prepared, stream=True, proxies=self._proxies)
            ) as response:
                return _read(response)
        # The parsers of http.client, urllib3 and ssl raise many things at a hostile answer. All
        # of them mean the same here: no whole answer. Interrupts are no Exception and go through.
        except Exception as error:
            self._adapter.close()
            raise _failure(error, self._address, sent=attempt.sent) from error

    def close(self) -> None:
        """Close the connections."""
        self._adapter.close()


def environment_proxies(address: Address) -> dict[str, str]:
    """Return the proxies that the environment names for `address`: for https only, never loopback.

    A plain http request through a proxy would show it the token.
    """
    if address.scheme != "https" or address.is_loopback:
        return {}
    proxies = requests.utils.get_environ_proxies(address.base)
    proxy = requests.utils.select_proxy(address.base, proxies)
    return {"https": proxy} if proxy else {}


def _read(response: requests.Response) -> Answer:
    body = b""
    while len(body) <= BODY_LIMIT:
        chunk = response.raw.read(CHUNK, decode_content=False)
        if not chunk:
            break
        body += chunk
    return Answer(
        status=response.status_code,
        reason=response.reason or "",
        headers={name.lower(): value for name, value in response.headers.items()},
        body=body[:BODY_LIMIT],
        oversize=len(body) > BODY_LIMIT,
    )


class _Adapter(requests.adapters.HTTPAdapter):
    """requests' adapter over connections that keep to the time limit of the current attempt."""

    attempt: Attempt

    def __init__(self, ca_file: str | None, *, secure: bool) -> None:
        # one context for all connections: reading the certificates takes longer than a handshake
        self._context = tls_context(ca_file) if secure else None
        if self._context:
            self._context.sslsocket_class = _timed(ssl.SSLSocket, self)
        super().__init__(max_retries=0)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, ssl_context=self._context, **kwargs)
        self._install(self.poolmanager)

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> PoolManager:
        contexts = {"ssl_context": self._context, "proxy_ssl_context": self._context}
        return self._install(super().proxy_manager_for(proxy, **contexts, **kwargs))

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        """Do nothing: the context verifies, and its certificates are loaded already."""

    def build_connection_pool_key_attributes(
        self, request: requests.PreparedRequest, verify: Any, cert: Any = None
    ) -> Any:
        host, pool = super().build_connection_pool_key_attributes(request, verify, cert)
        return host, {**pool, "ssl_context": self._context}

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


def tls_context(ca_file: str | None) -> ssl.SSLContext:
    """Return a context that trusts the certificates in `ca_file`, or the usual ones.

    Raises:
        ConfigurationError: `ca_file` cannot be read.
    """
    try:
        context = ssl.create_default_context(
            cafile=ca_file or requests.utils.DEFAULT_CA_BUNDLE_PATH
        )
    except OSError as error:  # an SSLError, too, if there is no certificate in it
        reason = error.strerror or error
        raise ConfigurationError(f"The CA file '{ca_file}' cannot be read: {reason}.") from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


class _Timed:
    """Mixed into a socket class: no operation waits longer than the adapter's attempt may take."""

    adapter: _Adapter

    def makefile(self: Any, *args: Any, **kwargs: Any) -> io.BufferedReader:
        return _WholeLines(super().makefile(*args, **kwargs).detach())  # type: ignore[misc]

    def recv(self: Any, *args: Any) -> bytes:
        self.settimeout(self.adapter.attempt.left())
        return super().recv(*args)  # type: ignore[misc, no-any-return]

    def recv_into(self: Any, *args: Any) -> int:
        self.settimeout(self.adapter.attempt.left())
        return super().recv_into(*args)  # type: ignore[misc, no-any-return]

    def send(self: Any, *args: Any) -> int:
        self.settimeout(self.adapter.attempt.left())
        return super().send(*args)  # type: ignore[misc, no-any-return]

    def sendall(self: Any, *args: Any) -> None:
        self.settimeout(self.adapter.attempt.left())
        super().sendall(*args)  # type: ignore[misc]


class _WholeLines(io.BufferedReader):
    """Refuses a line that the end of the connection cut, or that does not end.

    http.client takes the end of the connection for the end of the headers, and half an answer
    for a whole one; urllib3 reads the size of a chunk without a limit.
    """

    def readline(self, size: int | None = -1, /) -> bytes:
        limit = LINE_LIMIT if size is None or size < 0 else size
        line = super().readline(limit)
        if line.endswith(b"\n") or (limit == size and len(line) == size):
            return line
        if len(line) == limit:
            raise ConnectionAbortedError(errno.ECONNABORTED, "a line of the answer has no end")
        raise ConnectionAbortedError(errno.ECONNABORTED, "connection closed by the server")


def _timed(base: type, adapter: _Adapter) -> Any:
    return type(f"Timed{base.__name__}", (_Timed, base), {"adapter": adapter})


class _TimedConnection:
    """What both kinds of connection add to urllib3's: time limits, and noting what was sent."""

    adapter: _Adapter
    connecting = False

    def _new_conn(self: Any) -> socket.socket:
        try:
            return _connect(self._dns_host, self.port, self.adapter)
        except OSError as error:
            raise NewConnectionError(self, _reason(error)) from error

    def connect(self: Any) -> None:
        self.connecting = True
        super().connect()  # type: ignore[misc]
        self.connecting = False

    def send(self: Any, data: Any) -> None:
        if self.sock is None:
            self.connect()
        # what goes to a proxy while connecting is not the request
        if not self.connecting:
            self.adapter.attempt.sent = True
        super().send(data)  # type: ignore[misc]


class _TimedHTTPConnection(_TimedConnection, HTTPConnection):
    pass


class _TimedHTTPSConnection(_TimedConnection, HTTPSConnection):
    def connect(self) -> None:
        try:
            super().connect()
        except TimeoutError as error:
            raise _NoHandshake from error


class _NoHandshake(TimeoutError):
    """The other end took the connection, and did not agree upon TLS in time."""


def _connect(host: str, port: int, adapter: _Adapter) -> socket.socket:
    """Return a socket connected to the first of the host's addresses that answers."""
    failure: OSError = OSError("the name has no address")
    timed_socket = _timed(socket.socket, adapter)
    for family, kind, protocol, _, address in look_up(host, port, adapter.attempt.left()):
        connection: socket.socket = timed_socket(family, kind, protocol)
        try:
            connection.settimeout(adapter.attempt.left())
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connection.connect(address)
            connection.settimeout(adapter.attempt.left())  # for the TLS handshake
        except OSError as error:
            connection.close()
            failure = error
        except BaseException:
            connection.close()
            raise
        else:
            return connection
    raise failure


def look_up(host: str, port: int, limit: float) -> list[Any]:
    """Return the host's addresses, as `socket.getaddrinfo` does.

    The look-up itself knows no time limit, so it is a thread that waits for it.

    Args:
        host: a name or an address.
        port: the port.
        limit: how many seconds it may take.

    Raises:
        OSError: there are none, or it took too long.
    """
    found: list[Any] = []

    def look_up() -> None:
        try:
            found.append(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
        except (OSError, UnicodeError) as error:
            found.append(error)

    thread = threading.Thread(target=look_up, daemon=True)
    thread.start()
    thread.join(limit)
    if not found:
        raise TimeoutError("timed out")
    if isinstance(found[0], UnicodeError):
        raise socket.gaierror(socket.EAI_NONAME, "the name is not valid")
    if isinstance(found[0], OSError):
        raise found[0]
    return found[0]  # type: ignore[no-any-return]


def _failure(error: BaseException, address: Address, *, sent: bool) -> Failure:
    """Say what an attempt failed of, from the first cause of `error`."""
    cause = _root(error)
    if isinstance(cause, ssl.SSLCertVerificationError):
        reason = f"the certificate of {address.host} is not trusted: {cause.verify_message}"
        return Failure(reason, untrusted=True)
    reason = _reason(cause)
    where = "" if sent else f" ({address.origin})"
    return Failure(f"{reason}{where}", timed_out=isinstance(cause, TimeoutError))


def _root(error: BaseException) -> BaseException:
    """Return the exception at the start of the chain that urllib3 and requests wrap."""
    seen = [error]
    while True:
        inner = seen[-1].__cause__ or seen[-1].__context__
        if inner is None:
            inner = next((arg for arg in seen[-1].args if isinstance(arg, BaseException)), None)
        if inner is None or inner in seen or isinstance(seen[-1], _NoHandshake):
            return seen[-1]
        seen.append(inner)


def _reason(error: BaseException) -> str:
    if isinstance(error, TimeoutError):
        early = " before TLS was agreed upon" if isinstance(error, _NoHandshake) else ""
        return f"the time limit was reached{early}"
    if isinstance(error, socket.gaierror):
        return f"the host name could not be looked up ({error.strerror or error})"
    if isinstance(error, ssl.SSLError):
        return f"the TLS connection failed ({error.reason or 'no reason given'})"
    if isinstance(error, OSError) and error.strerror:
        return error.strerror[0].lower() + error.strerror[1:]
    if isinstance(error, HTTPError) or not str(error):
        return f"the answer broke off or cannot be read ({type(error).__name__})"
    return f"{type(error).__name__}: {error}"
