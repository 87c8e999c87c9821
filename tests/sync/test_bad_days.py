"""Bad days: each ends with a code, advice, and a state from which the next run gets it right."""

import os
import signal
import subprocess
import time

import pytest

from tests.batch.story import meanwhile, well
from tests.faultserver import FAULTS, HANG, HONEST, FaultyServer, Step
from tests.shell import EXECUTABLE, Shell, interrupt_to_the_end

from .story import FILE, PLAIN, STATE, Do, rows, tell, told_of, users_of

SYNC = ("users", "sync", "--from", FILE, *PLAIN)
MANY = " ".join(f"u{n}:A" for n in range(10, 90))


def test_two_runs_at_once(shell: Shell) -> None:
    """The second is refused while the first one runs, and has nothing to do afterwards."""
    (shell.home / FILE).write_text(rows(MANY))
    ends = []
    with FaultyServer() as server:
        there = shell.configured(server)
        again = lambda: ends.append(there.run(*SYNC, "--new-state"))  # noqa: E731
        server.follow([well(3), meanwhile(again), well(3), meanwhile(again)])
        assert there.run(*SYNC, "--new-state").code == 0
        assert [end.code for end in ends] == [3, 3]
        assert "is in use by another process" in ends[0].err
        assert there.run(*SYNC).code == 0
        assert len(server.requests) == 80


def test_a_state_that_another_run_makes_meanwhile(shell: Shell) -> None:
    (shell.home / FILE).write_text(rows(MANY))
    with FaultyServer() as server:
        there = shell.configured(server)
        runs = [there.start(*SYNC, "--new-state") for _ in range(2)]
        codes = sorted(run.wait(timeout=60) for run in runs)
        errors = "".join(run.communicate()[1].decode() for run in runs)
        assert codes[0] == 0, errors
        assert codes[1] in {2, 3}, errors
        assert "Traceback" not in errors
        assert len(server.requests) == 80


def test_a_file_that_grows_while_it_is_sent(shell: Shell) -> None:
    """What was checked is what is synced; a deletion is made up for by the next run."""
    long = "x" * 40_000
    users = {f"u{n}": "A" for n in range(12)}
    path = shell.home / FILE
    path.write_text(rows(" ".join(f"{key}:{name}{long}" for key, name in users.items())))
    with FaultyServer() as server:
        there = shell.configured(server)
        assert there.run(*SYNC, "--new-state").code == 0
        del users["u11"]
        users = dict.fromkeys(users, "B")
        path.write_text(rows(" ".join(f"{key}:{name}{long}" for key, name in users.items())))

        def grow() -> None:
            with path.open("a") as file:
                file.write(f"u11,A{long}\n")

        server.follow([meanwhile(grow)])
        ran = there.run(*SYNC, "--delete", "--yes", "--rate", "20", "-o", "jsonl")
        assert (ran.code, ran.out.count('"updated"'), ran.out.count('"deleted"')) == (0, 11, 1)
        ran = there.run(*SYNC, "--delete", "--yes", "-o", "jsonl")
        assert (ran.code, ran.out.count('"created"'), len(ran.out.splitlines())) == (0, 1, 1)


def test_a_server_that_dies(shell: Shell) -> None:
    down = Step(FAULTS["close-before-reading"])
    tell(
        shell,
        [
            Do(
                MANY,
                "--new-state",
                code=9,
                faults=(well(5), down),
                says=('"created":5,', "failed 10 times in a row"),
            ),
            Do(MANY, requests=None, users=MANY),
            Do(MANY, requests="", told=""),
        ],
    )


def test_a_server_that_is_not_there(shell: Shell) -> None:
    (shell.home / FILE).write_text(rows(MANY))
    there = shell.configured("http://127.0.0.1:1")
    ran = there.run(*SYNC, "--new-state")
    assert (ran.code, "80 unchanged" in ran.err) == (7, False), ran.err
    assert "Run the same command again without --new-state" in ran.err
    # nothing is known, so nothing is counted as a mass change
    assert there.run(*SYNC, "--dry-run").code == 0


@pytest.mark.parametrize(("blocks", "sent"), [(8, False), (40, True)])
def test_a_full_disk(shell: Shell, blocks: int, *, sent: bool) -> None:
    """Files may have so many KiB: the state cannot be made, or breaks in the middle."""
    many = " ".join(f"u{n}:A" for n in range(100, 500))
    (shell.home / FILE).write_text(rows(many))
    with FaultyServer() as server:
        there = shell.configured(server)
        limited = f"ulimit -f {blocks}; exec {EXECUTABLE} users sync --from {FILE} --new-state"
        ran = there.launch("-c", limited, program="bash")
        _, err = ran.communicate(timeout=60)
        said = err.decode()
        assert ran.returncode in ({9, 10} if sent else {3}), said
        assert bool(server.requests) == sent
        assert "disk" in said
        assert "Traceback" not in said
        new = [] if (shell.home / STATE).exists() else ["--new-state"]
        again = there.run("users", "sync", "--from", FILE, *new)
        assert again.code == 0, again.err
        assert users_of(server.model) == many


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_a_signal(shell: Shell, number: signal.Signals, code: int) -> None:
    (shell.home / FILE).write_text(rows(MANY))
    with FaultyServer() as server:
        there = shell.configured(server)
        run = there.start(*SYNC, "--new-state", "--rate", "50")
        while len(server.requests) < 5:
            time.sleep(0.01)
        run.send_signal(number)
        _, err = run.communicate(timeout=60)
        assert run.returncode == code, err
        assert b"created" in err
        assert b"not attempted" in err
        assert there.run(*SYNC).code == 0
        assert len(server.requests) == 80


def test_a_lost_stdout(shell: Shell) -> None:
    (shell.home / FILE).write_text(rows(MANY))
    with FaultyServer() as server, open(os.devnull, "rb") as nothing:  # noqa: PTH123
        there = shell.configured(server)
        run = there.start(*SYNC, "--new-state", "-o", "jsonl", stdin=nothing)
        assert run.stdout
        run.stdout.close()
        assert run.stderr
        err = run.stderr.read()
        assert run.wait(timeout=60) == 141, err
        run.stderr.close()
        assert there.run(*SYNC).code == 0
        assert len(server.requests) == 80


def test_a_second_signal_ends_it_at_once(shell: Shell) -> None:
    (shell.home / FILE).write_text(rows(MANY))
    with FaultyServer([Step(HONEST, times=3), Step(HANG, times=1)]) as server:
        there = shell.configured(server)
        run = there.start(*SYNC, "--new-state", stdout=subprocess.DEVNULL)
        while len(server.requests) < 4:
            time.sleep(0.01)
        run.send_signal(signal.SIGINT)
        time.sleep(0.2)
        interrupt_to_the_end(run)
        _, err = run.communicate(timeout=60)
        assert run.returncode == 130
        assert f"'{STATE}' records which rows were sent" in err.decode()
        again = there.run(*SYNC)
        assert again.code == 0
        assert [told_of(r) for r in server.requests].count("POST u13") == 2
        assert users_of(server.model) == MANY
