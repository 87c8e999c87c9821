"""The requests that the sandbox keeps: all of each, bounded, and never with the token."""

import contextlib
import io
import json
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from kabelwerk_cli.sandbox import recorder
from kabelwerk_cli.sandbox.database import SCHEMA
from kabelwerk_cli.sandbox.masking import MASK, Mask
from kabelwerk_cli.sandbox.recorder import BODY_LIMIT, KEPT, RequestLog, recorded
from kabelwerk_cli.sandbox.store import Store
from kabelwerk_cli.sandbox_page.queries import Wanted
from kabelwerk_cli.sandbox_page.view import View
from tests.shell import TOKEN, Shell

from .test_server import ask

CREATE = ("users", "create", "--key", "kusanagi", "--name", "Motoko")
SHOW = ("sandbox", "show", "requests")
ANSWER = b'{"id": 1}'


@pytest.fixture
def path(tmp_path: Path) -> Path:
    Store(tmp_path / "db").close()
    return tmp_path / "db"


def kept(path: Path) -> list[Any]:
    with contextlib.closing(Store(path)) as store:
        return list(store.read("requests"))


class Client:
    """Calls an app that is recorded."""

    def __init__(self, path: Path, answer: bytes = ANSWER, token: str = TOKEN) -> None:
        self.log = RequestLog(path, Mask(token))
        self._app = recorded(lambda _, start: self._answer(start, answer), self.log)

    @staticmethod
    def _answer(start: Callable[..., Any], answer: bytes) -> list[bytes]:
        start("201 Created", [("x-request-id", "r" * 20)])
        return [answer]

    def send(self, target: str = "/api/users", body: bytes = b"", **headers: str) -> None:
        content = {"wsgi.input": io.BytesIO(body), "CONTENT_LENGTH": str(len(body))}
        request = {"REQUEST_METHOD": "POST", "REQUEST_URI": target, **content}
        self._app(
            request | {f"HTTP_{name}": value for name, value in headers.items()}, lambda *_: 0
        )

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self.log.close()


def test_what_is_kept_of_a_request(path: Path) -> None:
    with Client(path) as client:
        client.send(body=b'{"key": "r1"}', USER_AGENT="curl/8")
        client.send("/api/hubs/_/rooms/a%2Fb/messages?x=1", b"\xff{")
    first, second = kept(path)
    assert (first.method, first.path, first.key, first.status) == ("POST", "/api/users", "r1", 201)
    assert (first.request_body, first.response_body) == ('{"key": "r1"}', ANSWER.decode())
    assert (first.request_bytes, first.response_bytes) == (13, len(ANSWER))
    assert (first.user_agent, first.request_id, first.fault) == ("curl/8", "r" * 20, None)
    assert (second.key, second.request_body) == ("a/b", "\ufffd{")


ODD = "t0k=/\\\"<&'en"
CODED = {
    "as it is": lambda token: token,
    "JSON": json.dumps,
    "escaped": lambda token: "".join(f"\\u{ord(letter):04x}" for letter in token),
    "escaped in upper case": lambda token: "".join(f"\\u{ord(one):04X}" for one in token),
    "in a path": lambda token: "".join(f"%{ord(letter):02x}" for letter in token),
    "slash": lambda token: json.dumps(token).replace("/", "\\/"),
}


@pytest.mark.parametrize("token", [TOKEN, ODD])
@pytest.mark.parametrize("coded", CODED)
def test_the_token_is_nowhere(path: Path, token: str, coded: str) -> None:
    said = CODED[coded](token)
    with Client(path, f'{{"a": "{said}"}}'.encode(), token) as client:
        client.send(f"/api/users/{said}?x={said}", f"[{said}]".encode(), USER_AGENT=f"x {said}")
    with Client(path, said.encode(), "another") as client:  # which the client sent, and is wrong
        client.send(f"/api/users/{said}", said.encode(), USER_AGENT=said, KABELWERK_TOKEN=token)
    for request in kept(path):
        for text in (request.path, request.request_body, request.response_body, request.user_agent):
            assert MASK in text
        assert said not in str(request)
        assert token not in str(request)
    assert said.encode() not in path.read_bytes()


@pytest.mark.parametrize("before", range(BODY_LIMIT - 20, BODY_LIMIT + 5000, 167))
def test_no_part_of_the_token_is_left_where_a_body_is_cut(before: int) -> None:
    mask = Mask("0123456789" * 30)
    body = "x" * before + "0123456789" * 30 + "y" * 20_000
    size = len(body)
    taken = mask(body[: BODY_LIMIT + recorder.MARGIN])
    assert b"0123" not in recorder._kept(taken, size, mask)


