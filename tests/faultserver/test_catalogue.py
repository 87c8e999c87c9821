"""Each fault does on the wire what its name says."""

import http.client
import json
import re
import time

import pytest

from tests.operations import CALLS

from .catalogue import CATALOGUE, FAULTS, faults_in, matrix
from .connections import REFUSE
from .fault import EVERY_CALL, Moment, Outcome
from .raw_client import ENOUGH, PATIENCE, WHOLE, End, ask, meet, usual_operation
from .server import FaultyServer

ONCE = 1


def wait_for_an_attempt(server):
    """A client that gives up early may be ahead of the server."""
    until = time.monotonic() + PATIENCE
    while not server.attempts and time.monotonic() < until:
        time.sleep(0.001)


def test_names_are_unique():
    assert len(FAULTS) == len(CATALOGUE)


@pytest.mark.parametrize("fault", CATALOGUE, ids=str)
def test_what_is_said_of_a_fault_agrees_with_itself(fault):
    assert set(fault.operations) <= set(EVERY_CALL)
    assert fault.expect not in fault.also
    assert fault.sent is (fault.expect is not Outcome.NOT_SENT)
    assert (0 in fault.exits) is (Outcome.DONE in {fault.expect, *fault.also})
    if fault.moment is not Moment.ANSWER:
        assert fault.worlds == (False,)
    if fault.expect is Outcome.REJECTED:
        assert fault.complete
    if 0 in fault.exits:
        assert fault.worlds == (True,)  # only a lying server would look done and not be


@pytest.mark.parametrize(
    "case",
    [
        case
        for case in matrix()
        if case.times == ONCE and case.operation == usual_operation(case.fault)
    ],
    ids=str,
)
def test_the_model_is_changed_as_the_script_says_and_then_all_is_well(case):
    call = CALLS[case.operation]
    with FaultyServer([case.step]) as server:
        ask(server.address, case.operation, patience=0.02 if case.fault.slow else PATIENCE)
        wait_for_an_attempt(server)
        assert server.attempts == [case.fault.name]
        assert len(server.requests) == (case.fault.moment is Moment.ANSWER)
        assert call.is_done(server.model.snapshot()) is case.applied
        assert WHOLE.match(ask(server.address, case.operation).data)
        assert server.attempts == [case.fault.name, "honest"]


def test_the_matrix_has_every_fault_and_call():
    cases = list(matrix())
    assert {case.operation for case in cases} == set(EVERY_CALL)
    assert {case.fault for case in cases} == {fault for fault in CATALOGUE if not fault.reused}
    assert len({str(case) for case in cases}) == len(cases)
    assert all(case.times is None for case in cases if case.fault is REFUSE)


@pytest.mark.parametrize(
    ("name", "end"),
    [
        ("refuse", End.REFUSED),
        ("stall-connect", End.SILENCE),
        ("reset-on-accept", End.RESET),
        ("close-on-accept", End.FIN),
        ("reset-before-reading", End.RESET),
        ("close-before-reading", End.FIN),
        ("reset-within-request", End.RESET),
        ("reset-after-reading", End.RESET),
        ("close-after-reading", End.FIN),
        ("hang", End.SILENCE),
        ("hang-on-accept", End.SILENCE),
    ],
)
def test_a_connection_ends_without_a_byte(name, end):
    heard = meet(FAULTS[name])
    assert (heard.end, heard.data) == (end, b"")


