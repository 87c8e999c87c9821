"""What all tests share: the real executable, run as a process in an empty home."""

import fcntl
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

EXECUTABLE = Path(sys.executable).with_name("kabelwerk")
TOKEN = "s3cret-token"


class Ran(NamedTuple):
    """What a run of the executable came to."""

    code: int
    out: str
    err: str


class Shell:
    """Runs the executable with a pinned environment.

    Args:
        home: an empty folder.
        environment: what is set besides.
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
        """Return a shell with more set."""
        return Shell(self.home, **{**self.environment, **environment})

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


@pytest.fixture
def shell(tmp_path: Path) -> Shell:
    """Return a shell in an empty home, with no settings."""
    home = tmp_path / "home"
    home.mkdir()
    return Shell(home)


@pytest.fixture
def alone() -> Iterator[None]:
    """Keep tests apart, across workers, that load the machine or look at the clock."""
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID", "one")
    with (Path(tempfile.gettempdir()) / f"kabelwerk-tests-{run}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
