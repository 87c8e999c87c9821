"""A key reaches the server as exactly that key, or nothing is sent."""

from urllib.parse import unquote

import pytest

from tests.faultserver import FaultyServer, Model, Room, User, seeded
from tests.operations import OPERATIONS, Operation
from tests.shell import Shell

ODD = ["alice#2", "alice?x=1", "a/b", "a%2Fb", "%2e%2e", "../hubs/_/rooms/alice", "jürgen-日本"]
BAD: list[str | bytes] = ["..", ".", "", "a\nb", "\x1b", "\x7f", "\u0085", b"caf\xe9", "k" * 1025]


@pytest.mark.parametrize("key", ODD)
def test_an_odd_key_is_created_changed_and_deleted_as_itself(shell: Shell, key: str) -> None:
    with FaultyServer() as server:
        run = shell.configured(server).run
        assert run("users", "create", "--key", key, "--name", "x").code == 0
        assert server.model.users[key].name == "x"
        assert run("users", "update", "--key", key, "--name", "y").code == 0
        assert server.model.users[key].name == "y"
        assert run("users", "delete", "--key", key, "--yes").code == 0
        assert key not in server.model.users
        assert set(server.model.users) == set(seeded().users)


@pytest.mark.parametrize("key", ODD)
def test_an_odd_room_and_an_odd_hub(shell: Shell, key: str) -> None:
    state = seeded()
    state.hubs = ("section9", key)
    state.users[key] = User(state.new_id(), key, "x")
    state.users["here"] = User(state.new_id(), "here", "x", hub=key)
    state.rooms[key, key] = Room(state.new_id(), key, key, archived=False, attributes={})
    with FaultyServer(model=Model(state)) as server:
        run = shell.configured(server).run
        assert run("rooms", "update", "--hub", key, "--room", key, "--archived").code == 0
        assert server.model.rooms[key, key].archived
        assert (
            run(
                "messages", "post", "--hub", key, "--room", key, "--user", "here", "--text", "?"
            ).code
            == 0
        )
        assert len(server.model.messages) == 1
        for request in server.requests:
            assert [unquote(part) for part in request.target.split("/")][3:6] == [key, "rooms", key]


TAKEN = [(operation, name) for operation in OPERATIONS.values() for name in operation.keys]


@pytest.mark.parametrize(("operation", "name"), TAKEN, ids=str)
def test_a_bad_key_is_refused_and_nothing_sent(
    shell: Shell, operation: Operation, name: str
) -> None:
    with FaultyServer() as server:
        for key in BAD:
            ran = shell.configured(server).run(*operation.words(**{name: key}))
            assert ran.code == 2, key
            assert f"--{name.replace('_', '-')}" in ran.err
            assert len(ran.err.splitlines()) == 1
        assert server.attempts == []


def test_white_space_around_a_key_needs_a_word(shell: Shell) -> None:
    with FaultyServer() as server:
        command = ("users", "create", "--name", "x", "--key", " kusanagi ")
        assert shell.configured(server).run(*command).code == 2
        assert shell.configured(server).run(*command, "--exact-key").code == 0
        assert " kusanagi " in server.model.users


def test_a_text_and_attributes_from_files(shell: Shell) -> None:
    (shell.home / "text").write_text("Hello\n", encoding="utf-8")
    (shell.home / "attributes.json").write_text('{"ward": 9}')
    with FaultyServer() as server:
        run = shell.configured(server).run
        post = ("messages", "post", "--room", "kusanagi", "--user", "batou", "--text-file")
        assert run(*post, "text").code == 0
        assert run(*post, "-", stdin="grüße".encode()).code == 0
        # a file's own line break, and no other, is left out
        for text in (b"a\n\n", b"a\r\n", b"a\r\n\r\n", b"a\r", b" a \n", b"\na"):
            assert run(*post, "-", stdin=text).code == 0
        texts = ["Hello", "grüße", "a\n", "a", "a\r\n", "a\r", " a ", "\na"]
        assert [message.text for message in server.model.messages] == texts
        assert run(*post, "-", stdin=b"\xff").code == 2
        assert run(*post, "-", stdin=b"").code == 2
        assert run(*post, "-", stdin=b"\n").code == 2
        room = ("rooms", "update", "--room", "kusanagi", "--attributes")
        assert run(*room, "@attributes.json").code == 0
        assert server.model.rooms["section9", "kusanagi"].attributes == {"ward": 9}
        assert run(*room, "-", stdin=b"{}").code == 0
        assert server.model.rooms["section9", "kusanagi"].attributes == {}
        assert len(server.requests) == 10


FLAWED = {
    "\u00a0kusanagi": "begins or ends with white space",
    "kusanagi\u200b": "an invisible character (U+200B, zero width space)",
    "kusa\u00adnagi": "an invisible character (U+00AD, soft hyphen)",
    "\ufeffkusanagi": "an invisible character (U+FEFF, zero width no-break space)",
    "kusanagi\u202e": "an invisible character (U+202E, right-to-left override)",
    "ju\u0308rgen": "is not in the Unicode normal form NFC",
}


@pytest.mark.parametrize("key", FLAWED, ids=ascii)
def test_a_key_that_looks_like_another_needs_a_word(shell: Shell, key: str) -> None:
    with FaultyServer() as server:
        there = shell.configured(server)
        for operation, name in TAKEN:
            ran = there.run(*operation.words(**{name: key}))
            assert (ran.code, FLAWED[key] in ran.err) == (2, True), ran.err
            assert "--exact-key" in ran.err
        (shell.home / "f.csv").write_text(f"key,name\n{key},A\n", encoding="utf-8")
        if not key.startswith("\ufeff"):  # which is dropped where a file begins with it
            ran = there.run("users", "create", "--from", "f.csv")
            assert (ran.code, FLAWED[key] in ran.err) == (2, True), ran.err
        post = ("messages", "post", "--from", "r.csv", "--user", "u", "--text", "t", "--hub", key)
        (shell.home / "r.csv").write_text("room\nr1\n")
        ran = there.run(*post, "--yes")
        assert (ran.code, FLAWED[key] in ran.err) == (2, True), ran.err
        assert server.attempts == []
        command = ("users", "create", "--name", "x", "--key", key)
        assert there.run(*command, "--exact-key").code == 0
        assert key in server.model.users


def test_a_key_in_another_normal_form_is_seen(shell: Shell) -> None:
    with FaultyServer() as server:
        there = shell.configured(server)
        made = there.run("users", "create", "--key", "ju\u0308rgen", "--name", "x", "--exact-key")
        assert "ju\\u0308rgen" in made.out
        gone = there.run("users", "delete", "--key", "u\u0308", "--exact-key", "--yes")
        assert "'u\\u0308'" in gone.err
        exact = ("--exact-key", "-o", "json")
        as_json = there.run("users", "create", "--key", "o\u0308", "--name", "x", *exact)
        assert '"key": "o\\u0308"' in as_json.out
