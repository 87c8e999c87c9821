import http.client
import json
import threading
import time

import pytest

from tests.operations import CALLS

from .connections import (
    REFUSE,
    RESET_AFTER_READING,
    RESET_ON_ACCEPT,
    STALE,
    STALE_CLOSE,
    STALE_RESET_AFTER_READING,
    STALL,
)
from .fault import HONEST, Fault, Step
from .raw_client import End, ask, connected, request_bytes
from .server import FaultyServer
from .slow import BIG_BODY, DRIP_BODY, HANG
from .statuses import UNAVAILABLE
from .wire import Limits


def talk(connection, operation):
    """One call over http.client, which keeps the connection."""
    call = CALLS[operation]
    connection.request(call.method, call.target, call.body or None)
    response = connection.getresponse()
    return response.status, response.read()


def test_every_call_is_served_and_recorded_as_it_came():
    calls = [call for call in CALLS.values() if call.method != "DELETE"]  # it would be in the way
    with FaultyServer() as server:
        connection = http.client.HTTPConnection(*server.address, timeout=2)
        statuses = [talk(connection, call.name)[0] for call in calls]
        connection.close()
    assert statuses == [call.request.status for call in calls]
    assert [(one.method, one.target, one.body) for one in server.requests] == [
        (call.method, call.target, call.body) for call in calls
    ]
    assert [(one.connection, one.number) for one in server.requests] == [
        (1, number) for number in range(1, len(calls) + 1)
    ]
    assert all(one.complete for one in server.requests)
    assert ("Accept-Encoding", "identity") in server.requests[0].headers
    assert server.attempts == ["honest"] * len(calls)


def test_a_message_may_be_there_though_the_connection_was_reset():
    with FaultyServer([Step(RESET_AFTER_READING, applied=True, times=1)]) as server:
        assert ask(server.address).end is End.RESET
        assert len(server.model.messages) == 1
        assert ask(server.address).parsed().status == 201
    assert len(server.model.messages) == 2
    assert server.attempts == ["reset-after-reading", "honest"]


def test_steps_follow_each_other():
    script = [
        Step(UNAVAILABLE, times=2),
        Step(HONEST, times=1),
        Step(RESET_ON_ACCEPT, times=1),
        Step(UNAVAILABLE),
    ]
    with FaultyServer(script) as server:
        heard = [ask(server.address) for _ in range(6)]
    assert [one.data[9:12] for one in heard] == [b"503", b"503", b"201", b"", b"503", b"503"]
    assert heard[3].end is End.RESET
    assert len(server.model.messages) == 1
    assert len(server.requests) == 5
    assert len(server.attempts) == 6


def test_a_step_may_be_for_one_method_or_path():
    script = [
        Step(UNAVAILABLE, method="DELETE"),
        Step(RESET_AFTER_READING, path=CALLS["update"].target, times=1),
    ]
    with FaultyServer(script) as server:
        heard = {name: ask(server.address, name) for name in CALLS if name != "delete"}
        deleted = ask(server.address, "delete")
    assert heard["update"].end is End.RESET
    assert [heard[name].parsed().status for name in ("create", "room", "message")] == [
        201,
        200,
        201,
    ]
    assert deleted.parsed().status == 503


def test_the_port_refuses_from_the_start_or_once_it_is_the_turn():
    with FaultyServer([Step(REFUSE)]) as server:
        assert ask(server.address).end is End.REFUSED
    assert server.attempts == []
    script = [Step(RESET_AFTER_READING, applied=True, times=1), Step(REFUSE)]
    with FaultyServer(script) as server:
        assert [ask(server.address).end for _ in range(3)] == [End.RESET, End.REFUSED, End.REFUSED]
        assert len(server.model.messages) == 1


def test_no_kept_connection_outlives_the_refusal():
    with FaultyServer([Step(HONEST, times=1), Step(REFUSE)]) as server:
        connection = http.client.HTTPConnection(*server.address, timeout=2)
        assert talk(connection, "message")[0] == 201
        assert connection.sock is None  # http.client obeyed a `Connection: close`


