import pytest

from .canary import Canary
from .raw_client import ask, connected


@pytest.mark.parametrize("said", [b"GET / HTTP/1.1\r\nHost: x\r\n\r\n", b"\x05\x01\x00", b"secret"])
def test_it_keeps_whatever_it_hears(said):
    with Canary() as canary, connected(canary.address) as sock:
        sock.sendall(said)
        sock.shutdown(1)
        while sock.recv(4096):
            pass
    assert canary.heard == [said]
    assert canary.saw("secret") is (said == b"secret")


def test_it_hears_a_request_to_its_last_byte_and_lets_the_client_go():
    with Canary() as canary:
        assert ask(canary.address).parsed().status == 200
    assert canary.saw("Where are you?")


def test_it_hears_what_is_encrypted_for_it(authority):
    with Canary(tls=authority.right()) as canary:
        assert canary.url.startswith("https://")
        assert ask(canary.address, tls=authority.client()).parsed().status == 200
    assert canary.saw("POST /api/hubs/_/rooms/kusanagi/messages")


def test_a_connection_without_a_byte_is_remembered_too():
    with Canary() as canary, connected(canary.address) as sock:
        sock.shutdown(1)
        assert sock.recv(1) == b""
    assert canary.heard == [b""]
    assert canary.connections == 1
