"""The real executable, run as a process in an empty home."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from .faultserver import FaultyServer

EXECUTABLE = Path(sys.executable).with_name("kabelwerk")
TOKEN = "s3cret-token"


class Ran(NamedTuple):
    """How a run of the executable ended, and what it printed."""

    code: int
    out: str
    err: str


class Shell:
    """Runs the executable with a pinned environment.

    Args:
        home: an empty folder.
        environment: further variables.
    """

    def __init__(self, home: Path, **environment: str) -> None:
        self.home = home
        self.environment = {
            "HOME": str(home),
            "PATH": os.defpath,
            "COLUMNS": "80",
            "LC_ALL": "C.UTF-8",
            "TERM": "xterm",
            **environment,
        }

    def with_(self, **environment: str) -> "Shell":
        """Return a shell with more variables."""
        return Shell(self.home, **{**self.environment, **environment})

    def configured(self, server: FaultyServer | str, **environment: str) -> "Shell":
        """Return a shell that has a token and the address of a server."""
        url = server if isinstance(server, str) else server.url
        return self.with_(KABELWERK_URL=url, KABELWERK_API_TOKEN=TOKEN, **environment)

    def start(
        self, *args: str | bytes, program: str | Path = EXECUTABLE, **options
    ) -> subprocess.Popen:
        """Start the executable, or another program, and return the process."""
        return subprocess.Popen(
            [program, *args],
            env=self.environment,
            cwd=self.home,
            **{
                "stdin": subprocess.DEVNULL,
                "stdout": subprocess.PIPE,
                "stderr": subprocess.PIPE,
                **options,
            },
        )

    def run(self, *args: str | bytes, stdin: bytes | None = None, timeout: float = 60) -> Ran:
        """Run the executable to its end."""
        options = {} if stdin is None else {"stdin": subprocess.PIPE}
        with self.start(*args, **options) as process:
            try:
                out, err = process.communicate(stdin, timeout=timeout)
            except BaseException:
                process.kill()
                raise
        return Ran(
            process.returncode,
            out.decode(errors="surrogateescape"),
            err.decode(errors="surrogateescape"),
        )


@contextmanager
def served(shell: Shell, *args: str) -> Iterator[Shell]:
    """Serve a sandbox, and yield a shell that has its address and token."""
    process = shell.start("sandbox", "serve", *args)
    assert process.stdout
    try:
        lines = [process.stdout.readline().decode().strip() for _ in range(2)]
        exports = dict(line.removeprefix("export ").split("=", 1) for line in lines)
        yield shell.with_(**exports)
    finally:
        process.terminate()
        out, err = process.communicate(timeout=20)
    assert (process.returncode, out) == (143, b"")
    assert err == b"Error: The sandbox has stopped.\n"
