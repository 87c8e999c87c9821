"""`rooms update --attributes`: the object it sends, in a call and for a file."""

import json

from tests.faultserver import FaultyServer
from tests.model.model import Model
from tests.model.state import populated
from tests.shell import Shell

UPDATE = ("rooms", "update")
ONE = (*UPDATE, "--room", "kusanagi")
MADE = ({}, {"ward": 9, "bed": "12b"}, {"a": {"b": [1, "c=d"]}, "who": "Jürgen", "n": None})
REFUSED = {
    "ward=9": "it is not valid JSON",
    "9": "not a JSON object such as '{\"age\": 42}'",
    '{"x": NaN}': "it contains NaN, which is not valid JSON",
    '{"x": [-Infinity]}': "contains -Infinity",
    '{"x": 1e999}': "a number that is too large",
    '{"a": 1, "a": 2}': "a name appears twice in one object",
    '{"x": ' + "[" * 101 + "]" * 101 + "}": "nested deeper than 100 levels",
}


def test_attributes_of_one_room(shell: Shell) -> None:
    with FaultyServer() as server:
        run = shell.configured(server).run
        for made in MADE:
            assert run(*ONE, "--attributes", json.dumps(made)).code == 0
            assert server.model.rooms["section9", "kusanagi"].attributes == made
        sent = len(server.requests)
        for given, says in REFUSED.items():
            ran = run(*ONE, "--attributes", given)
            assert (ran.code, len(ran.err.splitlines())) == (2, 1), given
            assert says in ran.err
        assert len(server.requests) == sent


def test_there_is_no_option_that_looks_as_if_it_set_one_attribute(shell: Shell) -> None:
    ran = shell.run(*ONE, "--attribute", "ward=10")
    assert (ran.code, ran.out) == (2, "")
    assert "No such option '--attribute'. Use --attributes JSON, which replaces all" in ran.err


def test_attributes_for_every_row(shell: Shell) -> None:
    (shell.home / "rooms.csv").write_text("room\nold0\nold1\n")
    (shell.home / "own.csv").write_text('room,attributes\nold0,"{""a"": 1}"\n')
    with FaultyServer(model=Model(populated(2))) as server:
        run = shell.configured(server).run
        given = ("--attributes", '{"ward": 9}')
        assert run(*UPDATE, "--from", "rooms.csv", *given).code == 0
        rooms = [server.model.rooms["section9", key] for key in ("old0", "old1")]
        assert [room.attributes for room in rooms] == [{"ward": 9}] * 2
        ran = run(*UPDATE, "--from", "own.csv", *given)
        assert ran.code == 2
        assert "'attributes' is a column, and --attributes sets it for every row" in ran.err
        assert len(server.requests) == 2
