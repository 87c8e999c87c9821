"""TAB in real shells, on a real terminal."""

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from kabelwerk_cli.cli.completion import SCRIPTS
from tests.pseudo_terminal import Terminal
from tests.shell import EXECUTABLE, Shell
from tools.generate import COMPLETIONS, ROOT

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
EVALUATED = {
    "bash": "bind 'set enable-bracketed-paste off'\n"
    "eval \"$(kabelwerk completion bash)\"; PS1='{ready}'\n",
    "zsh": 'autoload -Uz compinit; compinit -u; eval "$(kabelwerk completion zsh)"; '
    "PS1='{ready}'\n",
    "fish": "kabelwerk completion fish | source; function fish_prompt; echo -n '{ready}'; end\n",
}
# In place of the program: completes, and prints the arguments that the shell gives it.
PROGRAM = """\
#!/bin/sh
if [ "$_KABELWERK_COMPLETE" ] || [ "$1" = completion ]; then exec '{executable}' "$@"; fi
printf 'got:'; printf '<%s>' "$@"; printf ':end\\n'
"""
FILES = ("token.txt", "two words.csv", "x;touch ran.csv", "$(touch ran).csv")


@contextmanager
def started(shell: Shell, name: str, set_up: dict[str, str] = SET_UP) -> Iterator[Terminal]:
    """Start a shell that knows the completions, and yield its terminal."""
    program = shell.home / "bin" / "kabelwerk"
    program.parent.mkdir()
    program.write_text(PROGRAM.format(executable=EXECUTABLE))
    program.chmod(0o755)
    for file in FILES:
        (shell.home / file).touch()
    script = ROOT / "completions" / COMPLETIONS[name]
    there = shell.with_(
        PATH=f"{program.parent}{os.pathsep}{os.environ['PATH']}",
        LINES="100",
        COLUMNS="100",
        INPUTRC="/dev/null",
        PS1="$ ",
    )
    with Terminal(there, *START[name], program=f"/usr/bin/{name}", size=(100, 100)) as terminal:
        terminal.type(set_up[name].format(script=script, folder=script.parent, ready=READY))
        terminal.wait_for(f"\n{READY}" if name == "bash" else READY)
        terminal.forget()
        yield terminal


def configure(shell: Shell, *profiles: str) -> None:
    """Write a configuration with these profiles; it is read at each TAB."""
    folder = shell.home / ".config" / "kabelwerk"
    folder.mkdir(parents=True, exist_ok=True)
    text = "".join(f"[profiles.{json.dumps(name)}]\n" for name in profiles)
    (folder / "config.toml").write_text(text)


def given(terminal: Terminal, typed: str) -> str:
    """Type something and Enter, and return the arguments that the program is run with."""
    terminal.forget()
    terminal.type(f"{typed}\r")
    terminal.wait_for(":end")
    assert "Traceback" not in terminal.screen
    return terminal.screen.partition("got:")[2].partition(":end")[0]


