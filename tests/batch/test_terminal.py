"""A batch on a terminal, and one that nobody looks at."""

import json
import re
import signal
import subprocess
import time
from functools import partial

import pytest

from tests.faultserver import FAULTS, HANG, HONEST, FaultyServer, Step, rate_limited
from tests.pseudo_terminal import Terminal
from tests.shell import Shell, interrupt_to_the_end, send_to_another_thread
from tests.streams import Pipe


@pytest.fixture
def rows(shell: Shell) -> Shell:
    text = "".join(f"u{n},Name\n" for n in range(200))
    (shell.home / "rows.csv").write_text(f"key,name\n{text}")
    return shell


CREATE = ("users", "create", "--from", "rows.csv", "--rate", "100")


@pytest.mark.parametrize("options", [(), ("--no-color",)])
def test_a_bar_with_rate_failures_and_time_left(rows: Shell, options: tuple[str, ...]) -> None:
    script = [Step(HONEST, times=5), Step(FAULTS["status-404"], times=3)]
    with (
        FaultyServer(script) as server,
        Terminal(rows.configured(server), *CREATE, *options) as terminal,
    ):
        terminal.wait_for("users create")
        terminal.wait_for("/200")
        terminal.wait_for("rows/s")
        terminal.wait_for("3 failed")
        terminal.wait_for("0:00:0")
        assert terminal.end() == 10
        # whatever color there is begins with this
        assert (re.search(r"\x1b\[[0-9;]+m", terminal.screen) is None) == bool(options)
        *_, summary, last = terminal.plain.splitlines()
        assert summary.endswith("200 rows: 197 created, 3 failed.")
        assert last.startswith("Error: Correct the 3 rejected rows")


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_one_signal_ends_it_in_good_order(rows: Shell, number: signal.Signals, code: int) -> None:
    with FaultyServer() as server:
        with Terminal(rows.configured(server), *CREATE) as terminal:
            while len(server.requests) < 9:
                terminal.wait_for("rows/s")
            terminal.process.send_signal(number)
            assert terminal.end() == code
            assert "not attempted" in terminal.plain
            assert "Run the same command again" in terminal.plain
            assert "Traceback" not in terminal.plain
        some = len(server.requests)
        assert 0 < some < 200
        again = rows.configured(server).run(*CREATE[:-2])
        assert again.code == 0
        assert len(server.requests) == 200


@pytest.mark.parametrize("just_before", [False, True])
def test_a_signal_ends_the_wait_that_a_server_asked_for(rows: Shell, *, just_before: bool) -> None:
    with FaultyServer([Step(rate_limited("45"))]) as server:
        process = rows.configured(server).start(*CREATE[:-2], "-o", "jsonl")
        while not server.requests:
            time.sleep(0.01)
        time.sleep(0.3)
        started = time.monotonic()
        send = partial(send_to_another_thread, process) if just_before else process.send_signal
        send(signal.SIGINT)
        _, err = process.communicate(timeout=30)
        assert time.monotonic() - started < 20
    assert process.returncode == 130
    assert json.loads(err.splitlines()[-1])["error"]["applied"] == "no"


def test_a_signal_just_before_the_wait_for_a_rate(rows: Shell) -> None:
    with (
        FaultyServer() as server,
        rows.configured(server).start(*CREATE[:-1], "0.02", "-o", "jsonl") as process,
    ):
        while not server.requests:
            time.sleep(0.01)
        time.sleep(0.3)
        send_to_another_thread(process, signal.SIGINT)
        _, err = process.communicate(timeout=20)
        assert len(server.requests) == 1
    assert process.returncode == 130
    assert json.loads(err.splitlines()[-1])["error"]["applied"] == "yes"


@pytest.mark.parametrize("output", ["table", "jsonl"])
def test_two_signals_end_it_at_once(rows: Shell, output: str) -> None:
    with FaultyServer([Step(HONEST, times=3), Step(HANG)]) as server:
        process = rows.configured(server).start(*CREATE, "-o", output)
        while len(server.requests) < 8:
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        time.sleep(0.5)
        assert process.poll() is None  # it waits for the rows in flight
        started = time.monotonic()
        interrupt_to_the_end(process)
        _, err = process.communicate(timeout=30)
        assert time.monotonic() - started < 10
    assert process.returncode == 130
    (line,) = err.decode().splitlines()
    assert "Interrupted. 'rows.csv.kabelwerk-journal' records which rows were sent." in line
    assert output == "table" or json.loads(line)["error"]["applied"] == "unknown"


@pytest.mark.parametrize("milliseconds", [1, 2, 3, 4, 6, 8])
def test_two_signals_in_the_sandbox(rows: Shell, milliseconds: int) -> None:
    """It is not closed while other threads use it."""
    process = rows.start("--sandbox", *CREATE[:-2], "-o", "jsonl")
    assert process.stdout
    with process:
        process.stdout.readline()
        process.send_signal(signal.SIGINT)
        time.sleep(milliseconds / 1000)
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=30)
    assert process.returncode in {130, 143}, err


@pytest.mark.parametrize("hangs", [True, False])
def test_a_signal_ends_a_summary_that_nobody_reads(rows: Shell, *, hangs: bool) -> None:
    """One ends the run in good order, the next one whatever it waits for then."""
    stderr = Pipe(full=True)
    with FaultyServer([Step(HONEST, times=3), *([Step(HANG)] if hangs else [])]) as server:
        process = rows.configured(server).start(*CREATE, "-o", "jsonl", stderr=stderr.write)
        with process:
            while len(server.requests) < 5:
                time.sleep(0.01)
            sent = interrupt_to_the_end(process)
            process.communicate(timeout=10)
    assert process.returncode == 130
    assert sent > 1
    stderr.drain()
    stderr.text()


def test_nothing_of_the_bar_where_nobody_looks(rows: Shell) -> None:
    with FaultyServer() as server:
        process = rows.configured(server).start(*CREATE[:-2], stderr=subprocess.STDOUT)
        out, _ = process.communicate(timeout=60)
    assert process.returncode == 0
    assert out == b"200 rows: 200 created.\n"
