"""Completion scripts: how to install them. `tests/system/test_shells.py` runs them."""

import pytest

from kabelwerk_cli.cli.completion import INSTALLING, SCRIPTS
from tests.pseudo_terminal import Terminal
from tests.shell import TOKEN, Shell


@pytest.mark.parametrize("name", SCRIPTS)
def test_a_script_on_a_terminal_comes_with_how_to_install_it(shell: Shell, name: str) -> None:
    assert shell.run("completion", name) == (0, SCRIPTS[name], "")
    told = f"To turn on completion in {name}, {INSTALLING[name]}"
    with Terminal(shell, "completion", name) as terminal:
        assert terminal.end() == 0
    assert told in terminal.plain
    with Terminal(shell, "completion", name, "-q") as terminal:
        assert terminal.end() == 0
    assert told not in terminal.plain


def test_login_on_a_terminal_says_how_to_turn_on_completion(sandbox: Shell) -> None:
    url, path = sandbox.environment["KABELWERK_URL"], sandbox.home / "token"
    path.write_text(TOKEN)
    login = ("login", "--url", url, "--token-file", str(path))
    for program, name in {"/bin/zsh": "zsh", "/usr/bin/fish": "fish", "/bin/dash": ""}.items():
        there = sandbox.with_(SHELL=program).without("KABELWERK_API_TOKEN")
        with Terminal(there, *login) as terminal:
            assert terminal.end() == 0
        assert ("To turn on completion" in terminal.plain) == bool(name)
        assert INSTALLING.get(name, "") in terminal.plain
        assert "completion" not in there.run(*login).err
