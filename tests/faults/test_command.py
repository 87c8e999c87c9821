"""The real executable against the misbehaving server: limits, signals, lost output."""

import json
import os
import resource
import signal
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.faultserver import (
    CATALOGUE,
    DRIP_BODY,
    FAULTS,
    GROUPS,
    HANG,
    RESET_AFTER_READING,
    Fault,
    FaultyServer,
    Request,
    Step,
    rate_limited,
)
from tests.measure import Measured, measure
from tests.operations import COMMANDS
from tests.shell import EXECUTABLE, Shell

MEGABYTE = 1024 * 1024
HEAVY = [fault for fault in CATALOGUE if fault.slow or fault in GROUPS["floods"]]
HEAVY += [FAULTS["gzip-bomb"], FAULTS["json-deep-unclosed"], FAULTS["400-many"]]


def run_measured(shell: Shell, fault: Fault) -> Measured:
    with FaultyServer([Step(fault)]) as server:
        limits = ("--timeout", "1", "--max-time", "1.5")
        command = [EXECUTABLE, *COMMANDS["update"], *limits]
        return measure(command, shell.configured(server).environment)


@pytest.mark.usefixtures("alone")
def test_nothing_outlasts_its_limits_or_fills_the_memory(shell: Shell) -> None:
    """Every hang, drip and flood, three at a time."""
    with ThreadPoolExecutor(3) as pool:
        runs = list(pool.map(lambda fault: run_measured(shell, fault), HEAVY))
    for fault, (code, seconds, memory) in zip(HEAVY, runs, strict=True):
        assert code in {6, 7, 8, 9}, fault
        assert seconds < 15, fault  # without a limit it would take hours
        assert memory < 150 * MEGABYTE, fault


def test_a_message_that_was_applied_and_lost(shell: Shell) -> None:
    with FaultyServer([Step(RESET_AFTER_READING, applied=True)]) as server:
        ran = shell.configured(server).execute(*COMMANDS["message"])
        assert len(server.requests) == 1
        assert len(server.model.messages) == 1
        request_id = server.requests[0].header("X-Request-Id")
    assert ran.code == 9
    assert "kusanagi" in ran.err
    assert request_id
    assert request_id in ran.err


def test_an_update_that_was_lost_once(shell: Shell) -> None:
    with FaultyServer([Step(RESET_AFTER_READING, times=1)]) as server:
        ran = shell.configured(server).execute(*COMMANDS["update"])
        assert len(server.requests) == 2
        assert len({request.header("X-Request-Id") for request in server.requests}) == 2
        assert server.model.users["kusanagi"].name == "Motoko Kusanagi"
    assert ran.code == 0
    assert len(ran.err.splitlines()) == 1
    assert "retrying in" in ran.err


def test_a_delete_that_was_applied_and_lost(shell: Shell) -> None:
    with FaultyServer([Step(RESET_AFTER_READING, applied=True, times=1)]) as server:
        ran = shell.configured(server).execute(*COMMANDS["delete"])
        assert "kusanagi" not in server.model.users
    assert ran.code == 0
    assert "is gone; the answer to an earlier attempt was lost" in ran.err


def test_a_create_that_was_applied_and_lost(shell: Shell) -> None:
    with FaultyServer([Step(RESET_AFTER_READING, applied=True, times=1)]) as server:
        ran = shell.configured(server).execute(*COMMANDS["create"])
        assert "motoko" in server.model.users
    assert ran.code == 9
    assert "possibly created by an earlier attempt" in ran.err


@pytest.mark.parametrize("then", ["status-401", "status-404", "redirect-302"])
def test_unknown_first_and_then_turned_away(shell: Shell, then: str) -> None:
    script = [Step(RESET_AFTER_READING, applied=True, times=1), Step(FAULTS[then])]
    with FaultyServer(script) as server:
        ran = shell.configured(server).execute(*COMMANDS["update"])
        assert len(server.requests) == 2
    assert ran.code == 9
    assert "first the request was sent, but no answer came" in ran.err
    assert f"then the server answered {then[-3:]}" in ran.err


def test_unknown_first_and_then_refused(shell: Shell) -> None:
    script = [Step(RESET_AFTER_READING, applied=True, times=1), Step(FAULTS["refuse"])]
    with FaultyServer(script) as server:
        ran = shell.configured(server).execute(*COMMANDS["update"], "-o", "json")
    error = json.loads(ran.err.splitlines()[-1])["error"]
    assert (ran.code, error["applied"], error["attempts"]) == (9, "unknown", 3)
    assert "refused" in error["message"]


