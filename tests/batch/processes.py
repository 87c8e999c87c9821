"""Runs the program once, or twice at once, and sends signals to what runs."""

import contextlib
import os
import signal
import threading
import time
from pathlib import Path
from typing import Any

from tests.faultserver import FaultyServer
from tests.forkserver import Fork
from tests.shell import Shell

from .invariants import Run

QUIET = 0.05
"""How long the server may work on what a run sent that has ended, in seconds."""
PATIENCE = 60.0
"""How long a run may take, in seconds."""


class Processes:
    """The processes of a schedule.

    Args:
        shell: starts them.
        printed: a folder, to be made, for what they print.
    """

    def __init__(self, shell: Shell, printed: Path) -> None:
        self._shell = shell
        self._printed = printed
        printed.mkdir()
        self._runs = 0
        self._pids: list[int] = []
        self._started = threading.Event()

    def configure(self, server: FaultyServer) -> None:
        """Use a server."""
        self._shell = self._shell.configured(server)

    def run(self, args: list[str], count: int, killed_after: float | None) -> list[Run]:
        """Run the program to its end.

        Args:
            args: its arguments, but for the format.
            count: how often, at once.
            killed_after: after how many seconds it is killed; None for never.
        """
        self._started.clear()
        with contextlib.ExitStack() as stack:
            runs = [self._start([*args, "-o", "jsonl"], stack) for _ in range(count)]
            self._pids = [fork.pid for fork, _, _ in runs]
            self._started.set()
            timer = threading.Timer(killed_after or 0.0, self.send, ((signal.SIGKILL,),))
            if killed_after is not None:
                timer.start()
            codes = [fork.wait(PATIENCE) for fork, _, _ in runs]
            timer.cancel()
            if set(codes) & {-signal.SIGKILL, 129, 130, 143}:
                time.sleep(QUIET)
            return [
                Run(args, code, read(out), read(err), crowded=count > 1)
                for code, (_, out, err) in zip(codes, runs, strict=True)
            ]

    def send(self, numbers: tuple[signal.Signals, ...], delay: float = 0.0) -> None:
        """Send signals, at once, to what runs, some seconds later; do not wait for that."""
        self._started.wait(PATIENCE)
        pids = list(self._pids)
        if delay:
            threading.Timer(delay, _send, (numbers, pids)).start()
        else:
            _send(numbers, pids)

    def _start(self, args: list[str], stack: contextlib.ExitStack) -> tuple[Fork, Any, Any]:
        """Start the program, its output going to files."""
        self._runs += 1
        paths = [self._printed / f"{self._runs}-{name}" for name in ("out", "err")]
        out, err = (stack.enter_context(path.open("w+b")) for path in paths)
        return self._shell.start(*args, stdout=out, stderr=err), out, err


def _send(numbers: tuple[signal.Signals, ...], pids: list[int]) -> None:
    for pid in pids:
        for number in numbers:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)


def read(stream: Any) -> str:
    """Return what was printed."""
    stream.seek(0)
    return str(stream.read().decode())