@pytest.mark.parametrize(
    ("name", "end", "tail"),
    [
        ("cut-status-line", End.FIN, rb"^HTTP/1\.1 2$"),
        ("cut-after-status", End.FIN, rb"^HTTP/1\.1 201 Created$"),
        ("cut-headers", End.FIN, rb"^HTTP/1\.1 201 Created\r\nContent-Type: applic$"),
        ("cut-before-blank-line", End.FIN, rb"[^\n]\r\n$"),
        ("cut-body", End.FIN, rb"\r\n\r\n\{.*\}$"),
        ("cut-body-at-once", End.FIN, rb"\r\n\r\n$"),
        ("reset-within-body", End.RESET, rb"\r\n\r\n\{.*\}$"),
        ("cut-unmeasured-body", End.FIN, rb"Connection: close\r\n\r\n\{.*[^}]$"),
        ("cut-chunk", End.FIN, rb"\r\n\r\n[0-9a-f]+\r\n\{.*\}\r\n$"),
        ("cut-within-chunk", End.FIN, rb"\r\n\r\n[0-9a-f]+\r\n\{.*[^}\n]$"),
        ("cut-chunk-size", End.FIN, rb"\}\r\n1$"),
        ("cut-400", End.FIN, rb"^HTTP/1\.1 400 .*\}\}$"),
        ("cut-404", End.FIN, rb"^HTTP/1\.1 404 .*\}\}$"),
        ("hang-in-status-line", End.SILENCE, rb"^HTTP/1\.1 $"),
        ("hang-in-headers", End.SILENCE, rb"X-Half: $"),
        ("hang-in-body", End.SILENCE, rb"\r\n\r\n\{.*[^}]$"),
        ("hang-after-chunk", End.SILENCE, rb"\}\r\n$"),
        ("hang-after-100", End.SILENCE, rb"^HTTP/1\.1 100 Continue\r\n\r\n$"),
        ("hang-after-102", End.SILENCE, rb"^HTTP/1\.1 102 Processing\r\n\r\n$"),
        ("hang-after-103", End.SILENCE, rb"^HTTP/1\.1 103 Early Hints\r\n\r\n$"),
    ],
)
def test_an_answer_ends_where_the_fault_says(name, end, tail):
    heard = meet(FAULTS[name])
    assert heard.end is end
    assert re.search(tail, heard.data, re.DOTALL)


@pytest.mark.parametrize("fault", faults_in("cuts"), ids=str)
@pytest.mark.parametrize("operation", EVERY_CALL)
def test_no_cut_answer_can_be_read_in_full(fault, operation):
    heard = meet(fault, operation)
    if b"\r\n\r\n" in heard.data:
        with pytest.raises((http.client.IncompleteRead, ValueError)):
            json.loads(heard.parsed(CALLS[operation].method).read())


@pytest.mark.parametrize("fault", faults_in("drips"), ids=str)
def test_a_drip_never_pauses_for_long_and_never_ends(fault):
    heard = meet(fault, patience=0.5)
    assert heard.end is End.SILENCE
    assert 2 <= len(heard.data) < 250


@pytest.mark.parametrize("fault", faults_in("floods"), ids=str)
def test_a_flood_does_not_end(fault):
    heard = meet(fault, patience=PATIENCE)
    assert heard.end is End.ENDLESS
    assert len(heard.data) >= ENOUGH


@pytest.mark.parametrize(
    ("name", "repeated"),
    [
        ("body-of-200-MB", b"Content-Length: 2000002"),
        ("endless-body", b"Connection: close\r\n\r\n   "),
        ("endless-chunks", b"\r\n10000\r\n   "),
        ("endless-trailers", b"0\r\nX-Trailer: more\r\nX-Trailer: more\r\n"),
        ("endless-headers", b"X-More: more\r\nX-More: more\r\n"),
        ("endless-header-line", b"X-Long: aaaaaaaaaa"),
        ("endless-status-line", b"HTTP/1.1 200 OOOOOOOO"),
        ("endless-chunk-size", b"chunked\r\n\r\n00000000"),
        ("flood-of-100-continue", b"100 Continue\r\n\r\nHTTP/1.1 100 Continue\r\n\r\n"),
        ("flood-of-100-with-headers", b"100 Continue\r\nX-More: more\r\n\r\nHTTP/1.1 100 C"),
    ],
)
def test_a_flood_is_of_what_its_name_says(name, repeated):
    assert repeated in meet(FAULTS[name], patience=PATIENCE).data