# `x` after the TAB shows that a new word begins: the completion is unambiguous and complete.
COMPLETED = {
    "kabelwerk us\tx": "<users><x>",
    "kabelwerk users cr\tx": "<users><create><x>",
    "kabelwerk sandbox show me\tx": "<sandbox><show><messages><x>",
    "kabelwerk users create --ke\tx": "<users><create><--key><x>",
    "kabelwerk users create --output cs\tx": "<users><create><--output><csv><x>",
    "kabelwerk users create --output j\t": "<users><create><--output><json>",
    "kabelwerk users create --output=j\t": "<users><create><--output=json>",
    "kabelwerk users create --output=cs\tx": "<users><create><--output=csv><x>",
    "kabelwerk --output=cs\tx": "<--output=csv><x>",
    "kabelwerk users create -o cs\tx": "<users><create><-o><csv><x>",
    "kabelwerk users create --from to\tx": "<users><create><--from><token.txt><x>",
    "kabelwerk users create --from=to\tx": "<users><create><--from=token.txt><x>",
    "kabelwerk users create --from tw\tx": "<users><create><--from><two words.csv><x>",
    "kabelwerk users create --from=tw\tx": "<users><create><--from=two words.csv><x>",
    "kabelwerk users create --from x\ty": "<users><create><--from><x;touch ran.csv><y>",
    "kabelwerk users create --from=x\ty": "<users><create><--from=x;touch ran.csv><y>",
    "kabelwerk users create --from 'tw\tx": "<users><create><--from><two words.csv><x>",
    "kabelwerk users create --from=bin/ka\tx": "<users><create><--from=bin/kabelwerk><x>",
    "kabelwerk users create --from ~/bin/ka\tx": "<users><create><--from><{home}/bin/kabelwerk><x>",
    "kabelwerk users create --profile w\tx": "<users><create><--profile><ward><x>",
    "kabelwerk users create --profile=w\tx": "<users><create><--profile=ward><x>",
    "kabelwerk --profile w\tx": "<--profile><ward><x>",
    "LANG=C kabelwerk --profile=w\tx": "<--profile=ward><x>",
    "kabelwerk --profile nobody\tx": "<--profile><nobodyx>",
}
LISTED = {
    "kabelwerk users ": ["create", "delete", "ensure", "update", "sync"],
    "kabelwerk users create --": ["--key", "--name", "--hub", "--output", "--dry-run"],
    "kabelwerk users create -o ": ["table", "json", "jsonl", "csv", "tsv"],
    "kabelwerk users create --output=": ["table", "json", "jsonl", "csv", "tsv"],
    "kabelwerk users create --profile ": ["ward", "desk"],
    "kabelwerk users create --profile=": ["ward", "desk"],
    "kabelwerk sandbox show ": ["users", "rooms", "messages", "hubs", "requests"],
}
DESCRIPTION = "Output format: table, json, jsonl, csv or tsv. [default: table]"


@pytest.mark.parametrize("name", SCRIPTS)
def test_tab_completes_a_word(shell: Shell, name: str) -> None:
    configure(shell, "ward", "desk")
    with started(shell, name) as terminal:
        for typed, words in COMPLETED.items():
            assert given(terminal, typed) == words.format(home=shell.home), (typed, terminal.screen)
    assert not (shell.home / "ran").exists()


@pytest.mark.parametrize("name", SCRIPTS)
def test_tab_lists_all_candidates(shell: Shell, name: str) -> None:
    configure(shell, "ward", "desk")
    with started(shell, name) as terminal:
        for typed, words in LISTED.items():
            terminal.type(f"{typed}\t\t" if name == "bash" else f"{typed}\t")
            for word in words:
                terminal.wait_for(word)
            if typed.endswith("--") and name != "bash":  # which shows no descriptions
                terminal.wait_for(DESCRIPTION)
            terminal.forget()
            # zsh takes one that arrives while it still draws the list for the end of the list
            terminal.type_until("\x03", READY)
            terminal.forget()


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_can_be_evaluated(shell: Shell, name: str) -> None:
    with started(shell, name, EVALUATED) as terminal:
        for _ in range(3):
            assert given(terminal, "kabelwerk us\tx") == "<users><x>"


# Each of these runs a command, or means something else, in a shell that does not quote it.
PROFILES = [
    "$(touch ran)",
    "`touch ran`",
    "<(touch ran)",
    "x;touch ran",
    "x&touch ran",
    "x|touch ran",
    'say "$HOME"',
    "a b",
    "it's",
    "*",
    "{a,b}",
    "a\\b",
    "a\\",
    "a:b",
    "a=b",
    "'",
    '"',
    "#",
    "é 日本",
]
BEFORE = {
    "kabelwerk --profile ": "<--profile><{}><x>",
    "kabelwerk --profile=": "<--profile={}><x>",
    "kabelwerk --profile '": "<--profile><{}><x>",
    'kabelwerk --profile="': "<--profile={}><x>",
}


@pytest.mark.parametrize("name", SCRIPTS)
def test_tab_and_enter_give_a_name_literally_and_run_nothing(shell: Shell, name: str) -> None:
    with started(shell, name) as terminal:
        for profile in PROFILES:
            configure(shell, profile)
            for before, words in BEFORE.items():
                assert given(terminal, f"{before}\tx") == words.format(profile), terminal.screen
        configure(shell, "a:b")
        assert given(terminal, "kabelwerk --profile=a:\tx") == "<--profile=a:b><x>"
        configure(shell, "a\x1bb", "a\nb")  # an escape sequence on the terminal, and two lines
        assert given(terminal, "kabelwerk --profile \tx") == "<--profile><x>"
    assert not (shell.home / "ran").exists()
