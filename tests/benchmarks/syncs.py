"""What a sync of a long file costs of which few rows changed, beside batches of the same file.

    .venv/bin/python -m tests.benchmarks.syncs [ROWS]

Nothing here passes or fails.
"""

import sys
import tempfile
from pathlib import Path

from .batches import journal_of, processor_seconds, run, server, tell, write_rows

CHANGED = 10
GONE = 3


def write_changed(path: Path, count: int) -> None:
    """Write the users again, some with another name, and without some."""
    with path.open() as file:
        lines = file.readlines()
    every = count // CHANGED
    for number in range(CHANGED):
        lines[1 + number * every] = lines[1 + number * every].replace("Name", "New name")
    del lines[-GONE:]
    path.write_text("".join(lines))


def show(name: str, home: Path, url: str, *args: str) -> float:
    """Run a command, print its rows, and return its CPU time."""
    before = processor_seconds()
    ran = run(home, url, *args)
    seconds = processor_seconds() - before
    tell(f"{name}: time (CPU time)", f"{ran.seconds:.1f} s ({seconds:.1f} s)", "")
    tell(f"{name}: memory", f"{ran.memory / 1e6:.0f} MB", "100 MB")
    return seconds


def main() -> None:
    """Measure, and print a table."""
    count = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with tempfile.TemporaryDirectory() as folder, server(0) as url:
        home = Path(folder)
        users, rows = home / "users.csv", ("--from", str(home / "users.csv"))
        write_rows(users, count)
        print(f"{count:,} rows\n\n| measurement | result | limit |\n|---|---|---|")
        journal_of(users, url, left=CHANGED)
        resumed = show(f"resumed with {CHANGED} left", home, url, "users", "create", *rows)
        sync = ("users", "sync", *rows)
        show("sync --adopt", home, url, *sync, "--adopt")
        write_changed(users, count)
        name = f"sync with {CHANGED} changed and {GONE} gone"
        log = home / "requests.log"
        synced = show(name, home, url, *sync, "--delete", "--yes", "--log-file", str(log))
        requests = log.read_text().count('"event":"request"')
        tell(f"{name}: requests", str(requests), str(CHANGED + GONE))
        show("sync with none changed", home, url, *sync)
        tell("the sync relative to the resumed batch", f"{synced / resumed:.2f}", "1.50")
        few = home / "few.csv"
        write_rows(few, count // 100)
        ensured = run(home, url, "users", "ensure", "--from", str(few))
        tell(
            f"users ensure of the file, extrapolated from {count // 100:,} rows",
            f"{ensured.seconds * 100:.0f} s",
            "",
        )


if __name__ == "__main__":
    main()
