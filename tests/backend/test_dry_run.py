"""--dry-run shows what would be sent, and sends nothing."""

import json
import shlex

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
    assert (plain.code, objects.code) == (0, 0)
    first = json.loads(objects.out)
    other = first.pop("otherwise")
    ensured = other is not None
    assert ensured == (operation.request is None)
    assert bool(plain.err) == ensured
    if ensured:
        assert (other.pop("when"), other["method"]) == ("the user does not exist", "POST")
    for request in (first, other) if ensured else (first,):
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


def test_an_ensure_says_which_request_is_sent_when(shell: Shell) -> None:
    there = shell.with_(KABELWERK_URL="https://kabelwerk.example")
    ran = there.run(*OPERATIONS["ensure"].line, "--dry-run")
    first, second = ran.out.splitlines()
    assert "--request PATCH" in first
    assert "--request POST" in second
    assert ran.err.splitlines() == [
        "Request 2 is sent only if the user does not exist.",
        (
            "Request 1 is sent again only if the key is taken, or it is unknown whether the user "
            "was created."
        ),
    ]
    assert there.run(*OPERATIONS["ensure"].line, "--dry-run", "-q").err == ""


def test_fields_are_those_of_the_preview(shell: Shell) -> None:
    there = shell.with_(KABELWERK_URL="https://kabelwerk.example")
    preview = (*OPERATIONS["create"].line, "--dry-run", "-o", "json", "--fields")
    assert json.loads(there.run(*preview, "method,body").out) == {
        "method": "POST",
        "body": {**OPERATIONS["create"].given, "hub": None},
    }
    unknown = there.run(*preview, "id")
    assert (unknown.code, unknown.out) == (2, "")
    assert "method, url, headers, body, otherwise" in unknown.err


def test_each_row_of_an_ensure_is_one_object(shell: Shell) -> None:
    (shell.home / "users.csv").write_text("key,name\na,A\nb,B\n")
    there = shell.with_(KABELWERK_URL="https://kabelwerk.example")
    ran = there.run(
        "users", "ensure", "--hub", "h", "--from", "users.csv", "--dry-run", "-o", "jsonl"
    )
    rows = [json.loads(line) for line in ran.out.splitlines()]
    assert [row["method"] for row in rows] == ["PATCH", "PATCH"]
    created = [row["otherwise"]["body"] for row in rows]
    assert created == [{"key": key, "name": key.upper(), "hub": "h"} for key in "ab"]


PROXIES = {"ALL_PROXY": "http://proxy.example", "http_proxy": "http://proxy.example"}


@pytest.mark.parametrize(
    ("url", "direct"),
    [
        ("http://localhost:1", True),
        ("https://127.0.0.1", True),
        ("https://kabelwerk.example", False),
        ("sandbox:", True),
    ],
)
def test_curl_is_as_careful_as_we_are(shell: Shell, url: str, *, direct: bool) -> None:
    update = (*CALLS["update"].line, "--dry-run", "--timeout", "7")
    line = shell.with_(KABELWERK_URL=url, **PROXIES).run(*update, "--ca-file", "its ca.pem").out
    words = shlex.split(line)
    assert words[:2] == ["curl", "-q"]
    assert ("--noproxy" in words) is direct
    assert words[words.index("--max-time") + 1] == "7"
    assert words[words.index("--connect-timeout") + 1] == "5"
    assert words[words.index("--cacert") + 1] == str(shell.home / "its ca.pem")
    assert "--location" not in words


def test_a_text_that_is_no_command_in_github_actions(shell: Shell) -> None:
    there = shell.with_(KABELWERK_URL="sandbox:", GITHUB_ACTIONS="true")
    out = there.run(*CALLS["update"].words(name="##[group]"), "--dry-run").out
    assert "##[" not in out
    assert "#\\u0023[group]" in out
