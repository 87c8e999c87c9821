"""messages post --template: one text for many rooms, filled in from the columns of the file."""

import json

import pytest

from tests.batch.story import JOURNAL, POST, clinic, posted
from tests.faultserver import RESET_AFTER_READING, FaultyServer, Step
from tests.pseudo_terminal import Terminal
from tests.shell import Shell

HELLO = "Dear {{name}}, your visit is on {{date}}."
ALONE = "room,name,date\n"


def post(template: str, *options: str, file: str = "visits.csv") -> tuple[str, ...]:
    return (*POST, "--from", file, "--template", template, "--concurrency", "1", *options)


@pytest.mark.parametrize(
    ("template", "file", "content", "texts"),
    [
        (
            HELLO,
            "v.csv",
            "room,name,date\nr1,Kusanagi,1 May\n",
            ["Dear Kusanagi, your visit is on 1 May."],
        ),
        # whatever the case, and blanks around a name
        ("{{ NAME }}!", "v.csv", "Room;Name \nr1;x\n", ["x!"]),
        # further columns, a default, and a value that looks like a placeholder
        (
            "Hi {{name|there}}",
            "v.csv",
            "room,ward,name\nr1,3,\nr2,3,{{ward}}\n",
            ["Hi there", "Hi {{ward}}"],
        ),
        ("{{name|}}.", "v.csv", "room,name\nr1,\n", ["."]),
        # blanks around the bar
        ("Hi {{ name | there }}!", "v.csv", "room,name\nr1,\nr2,x\n", ["Hi there!", "Hi x!"]),
        ("{{room}}: {n} | }", "v.csv", "room\nr1\n", ["r1: {n} | }"]),
        # JSON: numbers and booleans as they are written there
        (
            "{{n}} {{b}} {{z|no}}",
            "v.jsonl",
            '{"room":"r1","n":2.50,"b":true,"z":null}\n',
            ["2.5 true no"],
        ),
        # a text of several lines with quotes, for several rows of one room
        ("{{note}}", "v.csv", 'room,note\nr1,"a\nb ""c"""\nr1,d\n', ['a\nb "c"', "d"]),
        ("{{name}}", "v.csv", "room,name,error\nr1,x,an earlier error\n", ["x"]),
    ],
)
def test_each_row_fills_in_its_own_values(
    shell: Shell, template: str, file: str, content: str, texts: list[str]
) -> None:
    model = clinic()
    with FaultyServer(model=model) as server:
        there = shell.configured(server)
        (shell.home / file).write_text(content)
        (shell.home / "text.txt").write_text(template)
        preview = there.run(*post(template, "--dry-run", "-o", "jsonl", file=file))
        assert [json.loads(line)["body"]["text"] for line in preview.out.splitlines()] == texts
        assert server.requests == []
        # from a file, with the newline at its end
        ran = there.run(*post("@text.txt", file=file))
        assert ran.code == 0, ran.err
        assert [message.text for message in model.snapshot().messages] == texts


