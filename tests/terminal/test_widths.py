"""Results on terminals of 80 and 40 columns: nothing is broken in the middle of a word."""

import json
import re

import pytest

from tests.pseudo_terminal import Terminal
from tests.shell import Shell

TEXT = "日本語 [bold]markup[/bold] \x1b[31m and 1234567890123 numbers, " * 2
KEY = "patient-1234567890-abcdef"
TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z"
USER = ("users", "ensure", "--key", KEY, "--name", "Motoko Kusanagi")
SHOWN = {
    USER: [KEY, "updated"],
    ("rooms", "update", "--room", KEY, "--attributes", json.dumps({"text": TEXT})): [
        KEY,
        "1234567890123",
    ],
    ("messages", "post", "--room", KEY, "--user", KEY, "--text", TEXT): [
        KEY,
        TIME,
        "1234567890123",
    ],
    ("sandbox", "show", "messages"): [KEY, TIME, "1234567890123"],
    ("sandbox", "show", "rooms"): [KEY, "section9"],
    ("config", "show"): ["allow_insecure_http", "KABELWERK_URL"],
}
SINGLE = {"ensure", "update", "post"}


@pytest.mark.parametrize("columns", [80, 40])
def test_a_result_on_a_narrow_terminal(shell: Shell, columns: int) -> None:
    there = shell.with_(KABELWERK_URL="sandbox:", NO_COLOR="1").without("COLUMNS")
    there.run(*USER)
    for command, words in SHOWN.items():
        with Terminal(there, *command, size=(24, columns)) as terminal:
            assert terminal.end() == 0
        lines = terminal.screen.replace("\r", "").splitlines()
        assert "\x1b" not in terminal.screen
        for word in words:
            assert any(re.search(rf"(?<!\w){word}(?!\w)", line) for line in lines), (command, lines)
        if "│" in terminal.screen:
            assert {len(line) for line in lines if line.startswith("│")} <= {len(lines[0])}
            assert len(lines[0]) <= columns
        elif command == ("config", "show"):
            assert columns == 40  # the paths in it may be broken, so that it stays a table
        elif command[1] in SINGLE:
            assert re.match(r"id +\d+$", lines[0])
        if "post" in command:
            assert "[bold]markup[/bold]" in terminal.screen
            assert "\\x1b[31m" in terminal.screen
