"""A preview shows what would be sent, and sends nothing."""

import json

import pytest

from tests.faultserver import FaultyServer
from tests.shell import TOKEN, Shell

COMMANDS = [
    ("users", "create", "--key", "kusanagi", "--name", "Motoko"),
    ("users", "update", "--key", "kusanagi", "--name", "Motoko"),
    ("users", "delete", "--key", "kusanagi"),
    ("users", "ensure", "--key", "kusanagi", "--name", "Motoko"),
    ("rooms", "update", "--room", "kusanagi", "--unassign"),
    ("messages", "post", "--room", "kusanagi", "--user", "batou", "--text", "?"),
]


@pytest.mark.parametrize("command", COMMANDS, ids=" ".join)
def test_a_preview_sends_nothing_and_needs_no_token(shell: Shell, command: tuple[str, ...]) -> None:
    with FaultyServer() as server:
        there = shell.with_(KABELWERK_URL=server.url)
        plain = there.run(*command, "--dry-run")
        objects = there.run(*command, "--dry-run", "-o", "json")
        assert server.attempts == []
    assert (plain.code, plain.err, objects.code) == (0, "", 0)
    requests = json.loads(objects.out)
    ensured = isinstance(requests, list)
    assert ensured == (command[1] == "ensure")
    for request in requests if ensured else [requests]:
        assert set(request) == {"method", "url", "headers", "body"}
        assert request["url"].startswith(server.url)
        assert request["headers"]["Kabelwerk-Token"] == "$KABELWERK_API_TOKEN"
    assert len(plain.out.splitlines()) == (2 if ensured else 1)
    assert '"Kabelwerk-Token: $KABELWERK_API_TOKEN"' in plain.out


def test_what_a_preview_shows_is_what_is_sent(shell: Shell) -> None:
    with FaultyServer() as server:
        there = shell.configured(server)
        command = ("users", "update", "--key", "kusanagi", "--name", "x")
        shown = json.loads(there.run(*command, "--dry-run", "-o", "json").out)
        there.run(*command)
        (sent,) = server.requests
    assert sent.method == shown["method"]
    assert f"{server.url}{sent.target}" == shown["url"]
    assert json.loads(sent.body) == shown["body"]
    for name, value in shown["headers"].items():
        assert sent.header(name) == value.replace("$KABELWERK_API_TOKEN", TOKEN)
