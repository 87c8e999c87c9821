"""TAB in real shells, on a real terminal."""

import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.pseudo_terminal import Terminal
from tests.shell import EXECUTABLE, Shell
from tools.generate import COMPLETIONS, ROOT

CONFIG = "[profiles.ward]\n[profiles.desk]\n"
READY = "ready>"
START = {
    "bash": ["--norc", "--noprofile", "-i"],
    "zsh": ["-f", "-i"],
    "fish": ["--no-config", "--interactive"],
}
SET_UP = {
    "bash": """\
source /usr/share/bash-completion/bash_completion
bind 'set enable-bracketed-paste off'
bind 'set bell-style none'
bind 'set completion-query-items 0'
bind 'set page-completions off'
source {script}
PS1='{ready}'
""",
    "zsh": """\
autoload -Uz compinit; fpath=({folder} $fpath); compinit -u
setopt NO_BEEP NO_LIST_BEEP; LISTMAX=1000; PS1='{ready}'
""",
    "fish": """\
source {script}
set -g fish_greeting; function fish_prompt; echo -n '{ready}'; end
""",
}
ASKED = [
    ("kabelwerk us", ["users"]),
    ("kabelwerk users ", ["create", "delete", "ensure", "update"]),
    ("kabelwerk users create --", ["--key", "--name", "--hub", "--output", "--dry-run"]),
    ("kabelwerk users create -o ", ["table", "json", "jsonl", "csv", "tsv"]),
    ("kabelwerk users create --profile ", ["ward", "desk"]),
    ("kabelwerk --profile w", ["ward"]),
    ("kabelwerk users create --token-file tok", ["token.txt"]),
    ("kabelwerk sandbox show ", ["users", "rooms", "messages"]),
]


@contextmanager
def started(shell: Shell, name: str, config: str) -> Iterator[Terminal]:
    """Start a shell that knows the completions, with a configuration, and yield its terminal."""
    folder = shell.home / ".config" / "kabelwerk"
    folder.mkdir(parents=True)
    (folder / "config.toml").write_text(config)
    script = ROOT / "completions" / COMPLETIONS[name]
    there = shell.with_(
        PATH=f"{EXECUTABLE.parent}{os.pathsep}{os.environ['PATH']}",
        LINES="100",
        COLUMNS="100",
        INPUTRC="/dev/null",
        PS1="$ ",
    )
    with Terminal(there, *START[name], program=f"/usr/bin/{name}", size=(100, 100)) as terminal:
        set_up = SET_UP[name].format(script=script, folder=script.parent, ready=READY)
        terminal.type(set_up)
        terminal.wait_for(f"\n{READY}" if name == "bash" else READY)
        terminal.forget()
        yield terminal


@pytest.mark.parametrize("name", START)
@pytest.mark.parametrize(("typed", "words"), ASKED, ids=[typed for typed, _ in ASKED])
def test_tab_gives_the_right_words(shell: Shell, name: str, typed: str, words: list[str]) -> None:
    (shell.home / "token.txt").write_text("")
    with started(shell, name, CONFIG) as terminal:
        terminal.type(f"{typed}\t")
        if name != "fish" and len(words) > 1:
            terminal.type("\t")
        for word in words:
            terminal.wait_for(word if typed.endswith((" ", "-")) else word.removeprefix(typed[-3:]))
        assert "Traceback" not in terminal.screen


PROFILES = ["$(touch ran)", "`touch ran`", "a b", "it's", "x;touch ran", 'say "$HOME"', "*", "a\\b"]


@pytest.mark.parametrize("name", START)
@pytest.mark.parametrize("profile", PROFILES)
def test_tab_and_enter_do_not_run_a_name(shell: Shell, name: str, profile: str) -> None:
    config = f"[profiles.{json.dumps(profile)}]\nquiet = false\n"
    with started(shell, name, config) as terminal:
        terminal.type("kabelwerk config show -o jsonl --profile \t")
        time.sleep(2)
        terminal.type("\r")
        terminal.wait_for('"setting":"profile"')
        terminal.wait_for(json.dumps(profile))
        terminal.wait_for("api_token")
    assert not (shell.home / "ran").exists()
