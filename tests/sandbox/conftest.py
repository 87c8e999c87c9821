"""A sandbox that is served by the real executable."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from tests.conftest import TOKEN, Shell


@contextmanager
def served(shell: Shell, *args: str) -> Iterator[Shell]:
    """Serve a sandbox and give a shell whose settings point to it."""
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


@pytest.fixture
def serving(shell: Shell) -> Callable[..., object]:
    """Return a context manager that serves a sandbox with the given options."""
    return lambda *args: served(shell, *args)


@pytest.fixture
def sandbox(shell: Shell) -> Iterator[Shell]:
    """Serve a sandbox that accepts one token, and give a shell that has it."""
    with served(shell, "--token", TOKEN) as client:
        yield client
