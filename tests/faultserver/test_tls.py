import ssl

import pytest

from .connections import CLOSE_ON_ACCEPT, RESET_AFTER_READING, RESET_ON_ACCEPT
from .cuts import CUT_BODY
from .fault import Outcome, Step
from .framing import PLAIN_ON_TLS
from .raw_client import End, ask, connected
from .server import FaultyServer
from .slow import HANG_ON_ACCEPT
from .tls import LOOPBACK, Authority, untrusted

UNTRUSTED = ("wrong-name", "unknown-authority", "expired", "old-version")


def test_the_file_of_the_authority_makes_its_server_trusted(authority, ca_file):
    client = ssl.create_default_context(cafile=str(ca_file))
    with FaultyServer(tls=authority.right()) as server:
        assert server.url == f"https://{LOOPBACK}:{server.port}"
        assert ask(server.address, tls=client).parsed().status == 201
    assert server.failed_handshakes == []


def test_every_untrusted_server_has_a_name(authority):
    assert tuple(case.name for case in untrusted(authority)) == UNTRUSTED


@pytest.mark.parametrize(
    ("number", "reason"),
    [
        (0, "IP address mismatch"),
        (1, "unable to get local issuer"),
        (2, "certificate has expired"),
        (3, "(?i)protocol version"),
    ],
    ids=UNTRUSTED,
)
def test_an_untrusted_server_is_refused_before_anything_is_sent(authority, number, reason):
    case = untrusted(authority)[number]
    with FaultyServer(tls=case.context) as server, pytest.raises(ssl.SSLError, match=reason):
        ask(server.address, tls=authority.client())
    assert server.requests == []
    assert len(server.failed_handshakes) == 1


def test_a_client_of_its_own_time_gets_on_with_the_old_version(authority):
    case = untrusted(authority)[3]
    client = Authority.lax(authority.client())
    with FaultyServer(tls=case.context) as server:
        assert ask(server.address, tls=client).parsed().status == 201


@pytest.mark.parametrize("fault", [RESET_ON_ACCEPT, CLOSE_ON_ACCEPT, PLAIN_ON_TLS], ids=str)
def test_a_fault_before_the_handshake_comes_before_the_request(authority, fault):
    assert fault.expect_over_tls is Outcome.NOT_SENT
    with FaultyServer([Step(fault, times=1)], tls=authority.right()) as server:
        with (
            pytest.raises((ssl.SSLError, ConnectionError)),
            connected(server.address, tls=authority.client()),
        ):
            pytest.fail("there was a handshake")
        assert ask(server.address, tls=authority.client()).parsed().status == 201
    assert server.attempts == [fault.name, "honest"]


def test_a_handshake_may_never_come(authority):
    with FaultyServer([Step(HANG_ON_ACCEPT)], tls=authority.right()) as server:
        assert ask(server.address, tls=authority.client(), patience=0.1).end is End.SILENCE


def test_faults_after_the_handshake_are_the_same_as_without(authority):
    script = [Step(RESET_AFTER_READING, applied=True, times=1), Step(CUT_BODY, times=1)]
    with FaultyServer(script, tls=authority.right()) as server:
        heard = [ask(server.address, tls=authority.client()) for _ in range(3)]
    # Python may report a reset within TLS as a plain end.
    assert [one.data[9:12] for one in heard] == [b"", b"201", b"201"]
    assert len(server.model.messages) == 2


def test_plain_text_to_a_tls_port_is_not_served(authority):
    with FaultyServer(tls=authority.right()) as server:
        heard = ask(server.address)
    assert not heard.data.startswith(b"HTTP")
    assert server.requests == []
    assert len(server.failed_handshakes) == 1


def test_tls_to_a_plain_port_is_recorded_as_it_came(authority):
    with FaultyServer() as server:
        assert ask(server.address, tls=authority.client(), patience=0.2).data == b""
    assert server.requests[0].raw.startswith(b"\x16\x03")
    assert server.requests[0].method == ""
