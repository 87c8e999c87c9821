"""The plan of a batch: how much memory it takes."""

import subprocess
import sys

PLAN = """
import re
from pathlib import Path
from kabelwerk_cli.batch.plan import Plan
from kabelwerk_cli.batch.rows import Parsed

ROWS, BLOCK = 200_000, 1000

def memory():
    # the peak would be that of the process which started this one
    return int(re.search(r"VmRSS:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) // 1024

def block(start):
    for number in range(start, start + BLOCK):
        key = f"u{number % (ROWS // 2)}"
        yield Parsed(number, number, {}, key, "", key.zfill(16).encode())

with Plan() as plan:
    plan.add(list(block(0)))
    before = memory()
    for start in range(BLOCK, ROWS, BLOCK):
        plan.add(list(block(start)))
    plan.close()
    assert sum(row.before for row in plan) == ROWS // 2
    print(memory() - before)
"""


def test_rows_that_are_alike_do_not_fill_the_memory() -> None:
    """Each stands in the file twice, which only the whole file shows."""
    ran = subprocess.run(
        [sys.executable, "-c", PLAN], capture_output=True, text=True, check=True, timeout=60
    )
    assert int(ran.stdout) < 13  # MiB; it is 20 where the plan is in memory
