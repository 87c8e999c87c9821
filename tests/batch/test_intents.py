"""Rows whose intent is on disk and that are not sent yet, when the run ends."""

import contextlib
import signal
import sqlite3
import threading
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.faultserver import FAULTS, HANG, HONEST, FaultyServer, Step
from tests.model.model import Model
from tests.model.state import populated
from tests.operations import OPERATIONS
from tests.shell import Shell

from .story import FILE, JOURNAL, POST, UPDATE, error_of, meanwhile, outcomes_of, rows

ROWS = 60
AHEAD = 16
COMMANDS = {
    "update": (UPDATE, "key,name", AHEAD),
    "update at a rate": ((*UPDATE, "--rate", "10000"), "key,name", 0),
    "post": (POST, "room,text", 0),
}


def fates(journal: Path) -> Counter[str]:
    """How many entries have which fate."""
    with contextlib.closing(sqlite3.connect(journal)) as db:
        return Counter(fate for (fate,) in db.execute("SELECT fate FROM entries"))


@pytest.mark.parametrize("at_once", [1, 20])
@pytest.mark.parametrize("name", COMMANDS)
def test_few_intents_are_written_ahead_and_none_for_messages_or_at_a_rate(
    shell: Shell, name: str, at_once: int
) -> None:
    """After a crash each of them is in doubt; after a slow answer they would exceed the rate."""
    command, columns, ahead = COMMANDS[name]
    (shell.home / FILE).write_text(rows(" ".join(f"old{n}:N" for n in range(ROWS)), columns))
    # the first row goes alone
    script = [Step(HONEST, times=1), Step(HANG)]
    with FaultyServer(script, model=Model(populated(ROWS))) as server:
        there = shell.configured(server)
        process = there.start(*command, "--from", FILE, "--concurrency", str(at_once))
        while len(server.requests) < 1 + at_once:
            time.sleep(0.01)
        time.sleep(0.3)
        process.kill()
        process.communicate()
    assert fates(shell.home / JOURNAL) == {"done": 1, "in flight": at_once + ahead}


@pytest.mark.parametrize("name", COMMANDS)
def test_intents_that_were_not_begun_are_withdrawn_on_a_stop(shell: Shell, name: str) -> None:
    command, columns, _ = COMMANDS[name]
    (shell.home / FILE).write_text(rows(" ".join(f"old{n}:N" for n in range(ROWS)), columns))
    go_on = threading.Event()
    script = [Step(HONEST, times=1), *(meanwhile(lambda: go_on.wait(30)) for _ in range(20))]
    run = (*command, "--from", FILE, "-o", "jsonl", "--retries", "0", "--concurrency", "20")
    with FaultyServer(script, model=Model(populated(ROWS))) as server:
        there = shell.configured(server)
        process = there.start(*run)
        while len(server.requests) < 21:
            time.sleep(0.01)
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        time.sleep(0.3)
        go_on.set()
        out, err = process.communicate(timeout=60)
        assert process.returncode == 130, err
        assert Counter(outcomes_of(out.decode()).values()) == {"done": 21, "not attempted": 39}
        assert len(server.requests) == 21
        assert fates(shell.home / JOURNAL)["in flight"] == 0
        # what was not sent is not in doubt: a rejection is a rejection
        server.follow([Step(FAULTS["status-422"])])
        again = there.run(*run)
        assert again.code == 10
        assert Counter(outcomes_of(again.out).values()) == {"done": 21, "failed": 39}


@pytest.mark.parametrize("name", [name for name in OPERATIONS if name != "message"])
@pytest.mark.parametrize("fault", ["status-401", "status-422", "status-429"])
def test_a_doubt_of_a_killed_run_is_not_settled_by_a_rejection(
    shell: Shell, name: str, fault: str
) -> None:
    operation = OPERATIONS[name]
    (shell.home / "rows.jsonl").write_text(operation.rows(1))
    run = (*operation.command, *operation.confirmed, "--from", "rows.jsonl", "--retries", "0")
    with FaultyServer([Step(HANG, applied=True)], model=Model(populated(1))) as server:
        there = shell.configured(server)
        process = there.start(*run)
        while not server.requests:
            time.sleep(0.01)
        process.kill()
        process.communicate()
        server.follow([Step(FAULTS[fault])])
        ran = there.run(*run, "-o", "jsonl")
        assert outcomes_of(ran.out) == {1: "unknown"}
        assert ran.code == 9
        assert error_of(ran.err)["applied"] == "unknown"
        # nor by running again
        assert there.run(*run, "-o", "jsonl").code == 9
