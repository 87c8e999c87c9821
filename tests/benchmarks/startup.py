"""What starting up costs, as ratios to floors measured in the same run.

    .venv/bin/python -m tests.benchmarks.startup

Each command runs in turn with its floor, so that a busy moment of the machine hits both; the
medians are compared. Nothing here passes or fails.
"""

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

from tests.conftest import EXECUTABLE
from tests.faults import FaultyServer

ROUNDS = 40

SCRIPT = """
import os, click, requests

@click.command()
@click.option("--key", required=True)
@click.option("--name", required=True)
def update(key, name):
    answer = requests.patch(
        os.environ["KABELWERK_URL"] + "/api/users/" + key,
        json={"name": name},
        headers={"Kabelwerk-Token": os.environ["KABELWERK_API_TOKEN"]},
        timeout=20,
    )
    answer.raise_for_status()
    click.echo(answer.text)

update()
"""
SDK_SCRIPT = """
import kabelwerk.api
print(kabelwerk.api.update_user(key="kusanagi", name="Motoko"))
"""
UPDATE = ["--key", "kusanagi", "--name", "Motoko"]


class Row(NamedTuple):
    """A command, what it is compared with, and the ratio that it may have at most."""

    name: str
    command: list[str]
    floor: str
    bound: float | None


def rows(script: str, sdk: str) -> tuple[dict[str, list[str]], list[Row]]:
    """Return the floors by name, and the table."""
    python, kabelwerk = sys.executable, str(EXECUTABLE)
    floors = {
        "import click": [python, "-c", "import click"],
        "click and requests": [python, script, *UPDATE],
    }
    call = [kabelwerk, "users", "update", *UPDATE]
    table = [
        Row("--help", [kabelwerk, "--help"], "import click", 1.25),
        Row("--version", [kabelwerk, "--version"], "import click", 1.25),
        Row("a completion", ["env", *COMPLETION, kabelwerk], "import click", 1.25),
        Row("a call, -o json", [*call, "-o", "json"], "click and requests", 1.10),
        Row("a call, table", call, "click and requests", 1.30),
        Row("the official SDK", [python, sdk], "click and requests", None),
    ]
    return floors, table


COMPLETION = ["_KABELWERK_COMPLETE=bash_complete", "COMP_WORDS=kabelwerk us", "COMP_CWORD=1"]


def seconds(command: list[str], environment: dict[str, str]) -> float:
    """Return how long a command takes, which has to succeed."""
    started = time.perf_counter()
    subprocess.run(command, env=environment, check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - started


def measure(
    row: Row, floors: dict[str, list[str]], environment: dict[str, str]
) -> tuple[float, float]:
    """Return the medians of the command and of its floor, in seconds."""
    mine, theirs = [], []
    for _ in range(ROUNDS):
        mine.append(seconds(row.command, environment))
        theirs.append(seconds(floors[row.floor], environment))
    return statistics.median(mine), statistics.median(theirs)


def main() -> None:
    """Measure, and print a table."""
    with tempfile.TemporaryDirectory() as home, FaultyServer() as server:
        script, sdk = Path(home) / "script.py", Path(home) / "sdk.py"
        script.write_text(SCRIPT)
        sdk.write_text(SDK_SCRIPT)
        environment = {
            "HOME": home,
            "PATH": os.environ["PATH"],
            "KABELWERK_URL": server.url,
            "KABELWERK_API_TOKEN": "benchmark",
        }
        floors, table = rows(str(script), str(sdk))
        print(f"{'':18} {'ms':>7} {'floor':>7} {'ratio':>6} {'bound':>6}  floor is")
        for row in table:
            mine, theirs = measure(row, floors, environment)
            bound = f"{row.bound:.2f}" if row.bound else ""
            print(
                f"{row.name:18} {mine * 1000:7.1f} {theirs * 1000:7.1f} {mine / theirs:6.2f} "
                f"{bound:>6}  {row.floor}"
            )


if __name__ == "__main__":
    main()
