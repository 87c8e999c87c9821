"""`rooms update --attribute KEY=VALUE`: the object it makes, in a call and for a file."""

import json

from tests.faultserver import FaultyServer
from tests.model.model import Model
from tests.model.state import populated
from tests.shell import Shell

UPDATE = ("rooms", "update")
ONE = (*UPDATE, "--room", "kusanagi")
MADE = {
    ("ward=9",): {"ward": 9},
    ("ward=9", "bed=12b"): {"ward": 9, "bed": "12b"},
    ('ward="9"', "code=007", "phone=+49 30"): {"ward": "9", "code": "007", "phone": "+49 30"},
    ("a=true", "b=null", "c=", "d= 1 "): {"a": True, "b": None, "c": "", "d": 1},
    ('a={"b": [1, "c=d"]}', "e=f=g"): {"a": {"b": [1, "c=d"]}, "e": "f=g"},
    ("text={not JSON", "who=Jürgen", "ward 9=x"): {
        "text": "{not JSON",
        "who": "Jürgen",
        "ward 9": "x",
    },
}
REFUSED = {
    ("ward",): "'ward' is not KEY=VALUE, such as ward=9",
    ("=9",): "'=9' is not KEY=VALUE",
    ("ward=9", "bed=1", "ward=8"): "'ward' appears twice",
    ("x=NaN",): "'x': it contains NaN, which is not valid JSON. For a text, use 'x=\"...\"'",
    ("x=[-Infinity]",): "contains -Infinity",
    ("x=1e999",): "a number that is too large",
    ('x={"a": 1, "a": 2}',): "a name appears twice in one object",
    ("x=" + "[" * 101 + "]" * 101,): "nested deeper than 100 levels",
    ("x=1", "--attributes", "{}"): "--attributes and --attribute cannot be used together",
}


def options(words: tuple[str, ...]) -> list[str]:
    attributes = words[: words.index("--attributes")] if "--attributes" in words else words
    given = [word for attribute in attributes for word in ("--attribute", attribute)]
    return [*given, *words[len(attributes) :]]


def test_attributes_one_by_one(shell: Shell) -> None:
    with FaultyServer() as server:
        run = shell.configured(server).run
        for words, made in MADE.items():
            assert run(*ONE, *options(words)).code == 0
            assert server.model.rooms["section9", "kusanagi"].attributes == made
        sent = len(server.requests)
        for words, says in REFUSED.items():
            ran = run(*ONE, *options(words))
            assert (ran.code, len(ran.err.splitlines())) == (2, 1), words
            assert says in ran.err
        ran = run(*ONE, "--attribute", "ward=9", "--dry-run", "-o", "json")
        assert json.loads(ran.out)["body"] == {"attributes": {"ward": 9}}
        assert len(server.requests) == sent


def test_attributes_for_every_row(shell: Shell) -> None:
    (shell.home / "rooms.csv").write_text("room\nold0\nold1\n")
    (shell.home / "own.csv").write_text('room,attributes\nold0,"{""a"": 1}"\n')
    (shell.home / "odd.csv").write_text("room,attribute\nold0,ward=9\n")
    with FaultyServer(model=Model(populated(2))) as server:
        run = shell.configured(server).run
        given = ("--attribute", "ward=9", "--attribute", "bed=12b")
        assert run(*UPDATE, "--from", "rooms.csv", *given).code == 0
        rooms = [server.model.rooms["section9", key] for key in ("old0", "old1")]
        assert [room.attributes for room in rooms] == [{"ward": 9, "bed": "12b"}] * 2
        for file, says in (
            ("own.csv", "'attributes' is a column, and --attribute sets it for every row"),
            ("odd.csv", "column 'attribute' is unknown"),
        ):
            ran = run(*UPDATE, "--from", file, *given)
            assert ran.code == 2
            assert says in ran.err.replace("Column", "column")
        assert len(server.requests) == 2
