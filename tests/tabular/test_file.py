"""Files of every kind, and what is wrong with them, named by line and column."""

import csv
import json
from pathlib import Path

import pytest

from kabelwerk_cli.tabular.file import LINE_LIMIT, RowFile
from tests.faultserver import FaultyServer
from tests.shell import Shell


def write(shell: Shell, name: str, content: str | bytes) -> str:
    path: Path = shell.home / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return name


GOOD = {
    "comma.csv": "key,name\na,A\nb,B\n",
    "semicolon.csv": "key;name\na;A\nb;B\n",
    "bom.csv": "\ufeffkey,name\r\na,A\r\nb,B\r\n",
    "quoted.csv": '"key","name"\n"a","A"\n\n"b","B"',
    "tabs.tsv": "key\tname\na\tA\nb\tB\n",
    "columns.csv": "name,key\nA,a\nB,b\n",
    "lines.jsonl": '{"key":"a","name":"A"}\n\n{"name":"B","key":"b"}\n',
    "noname": '{"key":"a","name":"A"}\n{"name":"B","key":"b"}\n',
}


@pytest.mark.parametrize("name", GOOD)
@pytest.mark.parametrize("way", ["file", "stdin"])
def test_every_kind_of_file(shell: Shell, name: str, way: str) -> None:
    if way == "stdin" and name.endswith((".tsv", ".jsonl")):
        name = name.rpartition(".")[0] + "-by-content"
    content = next(text for known, text in GOOD.items() if known[:4] == name[:4]).encode()
    source = "-" if way == "stdin" else write(shell, name, content)
    with FaultyServer() as server:
        ran = shell.configured(server).run(
            "users", "create", "--from", source, "--journal", "j", "-o", "jsonl", stdin=content
        )
        assert {"a": "A", "b": "B"}.items() <= {
            key: user.name for key, user in server.model.users.items()
        }.items()
    assert ran.code == 0
    rows = sorted(map(json.loads, ran.out.splitlines()), key=lambda row: row["row"])
    assert [(r["row"], r["key"], r["outcome"], r["error"]) for r in rows] == [
        (1, "a", "created", None),
        (2, "b", "created", None),
    ]
    assert not (shell.home / "j").exists()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "'standard input' is empty. Its first line must name the columns."),
        ('[{"key":"a"}]', "'standard input' is a JSON array."),
        ('key,name\n"a', "Line 2 of 'standard input'"),
    ],
)
def test_standard_input_is_called_so(shell: Shell, content: str, message: str) -> None:
    ran = shell.run("--sandbox", "users", "create", "--from", "-", stdin=content.encode())
    assert ran.code == 2
    assert message in ran.err


def test_rows_before_a_damaged_one_are_checked(shell: Shell) -> None:
    good = b"".join(b"u%d,%s\n" % (number, b"Name" * 10) for number in range(300))
    write(shell, "x.csv", b"key,name\n u,Name\n" + good + b"u,\xff\n")
    ran = shell.run("--sandbox", "users", "create", "--from", "x.csv")
    assert ran.code == 2
    assert "Line 2 (row 1): key: begins or ends with white space" in ran.err
    assert "'x.csv' is not UTF-8" in ran.err


def test_two_readings_side_by_side_of_a_file_that_is_gone(tmp_path: Path) -> None:
    path = tmp_path / "x.csv"
    path.write_text("key,name\nu1,Name\nu2,Name\n")
    with RowFile(str(path)) as file:
        path.unlink()
        assert [(one.number, other.number) for one, other in zip(file, file, strict=True)] == [
            (1, 1),
            (2, 2),
        ]


def test_a_newline_in_a_cell(shell: Shell) -> None:
    source = write(shell, "m.csv", 'room,user,text\nkusanagi,batou,"a\n;b"\nkusanagi,batou,c\n')
    with FaultyServer() as server:
        ran = shell.configured(server).run("messages", "post", "--yes", "--from", source)
        assert [m.text for m in server.model.messages] == ["a\n;b", "c"]
    assert (ran.code, ran.out) == (0, "")


