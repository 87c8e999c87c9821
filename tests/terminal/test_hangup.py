"""A terminal that is closed, and what a signal leaves behind on one that is not."""

import json
import signal
import termios
import time
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest

from tests.batch.test_intents import fates
from tests.faultserver import HANG, Exchange, Fault, FaultyServer, Model, Outcome, Step
from tests.forkserver import Fork
from tests.model.state import populated
from tests.operations import CALLS, OPERATIONS
from tests.pseudo_terminal import Terminal
from tests.shell import EXECUTABLE, Shell

ROWS = 40
POST = OPERATIONS["message"]
MAILING = (*POST.command, "--yes", "--from", "rows.jsonl")
CODES = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129}


def answer_late(exchange: Exchange) -> bool:
    time.sleep(0.1)
    return exchange.send_honest()


LATE = Step(Fault("late", answer_late, Outcome.DONE), applied=True)


@pytest.fixture
def mailing(shell: Shell) -> Shell:
    (shell.home / "rows.jsonl").write_text(POST.rows(ROWS))
    return shell


def wait_for_requests(server: FaultyServer, count: int) -> None:
    give_up_at = time.monotonic() + 20
    while len(server.requests) < count:
        assert time.monotonic() < give_up_at
        time.sleep(0.001)


def hang_up_twice(process: Fork) -> None:
    process.send_signal(signal.SIGHUP)
    time.sleep(0.0005)
    process.send_signal(signal.SIGHUP)


def check_books(shell: Shell, server: FaultyServer) -> None:
    """Nothing is in doubt, and the next run posts the rest, each message once."""
    posted = len(server.model.messages)
    assert 0 < posted < ROWS
    journal = shell.home / "rows.jsonl.kabelwerk-journal"
    noted = fates(journal)
    assert noted["done"] == posted
    assert set(noted) <= {"done", "failed"}  # what was about to be sent, and was not
    again = shell.configured(server).run(*MAILING)
    assert (again.code, len(server.model.messages)) == (0, ROWS), again.err
    assert len(server.requests) == ROWS


@pytest.mark.parametrize("output", ["table", "jsonl", "tsv"])
def test_a_mailing_whose_terminal_is_closed(mailing: Shell, output: str) -> None:
    """Nothing that it writes to the terminal afterwards is an error."""
    with FaultyServer([LATE], model=Model(populated(ROWS))) as server:
        run = (*MAILING, "-o", output, "--report", "report.xml", "--concurrency", "4")
        run = (*run, "--summary", "summary.json")
        with Terminal(mailing.configured(server), *run) as terminal:
            wait_for_requests(server, 10)
            terminal.hang_up()
            terminal.process.send_signal(signal.SIGHUP)
            assert terminal.process.wait(timeout=20) == 129
        summary = json.loads((mailing.home / "summary.json").read_text())
        assert (summary["exit_code"], summary["error"]["type"]) == (129, "Interrupted")
        assert summary["counts"]["posted"] == len(server.model.messages)
        report = ET.parse(mailing.home / "report.xml").getroot()
        assert len(list(report.iter("testcase"))) == ROWS
        assert len(list(report.iter("skipped"))) == ROWS - len(server.model.messages)
        check_books(mailing, server)


def test_two_hangups_within_a_millisecond(mailing: Shell) -> None:
    with FaultyServer([LATE], model=Model(populated(ROWS))) as server:
        process = mailing.configured(server).start(*MAILING, "-o", "jsonl", "--concurrency", "8")
        with process:
            wait_for_requests(server, 10)
            hang_up_twice(process)
            out, err = process.communicate(timeout=20)
        assert process.returncode == 129
        *_, summary, error = err.decode().splitlines()
        assert '"type":"Interrupted"' in error
        assert f'"rows":{ROWS},"posted":{len(server.model.messages)},' in summary
        assert len(out.splitlines()) == ROWS
        check_books(mailing, server)


@pytest.mark.parametrize("first", [signal.SIGTERM, signal.SIGHUP])
def test_the_signals_that_end_a_session(mailing: Shell, first: signal.Signals) -> None:
    """SIGTERM and SIGHUP, sent together: whichever is heard first, none is a second one."""
    with FaultyServer([LATE], model=Model(populated(ROWS))) as server:
        process = mailing.configured(server).start(*MAILING, "--concurrency", "8")
        with process:
            wait_for_requests(server, 10)
            for number in sorted([signal.SIGTERM, signal.SIGHUP], key=lambda n: n != first):
                process.send_signal(number)
            _, err = process.communicate(timeout=20)
        assert process.returncode in {129, 143}
        assert f"{len(server.model.messages)} posted" in err.decode()
        check_books(mailing, server)


