"""What is said of an attempt that failed: whose fault it was, in words, and what was sent."""

import socket
import threading

import pytest

from kabelwerk_cli import errors
from kabelwerk_cli.delivery.sender import Limits, Sender, Tools
from kabelwerk_cli.errors import Applied
from kabelwerk_cli.network import sockets
from kabelwerk_cli.network.transport import NetworkTransport
from kabelwerk_cli.network.url import parse_address
from kabelwerk_cli.operations import calls
from tests.faultserver import (
    FAULTS,
    GROUPS,
    NAME,
    PLAIN_ON_TLS,
    PROXY_REFUSALS,
    TLS_ON_PLAIN,
    Answer,
    ConnectProxy,
    FaultyServer,
    Step,
    canned,
)
from tests.shell import TOKEN

UPDATE = calls.update_user(key="kusanagi", name="Motoko")
POST = calls.post_message(room="kusanagi", user="batou", text="?")
RAW = (
    "Error:",
    "Error(",
    "invalid literal",
    "LineTooLong",
    "IncompleteRead",
    "_ssl.c",
    "BadStatus",
)


def send(url, call=UPDATE, *, proxies=None, timeout=5.0, connect=5.0, insecure=False, **options):
    """Return how a single attempt ends."""
    retries = options.pop("retries", 0)
    address = parse_address(url, allow_insecure_http=insecure)
    transport = NetworkTransport(address, proxies=proxies, **options)
    sender = Sender(
        transport,
        token=TOKEN,
        limits=Limits(connect=connect, timeout=timeout, retries=retries),
        tools=Tools(sleep=lambda _: None),
    )
    try:
        return sender.send(call)
    except errors.KabelwerkError as error:
        return error
    finally:
        transport.close()


def only(*found):
    """What a name is resolved to."""
    return lambda *_: [(socket.AF_INET, socket.SOCK_STREAM, 6, "", address) for address in found]


@pytest.fixture
def silent():
    """An address that neither accepts nor refuses: the queue of its listener is full."""
    with socket.socket() as listener, socket.socket() as first, socket.socket() as second:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        for client in (first, second):
            client.settimeout(0)
            client.connect_ex(listener.getsockname())
        yield listener.getsockname()


def test_a_silent_first_address_does_not_hide_the_second(monkeypatch, silent):
    with FaultyServer() as server:
        monkeypatch.setattr(sockets, "look_up", only(silent, server.address))
        end = send(server.url, connect=2.0)
    assert end.report.applied is Applied.YES


def test_addresses_that_are_all_silent_share_the_limit(monkeypatch, silent):
    monkeypatch.setattr(sockets, "look_up", only(silent, silent, silent))
    end = send("http://127.0.0.1:9", connect=0.6)
    assert type(end) is errors.ConnectionError
    assert "was not sent: timed out" in str(end)


@pytest.mark.parametrize("name", PROXY_REFUSALS)
def test_a_proxy_that_fails_is_named(name):
    with ConnectProxy(("127.0.0.1", 9), answer=PROXY_REFUSALS[name]) as proxy:
        with_login = f"http://batou:pass-word@127.0.0.1:{proxy.port}/"
        end = send(f"https://{NAME}", proxies={"https": with_login}, connect=1.0, timeout=1.0)
    assert type(end) is errors.ConnectionError
    assert f"the request was not sent: the proxy 127.0.0.1:{proxy.port} " in str(end)
    assert "pass-word" not in str(end)
    assert not [word for word in RAW if word in str(end)]
    if name.isdigit():
        assert f" answered {name} " in str(end)


def test_a_proxy_that_is_not_there_is_named():
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        host, port = unused.getsockname()
        end = send(f"https://{NAME}", proxies={"https": f"http://{host}:{port}"})
    assert f"the proxy 127.0.0.1:{port} failed: connection refused" in str(end)


def test_behind_a_proxy_the_backend_is_what_fails(authority):
    with (
        FaultyServer(tls=authority.right()) as server,
        ConnectProxy(server.address) as proxy,
    ):
        end = send(f"https://{NAME}", proxies={"https": proxy.url})
    assert type(end) is errors.UntrustedCertificate
    assert f"the certificate of {NAME} is not trusted" in str(end)


@pytest.mark.parametrize(
    "fault",
    [f for name in ("framing", "cuts", "connections") for f in GROUPS[name] if 9 in f.exits],
    ids=str,
)
def test_no_text_names_what_python_raised(fault):
    with FaultyServer([Step(fault)]) as server:
        end = send(server.url, timeout=1.0)
    text = str(end) if isinstance(end, Exception) else ""
    assert not [word for word in RAW if word in text], text


@pytest.mark.parametrize(
    "name",
    ["garbage", "status-with-letters", "chunk-size-not-hex", "endless-header-line"],
)
def test_what_is_not_http_could_not_be_read(name):
    with FaultyServer([Step(FAULTS[name])]) as server:
        end = send(server.url)
    assert type(end) is errors.OutcomeUnknown
    assert "the request was sent, but the answer could not be read" in str(end)


def test_https_at_a_port_for_http_is_told_by_name_and_not_tried_again():
    with FaultyServer([Step(PLAIN_ON_TLS)]) as server:
        end = send(server.encrypted_url, retries=2)
        assert server.requests == []
    assert type(end) is errors.ConfigurationError
    assert (end.report.attempts, end.report.applied) == (1, Applied.NO)
    assert f"{server.encrypted_url} does not speak TLS on this port" in str(end)
    assert f"If it speaks plain http, use {server.url}." in str(end)


