"""A run killed at each of its system calls that change a file, while it hands rows over."""

import csv
import itertools
import json
import shutil
import signal
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.faultserver import FaultyServer, Model
from tests.model.state import populated
from tests.shell import EXECUTABLE, Shell

CALLS = "pwrite64,write,fsync,fdatasync,link,linkat,rename,unlink,ftruncate"
POST = ("messages", "post", "--user", "batou", "--skip-invalid", "--yes", "--from", "rows.csv")
HAND_OVER = (*POST, "--resume", "--rejects", "rejects.csv")
SIDE_BY_SIDE = 4
LEAST = 20
"""How many such calls a run has at least."""


def kill_at(shell: Shell, step: int, *args: str) -> bool:
    """Run the program, killed at its so many-th system call; return whether it was."""
    inject = f"inject={CALLS}:signal=SIGKILL:when={step}"
    strace = ["-f", "-o", "/dev/null", "-e", f"trace={CALLS}", "-e", inject]
    with shell.launch(*strace, str(EXECUTABLE), *args, program="strace") as process:
        process.communicate(timeout=120)
    assert process.returncode in {0, -signal.SIGKILL, 128 + signal.SIGKILL}
    return process.returncode != 0


def rows_in(path: Path) -> Counter[str]:
    """The texts of a rejects file's rows."""
    if not path.exists():
        return Counter()
    with path.open() as file:
        return Counter(row["text"] for row in csv.DictReader(file))


def look(home: Path, shell: Shell, step: int) -> bool:
    """Kill a run that hands a row over, and see where the row is; return whether it was killed."""
    here = home.with_name(f"step-{step}")
    shutil.copytree(home, here)
    there = Shell(here, shell._forks, **{**shell.environment, "HOME": str(here)})
    killed = kill_at(there, step, *HAND_OVER)
    # exactly one place, as any later run finds it
    ran = there.run(*POST, "--resume", "-o", "jsonl")
    outcomes = {row["row"]: row["outcome"] for row in map(json.loads, ran.out.splitlines())}
    rejects = rows_in(here / "rejects.csv")
    about = f"step {step}: {outcomes} {rejects} {ran.err}"
    assert outcomes[1] == "done", about
    assert outcomes[2] == "handed over", about
    assert (outcomes[3], rejects) in [
        ("failed", Counter(["first"])),
        ("handed over", Counter(["first", "second"])),
    ], about
    again = there.run(*HAND_OVER)
    assert again.code == 0, about
    assert rows_in(here / "rejects.csv") == Counter(["first", "second"]), about
    left = {path.name for path in here.iterdir()}
    assert left <= {"rows.csv", "rows.csv.kabelwerk-journal", "rejects.csv"}, about
    shutil.rmtree(here)
    return killed


def test_a_kill_at_any_system_call_leaves_a_row_in_one_place(shell: Shell) -> None:
    rows = "room,text\nold0,posted\n.,first\n"
    (shell.home / "rows.csv").write_text(rows)
    with FaultyServer(model=Model(populated(2))) as server:
        there = shell.configured(server)
        assert there.run(*HAND_OVER).code == 0
        (shell.home / "rows.csv").write_text(f"{rows}.,second\n")
        steps = itertools.count(1)
        with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
            kills = 0
            while True:
                block = list(itertools.islice(steps, SIDE_BY_SIDE))
                killed = list(pool.map(lambda step: look(shell.home, there, step), block))
                kills += sum(killed)
                if not any(killed):
                    break
        assert kills > LEAST
        assert [message.text for message in server.model.messages] == ["posted"]
