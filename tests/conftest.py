"""Fixtures shared by all tests."""

import contextlib
import fcntl
import importlib
import os
import shutil
import signal
import sys
import tempfile
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from xdist.scheduler import WorkStealingScheduling

from .faultserver import Authority
from .forkserver import ForkServer
from .shell import ENVIRONMENT, TOKEN, Shell, served

ROOM = 2 << 30
"""Bytes that the tests' files need at most, by far."""
MEMORY = "/dev/shm"


def pytest_configure(config: pytest.Config) -> None:
    """Prepare the process of the tests, and those that it starts."""
    _hear_signals()
    if not _is_worker(config):
        _keep_files_in_memory()
    # Pytest adds to the assertions of each file. That takes seconds, but only once if it may
    # keep what it made.
    sys.dont_write_bytecode = False


def _is_worker(config: pytest.Config) -> bool:
    return hasattr(config, "workerinput")


def _keep_files_in_memory() -> None:
    """Let tests, in all workers, have their files in memory, where nothing waits for a disk."""
    with contextlib.suppress(OSError):
        runs_programs = not os.statvfs(MEMORY).f_flag & os.ST_NOEXEC
        has_room = shutil.disk_usage(MEMORY).free >= ROOM
        if "TMPDIR" not in os.environ and runs_programs and has_room:
            os.environ["TMPDIR"] = tempfile.tempdir = MEMORY


@pytest.hookimpl(trylast=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    """Share the work of adding to assertions: each worker begins with other files."""
    config = session.config
    if not _is_worker(config) or config.args != config.getini("testpaths"):
        return
    workers = config.workerinput["workercount"]
    mine = int(config.workerinput["workerid"].removeprefix("gw"))
    files = sorted(Path(__file__).parent.rglob("test_*.py"))
    for file in files[mine::workers]:
        place = file.relative_to(config.rootpath).with_suffix("").parts
        if not {*place}.isdisjoint(config.getini("norecursedirs")):
            continue
        # what is wrong with it is told when it is collected
        with contextlib.suppress(Exception), warnings.catch_warnings(action="error"):
            importlib.import_module(".".join(place))


def _hear_signals() -> None:
    """Make signals work when a script runs the tests in the background.

    With `&`, a shell sets these signals to be ignored, and so does `nohup`; children inherit that.
    """
    for number, handler in (
        (signal.SIGINT, signal.default_int_handler),
        (signal.SIGQUIT, signal.SIG_DFL),
        (signal.SIGTERM, signal.SIG_DFL),
        (signal.SIGHUP, signal.SIG_DFL),
    ):
        if signal.getsignal(number) is signal.SIG_IGN:
            signal.signal(number, handler)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> WorkStealingScheduling:
    """Let workers that have run all their tests take those that others have not begun."""
    return WorkStealingScheduling(config, log)


# No time limits per example: they would fail on a busy machine.
hypothesis.settings.register_profile(
    "busy", deadline=None, suppress_health_check=[hypothesis.HealthCheck.too_slow]
)
hypothesis.settings.load_profile("busy")


@pytest.fixture(scope="session")
def forks() -> Iterator[ForkServer]:
    """Run the server that forks the program."""
    with ForkServer(ENVIRONMENT) as server:
        yield server


@pytest.fixture
def shell(tmp_path: Path, forks: ForkServer) -> Shell:
    """Return a shell in an empty home, with no settings."""
    home = tmp_path / "home"
    home.mkdir()
    return Shell(home, forks)


@pytest.fixture
def sandbox(shell: Shell) -> Iterator[Shell]:
    """Serve a sandbox that accepts one token, and return a shell that has it."""
    with served(shell, "--token", TOKEN) as client:
        yield client


@pytest.fixture(scope="session")
def authority() -> Authority:
    """Return a certificate authority that only these tests trust."""
    return Authority()


@pytest.fixture(scope="session")
def ca_file(authority: Authority, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return the authority's certificate as a file."""
    return authority.write(tmp_path_factory.mktemp("ca"))


@pytest.fixture
def alone(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Run tests that load the machine or measure time one at a time, across all workers."""
    with (tmp_path_factory.getbasetemp().parent / "alone.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