def test_a_server_that_waits_for_the_rest_of_a_handshake_may_speak_http():
    with FaultyServer() as server:
        end = send(server.encrypted_url, connect=0.5, retries=0)
        assert [request for request in server.requests if request.complete] == []
    assert type(end) is errors.ConnectionError
    assert f"timed out in the TLS handshake after 0.5 s ({server.encrypted_url})" in str(end)
    assert f"If it speaks plain http, use {server.url}." in str(end)


def test_what_is_neither_tls_nor_http_is_not_called_so():
    with socket.create_server(("127.0.0.1", 0)) as listener:
        greeted = []

        def greet():
            connection, _ = listener.accept()
            greeted.append(connection)
            connection.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")

        greeting = threading.Thread(target=greet, daemon=True)
        greeting.start()
        end = send(f"https://127.0.0.1:{listener.getsockname()[1]}")
        greeting.join(20)
        for connection in greeted:
            connection.close()
    assert type(end) is errors.ConfigurationError
    assert "does not speak TLS on this port" in str(end)


def test_http_at_a_port_for_tls(authority):
    with FaultyServer([Step(TLS_ON_PLAIN)]) as server:
        end = send(server.url)
    assert type(end) is errors.OutcomeUnknown
    assert f"the request was sent, but the server at {server.url} expects https" in str(end)
    with FaultyServer(tls=authority.right()) as server:
        end = send(server.plain_url)
    assert type(end) is errors.OutcomeUnknown
    assert "a server that expects https does this, too" in str(end)


@pytest.mark.parametrize(
    "page",
    [
        b"<html><center>The plain HTTP request was sent to HTTPS port</center></html>",
        b"Client sent an HTTP request to an HTTPS server.\n",
        b"Reason: You're speaking plain HTTP to an SSL-enabled server port.<br />",
    ],
    ids=["nginx", "go", "apache"],
)
def test_a_page_that_says_that_https_is_expected(page):
    with FaultyServer([Step(canned("page", Answer(400, (), page)))]) as server:
        end = send(server.url)
    assert type(end) is errors.ValidationError
    assert "the server answered 400 Bad Request: it expects https on this port." in str(end)


class Elsewhere:
    """The other end of a connection, as if it was another machine."""

    def __init__(self, peer):
        self.peer = peer

    def __get__(self, *_):
        return lambda: (self.peer, 80)


@pytest.mark.parametrize("peer", ["192.0.2.1", "2001:db8::1", "::ffff:192.0.2.1"])
@pytest.mark.parametrize("host", ["localhost", "kabelwerk.localhost", "127.0.0.1"])
def test_a_token_goes_unencrypted_to_this_machine_only(monkeypatch, peer, host):
    with FaultyServer() as server:
        monkeypatch.setattr(sockets, "look_up", only(server.address))
        monkeypatch.setattr(sockets._Timed, "getpeername", Elsewhere(peer), raising=False)
        url = f"http://{host}:{server.port}"
        end = send(url)
        assert server.requests == []
        assert type(end) is errors.ConfigurationError
        assert f"'{host}' resolves to {peer}, which is not this machine" in str(end)
        assert "--allow-insecure-http" in str(end)
        assert send(url, insecure=True).report.applied is Applied.YES


@pytest.mark.parametrize("peer", ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1"])
def test_this_machine_has_many_addresses(monkeypatch, peer):
    with FaultyServer() as server:
        monkeypatch.setattr(sockets, "look_up", only(server.address))
        monkeypatch.setattr(sockets._Timed, "getpeername", Elsewhere(peer), raising=False)
        assert send(f"http://localhost:{server.port}").report.applied is Applied.YES


@pytest.mark.parametrize("seconds", [1e10, 1e300, float("inf")])
def test_a_limit_beyond_what_sockets_can_wait(seconds):
    with FaultyServer() as server:
        end = send(server.url, POST, timeout=seconds, connect=seconds)
        assert len(server.model.messages) == 1
    assert end.report.applied is Applied.YES


def test_a_message_that_went_out_in_part_is_in_doubt():
    """The sent bit is set before the first byte: here the last one never goes out."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        long = calls.post_message(room="kusanagi", user="batou", text="?" * 20_000_000)
        end = send(f"http://127.0.0.1:{listener.getsockname()[1]}", long, timeout=8.0)
    assert type(end) is errors.OutcomeUnknown
    assert end.report.applied is Applied.UNKNOWN
    assert not end.report.safe_to_rerun


@pytest.mark.parametrize("failing", [ConnectionResetError, TimeoutError, RuntimeError])
def test_a_failure_right_after_the_first_bytes_is_in_doubt(monkeypatch, failing):
    send_all = sockets._Timed.sendall

    def send_and_fail(self, data):
        send_all(self, data)
        raise failing

    with FaultyServer() as server:
        monkeypatch.setattr(sockets._Timed, "sendall", send_and_fail)
        end = send(server.url, POST)
    assert type(end) is errors.OutcomeUnknown
    assert end.report.applied is Applied.UNKNOWN


def test_a_failure_right_before_the_first_byte_is_not_in_doubt(monkeypatch):
    with FaultyServer() as server:
        monkeypatch.setattr("kabelwerk_cli.network.transport.open_socket", None)
        end = send(server.url, POST)
        assert server.requests == []
    assert type(end) is errors.ConnectionError
    assert end.report.applied is Applied.NO
