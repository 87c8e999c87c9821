"""Make the kept files of a format: `python -m tests.journal.kept.make tests/journal/kept/format-4`.

This is run once, with the version that has the format when it is released.
"""

import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tests.faultserver import (
    HANG,
    HONEST,
    RESET_AFTER_READING,
    FaultyServer,
    Step,
    failed,
    rejected,
)
from tests.model.model import Model
from tests.model.state import populated
from tests.shell import ENVIRONMENT, TOKEN

INPUTS = Path(__file__).parent / "format-3"
POST = ("messages", "post", "--yes", "--retries", "0")
UPDATE = ("users", "update", "--retries", "0")
COMMANDS = {
    "finished.csv": POST,
    "half-done.csv": POST,
    "handing-over.csv": (*POST, "--rejects", "handing-over-rejects"),
    "import.csv": (*UPDATE, "--rejects", "import-rejects"),
    "staff.csv": ("users", "sync", "--new-state", "--yes"),
}
PROGRAM = "from kabelwerk_cli.__main__ import main; main()"
KILL_BEFORE_A_NAME_IS_GIVEN = """
import os, pathlib
pathlib.Path.replace = lambda *_: os.kill(os.getpid(), 9)
"""


def steps(name: str) -> list[Step]:
    """Return what happens to the requests."""
    lost = Step(RESET_AFTER_READING, applied=True, times=1)
    three = Step(HONEST, times=3)
    return {
        "half-done.csv": [three, lost, Step(rejected(422), times=1), Step(HANG)],
        "import.csv": [Step(HONEST, times=1), Step(failed(503), times=1), Step(HONEST)],
        "staff.csv": [three, lost, Step(HONEST)],
    }.get(name, [Step(HONEST)])


def run(name: str, home: Path) -> None:
    """Run what leaves a journal or state beside a file."""
    shutil.copy(INPUTS / name, home)
    change = KILL_BEFORE_A_NAME_IS_GIVEN if name == "handing-over.csv" else ""
    with FaultyServer(steps(name), model=Model(populated(10))) as server:
        settings = {"KABELWERK_URL": server.url, "KABELWERK_API_TOKEN": TOKEN}
        command = [*COMMANDS[name], "--from", name, "--concurrency", "1"]
        process = subprocess.Popen(
            [sys.executable, "-c", change + PROGRAM, *command],
            cwd=home,
            env={**ENVIRONMENT, "HOME": str(home), **settings},
        )
        if name == "half-done.csv":
            while len(server.requests) < 6:
                time.sleep(0.05)
            process.kill()
        process.wait()


def main(target: str) -> None:
    """Make all of them in a new folder."""
    folder = Path(target)
    folder.mkdir()
    for name in COMMANDS:
        with tempfile.TemporaryDirectory() as made:
            home = Path(made)
            run(name, home)
            shutil.copy(home / name, folder)
            for kind in ("journal", "state"):
                for kept in home.glob(f"{name}.kabelwerk-{kind}"):
                    shutil.copy(kept, folder)
            for spool in home.glob(".*handing-over-rejects*"):
                shutil.copy(spool, folder / "handing-over.spool")


if __name__ == "__main__":
    main(*sys.argv[1:])
