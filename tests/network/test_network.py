"""The client on real sockets: how much of an answer is read, and what becomes of the connection."""

import socket
import threading
import time

import pytest

from kabelwerk_cli import errors
from kabelwerk_cli.delivery.sender import Limits, Sender, Tools
from kabelwerk_cli.errors import Applied
from kabelwerk_cli.network.request import build_request
from kabelwerk_cli.network.sockets import check_loopback
from kabelwerk_cli.network.transport import NetworkTransport
from kabelwerk_cli.network.url import parse_address
from kabelwerk_cli.network.wire import Attempt
from kabelwerk_cli.operations import calls
from tests.faultserver import FAULTS, Answer, FaultyServer, Outcome, Step, canned

MEBIBYTE = 1024 * 1024


def send(server, call, *, retries=2):
    """Return how a call ends at a server."""
    transport = NetworkTransport(parse_address(server.url))
    sender = Sender(
        transport,
        token="s3cret-token",
        limits=Limits(retries=retries),
        tools=Tools(sleep=lambda _: None),
    )
    try:
        return sender.send(call)
    except errors.KabelwerkError as error:
        return error
    finally:
        transport.close()


def post(text):
    return calls.post_message(room="kusanagi", user="batou", text=text)


@pytest.mark.parametrize("character", ["'", "<", "\u00fc", "\U0001f600", "\\"])
def test_a_long_message_that_the_answer_repeats_twice_is_done(character):
    text = character * (600_000 // len(character.encode()))
    with FaultyServer() as server:
        end = send(server, post(text))
        assert [message.text for message in server.model.messages] == [text]
    assert isinstance(end, tuple), end
    assert end.report.applied is Applied.YES


@pytest.mark.parametrize("size", [MEBIBYTE, MEBIBYTE + 1])
def test_a_short_call_is_answered_with_a_mebibyte_and_twelve_times_the_call(size):
    call = calls.update_user(key="kusanagi", name="Motoko")
    user = b'{"id": 1, "key": "kusanagi", "name": "Motoko"}'
    size += 12 * len(call.content())
    fault = canned("padded", Answer(200, (), user.ljust(size)), Outcome.DONE)
    with FaultyServer([Step(fault)]) as server:
        end = send(server, call, retries=0)
    if size == MEBIBYTE + 12 * len(call.content()):
        assert end.record.id == 1
    else:
        assert end.report.applied is Applied.UNKNOWN
        assert "larger than allowed" in str(end)


@pytest.mark.parametrize("status", [400, 401, 404, 429])
def test_a_message_rejected_at_endless_length_is_in_doubt_and_not_sent_again(status):
    body = b'{"errors": {"detail": "no"}}'.ljust(2 * MEBIBYTE)
    fault = canned("long", Answer(status, (("Retry-After", "0"),), body), Outcome.UNKNOWN)
    with FaultyServer([Step(fault, applied=True)]) as server:
        end = send(server, post("?"))
        assert len(server.requests) == 1
    assert type(end) is errors.ServerError
    assert end.report.applied is Applied.UNKNOWN


def test_head_and_body_arrive_together():
    received = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def answer():
            with listener.accept()[0] as client:
                received.append(client.recv(65536))
                client.sendall(b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n")

        thread = threading.Thread(target=answer)
        thread.start()
        port = listener.getsockname()[1]
        transport = NetworkTransport(parse_address(f"http://127.0.0.1:{port}"))
        call = calls.update_user(key="kusanagi", name="Motoko")
        request = build_request(call, token="s3cret-token", request_id="1")
        transport.carry(request, Attempt(time.monotonic, connect=20, total=20))
        transport.close()
        thread.join()
    assert received[0].startswith(b"PATCH /api/users/kusanagi HTTP/1.1\r\n")
    assert received[0].endswith(b"\r\n\r\n" + call.content())


ODD = {
    "id-missing": Outcome.ACKNOWLEDGED,
    "other-key": Outcome.CONTRADICTED,
    "status-503": Outcome.UNKNOWN,
    "json-then-garbage": Outcome.UNKNOWN,
}


@pytest.mark.parametrize("name", ["honest", *ODD])
def test_the_connection_of_an_odd_answer_is_not_used_again(name):
    """What is left on it might be taken for the next answer."""
    call = calls.update_user(key="kusanagi", name="Motoko")
    with FaultyServer([Step(FAULTS[name], times=1)]) as server:
        transport = NetworkTransport(parse_address(server.url))
        sender = Sender(transport, token="", limits=Limits(retries=0))
        if name in ODD:
            with pytest.raises(errors.ServerError):
                sender.send(call)
        else:
            sender.send(call)
        sender.send(call)
        transport.close()
        first, second = server.requests
    assert (first.connection == second.connection) is (name not in ODD)


def test_a_connection_that_was_closed_before_it_was_looked_at_is_closed_here_too():
    with socket.socket() as connection:
        with pytest.raises(OSError, match="not connected"):
            check_loopback(connection)
        assert connection.fileno() == -1
