"""Rows whose intent is on disk and that are not sent yet, when the run ends."""

import contextlib
import signal
import sqlite3
import threading
import time
from collections import Counter
from pathlib import Path

import pytest

from tests.faultserver import FAULTS, HANG, FaultyServer, Step
from tests.model.model import Model
from tests.model.state import populated
from tests.shell import Shell

from .story import FILE, JOURNAL, POST, UPDATE, meanwhile, outcomes_of, rows

ROWS = 60
AHEAD = 16
COMMANDS = {"update": (UPDATE, "key,name", AHEAD), "post": (POST, "room,text", 0)}


def fates(journal: Path) -> Counter[str]:
    """How many entries have which fate."""
    with contextlib.closing(sqlite3.connect(journal)) as db:
        return Counter(fate for (fate,) in db.execute("SELECT fate FROM entries"))


@pytest.mark.parametrize("name", COMMANDS)
def test_few_intents_are_written_ahead_and_none_for_messages(shell: Shell, name: str) -> None:
    """After a crash each of them is in doubt."""
    command, columns, ahead = COMMANDS[name]
    (shell.home / FILE).write_text(rows(" ".join(f"old{n}:N" for n in range(ROWS)), columns))
    with FaultyServer([Step(HANG)], model=Model(populated(ROWS))) as server:
        process = shell.configured(server).start(*command, "--from", FILE, "--concurrency", "20")
        while len(server.requests) < 20:
            time.sleep(0.01)
        time.sleep(0.3)
        process.kill()
        process.communicate()
    assert fates(shell.home / JOURNAL) == {"in flight": 20 + ahead}


@pytest.mark.parametrize("name", COMMANDS)
def test_intents_that_were_not_begun_are_withdrawn_on_a_stop(shell: Shell, name: str) -> None:
    command, columns, _ = COMMANDS[name]
    (shell.home / FILE).write_text(rows(" ".join(f"old{n}:N" for n in range(ROWS)), columns))
    go_on = threading.Event()
    script = [meanwhile(lambda: go_on.wait(30)) for _ in range(20)]
    run = (*command, "--from", FILE, "-o", "jsonl", "--retries", "0", "--concurrency", "20")
    with FaultyServer(script, model=Model(populated(ROWS))) as server:
        there = shell.configured(server)
        process = there.start(*run)
        while len(server.requests) < 20:
            time.sleep(0.01)
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        time.sleep(0.3)
        go_on.set()
        out, err = process.communicate(timeout=60)
        assert process.returncode == 130, err
        assert Counter(outcomes_of(out.decode()).values()) == {"done": 20, "not attempted": 40}
        assert len(server.requests) == 20
        assert fates(shell.home / JOURNAL)["in flight"] == 0
        # what was not sent is not in doubt: a rejection is a rejection
        server.follow([Step(FAULTS["status-422"])])
        again = there.run(*run)
        assert again.code == 10
        assert Counter(outcomes_of(again.out).values()) == {"done": 20, "failed": 40}