def test_rooms_with_every_kind_of_cell(shell: Shell) -> None:
    csv = 'room,hub-user,unassign,archived,attributes\nkusanagi,batou,,yes,"{""a"": 1}"\n'
    with FaultyServer() as server:
        run = shell.configured(server).run
        assert run("rooms", "update", "--from", write(shell, "a.csv", csv)).code == 0
        room = server.model.rooms["section9", "kusanagi"]
        assert (room.archived, room.attributes, room.hub_user) == (True, {"a": 1}, "batou")
        lines = '{"room": "kusanagi", "hub_user": null, "attributes": {}, "archived": false}\n'
        assert run("rooms", "update", "--from", write(shell, "a.jsonl", lines)).code == 0
        room = server.model.rooms["section9", "kusanagi"]
        assert (room.archived, room.attributes, room.hub_user) == (False, {}, None)


TOO_LONG = f"is longer than {LINE_LIMIT} characters"
BAD = {
    "": "empty",
    "key,nmae\na,A\n": "no column 'name', and column 'nmae' is unknown; known: key, name, hub.",
    "key,name,key\na,A,b\n": "The column 'key' appears twice",
    "key\na\n": "There is no column 'name'. Add it, or use --name to set it for every row.",
    "key,name\na\n": "Line 2 (row 1): the row has 1 cell instead of 2",
    "key,name\na,A\n,B\n": "Line 3 (row 2): key: must not be empty",
    "key,name\na,A\n..,B\n": "Line 3 (row 2): key: must not be '.'",
    "key,name\n a,A\n": "--exact-key",
    'key,name\na,A\nb,"B\n"\nc,C,D\n': "Line 5 (row 3)",
    'key,name\na,A\nb,"B"x\n': "Line 3 of 'rows': there is text after the closing",
    b"key,name\na,caf\xe9\n": "'rows' is not UTF-8. Line 2 reads 'a,café' with --encoding cp1252",
    '{"key": "a"}\n': "name is missing",
    '{"key": "a", "name": "A"}\n{"key": 7, "name": "B"}\n': "Line 2 (row 2): key: must be a string",
    '{"key": "a", "name": "A"}\n{\n': "Line 2 (row 2): it is not valid JSON",
    '{"key": "a", "name": "A"}\n[]\n': "not an object",
    '{"key": "a", "key": "b", "name": "A"}\n': "twice",
    '{"key": "a", "name": "A", "colour": "red"}\n': "column 'colour' is unknown",
    '[{"key": "a", "name": "A"}]': "is a JSON array",
    '"key"x,name\na,A\n': "Line 1 of 'rows': there is text after the closing",
    b"key\0,name\n": "is not a text file",
    "key,name\na,A\n" + "x" * LINE_LIMIT: f"Line 3 of 'rows' {TOO_LONG}",
    '{"key": "a", "name": "A"}\n{' + "x" * LINE_LIMIT: f"Line 2 of 'rows' {TOO_LONG}",
    "x" * LINE_LIMIT: f"Line 1 of 'rows' {TOO_LONG}",
    '{"a":' * 50_000 + "1" + "}" * 50_000: "nested deeper than 100 levels",
}


@pytest.mark.parametrize(("content", "complaint"), BAD.items(), ids=range(len(BAD)))
def test_what_is_wrong_is_named_and_nothing_sent(
    shell: Shell, content: str | bytes, complaint: str
) -> None:
    source = write(shell, "rows", content)
    with FaultyServer() as server:
        ran = shell.configured(server).run("users", "create", "--from", source)
        assert server.attempts == []
    assert (ran.code, ran.out) == (2, "")
    assert complaint in ran.err
    assert not (shell.home / "rows.kabelwerk-journal").exists()


def test_every_bad_line_is_named_also_in_json(shell: Shell) -> None:
    source = write(shell, "rows.csv", "key,name\n" + ",x\n" * 30 + "a,A\n")
    with FaultyServer() as server:
        ran = shell.configured(server).run("users", "create", "--from", source, "-o", "json")
        assert server.attempts == []
    *lines, summary, last = map(json.loads, ran.err.splitlines())
    assert [line["invalid"]["line"] for line in lines] == list(range(2, 32))
    assert set(summary) == {"summary"}
    assert last["error"]["exit_code"] == 2


