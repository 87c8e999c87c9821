"""The served sandbox on a real socket: unusual requests get the right JSON answer."""

import http.client
import json
import signal
import socket
import time
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.shell import TOKEN, Shell, send_to_another_thread

ODD_KEYS = [
    ("alice#2", "alice%232"),
    ("alice?x=1", "alice%3Fx%3D1"),
    ("a/b", "a%2Fb"),
    ("a%2Fb", "a%252Fb"),
    ("%2e%2e", "%252e%252e"),
    ("../hubs/_/rooms/alice", "..%2Fhubs%2F_%2Frooms%2Falice"),
    ("jürgen-日本", "j%C3%BCrgen-%E6%97%A5%E6%9C%AC"),
]


def ask(
    shell: Shell, method: str, path: str, body: object = None, **headers: str
) -> tuple[int, Any]:
    """Make a request by http.client and return the status and the decoded body."""
    content = body if isinstance(body, (bytes, type(None))) else json.dumps(body).encode()
    connection = http.client.HTTPConnection(urlsplit(shell.environment["KABELWERK_URL"]).netloc)
    try:
        sent = {"Kabelwerk-Token": TOKEN, "Content-Type": "application/json", **headers}
        connection.request(method, path, content, sent)
        answer = connection.getresponse()
        said = answer.read()
    finally:
        connection.close()
    if answer.status == 204:
        assert said == b""
        return 204, None
    assert answer.getheader("Content-Type") == "application/json"
    return answer.status, json.loads(said)


@pytest.mark.parametrize(("key", "segment"), ODD_KEYS)
def test_a_key_is_what_one_segment_decodes_to(sandbox: Shell, key: str, segment: str) -> None:
    assert ask(sandbox, "POST", "/api/users", {"key": key, "name": "x"})[0] == 201
    assert ask(sandbox, "POST", "/api/users", {"key": "alice", "name": "x"})[0] == 201
    status, user = ask(sandbox, "PATCH", f"/api/users/{segment}", {"name": "y"})
    assert (status, user["key"]) == (200, key)
    status, room = ask(sandbox, "PATCH", f"/api/hubs/_/rooms/{segment}", {"archived": True})
    assert (status, room["user"]["key"]) == (200, key)
    assert ask(sandbox, "DELETE", f"/api/users/{segment}") == (204, None)
    assert ask(sandbox, "DELETE", "/api/users/alice") == (204, None)


DEEP = b'{"archived": true, "attributes": ' + b'{"a":' * 5000 + b"1" + b"}" * 5000 + b"}"
ODD_REQUESTS = [
    ("POST", "/api/users", b"", 400),
    ("POST", "/api/users", b"{", 400),
    ("POST", "/api/users", b"[]", 400),
    ("POST", "/api/users", b"null", 400),
    ("POST", "/api/users", b'"x"', 400),
    ("POST", "/api/users", b'{"key": NaN}', 400),
    ("POST", "/api/users", b"\xff\xfe", 400),
    ("POST", "/api/users", b"[" * 100_000, 400),
    ("POST", "/api/users", b'{"id": ' + b"9" * 5000 + b"}", 400),
    ("POST", "/api/users", {"key": "k" * 1025, "name": "x"}, 400),
    ("POST", "/api/users", {"key": "a\nb", "name": "x"}, 400),
    ("POST", "/api/users", {"key": "\ud800", "name": "x"}, 400),
    ("POST", "/api/users", {"key": {"a": 1}, "name": ["x"], "hub": 7}, 400),
    ("PATCH", "/api/hubs/_/rooms/kusanagi", DEEP, 400),
    ("PATCH", "/api/users/%ff", {"name": "x"}, 404),
    ("PATCH", "/api/users/a/b", {"name": "x"}, 404),
    ("PATCH", "/api/users/", {"name": "x"}, 404),
    ("GET", "/api/users", None, 405),
    ("DELETE", "/api/users", None, 405),
    ("PUT", "/api/users/kusanagi", {}, 405),
    ("GET", "/page", None, 404),
    ("GET", "/api", None, 404),
    ("POST", "/api/users/../users", {"key": "k", "name": "x"}, 404),
    ("POST", "/users", {"key": "k", "name": "x"}, 404),
    ("POST", "/api/users", b" " * (1024 * 1024 + 1), 413),
    ("POST", "/api/users", b" " * (5 * 1024 * 1024), 413),
]


