"""The plan of a batch: how much memory it takes, and what it knows of earlier runs."""

import subprocess
import sys
from pathlib import Path

from kabelwerk_cli.batch.plan import Plan, id_of
from kabelwerk_cli.journal.entry import Entry
from kabelwerk_cli.journal.fate import Fate
from kabelwerk_cli.journal.journal import Journal
from kabelwerk_cli.rows.row import Row
from tests.measure import measure
from tests.shell import EXECUTABLE, Shell

MEGABYTE = 1024 * 1024
PLAN = """
import re
from pathlib import Path
from kabelwerk_cli.batch.plan import Plan
from kabelwerk_cli.rows.row import Row

ROWS, BLOCK = 200_000, 1000

def memory():
    # the peak would be that of the process which started this one
    return int(re.search(r"VmRSS:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) // 1024

def block(start):
    for number in range(start, start + BLOCK):
        key = f"u{number % (ROWS // 2)}"
        yield Row(number, number, key, "", key.zfill(16).encode(), 0, {})

with Plan() as plan:
    plan.add(list(block(0)))
    before = memory()
    for start in range(BLOCK, ROWS, BLOCK):
        plan.add(list(block(start)))
    plan.complete()
    assert sum(row.place.id.endswith(b"\\1") for row in plan) == ROWS // 2
    print(memory() - before)
"""


def test_rows_that_are_alike_do_not_fill_the_memory() -> None:
    """Each stands in the file twice, which only the whole file shows."""
    ran = subprocess.run(
        [sys.executable, "-c", PLAN], capture_output=True, text=True, check=True, timeout=60
    )
    assert int(ran.stdout) < 13  # MiB; it is 20 where the plan is in memory


def test_wide_rows_do_not_fill_the_memory(shell: Shell) -> None:
    wide = "\N{GRINNING FACE}" + "x" * 50_000  # four bytes each in memory
    rows = (f"r{number},{number} {wide}\n" for number in range(600))
    path = shell.home / "rows.csv"
    path.write_text("".join(["room,text\n", *rows]), encoding="utf-8")
    command = ("messages", "post", "--user", "batou", "--from", str(path), "--dry-run")
    ran = measure([EXECUTABLE, "--sandbox", *command], shell.environment)
    assert ran.code == 0
    assert ran.memory < 60 * MEGABYTE  # it is 120 where a block has 500 rows


def test_rows_have_the_fates_of_the_journal(tmp_path: Path) -> None:
    """Of rows that are alike, each has its own entry; no entry is taken for that of another row."""
    one, other = bytes(16), b"\xff" * 16
    entries = (Entry(id_of(one, 0), Fate.DONE, "u1", at=7), Entry(id_of(one, 1), Fate.FAILED, "u1"))
    rows = [Row(number, number, "u1", "", one, 0, {}) for number in (1, 2, 3)]
    with Journal(tmp_path / "journal", "a test") as journal:
        journal.commit([(entry, None) for entry in entries])
        with Plan(journal) as plan:
            left = plan.add([*rows, Row(4, 4, "u2", "", other, 0, {})])
            plan.complete()
            plan.compare(sets_values=False)
            fates = [row.fate for row in plan]
            pending = [row.place.number for row in plan.unsettled()]
            known = plan.count(Fate.DONE), plan.last_done()
    assert {row.number for row in left} == {4}
    assert fates == [Fate.DONE, Fate.FAILED, None, None]
    assert pending == [2, 3, 4]
    assert known == (1, 7)