def test_going_on_without_the_bad_ones(shell: Shell) -> None:
    source = write(shell, "rows.csv", "key,name\na,A\n,B\nc\nd,D\n")
    with FaultyServer() as server:
        ran = shell.configured(server).run(
            "users",
            "create",
            "--from",
            source,
            "--skip-invalid",
            "--rejects",
            "r.csv",
            "-o",
            "jsonl",
        )
        assert {"a", "d"} <= set(server.model.users)
    rows = sorted(map(json.loads, ran.out.splitlines()), key=lambda row: row["row"])
    assert [row["outcome"] for row in rows] == ["created", "failed", "failed", "created"]
    assert rows[1]["error"]["exit_code"] == 2
    assert ran.code == 0
    assert '{"summary":{"rows":4,"created":2,"handed over":2}}' in ran.err
    header, *rejects = csv.reader((shell.home / "r.csv").read_text().splitlines())
    assert header == ["key", "name", "error"]
    assert [row[:-1] for row in rejects] == [["", "B"], ["c"]]
    for row, why in zip(rejects, ("must not be empty.", "1 cell instead of 2."), strict=True):
        assert why in row[-1]


@pytest.mark.parametrize("rest", ['b,"B"x\n', "x" * LINE_LIMIT], ids=["quote", "long"])
def test_a_file_that_breaks_off_is_refused_as_a_whole(shell: Shell, rest: str) -> None:
    """Where a line cannot be told from the next, no later row can be trusted."""
    source = write(shell, "rows.csv", f"key,name\na,A\n{rest}\nc,C\n")
    options = ("--skip-invalid", "--rejects", "r.csv")
    with FaultyServer() as server:
        ran = shell.configured(server).run("users", "create", "--from", source, *options)
        assert server.attempts == []
    assert ran.code == 2
    assert [path.name for path in shell.home.iterdir()] == ["rows.csv"]


def test_options_hold_for_every_row_and_do_not_stand_beside_columns(shell: Shell) -> None:
    source = write(shell, "rows.csv", "room\nkusanagi\n")
    with FaultyServer() as server:
        run = shell.configured(server).run
        post = ("messages", "post", "--yes", "--user", "batou", "--text", "Hello", "--from", source)
        assert run(*post).code == 0
        assert [m.text for m in server.model.messages] == ["Hello"]
        ran = run(*post, "--room", "kusanagi")
        assert ran.code == 2
        assert "use --ignore-columns room" in ran.err
        assert run("users", "create", "--from", "none.csv").code == 2
        ran = run("users", "create", "--key", "a", "--name", "A", "--rate", "3")
        assert ran.code == 2
        assert "requires --from" in ran.err


def test_deletions_ask_for_their_number(shell: Shell) -> None:
    from tests.pseudo_terminal import Terminal

    source = write(shell, "rows.csv", "key\nkusanagi\nbatou\n")
    with FaultyServer() as server:
        there = shell.configured(server)
        delete = ("users", "delete", "--from", source)
        assert there.run(*delete).code == 2
        for typed, code in (("y\n", 2), ("3\n", 2), ("2\n", 0)):
            assert server.requests == []
            with Terminal(there, *delete) as terminal:
                terminal.wait_for("Type 2 to continue: ")
                terminal.type(typed)
                assert terminal.end() == code
        assert not {"kusanagi", "batou"} & set(server.model.users)


def test_a_preview_of_a_batch(shell: Shell) -> None:
    source = write(shell, "rows.csv", "key,name\n" + "".join(f"k{n},x\n" for n in range(9)))
    with FaultyServer() as server:
        ran = shell.configured(server).run("users", "create", "--from", source, "--dry-run")
        assert server.attempts == []
    assert ran.code == 0
    assert ran.out.count("curl ") == 3
    assert "9 rows" in ran.err
