"""In GitHub Actions, no foreign text is a workflow command."""

import csv
import io
import json
import re

import pytest

from tests.faultserver import Answer, FaultyServer, Outcome, Step, canned
from tests.shell import Shell

COMMAND = re.compile(r"^\s*::|##\[", re.MULTILINE)
"""What GitHub's runner obeys: at a line's start, after blanks; and anywhere in a line."""
TEXTS = [
    "::add-mask::x",
    "  ::error file=a::b",
    "##[set-output name=a]b",
    "x ###[group]y",
    ":::debug::z",
    "\n::warning::next line",
    "::1",
]
ROOM_COMMAND = ("rooms", "update", "--room", "kusanagi", "--archived")


def answers(text: str) -> tuple[tuple[Answer, int], ...]:
    user = {"id": 1, "key": "kusanagi", "name": text}
    room = {"id": 1, "archived": True, "attributes": {text: text}, "hub_user": None, "user": user}
    return (
        (Answer(200, (), json.dumps(room).encode()), 0),
        (Answer(400, (), json.dumps({"errors": {text: [text]}}).encode()), 6),
        (Answer(500, (), text.encode()), 8),
    )


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("output", ["table", "json", "jsonl"])
@pytest.mark.parametrize("fields", [(), ("--fields", "user.name,attributes")])
def test_no_command_is_printed(shell: Shell, output: str, text: str, fields: tuple[str]) -> None:
    for answer, code in answers(text):
        with FaultyServer([Step(canned("odd", answer, Outcome.DONE))]) as server:
            there = shell.configured(server, GITHUB_ACTIONS="true")
            ran = there.run(*ROOM_COMMAND, "-o", output, *fields, "-vv", "--retries=0")
        assert ran.code == code
        assert not COMMAND.search(ran.out)
        assert not COMMAND.search(ran.err)
        if output != "table" and code == 0:
            assert json.loads(ran.out)["user"]["name"] == text
        if output != "table" and code == 6:
            assert json.loads(ran.err.splitlines()[-1])["error"]["fields"] == {text: [text]}


@pytest.mark.parametrize("output", ["table", "json", "jsonl", "csv"])
def test_elsewhere_text_is_as_it_is(shell: Shell, output: str) -> None:
    text = "::add-mask::x ##[group]"
    with FaultyServer([Step(canned("odd", answers(text)[0][0], Outcome.DONE))]) as server:
        ran = shell.configured(server).run(*ROOM_COMMAND, "-o", output, "--fields", "user.name")
    assert text in ran.out


@pytest.mark.parametrize("text", TEXTS)
def test_csv_quotes_commands_and_tsv_is_bare(shell: Shell, text: str) -> None:
    arguments = (*ROOM_COMMAND, "--fields", "user.name,id", "-o")
    with FaultyServer([Step(canned("odd", answers(text)[0][0], Outcome.DONE))]) as server:
        there = shell.configured(server, GITHUB_ACTIONS="true")
        written, bare = (there.run(*arguments, output).out for output in ("csv", "tsv"))
    assert not re.search(r"^\s*::", written, re.MULTILINE)
    shown = text.replace("\n", "\\n")
    assert [*csv.reader(io.StringIO(written))][1] == [shown, "1"]
    if not text.startswith("\n"):
        assert written.splitlines()[1].startswith(f'"{text}"')
    assert bare == f"{shown}\t1\n"


def test_names_of_files_and_options(shell: Shell) -> None:
    there = shell.with_(GITHUB_ACTIONS="true", KABELWERK_URL="http://localhost")
    for args in (
        ("users", "create", "--##[group]x"),
        ("##[group]x",),
        ("users", "create", "--from", "##[group]x"),
        ("users", "create", "--key", "a", "--name", "b", "--ca-file", "##[group]x"),
        ("--output", "##[group]x", "help"),
    ):
        ran = there.run(*args)
        assert ran.code
        assert ran.err
        assert not COMMAND.search(ran.err)
