"""A sandbox served with any options."""

from collections.abc import Callable

import pytest

from tests.shell import Shell, served


@pytest.fixture
def serving(shell: Shell) -> Callable[..., object]:
    """Return a context manager that serves a sandbox with the given options."""
    return lambda *args: served(shell, *args)
