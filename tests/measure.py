"""Runs a command and reports its exit code, duration and peak memory.

On Linux, the peak memory of a child starts at the memory of its parent. So the command is started
by a small process: this file, run as a program.
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
    """The exit code and the resources used by a run."""

    code: int
    seconds: float
    memory: int
    """Its peak, in bytes."""


def measure(command: Sequence[str | Path], environment: Mapping[str, str]) -> Measured:
    """Run a command with empty stdin, and discard its output."""
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
