"""--dry-run shows what would be sent, and sends nothing."""

import json

import pytest

from tests.faultserver import FaultyServer
from tests.operations import CALLS, OPERATIONS, Operation
from tests.shell import TOKEN, Shell


@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=str)
def test_a_preview_sends_nothing_and_needs_no_token(shell: Shell, operation: Operation) -> None:
    with FaultyServer() as server:
        there = shell.with_(KABELWERK_URL=server.url)
        plain = there.run(*operation.words(), "--dry-run")
        objects = there.run(*operation.words(), "--dry-run", "-o", "json")
        assert server.attempts == []
    assert (plain.code, plain.err, objects.code) == (0, "", 0)
    requests = json.loads(objects.out)
    ensured = isinstance(requests, list)
    assert ensured == (operation.request is None)
    for request in requests if ensured else [requests]:
        assert set(request) == {"method", "url", "headers", "body"}
        assert request["url"].startswith(server.url)
        assert request["headers"]["Kabelwerk-Token"] == "$KABELWERK_API_TOKEN"
    assert len(plain.out.splitlines()) == (2 if ensured else 1)
    assert '"Kabelwerk-Token: $KABELWERK_API_TOKEN"' in plain.out


@pytest.mark.parametrize("call", CALLS.values(), ids=str)
def test_what_a_preview_shows_is_what_is_sent(shell: Shell, call: Operation) -> None:
    with FaultyServer() as server:
        there = shell.configured(server)
        shown = json.loads(there.run(*call.line, "--dry-run", "-o", "json").out)
        there.run(*call.line)
        (sent,) = server.requests
    assert sent.method == shown["method"]
    assert f"{server.url}{sent.target}" == shown["url"]
    assert (sent.json if sent.body else None) == shown["body"]
    for name, value in shown["headers"].items():
        assert sent.header(name) == value.replace("$KABELWERK_API_TOKEN", TOKEN)
