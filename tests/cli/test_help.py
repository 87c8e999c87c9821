"""Help: what prints it, and when it goes through a pager."""

import json
from pathlib import Path

import pytest

from kabelwerk_cli.cli.help_topics import TOPICS
from tests.pseudo_terminal import Terminal
from tests.shell import EXECUTABLE, Shell

SAME = [
    # what prints the same help
    ("", "--help", "-h", "help"),
    ("users", "users --help", "help users"),
    ("users create --help", "users create --name x -h", "help users create"),
    ("help --help", "help help"),
]


@pytest.mark.parametrize("lines", SAME, ids=[lines[-1] for lines in SAME])
def test_there_are_several_ways_to_the_same_help(shell: Shell, lines: tuple[str, ...]) -> None:
    first, *others = (shell.run(*line.split()) for line in lines)
    assert (first.code, first.err) == (0, "")
    assert first.out.startswith("Usage: kabelwerk ")
    assert others == [first] * len(others)


def test_help_works_with_any_configuration(shell: Shell) -> None:
    (shell.write_profile() / "config.toml").write_text("[[[[")
    wrong = shell.with_(KABELWERK_URL="", KABELWERK_TIMEOUT="x", KABELWERK_OUTPUT="x")
    for line in ("", "users", "--help", "users create --help", "help users create", "help sync"):
        ran = wrong.run(*line.split())
        assert (ran.code, ran.err) == (0, ""), line


def test_the_topics_list_the_options_that_the_help_of_a_command_leaves_out(shell: Shell) -> None:
    short = shell.run("messages", "post", "--help").out
    assert "--from FILE" in short
    topics = {"--map": "batches", "--mark-posted": "mailings", "--url": "options"}
    for option, topic in topics.items():
        assert f"  {option} " not in short
        assert f"kabelwerk help {topic}" in short
        assert f"  {option} " in shell.run("help", topic).out
    for topic in TOPICS:
        assert f"kabelwerk help {topic} " in shell.run("--help").out
    assert "--delete " in shell.run("help", "sync").out


def test_arguments_are_in_the_usage_only(shell: Shell) -> None:
    """Some versions of click also list them among the options, without an explanation."""
    kinds = "{users|rooms|messages|hubs|requests}"
    assert shell.run("sandbox", "show", "--help").out.count(kinds) == 1


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("kabelwerk help ", {"users", "login", "help", *TOPICS}),
        ("kabelwerk help ex", {"exit-codes"}),
        ("kabelwerk help users cr", {"create"}),
        ("kabelwerk users create --ma", {"--map", "--max-failures", "--max-time"}),
    ],
)
def test_tab_completes_help_and_all_options(shell: Shell, words: str, expected: set[str]) -> None:
    found = set(shell.complete(words))
    assert (found if len(words.split()) > 2 else found & expected) == expected


def test_without_a_command_json_is_an_error(shell: Shell) -> None:
    ran = shell.with_(KABELWERK_OUTPUT="json").run("users")
    assert (ran.code, ran.out) == (2, "")
    assert json.loads(ran.err)["error"]["message"].startswith("Missing command.")


PAGER = """#!/bin/sh
for n in 1 2 3; do kill -{} $PPID; done
cat
"""


@pytest.mark.parametrize(("signal", "code"), [("INT", 0), ("TERM", 143), ("HUP", 129)])
def test_ctrl_c_is_left_to_the_pager(shell: Shell, signal: str, code: int) -> None:
    """`less` handles it, and ends on `q` only."""
    pager = shell.home / "pager"
    pager.write_text(PAGER.format(signal))
    pager.chmod(0o755)
    with Terminal(shell.with_(PAGER=str(pager)), "help", "sync") as terminal:
        assert terminal.end() == code
    assert "Traceback" not in terminal.screen
    assert code or "--allow" in terminal.screen


PLAIN = {
    "short": ({}, ("users",)),
    "empty": ({"PAGER": ""}, ("help", "batches")),
    "dumb": ({"TERM": "dumb"}, ("help", "batches")),
    "blank": ({"PAGER": " "}, ("help", "batches")),
    "missing": ({"PAGER": "no-such-pager"}, ("help", "batches")),
    "unbalanced": ({"PAGER": "less '"}, ("help", "batches")),
    "not a program": ({"PAGER": "./pager"}, ("help", "batches")),
}


@pytest.mark.parametrize("name", PLAIN)
def test_help_without_a_pager(shell: Shell, name: str) -> None:
    (shell.home / "pager").write_bytes(b"\0\0")
    (shell.home / "pager").chmod(0o755)
    environment, args = PLAIN[name]
    there = shell.with_(**environment)
    with Terminal(there, *args) as terminal:
        assert terminal.end() == 0
    assert terminal.screen.replace("\r\n", "\n") == shell.run(*args).out


def test_a_pager_gets_the_whole_text(shell: Shell, tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    with Terminal(shell.with_(PAGER=f"tee '{seen}'"), "help", "sync") as terminal:
        assert terminal.end() == 0
    assert seen.read_text() == shell.run("help", "sync").out
    with Terminal(shell.with_(PAGER="false"), "help", "sync") as terminal:
        assert terminal.end() == 0
    script = f"'{EXECUTABLE}' users sync --help < /dev/null"
    with Terminal(shell, "-c", script, program="/bin/sh") as terminal:
        assert terminal.end() == 0
    assert "--max-deletions" in terminal.screen