def test_the_file_stays_bounded(path: Path) -> None:
    with Client(path, b"a" * 100_000) as client:
        for number in range(KEPT + 500):
            client.send(f"/api/users/{number}", b"b" * 100_000)
            if number % 200 == 0:
                client.log._write()
    requests = kept(path)
    assert requests[-1].path == f"/api/users/{KEPT + 499}"
    assert len(requests) == recorder.KEPT_BYTES // (2 * BODY_LIMIT)
    assert requests[0].request_bytes == 100_000
    assert len(requests[0].request_body) == BODY_LIMIT
    with Client(path, b"") as client:
        for number in range(KEPT + 500):
            client.send(f"/api/users/{number}")
    assert [request.path for request in kept(path)] == [
        f"/api/users/{number}" for number in range(500, KEPT + 500)
    ]
    assert path.stat().st_size < 3 * recorder.KEPT_BYTES


def test_what_cannot_be_written_yet_is_written_later(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(recorder, "PATIENCE", 0)
    with Client(path) as client, contextlib.closing(sqlite3.connect(path)) as other:
        client.send("/api/users/1")
        other.execute("BEGIN IMMEDIATE")
        client.log._write()
        assert kept(path) == []
        other.rollback()
        client.send("/api/users/2")
    assert [request.key for request in kept(path)] == ["1", "2"]


def test_a_file_of_an_earlier_version(tmp_path: Path) -> None:
    path = tmp_path / "db"
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.executescript(SCHEMA)
        db.execute("INSERT INTO hubs (slug) VALUES ('ward')")
        for number in (1, 2):
            db.execute("INSERT INTO users (key, name) VALUES (?, ?)", (f"u{number}", b"x"))
            db.execute("INSERT INTO rooms (hub_id, user_id) VALUES (1, ?)", (number,))
        db.execute("INSERT INTO messages VALUES (1, 1, 1, x'61', x'61', '2026-01-01T00:00:00Z')")
    with contextlib.closing(Store(path)) as store, contextlib.closing(View(path)) as view:
        assert [room.user.key for room in store.read("rooms")] == ["u1", "u2"]
        assert list(store.read("requests")) == []
        _, data = view.look(Wanted("rooms"), "")
        assert [room["user"]["key"] for room in data["rooms"]] == ["u1", "u2"]
        store.update_room(hub="ward", room="u2", changes={"archived": True})
        _, data = view.look(Wanted("rooms"), "")
        assert [room["user"]["key"] for room in data["rooms"]] == ["u2", "u1"]


def wait_for(shell: Shell, count: int) -> list[dict[str, Any]]:
    end = time.monotonic() + 20
    while True:
        shown = json.loads(shell.run(*SHOW, "-o", "json").out)
        if len(shown) >= count or time.monotonic() > end:
            return shown
        time.sleep(0.05)


def test_each_request_of_a_served_one_is_shown(serving: Callable[..., Any]) -> None:
    with serving("--token", TOKEN) as shell:
        assert shell.run(*CREATE).code == 0
        assert ask(shell, "POST", "/api/users", b"{")[0] == 400
        assert ask(shell, "PATCH", "/api/users/x", {}, **{"Kabelwerk-Token": "wr0ng-one"})[0] == 401
        assert ask(shell, "POST", "/api/users", b"{}", **{"Content-Type": "text/plain"})[0] == 415
        assert ask(shell, "GET", "/api/users", Host="evil.example")[0] == 421
        shown = wait_for(shell, 5)
        assert [request["status"] for request in shown] == [201, 400, 401, 415, 421]
        assert shown[0]["user_agent"].startswith("kabelwerk-cli/")
        assert json.loads(shown[0]["response_body"])["key"] == "kusanagi"
        assert TOKEN not in str(shown)
        assert "wr0ng-one" not in str(shown)
        ran = shell.run(*SHOW, "--fields", "method,status,request_body", "-o", "csv")
        assert ran.out.splitlines()[2] == "POST,400,{"
        assert shell.run(*SHOW, "-o", "tsv", "--fields", "key,path").out.count("\n") == 5
        assert "nonsense" in shell.run(*SHOW, "--fields", "nonsense").err
        assert shell.run("sandbox", "reset", "--yes").code == 0
        assert shell.run(*SHOW, "-o", "json").out == "[]\n"


def test_a_fault_is_marked(serving: Callable[..., Any]) -> None:
    for fault, statuses, words in (
        ("503:1", {503}, {"503"}),
        ("reset:1", {None}, {"reset before processing", "reset instead of 201"}),
    ):
        with serving("--token", TOKEN, "--fault", fault, "--seed", "1") as shell:
            for number in range(8):
                key = f"{fault[0]}{number}"
                create = ("users", "create", "--key", key, "--name", "x")
                assert shell.run(*create, "--retries", "0").code in {8, 9}
            shown = wait_for(shell, 8)
            assert {request["status"] for request in shown} == statuses
            assert {request["fault"] for request in shown} == words
            created = {user["key"] for user in json.loads(
                shell.run("sandbox", "show", "users", "-o", "json").out
            )}  # fmt: skip
            assert created == {request["key"] for request in shown if "instead" in request["fault"]}
            assert shell.run("sandbox", "reset", "--yes").code == 0


def test_requests_in_this_process_are_kept_too(shell: Shell) -> None:
    assert shell.run("--sandbox", *CREATE).code == 0
    rows = shell.home / "users.csv"
    rows.write_text("key,name\n" + "".join(f"u{number},x\n" for number in range(30)))
    assert shell.run("--sandbox", "users", "create", "--from", "users.csv").code == 0
    shown = json.loads(shell.run(*SHOW, "-o", "json").out)
    assert {request["key"] for request in shown} == {"kusanagi", *(f"u{n}" for n in range(30))}


@contextlib.contextmanager
def two_servers(shell: Shell) -> Iterator[list[Shell]]:
    with contextlib.ExitStack() as stack:
        shells = []
        for _ in range(2):
            options = ("--db", "shared.db", "--token", TOKEN)
            process = stack.enter_context(
                shell.start("sandbox", "serve", *options, stderr=subprocess.DEVNULL)
            )
            stack.callback(process.send_signal, signal.SIGTERM)
            assert process.stdout
            url = process.stdout.readline().decode().strip().rpartition("=")[2]
            database = {"KABELWERK_SANDBOX_DB": str(shell.home / "shared.db")}
            shells.append(shell.with_(KABELWERK_URL=url, KABELWERK_API_TOKEN=TOKEN, **database))
        yield shells


def test_two_servers_on_one_file_agree(shell: Shell) -> None:
    with two_servers(shell) as servers:
        for number in range(20):
            key = f"u{number}"
            assert (
                ask(servers[number % 2], "POST", "/api/users", {"key": key, "name": "x"})[0] == 201
            )
        shown = wait_for(servers[0], 20)
        assert [request["key"] for request in shown] == [f"u{number}" for number in range(20)]
        assert wait_for(servers[1], 20) == shown


def test_hubs_are_added_and_listed(serving: Callable[..., Any]) -> None:
    with serving("--token", TOKEN) as shell:
        assert shell.run(*CREATE).code == 0
        batou = ("users", "create", "--key", "batou", "--name", "B", "--hub", "ward 7")
        ran = shell.run(*batou)
        assert ran.code == 6
        add = "kabelwerk sandbox add-hub 'ward 7' --db "
        assert add in ran.err
        assert "kabelwerk sandbox serve --hub 'ward 7' --db " in ran.err
        assert "'kabelwerk sandbox show hubs --db" in ran.err
        added = shell.run("sandbox", "add-hub", "ward 7", "section9")
        assert (added.code, added.out) == (0, "")
        assert added.err.endswith("sandbox.db': section9, ward 7\n")
        assert (
            shell.run("sandbox", "show", "hubs", "-o", "csv").out
            == "id,slug\n1,section9\n2,ward 7\n"
        )
        assert shell.run(*batou).code == 0
        rooms = shell.run("sandbox", "show", "rooms", "-o", "tsv", "--fields", "hub,user.key").out
        assert rooms == "section9\tkusanagi\nward 7\tkusanagi\n"
        assert shell.run("sandbox", "add-hub", "lab", "--rooms", "manual", "-q") == (0, "", "")
        assert shell.run("sandbox", "show", "rooms", "-o", "tsv").out.count("\n") == 2
        for wrong in ("", "..", "a\nb"):
            assert shell.run("sandbox", "add-hub", wrong).code == 2
