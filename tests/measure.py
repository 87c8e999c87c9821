"""Runs a command, and tells its exit code, its seconds and the peak of its memory.

Linux counts for a child what its parent's memory was when it was started. So what is measured is
the child of a process of its own, which is small: this file, run as a program.
"""

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple


class Measured(NamedTuple):
    """What a run took."""

    code: int
    seconds: float
    memory: int
    """Its peak, in bytes."""


def measure(command: Sequence[str | Path], environment: Mapping[str, str]) -> Measured:
    """Run a command to its end, with nothing to read; what it prints is thrown away."""
    ran = subprocess.run(
        [sys.executable, "-I", "-S", __file__, *command],
        env=dict(environment),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=True,
    )
    return Measured(*json.loads(ran.stdout))


def main() -> None:
    """Measure the command in the arguments, and print the three numbers."""
    started = time.monotonic()
    process = subprocess.Popen(
        sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, close_fds=False
    )
    _, status, usage = os.wait4(process.pid, 0)
    seconds = time.monotonic() - started
    json.dump([os.waitstatus_to_exitcode(status), seconds, usage.ru_maxrss * 1024], sys.stdout)


if __name__ == "__main__":
    main()