def test_a_stalled_port_neither_accepts_nor_refuses():
    with FaultyServer([Step(STALL)]) as server:
        heard = ask(server.address, patience=0.3)
    assert heard.end is End.SILENCE
    assert server.connections == 0


@pytest.mark.parametrize("fault", STALE, ids=str)
def test_a_kept_connection_goes_stale(fault):
    with FaultyServer([Step(fault, times=1)]) as server:
        connection = http.client.HTTPConnection(*server.address, timeout=2)
        assert talk(connection, "update")[0] == 200
        if not fault.reused:
            connection.sock.settimeout(1)
            time.sleep(0.1)
        with pytest.raises((ConnectionError, http.client.BadStatusLine)):
            talk(connection, "room")
        connection.close()
        assert not CALLS["room"].is_done(server.model.snapshot())
        assert ask(server.address, "room").parsed().status == 200
    assert server.attempts.count(fault.name) == 1


def test_a_second_request_may_be_applied_and_then_reset():
    with FaultyServer([Step(STALE_RESET_AFTER_READING, applied=True, times=1)]) as server:
        connection = http.client.HTTPConnection(*server.address, timeout=2)
        talk(connection, "update")
        with pytest.raises(ConnectionResetError):
            talk(connection, "message")
        connection.close()
        assert len(server.model.messages) == 1


def test_a_wrong_token_is_turned_away_and_changes_nothing():
    with FaultyServer(token="right") as server, connected(server.address) as sock:
        for token, status in (("wrong", b"401"), ("right", b"201")):
            sock.sendall(request_bytes("message", f"Kabelwerk-Token: {token}"))
            assert sock.recv(4096)[9:12] == status
        assert len(server.model.messages) == 1


def test_half_a_request_is_recorded_and_not_applied():
    with FaultyServer() as server:
        for sent in (request_bytes("message")[:-1], b"\x16\x03\x01 not HTTP", b"POST /api/us"):
            with connected(server.address) as sock:
                sock.sendall(sent)
                sock.shutdown(1)
                assert sock.recv(1) == b""
    assert [one.complete for one in server.requests] == [False] * 3
    assert [one.method for one in server.requests] == ["POST", "", ""]
    assert server.requests[1].raw == b"\x16\x03\x01 not HTTP"
    assert server.model.messages == []


def test_a_connection_is_bounded_in_time_and_bytes():
    with FaultyServer([Step(HANG)], limits=Limits(seconds=0.2)) as server:
        assert ask(server.address).seconds < 1
    with FaultyServer([Step(BIG_BODY)], limits=Limits(bytes=1 << 20)) as server:
        assert len(ask(server.address).data) <= 1 << 20


def test_the_server_ends_at_once_whatever_its_clients_do():
    before = threading.active_count()
    server = FaultyServer([Step(HANG, times=1), Step(DRIP_BODY)])
    with server, connected(server.address) as first, connected(server.address) as second:
        first.sendall(request_bytes("update"))
        second.sendall(request_bytes("update"))
        with connected(server.address):
            while len(server.attempts) < 2:
                time.sleep(0.01)
            began = time.monotonic()
            server.close()
    assert time.monotonic() - began < 1
    assert threading.active_count() == before


def test_a_fault_that_is_broken_itself_is_not_hidden():
    def break_down(_):
        raise ValueError("a bug in a fault")

    server = FaultyServer([Step(Fault("broken", break_down))])
    server.open()
    ask(server.address)
    with pytest.raises(ExceptionGroup):
        server.close()


def test_a_script_that_cannot_be_played_is_refused():
    with pytest.raises(ValueError, match="cannot be counted"):
        Step(REFUSE, times=1)
    with pytest.raises(ValueError, match="cannot be applied"):
        Step(RESET_ON_ACCEPT, applied=True)


def test_requests_side_by_side_are_all_served():
    def post(server):
        for _ in range(5):
            ask(server.address)

    with FaultyServer([Step(STALE_CLOSE, times=3)]) as server:
        threads = [threading.Thread(target=post, args=(server,)) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(server.model.messages) == len(server.requests) == 40
    assert json.loads(server.requests[-1].body) == CALLS["message"].sent