def test_a_second_signal_after_a_hangup_ends_it_at_once(mailing: Shell) -> None:
    with FaultyServer([Step(HANG)], model=Model(populated(ROWS))) as server:
        process = mailing.configured(server).start(*MAILING)
        with process:
            wait_for_requests(server, 1)
            time.sleep(0.1)
            process.send_signal(signal.SIGHUP)
            time.sleep(0.3)
            assert process.poll() is None
            process.send_signal(signal.SIGTERM)
            _, err = process.communicate(timeout=10)
    assert process.returncode == 143
    assert "Interrupted." in err.decode()


def test_nohup(mailing: Shell) -> None:
    with FaultyServer([LATE], model=Model(populated(ROWS))) as server:
        process = mailing.configured(server).launch(str(EXECUTABLE), *MAILING, program="nohup")
        with process:
            wait_for_requests(server, 2)
            hang_up_twice(process)
            process.communicate(timeout=30)
        assert (process.returncode, len(server.model.messages)) == (0, ROWS)


def test_a_call_whose_terminal_is_closed(shell: Shell) -> None:
    call = CALLS["update"]
    with FaultyServer([LATE]) as server:
        with Terminal(shell.configured(server), *call.line) as terminal:
            wait_for_requests(server, 1)
            terminal.hang_up()
            assert terminal.process.wait(timeout=20) == 129
        assert len(server.requests) == 1


def test_a_confirmation_whose_terminal_is_closed(shell: Shell) -> None:
    with FaultyServer() as server:
        delete = ("users", "delete", "--key", "kusanagi")
        with Terminal(shell.configured(server), *delete) as terminal:
            terminal.wait_for_prompt("[y/N] ")
            terminal.hang_up()
            assert terminal.process.wait(timeout=20) == 129
        assert server.requests == []


@pytest.mark.parametrize("prompt", ["URL", "API token"])
def test_a_prompt_whose_terminal_is_closed(shell: Shell, prompt: str) -> None:
    given = () if prompt == "URL" else ("--url", "http://127.0.0.1:9")
    with (shell.home / "err").open("wb") as err:
        with Terminal(shell, "login", *given) as terminal:
            terminal.wait_for_prompt(f"{prompt}: ")
            terminal.hang_up()
            assert terminal.process.wait(timeout=20) == 129
        err.flush()


@pytest.mark.parametrize("number", CODES)
def test_a_hidden_prompt_leaves_the_echo_as_it_was(shell: Shell, number: signal.Signals) -> None:
    with Terminal(shell, "login", "--url", "http://127.0.0.1:9") as terminal:
        terminal.wait_for_prompt("API token: ")
        assert not terminal.attributes()[3] & termios.ECHO
        terminal.process.send_signal(number)
        assert terminal.end() == CODES[number]
        assert terminal.attributes() == terminal.before
        assert terminal.before[3] & termios.ECHO
        assert "Interrupted. Nothing was sent." in terminal.plain


@pytest.mark.parametrize("number", CODES)
def test_a_progress_bar_leaves_the_cursor_shown(mailing: Shell, number: signal.Signals) -> None:
    with FaultyServer([LATE], model=Model(populated(ROWS))) as server:
        with Terminal(mailing.configured(server), *MAILING) as terminal:
            terminal.wait_for("/40")
            terminal.process.send_signal(number)
            assert terminal.end() == CODES[number]
        assert terminal.screen.rfind("\x1b[?25h") > terminal.screen.rfind("\x1b[?25l")


@pytest.mark.parametrize("number", CODES)
def test_a_signal_ends_a_token_command_with_its_children(
    shell: Shell, number: signal.Signals
) -> None:
    program = shell.home / "token"
    program.write_text("#!/bin/sh\nsleep 60 &\necho $! > child\necho $$ > parent\nwait\n")
    program.chmod(0o755)
    with FaultyServer() as server:
        shell.write_profile(url=server.url, token_command=[str(program)])
        process = shell.start(*CALLS["update"].line)
        with process:
            give_up_at = time.monotonic() + 20
            while not (shell.home / "parent").exists() or not _number(shell.home / "parent"):
                assert time.monotonic() < give_up_at
                time.sleep(0.01)
            process.send_signal(number)
            _, err = process.communicate(timeout=20)
        assert (process.returncode, err) == (
            CODES[number],
            b"Error: Interrupted. Nothing was sent.\n",
        )
        assert server.requests == []
    give_up_at = time.monotonic() + 20
    while any(_is_running(_number(shell.home / name)) for name in ("child", "parent")):
        assert time.monotonic() < give_up_at
        time.sleep(0.01)


def _number(file: Path) -> int:
    return int(file.read_text() or 0)


def _is_running(pid: int) -> bool:
    """Tell whether a process runs; one that has ended and was not waited for does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