@pytest.mark.parametrize(("method", "path", "body", "status"), ODD_REQUESTS)
def test_an_odd_request(sandbox: Shell, method: str, path: str, body: object, status: int) -> None:
    said, answer = ask(sandbox, method, path, body)
    assert said == status
    assert answer["errors"]
    # it is still there
    assert ask(sandbox, "POST", "/api/users", {"key": "kusanagi", "name": "Motoko"})[0] == 201


def test_several_errors_at_once(sandbox: Shell) -> None:
    status, answer = ask(sandbox, "POST", "/api/users", {"key": "", "name": 7, "hub": []})
    assert status == 400
    assert answer == {
        "errors": {"key": ["can't be blank"], "name": ["is invalid"], "hub": ["is invalid"]}
    }


def test_the_token_comes_before_everything(sandbox: Shell) -> None:
    for method, path in (("POST", "/api/users"), ("DELETE", "/api/users/nobody"), ("GET", "/page")):
        assert ask(sandbox, method, path, b"{", **{"Kabelwerk-Token": "another"})[0] == 401
        assert ask(sandbox, method, path, b"{", **{"Kabelwerk-Token": "s\xe9"})[0] == 401


def test_a_chunked_body_is_read_and_limited(sandbox: Shell) -> None:
    address = urlsplit(sandbox.environment["KABELWERK_URL"])
    head = (
        f"POST /api/users HTTP/1.1\r\nHost: {address.netloc}\r\nKabelwerk-Token: {TOKEN}\r\n"
        "Content-Type: application/json\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n"
    ).encode()
    for size, status in ((10, b" 400 "), (1024 * 1024 + 1, b" 413 ")):
        with socket.create_connection((address.hostname, address.port), timeout=20) as client:
            body = b"%x\r\n%s\r\n0\r\n\r\n" % (size, b" " * size)
            client.sendall(head + body)
            answer = client.makefile("rb").read()
        assert status in answer.split(b"\r\n")[0]
        assert json.loads(answer.split(b"\r\n\r\n")[1])["errors"]


def test_a_request_id_is_taken_over(sandbox: Shell) -> None:
    connection = http.client.HTTPConnection(urlsplit(sandbox.environment["KABELWERK_URL"]).netloc)
    headers = {"Kabelwerk-Token": TOKEN, "X-Request-Id": "x" * 20}
    connection.request("DELETE", "/api/users/nobody", headers=headers)
    assert connection.getresponse().getheader("X-Request-Id") == "x" * 20
    connection.close()


def test_without_a_token_each_run_makes_one(serving: Callable[..., Any]) -> None:
    create = ("users", "create", "--key", "kusanagi", "--name", "Motoko")
    with serving() as one, serving() as other:
        tokens = [shell.environment["KABELWERK_API_TOKEN"] for shell in (one, other)]
        assert len(set(tokens)) == 2
        assert all(len(token) >= 32 for token in tokens)
        assert one.with_(KABELWERK_API_TOKEN=tokens[1]).run(*create).code == 4
        assert one.run(*create).code == 0


@pytest.mark.parametrize("token", ["", "two words", "t\u00f6ken", "line\nbreak", "\x7f"])
def test_a_token_that_no_client_sends(shell: Shell, token: str) -> None:
    ran = shell.run("sandbox", "serve", "--token", token)
    assert (ran.code, ran.out) == (2, "")
    assert "must be visible ASCII characters" in ran.err
    assert not list(shell.home.iterdir())


def test_hubs_and_manual_rooms(serving: Callable[..., Any]) -> None:
    with serving("--hub", "ward", "--hub", "desk", "--rooms", "manual") as shell:
        assert (
            shell.run("users", "create", "--key", "batou", "--name", "B", "--hub", "desk").code == 0
        )
        assert shell.run("users", "create", "--key", "kusanagi", "--name", "Motoko").code == 0
        assert shell.run("rooms", "update", "--room", "kusanagi", "--archived").code == 5


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_just_before_it_waits(shell: Shell, number: signal.Signals) -> None:
    with shell.start("sandbox", "serve") as process:
        assert process.stdout
        process.stdout.readline()
        time.sleep(0.5)  # until it waits
        send_to_another_thread(process, number)
        _, err = process.communicate(timeout=20)
    assert process.returncode == 0
    assert err.endswith(b"Stopped.\n")


def test_a_port_that_is_taken(shell: Shell) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        ran = shell.run("sandbox", "serve", "--port", port)
    assert ran.code == 3
    assert port in ran.err
