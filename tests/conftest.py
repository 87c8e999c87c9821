"""Fixtures shared by all tests."""

import fcntl
import os
import signal
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import hypothesis
import pytest
from xdist.scheduler import WorkStealingScheduling

from .faultserver import Authority
from .forkserver import ForkServer
from .shell import ENVIRONMENT, TOKEN, Shell, served


def pytest_configure() -> None:
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
def alone() -> Iterator[None]:
    """Run tests that load the machine or measure time one at a time, across all workers."""
    run = os.environ.get("PYTEST_XDIST_TESTRUNUID", "one")
    with (Path(tempfile.gettempdir()) / f"kabelwerk-tests-{run}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
