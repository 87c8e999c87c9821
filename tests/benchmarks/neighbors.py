"""How much later a mailing starts beside many journals.

    python -m tests.benchmarks.neighbors [JOURNALS] [ROWS]

makes so many journals of so many rows in a folder, of the same command and address, and compares
the time of a dry run of 500 rows there with one in an empty folder.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from kabelwerk_cli.journal.entry import Entry
from kabelwerk_cli.journal.fate import Fate
from kabelwerk_cli.journal.journal import PER_SECOND, Journal

ADDRESS = "http://127.0.0.1:9"
PURPOSE = f"messages post at {ADDRESS}"
RUNS = 7
BOUND = 0.5
"""Seconds."""


def make_journals(folder: Path, count: int, rows: int) -> None:
    """Make journals of rows that no other file has."""
    first = folder / "0.csv.kabelwerk-journal"
    now = int(time.time() * PER_SECOND)
    with Journal(first, PURPOSE) as journal:
        journal.commit(
            (Entry(os.urandom(16) + bytes(4), Fate.DONE, f"room-{n}", "_", now), None)
            for n in range(rows)
        )
    for number in range(1, count):
        shutil.copy(first, folder / f"{number}.csv.kabelwerk-journal")


def seconds(folder: Path) -> float:
    """Return the time of a dry run, the median of several."""
    (folder / "visits.csv").write_text(
        "room,text\n" + "".join(f"room-{n},Hello {n}\n" for n in range(500))
    )
    words = ("messages", "post", "--user", "batou", "--from", "visits.csv", "--dry-run")
    taken = []
    for _ in range(RUNS):
        start = time.perf_counter()
        subprocess.run(
            [sys.executable, "-m", "kabelwerk_cli", *words, "--url", ADDRESS],
            cwd=folder,
            check=True,
            capture_output=True,
        )
        taken.append(time.perf_counter() - start)
    return statistics.median(taken)


def main() -> int:
    """Measure, and compare with the bound."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("journals", type=int, nargs="?", default=50)
    parser.add_argument("rows", type=int, nargs="?", default=10_000)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        alone, beside = Path(name, "alone"), Path(name, "beside")
        alone.mkdir()
        beside.mkdir()
        make_journals(beside, given.journals, given.rows)
        first, second = seconds(alone), seconds(beside)
    later = second - first
    sys.stdout.write(f"{first:.2f} s alone, {second:.2f} s beside them: {later:.2f} s later.\n")
    return later > BOUND


if __name__ == "__main__":
    sys.exit(main())