def test_a_short_retry_after_is_waited_for(shell: Shell) -> None:
    with FaultyServer([Step(rate_limited("1"), times=1)]) as server:
        ran = shell.configured(server).execute(*COMMANDS["message"])
        first, second = server.requests
        assert second.time - first.time >= 1
        assert len(server.model.messages) == 1
    assert ran.code == 0


@pytest.mark.parametrize("value", ["3600", "1" + "0" * 30])
def test_a_long_retry_after_ends_at_once(shell: Shell, value: str) -> None:
    with FaultyServer([Step(rate_limited(value))]) as server:
        ran = shell.configured(server).execute(*COMMANDS["message"])
        assert len(server.requests) == 1
    assert ran.code == 7
    assert "asked to wait" in ran.err


@pytest.mark.parametrize("value", ["-1", "abc", "Thu, 01 Jan 1970 00:00:00 GMT"])
def test_a_retry_after_without_sense_is_ignored(shell: Shell, value: str) -> None:
    with FaultyServer([Step(rate_limited(value), times=1)]) as server:
        ran = shell.configured(server).execute(*COMMANDS["message"])
        assert len(server.requests) == 2
    assert ran.code == 0


def wait_for_request(server: FaultyServer) -> Request:
    give_up_at = time.monotonic() + 20
    while not server.requests:
        assert time.monotonic() < give_up_at
        time.sleep(0.01)
    return server.requests[0]


@pytest.mark.parametrize("fault", [HANG, DRIP_BODY])
@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_a_signal_while_a_message_is_on_its_way(
    shell: Shell, fault: Fault, number: signal.Signals, code: int
) -> None:
    with FaultyServer([Step(fault, applied=True)]) as server:
        process = shell.configured(server).start(*COMMANDS["message"])
        wait_for_request(server)
        process.send_signal(number)
        out, err = process.communicate(timeout=20)
        assert len(server.requests) == 1
    assert process.returncode == code
    assert out == b""
    assert b"may have been posted" in err
    assert b"Traceback" not in err
    assert len(err.splitlines()) == 1


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_a_signal_between_two_attempts(shell: Shell, number: signal.Signals, code: int) -> None:
    with FaultyServer([Step(rate_limited("30"))]) as server:
        process = shell.configured(server).start(*COMMANDS["message"])
        wait_for_request(server)
        assert process.stderr
        process.stderr.readline()  # the retry message
        process.send_signal(number)
        _, err = process.communicate(timeout=20)
    assert process.returncode == code
    assert b"was not posted" in err


def test_stdout_that_is_full(shell: Shell) -> None:
    with FaultyServer() as server, Path("/dev/full").open("wb") as full:
        process = shell.configured(server).start(*COMMANDS["message"], stdout=full)
        _, err = process.communicate(timeout=20)
        assert len(server.model.messages) == 1
    assert process.returncode == 141
    assert b"was posted" in err


def test_stdout_that_is_closed(shell: Shell) -> None:
    with FaultyServer() as server:
        process = shell.configured(server).launch(
            *COMMANDS["message"], stdout=None, preexec_fn=lambda: os.close(1)
        )
        _, err = process.communicate(timeout=20)
        assert len(server.model.messages) == 1
    assert process.returncode == 141
    assert b"was posted" in err


def test_stdout_whose_reader_is_gone(shell: Shell) -> None:
    read_end, write_end = os.pipe()
    os.close(read_end)
    with FaultyServer() as server:
        process = shell.configured(server).start(*COMMANDS["message"], stdout=write_end)
        os.close(write_end)
        _, err = process.communicate(timeout=20)
        assert len(server.model.messages) == 1
    assert process.returncode == 141
    assert b"was posted" in err


def test_stderr_that_is_closed_changes_nothing(shell: Shell) -> None:
    with FaultyServer() as server:
        process = shell.configured(server).launch(
            *COMMANDS["message"], stderr=None, preexec_fn=lambda: os.close(2)
        )
        out, _ = process.communicate(timeout=20)
        assert len(server.model.messages) == 1
    assert process.returncode == 0
    assert out


def test_a_file_size_limit_of_nothing(shell: Shell, tmp_path: Path) -> None:
    """A full disk, simulated by a file size limit."""
    with FaultyServer() as server, (tmp_path / "out").open("wb") as out:
        process = shell.configured(server).launch(
            *COMMANDS["message"],
            stdout=out,
            preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0)),
        )
        _, err = process.communicate(timeout=20)
        assert len(server.model.messages) == 1
    assert process.returncode == 141
    assert b"was posted" in err
