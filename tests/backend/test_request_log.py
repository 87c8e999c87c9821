"""-v, -vv and the log file; the token appears in nothing that is printed or logged."""

import json

import pytest

from tests.faultserver import (
    FAULTS,
    HONEST,
    REFUSE,
    Answer,
    Fault,
    FaultyServer,
    Outcome,
    Step,
    canned,
)
from tests.operations import COMMANDS
from tests.shell import TOKEN, Shell


def test_verbose_has_a_line_a_request(shell: Shell) -> None:
    with FaultyServer([Step(FAULTS["status-503"], times=1)]) as server:
        ran = shell.configured(server).run(*COMMANDS["update"], "-v", "-q")
        ids = [request.header("X-Request-Id") for request in server.requests]
    first, second = ran.err.splitlines()
    assert first.startswith("PATCH /api/users/kusanagi 503 ")
    assert first.endswith(f" ms, attempt 1, request {ids[0]}")
    assert second.startswith("PATCH /api/users/kusanagi 200 ")
    assert second.endswith(f"attempt 2, request {ids[1]}")


def test_twice_verbose_has_the_bodies(shell: Shell) -> None:
    with FaultyServer() as server:
        ran = shell.configured(server).run(*COMMANDS["message"], "-vv")
    _, sent, answered = ran.err.splitlines()
    assert json.loads(sent.removeprefix("> "))["user"] == "batou"
    assert json.loads(answered.removeprefix("< "))["type"] == "text"


def test_a_log_is_appended_and_private_and_has_no_bodies(shell: Shell) -> None:
    with FaultyServer([Step(FAULTS["status-503"], times=1)]) as server:
        there = shell.configured(server)
        assert there.run(*COMMANDS["update"], "--log-file", "log").code == 0
        assert there.run(*COMMANDS["message"], "--log-file", "log").code == 0
        sent = server.requests
    log = shell.home / "log"
    assert log.stat().st_mode & 0o777 == 0o600
    lines = [json.loads(line) for line in log.read_text().splitlines()]
    entries = [line for line in lines if line["event"] == "request"]
    assert [(e["operation"], e["status"], e["outcome"], e["attempt"]) for e in entries] == [
        ("update_user", 503, "unknown", 1),
        ("update_user", 200, "updated", 2),
        ("post_message", 201, "posted", 1),
    ]
    assert [e["request_id"] for e in entries] == [r.header("X-Request-Id") for r in sent]
    assert "Where are you" not in log.read_text()
    assert TOKEN not in log.read_text()


def test_a_log_that_cannot_be_created_does_not_stop_a_call(shell: Shell) -> None:
    with FaultyServer() as server:
        ran = shell.configured(server).run(*COMMANDS["message"], "--log-file", "no/such/log")
        assert len(server.model.messages) == 1
    assert ran.code == 0
    assert ran.err == "Warning: Cannot write log file 'no/such/log': No such file or directory.\n"


def test_a_disk_that_is_full_does_not_stop_a_call(shell: Shell) -> None:
    with FaultyServer() as server:
        ran = shell.configured(server).run(*COMMANDS["message"], "--log-file", "/dev/full")
        assert len(server.model.messages) == 1
    assert ran.code == 0
    assert "Cannot write log file '/dev/full'" in ran.err


def echo(status: int, *headers: tuple[str, str]) -> Fault:
    """An answer that contains the token everywhere an answer can."""
    body = json.dumps({"errors": {TOKEN: [f"{TOKEN} is not welcome"]}, "name": TOKEN}).encode()
    return canned("echo", Answer(status, headers, body), Outcome.REJECTED)


ECHOES = {
    "redirect": echo(302, ("Location", f"https://{TOKEN}.example/?token={TOKEN}")),
    "rejection": echo(400),
    "unauthorized": echo(401),
    "missing": echo(404),
    "conflict": echo(409),
    "failure": echo(503),
    "success": echo(200),
    "honest": HONEST,
    "reset": FAULTS["reset-after-reading"],
    "garbage": FAULTS["garbage"],
    "refused": REFUSE,
    "cut": FAULTS["cut-headers"],
}


@pytest.mark.parametrize("fault", ECHOES.values(), ids=ECHOES)
@pytest.mark.parametrize("output", ["table", "json"])
def test_the_token_is_in_nothing_that_is_printed_or_kept(
    shell: Shell, fault: Fault, output: str
) -> None:
    with FaultyServer([Step(fault)]) as server:
        there = shell.configured(server)
        common = ("-vv", "--log-file", "log", "--retries", "1", "-o", output)
        runs = [there.run(*command, *common) for command in COMMANDS.values()]
        runs += [
            there.run("doctor", *common),
            there.run("config", "show", "-o", output),
            there.run("login", "--no-input", *common),
            there.run(*COMMANDS["create"], "--dry-run", "-o", output),
            there.run(*COMMANDS["create"], "--nmae"),
        ]
    printed = "".join(ran.out + ran.err for ran in runs)
    assert printed
    assert TOKEN not in printed
    assert TOKEN not in (shell.home / "log").read_text()


def test_not_in_a_traceback_or_a_repr_either() -> None:
    from kabelwerk_cli.delivery.sender import Sender
    from kabelwerk_cli.network.transport import NetworkTransport
    from kabelwerk_cli.network.url import parse_address

    transport = NetworkTransport(parse_address("http://127.0.0.1:9"))
    sender = Sender(transport, token=TOKEN)
    assert TOKEN not in repr(sender) + repr(transport) + str(sender)
