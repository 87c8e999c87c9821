"""What starting up costs, as ratios to floors measured in the same run.

    .venv/bin/python -m tests.benchmarks.startup

Each command runs in turn with its floor; the medians of the CPU time are compared, which
other processes hardly change. Nothing here passes or fails, and nothing needs the network. Other
tools are measured if they are installed in an environment of their own:

    python3 -m venv .peers && .peers/bin/pip install httpie synadm
"""

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NamedTuple

from tests.faultserver import FaultyServer
from tests.shell import EXECUTABLE

ROUNDS = 40
PEERS = Path(__file__).parents[2] / ".peers" / "bin"

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
SYNADM_CONFIG = """
admin_path: /_synapse/admin
base_url: {url}
format: json
homeserver: example.org
matrix_path: /_matrix
server_discovery: well-known
ssl_verify: false
timeout: 20
token: benchmark
user: admin
"""
UPDATE = ["--key", "kusanagi", "--name", "Motoko"]
PROFILES = "".join(
    f'[profiles.clinic-{number}]\nurl = "https://clinic-{number}.example"\n' for number in range(20)
)


class Row(NamedTuple):
    """A command, what it is compared with, and the ratio that it may have at most."""

    name: str
    command: list[str]
    floor: str
    bound: float | None = None


def write(path: Path, text: str) -> str:
    """Write a file and return its path as a word of a command."""
    path.write_text(text)
    return str(path)


def completion(program: str, *words: str) -> list[str]:
    """Return the command that a shell runs when TAB is pressed at the end of some words."""
    line = " ".join(["kabelwerk", *words])
    return ["env", "_KABELWERK_COMPLETE=line_complete", f"COMP_LINE={line}", program]


def rows(home: Path, url: str) -> tuple[dict[str, list[str]], list[Row]]:
    """Return the floors by name, and the table."""
    python, kabelwerk = sys.executable, str(EXECUTABLE)
    synadm = [f"{PEERS}/synadm", "-c", write(home / "synadm.yaml", SYNADM_CONFIG.format(url=url))]
    http = [f"{PEERS}/http", "--ignore-stdin"]
    floors: dict[str, list[str]] = {
        "import click": [python, "-c", "import click"],
        "click + requests": [python, write(home / "script.py", SCRIPT), *UPDATE],
        "the official SDK": [python, write(home / "sdk.py", SDK_SCRIPT)],
    }
    call = [kabelwerk, "users", "update", *UPDATE]
    profiles = write(home / "config.toml", PROFILES)
    patch = ["PATCH", f"{url}/api/users/kusanagi", "name=Motoko", "Kabelwerk-Token:benchmark"]
    table = [
        Row("kabelwerk --help", [kabelwerk, "--help"], "import click", 1.20),
        Row("kabelwerk --version", [kabelwerk, "--version"], "import click", 1.20),
        Row("a TAB at the root", completion(kabelwerk, "us"), "import click", 1.20),
        Row(
            "a TAB behind --profile, with 20 profiles",
            ["env", f"KABELWERK_CONFIG={profiles}", *completion(kabelwerk, "--profile", "cl")],
            "import click",
            1.35,
        ),
        Row("synadm --help", [*synadm, "--help"], "import click"),
        Row("http --version", [*http, "--version"], "import click"),
        Row("kabelwerk, one call with -o json", [*call, "-o", "json"], "the official SDK", 1.05),
        Row("kabelwerk, one call with a table", call, "the official SDK", 1.08),
        Row("a script with click and requests", floors["click + requests"], "the official SDK"),
        Row("http PATCH", [*http, *patch], "the official SDK"),
        Row("synadm user details", [*synadm, "user", "details", "kusanagi"], "the official SDK"),
    ]
    return floors, table


def seconds(command: list[str], environment: dict[str, str]) -> float:
    """Return the CPU time of a command, which has to succeed."""
    null = subprocess.DEVNULL
    process = subprocess.Popen(command, env=environment, stdout=null, stderr=null)
    _, process.returncode, usage = os.wait4(process.pid, 0)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, command)
    return usage.ru_utime + usage.ru_stime


def ratio(row: Row, floors: dict[str, list[str]], environment: dict[str, str]) -> float:
    """Return the median cost of a command divided by that of its floor."""
    mine, theirs = [], []
    for _ in range(ROUNDS):
        mine.append(seconds(row.command, environment))
        theirs.append(seconds(floors[row.floor], environment))
    return statistics.median(mine) / statistics.median(theirs)


def main() -> None:
    """Measure, and print a table."""
    with tempfile.TemporaryDirectory() as folder, FaultyServer() as server:
        environment = {
            "HOME": folder,
            "PATH": os.environ["PATH"],
            "KABELWERK_URL": server.url,
            "KABELWERK_API_TOKEN": "benchmark",
        }
        floors, table = rows(Path(folder), server.url)
        print("| command | compared with | ratio | limit |\n|---|---|---|---|")
        for row in table:
            if not shutil.which(row.command[0]):
                print(f"| {row.name} | {row.floor} | not installed |  |")
                continue
            bound = f"{row.bound:.2f}" if row.bound else ""
            took = ratio(row, floors, environment)
            print(f"| {row.name} | {row.floor} | {took:.2f} | {bound} |", flush=True)


if __name__ == "__main__":
    main()
