"""Long help in the usual pager."""

import pytest

from tests.pseudo_terminal import Terminal
from tests.shell import Shell


@pytest.mark.parametrize("line", ["", "--help", "users sync --help", "help batches"])
def test_long_help_is_shown_by_less(shell: Shell, line: str) -> None:
    with Terminal(shell, *line.split()) as terminal:
        terminal.wait_for(":\x1b[K")  # its prompt
        assert "--help  " not in terminal.screen  # further down
        terminal.type("q")
        assert terminal.end() == 0
