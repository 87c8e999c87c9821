"""Batches killed with SIGKILL at random moments, and what is on the server afterwards."""

import json
import random
import signal
import subprocess
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.faultserver import (
    HONEST,
    RESET_AFTER_READING,
    FaultyServer,
    Model,
    Step,
    invalid,
)
from tests.model.state import populated
from tests.operations import OPERATIONS, Operation
from tests.shell import Shell

from .story import SUCCESSES, outcomes_of

ROWS = 60
BATCHES = 6
"""How many batches of each command; each is killed three times."""


def run_and_kill(shell: Shell, args: list[str], moment: float) -> bool:
    """Start a run and kill it; return whether it was still running."""
    run = shell.start(*args, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    time.sleep(moment)
    run.send_signal(signal.SIGKILL)
    return run.wait(timeout=20) == -signal.SIGKILL


def own_folder(shell: Shell, seed: int) -> Path:
    """Return a folder without other journals: a server may get the port that another one had."""
    folder = shell.home / str(seed)
    folder.mkdir()
    return folder


def finish(shell: Shell, operation: Operation, seed: int) -> int:
    """Kill a batch several times, then let it finish; return the number of kills."""
    choose = random.Random(seed)
    source = own_folder(shell, seed) / "rows.jsonl"
    source.write_text(operation.rows(ROWS))
    repeatable = operation is not OPERATIONS["message"]
    kills = 0
    with FaultyServer(model=Model(populated(ROWS))) as server:
        there = shell.configured(server)
        args = [
            *operation.command,
            *(operation.confirmed if repeatable else ("--yes",)),
            "--from",
            str(source),
            "--concurrency",
            "4",
        ]
        while kills < 3:
            # slow enough that no run finishes before it is killed
            slowly = [*args, "--rate", "30"]
            kills += run_and_kill(there, slowly, choose.uniform(0.01, 0.5))
        ran = there.run(*args, "-o", "jsonl")
        rows = [json.loads(line) for line in ran.out.splitlines()]
        state = server.model.snapshot()
        sent = [request.body for request in server.requests]
    assert "Traceback" not in ran.err
    outcomes = outcomes_of(ran.out)
    # done + failed + unknown + not attempted = rows, each row once
    assert len(rows) == len(outcomes) == ROWS
    assert set(outcomes.values()) <= {"done", "unknown"}
    assert ran.code == (9 if "unknown" in outcomes.values() else 0)
    texts = [message.text for message in state.messages]
    assert len(texts) == len(set(texts))
    for number in range(ROWS):
        # done implies that the server acknowledged it
        if outcomes[number + 1] == "done":
            assert operation.is_done(state, number), number
        # what is not there is not done, and named
        if not operation.is_done(state, number):
            assert outcomes[number + 1] == "unknown"
            assert not repeatable
    if not repeatable:
        # over all runs, not one message was sent a second time
        assert len(sent) == len(set(sent))
    return kills


@pytest.mark.usefixtures("alone")
def test_a_hundred_kills(shell: Shell) -> None:
    seeds = [
        (name, 100 * place + run) for place, name in enumerate(OPERATIONS) for run in range(BATCHES)
    ]
    with ThreadPoolExecutor(4) as pool:
        kills = list(pool.map(lambda job: finish(shell, OPERATIONS[job[0]], job[1]), seeds))
    assert sum(kills) >= 100


def post_until_settled(shell: Shell, seed: int) -> None:
    """Post rows of which many are alike, in another order each time, killed now and then."""
    choose = random.Random(seed)
    texts = [choose.choice(["a", "b", f"text {n}"]) for n in range(ROWS)]
    source = own_folder(shell, seed) / "alike.csv"
    lost = Step(RESET_AFTER_READING, applied=True, times=2)
    refused = Step(invalid("no", {"text": ["is invalid"]}), times=3)
    with FaultyServer([Step(HONEST, times=20), lost, Step(HONEST, times=20), refused]) as server:
        there = shell.configured(server)
        args = [
            "messages",
            "post",
            "--yes",
            "--allow",
            "duplicates",
            "--room",
            "kusanagi",
            "--user",
            "batou",
            "--from",
            str(source),
        ]
        for moment in [choose.uniform(0.01, 0.4) for _ in range(4)] + [None] * 4:
            choose.shuffle(texts)
            source.write_text("text\n" + "".join(f"{text}\n" for text in texts))
            if moment:
                run_and_kill(there, [*args, "--rate", "100"], moment)
            else:
                ran = there.run(*args, "-o", "jsonl", "--resume")
        rows = [json.loads(line) for line in ran.out.splitlines()]
        there_are = Counter(message.text for message in server.model.messages)
    assert sorted(row["row"] for row in rows) == list(range(1, ROWS + 1))
    told = Counter(texts[row["row"] - 1] for row in rows if row["outcome"] in SUCCESSES)
    others = Counter(row["outcome"] for row in rows if row["outcome"] not in SUCCESSES)
    # a message that was rejected is not sent once one that follows it was
    assert set(others) <= {"unknown", "failed"}
    assert others["failed"] <= 3
    assert told <= there_are <= Counter(texts)
    assert there_are.total() <= told.total() + others["unknown"]


@pytest.mark.usefixtures("alone")
def test_rows_that_are_alike(shell: Shell) -> None:
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda seed: post_until_settled(shell, seed), range(12)))
