"""Text files as people have them: what is meant is read, and what is not is told as what it is."""

import json

import pytest

from tests.faultserver import FaultyServer
from tests.shell import Shell

CREATE = ("users", "create", "--from")
READ = {
    "formulas that keep zeros": (
        'key,name\n="00123",A\n"=""00456""",B\n',
        {"00123": "A", "00456": "B"},
    ),
    "a formula in the header": ('="key",name\nu1,A\n', {"u1": "A"}),
    "what only looks like one": (
        'key,name\nu1,=00123\nu2,x="1"\n',
        {"u1": "=00123", "u2": 'x="1"'},
    ),
    "an escaped formula": ("key,name\n'+49,A\n'tHooft,'B\n", {"+49": "A", "'tHooft": "'B"}),
    "pipes": ('key|name\nu1|"A | B, C; D"\n', {"u1": "A | B, C; D"}),
    "quotes within": (
        'key,name\nu1,"A, ""B"" C"\nu2,"a \n, ""b"""\n',
        {"u1": 'A, "B" C', "u2": 'a \n, "b"'},
    ),
}


@pytest.mark.parametrize("kind", READ)
def test_what_is_meant_is_read(shell: Shell, kind: str) -> None:
    content, users = READ[kind]
    (shell.home / "x.csv").write_text(content)
    with FaultyServer() as server:
        ran = shell.configured(server).run(*CREATE, "x.csv")
        assert ran.code == 0, ran.err
        assert users.items() <= {key: user.name for key, user in server.model.users.items()}.items()


STRAY = "there is text after the closing quotation mark"
TOLD = {
    "a space before a quotation mark": (
        'key,name\nu1,"A"\nr1, "One"\n',
        "Line 3 of 'x': there is white space before the opening quotation mark (\") of a cell.",
    ),
    "a space before a quoted comma": (
        'key,name\nr1, "One, Two"\n',
        "before the opening quotation mark",
    ),
    "a tab before a quotation mark": (
        'key,name\n\t"r1",One\n',
        "before the opening quotation mark",
    ),
    "a space after a quotation mark": ('key,name\nu1,"A" \n', f"Line 2 of 'x': {STRAY}"),
    "a space after a quoted line break": (
        'key,name\nu0,Z\nu1,"A\n" \nu2,B\n',
        f"Line 3 of 'x': {STRAY}",
    ),
    "a quoted cell that stays open": (
        'key,name\nu1,"a\nb","c\n',
        "Line 2 of 'x': a quoted cell is not closed",
    ),
    "files put together": (
        "key,name\nu1,A\nkey,name\nu2,B\n",
        "Line 3 (row 2): the row repeats the header",
    ),
    "files put together, with blank columns": (
        "key;name;;\nu1;A;;\nkey;name;;\n",
        "the row repeats the header",
    ),
    "files put together, with a blank before the header": (
        " key,name\nu1,A\n key,name\nu2,B\n",
        "Line 3 (row 2): the row repeats the header",
    ),
    "files put together, with a byte order mark": (
        "\ufeffkey,name\nu1,A\n\ufeffKey,NAME\nu2,B\n",
        "Line 3 (row 2): the row repeats the header",
    ),
    "JSON for people": (
        '{\n  "key": "u1",\n  "name": "A"\n}\n',
        "The first object of 'x' extends over several lines. Put one object on each line",
    ),
    "JSON for people, begun in a line": (
        '{"key": "u1",\n "name": "A"}\n',
        "extends over several lines",
    ),
    "half a character in a key": ('{"key":"a\\ud800","name":"A"}\n', "key: must be valid UTF-8"),
    "half a character in a hub": (
        '{"key":"a","name":"A","hub":"\\udc00"}\n',
        "hub: must be valid UTF-8",
    ),
    "half a character in a name": ('{"key":"a","name":"\\udc00"}\n', "name: must be valid UTF-8"),
    "an invisible character in a header": (
        "key,na\u200bme\nu1,A\n",
        "Column 'na\\u200bme' has an invisible character in its name. Remove it.",
    ),
    "a variable in the first line": (
        "API_TOKEN=s3cret\nu1\n",
        "The first line of 'x' sets a variable",
    ),
    "a variable among the columns": (
        "key,name,API_TOKEN=s3cret\nu1,A,B\n",
        "column 'API_TOKEN=…' is unknown",
    ),
}


@pytest.mark.parametrize("exact", [(), ("--exact-key",)], ids=["", "exact"])
@pytest.mark.parametrize("kind", TOLD)
def test_what_is_wrong_is_told_as_what_it_is(shell: Shell, kind: str, exact: tuple[str]) -> None:
    content, says = TOLD[kind]
    (shell.home / "x").write_text(content)
    with FaultyServer() as server:
        run = shell.configured(server).run
        for command in (CREATE, ("users", "sync", "--new-state", "--yes", "--from")):
            if "hub" in says and "sync" in command:
                continue
            ran = run(*command, "x", *exact)
            assert (ran.code, says.lower() in ran.err.lower()) == (2, True), ran
            assert len(ran.err.splitlines()) <= 2
            assert "s3cret" not in ran.err
        assert server.attempts == []
    assert not (shell.home / "x.kabelwerk-state").exists()


@pytest.mark.parametrize("options", ["--skip-invalid", "--skip-invalid --rejects r", "--dry-run"])
def test_half_a_character_ends_no_run_as_a_bug(shell: Shell, options: str) -> None:
    rows = [{"key": "a\ud800", "name": "A"}, {"key": "b", "name": "B"}]
    (shell.home / "x").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    for command in (CREATE, ("users", "sync", "--new-state", "--from")):
        ran = shell.run("--sandbox", *command, "x", *options.split())
        assert ran.code in {0, 2, 10}, ran.err
        assert "must be valid UTF-8" in ran.out + ran.err


def test_columns_that_look_like_variables_are_used_and_left_out(shell: Shell) -> None:
    (shell.home / "x.csv").write_text("Id=x,name,BMI=kg/m2\nu1,A,22\n")
    for ignored in ("*", "BMI=kg/m2"):
        with FaultyServer() as server:
            options = ("--map", "key=Id=x", "--ignore-columns", ignored)
            assert (
                shell.configured(server).run("users", "ensure", "--from", "x.csv", *options).code
                == 0
            )
            assert server.model.users["u1"].name == "A"


def test_lines_above_the_header_are_skipped(shell: Shell) -> None:
    (shell.home / "x.csv").write_text('"Patients, ""March"""\n\nsep=;\nkey;name\nu1;A\n..;B\n')
    run = shell.configured("http://127.0.0.1:9").run
    assert "Line 6 (row 2): key: must not be" in run(*CREATE, "x.csv", "--skip-lines", "2").err
    assert "is empty" in run(*CREATE, "x.csv", "--skip-lines", "2000000000").err
    (shell.home / "x.jsonl").write_text("{}\n")
    assert "--skip-lines is for tables" in run(*CREATE, "x.jsonl", "--skip-lines", "1").err
