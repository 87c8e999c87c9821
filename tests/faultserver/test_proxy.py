import pytest

from .proxy import ESTABLISHED, PROXY_REFUSALS, ConnectProxy
from .raw_client import connected, request_bytes
from .server import FaultyServer
from .tls import NAME

CONNECT = f"CONNECT {NAME}:443 HTTP/1.1\r\nHost: {NAME}:443\r\n\r\n".encode()


def test_it_tunnels_to_its_one_address_and_sees_no_secret(authority):
    with (
        FaultyServer(tls=authority.right()) as server,
        ConnectProxy(server.address) as proxy,
        connected(proxy.address) as sock,
    ):
        sock.sendall(CONNECT)
        assert sock.recv(4096) == ESTABLISHED
        with authority.client().wrap_socket(sock, server_hostname=NAME) as inside:
            inside.sendall(request_bytes("message", "Kabelwerk-Token: secret", "Connection: close"))
            assert inside.recv(4096).startswith(b"HTTP/1.1 201 ")
    assert [(one.method, one.target) for one in proxy.requests] == [("CONNECT", f"{NAME}:443")]
    assert server.requests[0].header("kabelwerk-token") == "secret"
    assert proxy.relayed
    assert b"secret" not in proxy.relayed
    assert len(server.model.messages) == 1


@pytest.mark.parametrize("name", [name for name, said in PROXY_REFUSALS.items() if said])
def test_it_may_refuse_and_then_nothing_gets_through(name):
    with (
        FaultyServer() as server,
        ConnectProxy(server.address, answer=PROXY_REFUSALS[name]) as proxy,
        connected(proxy.address) as sock,
    ):
        sock.sendall(CONNECT)
        heard = b""
        while more := sock.recv(4096):
            heard += more
    assert heard == PROXY_REFUSALS[name]
    assert server.connections == 0


def test_it_may_say_nothing():
    with (
        ConnectProxy(("127.0.0.1", 1), answer=PROXY_REFUSALS["hang"]) as proxy,
        connected(proxy.address, patience=0.1) as sock,
    ):
        sock.sendall(CONNECT)
        with pytest.raises(TimeoutError):
            sock.recv(1)


def test_what_is_no_connect_is_recorded_and_refused():
    with ConnectProxy(("127.0.0.1", 1)) as proxy, connected(proxy.address) as sock:
        sock.sendall(b"POST http://kabelwerk.test/api/users HTTP/1.1\r\n\r\n")
        assert sock.recv(4096).startswith(b"HTTP/1.1 405 ")
    assert proxy.requests[0].target == "http://kabelwerk.test/api/users"


def test_an_address_that_is_gone_ends_the_tunnel():
    with FaultyServer() as server:
        pass
    with ConnectProxy(server.address) as proxy, connected(proxy.address) as sock:
        sock.sendall(CONNECT)
        assert sock.recv(4096) == b""
