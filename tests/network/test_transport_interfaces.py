"""The interfaces of urllib3, requests and ssl that the transport uses without a promise.

They are private or undocumented. Each has a test that names it, so that a release which drops or
renames one fails here, with its name, and not somewhere inside a call.
"""

import inspect
import socket
import ssl

import pytest
import requests.adapters
import requests.utils
from urllib3 import HTTPConnectionPool, HTTPSConnectionPool, PoolManager
from urllib3.connection import HTTPConnection, HTTPSConnection


def test_pool_classes_by_scheme_makes_the_pools():
    class Pool(HTTPConnectionPool):
        pass

    manager = PoolManager()
    assert set(manager.pool_classes_by_scheme) == {"http", "https"}
    manager.pool_classes_by_scheme = {"http": Pool}
    assert type(manager.connection_from_url("http://127.0.0.1:1")) is Pool


@pytest.mark.parametrize("pool", [HTTPConnectionPool, HTTPSConnectionPool])
def test_connection_cls_makes_the_connections(pool):
    class Connection(pool.ConnectionCls):
        pass

    class Pool(pool):
        ConnectionCls = Connection

    assert type(Pool("127.0.0.1", 1)._new_conn()) is Connection


@pytest.mark.parametrize("connection", [HTTPConnection, HTTPSConnection])
def test_new_conn_opens_the_socket(connection):
    class Refuses(connection):
        def _new_conn(self):
            raise ConnectionAbortedError(self._dns_host)

    with pytest.raises(ConnectionAbortedError, match=r"^example\.net\.$"):
        Refuses("example.net.", 1).connect()


def test_tunnel_asks_a_proxy_for_the_connection():
    class Refuses(HTTPSConnection):
        def _new_conn(self):
            return socket.socket()

        def _tunnel(self):
            raise ConnectionAbortedError

    connection = Refuses("127.0.0.1", 1)
    connection.set_tunnel("example.net", 443)
    with pytest.raises(ConnectionAbortedError):
        connection.connect()
    connection.close()


def test_sock_and_send_carry_the_request_head_first():
    class Connection(HTTPConnection):
        sent = ()

        def send(self, data):
            self.sent += (data,)

    connection = Connection("127.0.0.1", 1)
    assert connection.sock is None
    connection.request("POST", "/x", body=b"{}")
    head, body = connection.sent
    assert head.startswith(b"POST /x HTTP/1.1\r\n")
    assert head.endswith(b"\r\n\r\n")
    assert body == b"{}"


@pytest.mark.parametrize(
    ("method", "parameters"),
    [
        ("init_poolmanager", ["self", "connections", "maxsize", "block", "pool_kwargs"]),
        ("proxy_manager_for", ["self", "proxy", "proxy_kwargs"]),
        ("cert_verify", ["self", "conn", "url", "verify", "cert"]),
        ("build_connection_pool_key_attributes", ["self", "request", "verify", "cert"]),
        ("get_connection_with_tls_context", ["self", "request", "verify", "proxies", "cert"]),
        ("request_url", ["self", "request", "proxies"]),
    ],
)
def test_the_adapter_has_the_methods_that_the_transport_overrides(method, parameters):
    overridden = getattr(requests.adapters.HTTPAdapter, method)
    assert list(inspect.signature(overridden).parameters) == parameters


def test_requests_names_its_certificates_and_the_proxies_of_the_environment(monkeypatch):
    ssl.create_default_context(cafile=requests.utils.DEFAULT_CA_BUNDLE_PATH)
    monkeypatch.setenv("https_proxy", "http://proxy.test:3128")
    proxies = requests.utils.get_environ_proxies("https://example.net")
    assert requests.utils.select_proxy("https://example.net", proxies) == "http://proxy.test:3128"


def test_sslsocket_class_makes_the_tls_sockets():
    class Socket(ssl.SSLSocket):
        pass

    context = ssl.create_default_context()
    context.sslsocket_class = Socket
    ours, theirs = socket.socketpair()
    with ours, theirs:
        wrapped = context.wrap_socket(ours, do_handshake_on_connect=False, server_hostname="x")
        assert type(wrapped) is Socket
        wrapped.close()