@pytest.mark.parametrize(
    ("template", "content", "says"),
    [
        (HELLO, f"{ALONE}r1,x,1 May\nr2,,1 May\n", ["ine 3", "'name' is empty", "{{name|TEXT}}"]),
        (HELLO, f"{ALONE}r1, ,1 May\n", ["ine 2", "'name' is empty"]),
        ("{{nam}}", f"{ALONE}r1,x,1 May\n", ["{{nam}}", "Did you mean 'name'?"]),
        ("{{na\u200bme}}", f"{ALONE}r1,x,1 May\n", ["{{na\\u200bme}}", "Did you mean 'name'?"]),
        ("{{nam|x}}", '{"room": "r1", "name": "x"}\n', ["no row has 'nam'"]),
        ("{{name", f"{ALONE}r1,x,1 May\n", ["do not match"]),
        ("{{{name}}}", f"{ALONE}r1,x,1 May\n", ["three braces", "{{name}}"]),
        ("{{date}}", "room,date,name,date\nr1,1,x,2\n", ["{{date}}", "wo columns"]),
        (
            "{{first-name}}",
            "room,First-Name,first_name\nr1,x,y\n",
            ["{{first_name}}, 'First-Name' and 'first_name'"],
        ),
        (
            "{{n}}",
            '{"room": "r1", "n": "x"}\n{"room": "r1", "n": "x", "N": "y"}\n',
            ["ine 2", "two columns"],
        ),
        ("{{name}}", f"{ALONE}r1,#N/A,1 May\n", ["ine 2", "name: '#N/A' is an error"]),
        ("{{}}", f"{ALONE}r1,x,1 May\n", ["has no name"]),
        ("Hello", f"{ALONE}r1,x,1 May\n", ["no placeholder", "--text"]),
        ("{{name}}", "room,name,text\nr1,x,y\n", ["'text'", "--template", "--ignore-columns text"]),
    ],
)
def test_what_a_template_lacks_is_found_before_anything_is_sent(
    shell: Shell, template: str, content: str, says: list[str]
) -> None:
    with FaultyServer(model=clinic()) as server:
        file = "v.jsonl" if content.startswith("{") else "v.csv"
        (shell.home / file).write_text(content)
        ran = shell.configured(server).run(*post(template, file=file))
        assert ran.code == 2
        for text in says:
            assert text in ran.err
        assert len(ran.err.splitlines()) <= 3
        assert server.requests == []


def test_it_needs_a_file_and_is_the_only_text(shell: Shell) -> None:
    with FaultyServer(model=clinic()) as server:
        there = shell.configured(server)
        (shell.home / "visits.csv").write_text(f"{ALONE}r1,x,1 May\n")
        alone = there.run(*POST, "--room", "r1", "--template", HELLO)
        assert (alone.code, "--template requires --from FILE" in alone.err) == (2, True)
        both = there.run(*post(HELLO, "--text", "Hello"))
        assert (both.code, "--template" in both.err) == (2, True)
        assert server.requests == []


def test_the_journal_remembers_the_message_as_it_was_sent(shell: Shell) -> None:
    model = clinic()
    lost = Step(RESET_AFTER_READING, applied=True, times=1)
    with FaultyServer([lost], model=model) as server:
        there = shell.configured(server)
        (shell.home / "visits.csv").write_text("room,name\nr1,a\nr2,b\n")
        assert there.run(*post("Hi {{name}}")).code == 9
        # the same message by another way of writing it is the same row
        (shell.home / "visits.csv").write_text("name,room\nHi a,r1\nHi b,r2\n")
        assert there.run(*post("{{name}}")).code == 9
        assert posted(model) == ["r1:Hi a", "r2:Hi b"]
        # another text to a room that has one is not sent
        (shell.home / "visits.csv").write_text("room,name\nr1,a\nr2,c\n")
        changed = there.run(*post("Hi {{name}}", "--mark-posted", "-o", "jsonl"))
        assert changed.code == 10
        assert json.loads(changed.out.splitlines()[-1])["error"]["type"] == "AlreadyPosted"
        assert len(posted(model)) == 2
        assert b"Hi " not in (shell.home / JOURNAL.replace("rows", "visits")).read_bytes()


def test_a_person_sees_the_first_messages_filled_in(shell: Shell) -> None:
    model = clinic()
    with FaultyServer(model=model) as server:
        (shell.home / "visits.csv").write_text(f"{ALONE}r1,Kusanagi,1 May\nr2,x,\n")
        asks = [word for word in post("{{name}}: {{date|soon}}") if word != "--yes"]
        with Terminal(shell.configured(server), *asks) as terminal:
            terminal.wait_for("Type 2 to continue:")
            assert "To r1 from batou: Kusanagi: 1 May" in terminal.plain
            assert "To r2 from batou: x: soon" in terminal.plain
            terminal.type("2\n")
            assert terminal.end() == 0
        assert posted(model) == ["r1:Kusanagi: 1 May", "r2:x: soon"]
