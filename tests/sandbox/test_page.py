"""The page of a served sandbox: who may read it, and what it sends. Browsers: tests/system."""

import contextlib
import http.client
import json
import sqlite3
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from kabelwerk_cli.sandbox.store import Store
from kabelwerk_cli.sandbox_page import queries as limits
from kabelwerk_cli.sandbox_page.app import FILES, HEADERS
from kabelwerk_cli.sandbox_page.queries import Wanted
from kabelwerk_cli.sandbox_page.view import Busy, View
from tests.shell import TOKEN, Shell, served_with_page

KEY = "X-Sandbox-Key"
PATHS = ["/", *(f"/page/{name}" for name in FILES), "/page/data"]


class Site:
    """A served sandbox, asked by http.client on one connection."""

    def __init__(self, shell: Shell, link: str) -> None:
        self.shell = shell
        self.link = link
        address = urlsplit(link)
        self.key = address.fragment
        self._connection = http.client.HTTPConnection(address.netloc)

    def ask(
        self, path: str, method: str = "GET", **headers: str
    ) -> tuple[int, http.client.HTTPMessage, bytes]:
        json_type = {"Content-Type": "application/json"}
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        self._connection.request(method, path, headers=json_type | named)
        answer = self._connection.getresponse()
        return answer.status, answer.headers, answer.read()

    def data(self, query: str = "view=rooms", **headers: str) -> tuple[int, str | None, Any]:
        status, answered, body = self.ask(f"/page/data?{query}", X_Sandbox_Key=self.key, **headers)
        return status, answered["ETag"], json.loads(body) if body else None

    def close(self) -> None:
        self._connection.close()


@contextlib.contextmanager
def visited(shell: Shell, *args: str) -> Iterator[Site]:
    with (
        served_with_page(shell, *args) as (client, link),
        contextlib.closing(Site(client, link)) as site,
    ):
        yield site


@pytest.fixture
def site(shell: Shell) -> Iterator[Site]:
    with visited(shell, "--token", TOKEN) as site:
        yield site


def test_every_answer_has_the_headers_that_confine_the_page(site: Site) -> None:
    for path in (*PATHS, "/page/", "/page/nothing"):
        status, headers, _ = site.ask(path)
        assert status == (403 if path == "/page/data" else 200 if path in PATHS else 404)
        assert {name: headers[name] for name in HEADERS} == HEADERS
        assert "Access-Control-Allow-Origin" not in headers
        assert "Set-Cookie" not in headers
    for name, media_type in FILES.items():
        _, headers, body = site.ask(f"/page/{name}")
        assert headers["Content-Type"] == media_type
        assert not {b"innerHTML", b"eval(", b"style=", b"onclick"} & set(body.split())
    policy = dict(part.split(" ", 1) for part in HEADERS["Content-Security-Policy"].split("; "))
    assert set(policy.values()) == {"'none'", "'self'", "'script'"}
    assert policy["default-src"] == policy["frame-ancestors"] == "'none'"


def test_it_is_read_only(site: Site) -> None:
    for path in PATHS:
        for method in ("HEAD", "POST", "PUT", "PATCH", "DELETE"):
            assert site.ask(path, method, X_Sandbox_Key=site.key)[0] == 405


def test_the_key_opens_the_page_only_and_the_token_the_api_only(site: Site, shell: Shell) -> None:
    assert site.data()[0] == 200
    for wrong in ("", "x", site.key[:-1], f"{site.key}x", TOKEN, "s\xe9"):
        assert site.ask("/page/data", X_Sandbox_Key=wrong)[0] == 403
    assert site.ask("/page/data", Kabelwerk_Token=TOKEN)[0] == 403
    assert site.ask(f"/page/data?key={site.key}", Cookie=site.key)[0] == 403
    assert site.ask("/api/users/x", "DELETE", Kabelwerk_Token=TOKEN)[0] == 404
    assert site.ask("/api/users/x", "DELETE", Kabelwerk_Token=site.key)[0] == 401
    assert site.ask("/api/users/x", "DELETE", X_Sandbox_Key=site.key)[0] == 401
    assert len(site.key) >= 20
    with visited(shell) as another:
        assert another.key != site.key


def test_nothing_is_sent_again_until_something_changes(site: Site) -> None:
    status, tag, shown = site.data()
    assert (status, shown["rooms"]) == (200, [])
    assert tag
    assert site.data(If_None_Match=tag) == (304, tag, None)
    create = ("users", "create", "--name", "Motoko", "--key")
    # through the server, and by another process
    for key, writer in (("r1", site.shell), ("r2", site.shell.with_(KABELWERK_URL="sandbox:"))):
        assert writer.run(*create, key).code == 0
        status, newer, shown = site.data(If_None_Match=tag)
        assert (status, shown["rooms"][0]["user"]["key"]) == (200, key)
        assert newer != tag
        tag = wait_until_quiet(site, newer)


def wait_until_quiet(site: Site, tag: str | None) -> str | None:
    """The request itself is written a little later; return the tag after that."""
    while not (answer := site.data("view=requests"))[2]["requests"]:
        time.sleep(0.05)
    tag = answer[1]
    while site.data(If_None_Match=str(tag))[0] != 304:
        tag = site.data()[1]
    return tag


def test_what_is_asked_for_is_checked(site: Site) -> None:
    for query, status in (
        ("view=room&id=x", 400),
        ("view=room&id=-1", 400),
        (f"view=room&id={2**63}", 400),
        ("view=room&id=1&id=2", 200),
        ("view=nothing", 400),
        ("", 400),
        ("view=json&kind=hubs&id=1", 400),
        ("view=json&kind=users&id=1", 200),
        ("view=rooms&search=%ff%00%25_'", 200),
        ("view=requests&search=%ff%00%25_'&status=x&method=%ff", 200),
        ("view=room&id=99", 200),
        ("view=request&id=99", 200),
        ("view=users&nothing", 200),
    ):
        assert site.data(query)[0] == status, query
    assert site.data(If_None_Match="9" * 5000)[0] == 200


def test_faults_are_for_the_api_only(shell: Shell) -> None:
    with visited(shell, "--fault", "503:1") as site:
        token = site.shell.environment["KABELWERK_API_TOKEN"]
        assert site.ask("/api/users", "POST", Kabelwerk_Token=token)[0] == 503
        paths = [path for path in PATHS if path != "/page/data"] + ["/page/data?view=requests"]
        assert {site.ask(path, X_Sandbox_Key=site.key)[0] for path in paths} == {200}


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    path = tmp_path / "sandbox.db"
    with contextlib.closing(Store(path, hubs=["section9", "ward"])) as store:
        yield store


@pytest.fixture
def view(store: Store) -> Iterator[View]:
    with contextlib.closing(View(store._path, patience=0)) as view:
        yield view


def shown(view: View, name: str = "rooms", **wanted: Any) -> dict[str, Any]:
    _, data = view.look(Wanted(name, **wanted), seen="")
    assert data
    return data


def test_a_large_sandbox_is_shown_in_parts(store: Store, view: View) -> None:
    for number in range(limits.USERS_LIMIT + 1):
        store.create_user(key=f"u{number}", name=f"User {number} {'x' * 5000}", hub=None)
    for number in range(limits.MESSAGES_LIMIT + 5):
        store.post_message(hub="ward", room="u7", user="u7", text="", html=str(number))
    data = shown(view)
    assert (len(data["rooms"]), data["more"]) == (limits.ROOMS_LIMIT, True)
    assert data["rooms"][0]["user"]["key"] == "u7"  # the latest activity
    assert data["rooms"][1]["user"]["key"] == f"u{limits.USERS_LIMIT}"
    assert len(data["rooms"][1]["user"]["name"]) == limits.NAME_LIMIT + 1
    users = shown(view, "users")
    assert (len(users["users"]), users["more"]) == (limits.USERS_LIMIT, True)
    found = shown(view, "users", search="USER 7 ")
    assert [user["key"] for user in found["users"]] == ["u7"]
    found = shown(view, search="USER 7 ")
    assert [room["hub"] for room in found["rooms"]] == ["ward", "section9"]
    room_id = found["rooms"][0]["id"]
    latest = [str(number) for number in range(5, limits.MESSAGES_LIMIT + 5)]
    for data in (shown(view, "room", id=room_id), shown(view)):
        assert [message["html"] for message in data["messages"]] == latest
    for _ in range(4):
        store.post_message(hub="ward", room="u7", user="u7", text="", html="x" * 400_000)
    assert len(shown(view, "room", id=room_id)["messages"]) == 2
    store.post_message(hub="ward", room="u7", user="u7", text="", html="x" * 4_000_000)
    assert len(shown(view, "room", id=room_id)["messages"]) == 1


def test_a_room_with_everything(store: Store, view: View) -> None:
    store.create_user(key="kusanagi", name="Motoko", hub=None)
    store.create_user(key="batou", name="Batou", hub="ward")
    attributes = {"ward": "7", "tags": ["a", None], "\ud800": "x" * 9999, **dict.fromkeys("abc", 1)}
    store.update_room(
        hub="ward",
        room="kusanagi",
        changes={"archived": True, "hub_user": "batou", "attributes": attributes},
    )
    store.post_message(hub="ward", room="kusanagi", user="batou", text="?", html="<p>\ud800</p>")
    store.delete_user(key="batou")
    in_list = shown(view, hub="ward")["rooms"][0]
    assert (in_list["messages"], in_list["last"]["text"]) == (1, "?")
    data = shown(view, "room", id=in_list["id"])
    assert data["rooms"][0] == in_list
    room = data["room"]
    assert {name: room[name] for name in ("hub", "archived", "hub_user")} == {
        "hub": "ward",
        "archived": True,
        "hub_user": None,
    }
    assert room["attributes"][:2] == [["ward", "7"], ["tags", '["a", null]']]
    assert len(room["attributes"][2][1]) == limits.VALUE_LIMIT + 1
    (message,) = data["messages"]
    assert (message["user"], message["html"]) == (None, "<p>\ud800</p>")
    assert shown(view, "room", id=99) == {**data, "room": None, "messages": []}
    as_json = json.loads(shown(view, "json", kind="rooms", id=in_list["id"])["record"])
    assert as_json["attributes"] == attributes
    as_json = json.loads(shown(view, "json", kind="messages", id=message["id"])["record"])
    assert set(as_json) == {
        *("id", "html", "inserted_at", "updated_at", "room_id", "text", "type", "upload", "user")
    }


@pytest.mark.parametrize("search", ["MÜLLER", "müller", "Müller", "grüsse <b>", "GRÜSSE", "U1"])
def test_the_search_finds_keys_names_and_texts(store: Store, view: View, search: str) -> None:
    for number in range(3):
        store.create_user(key=f"u{number}", name=("Motoko", "Jürgen Müller", "x")[number], hub=None)
    text = {"text": "Grüsse &lt;b&gt;", "html": "<p>Grüsse &lt;b&gt;</p>"}
    store.post_message(hub="ward", room="u1", user="u1", **text)
    found = shown(view, search=search)
    assert found["rooms"][0]["hub"] == "ward"
    assert {room["user"]["key"] for room in found["rooms"]} == {"u1"}
    assert [message["html"] for message in found["messages"]] == [text["html"]]
    assert shown(view, search="nobody")["rooms"] == []


def test_a_selected_room_is_in_the_list(store: Store, view: View) -> None:
    for number in range(limits.ROOMS_LIMIT + 1):
        store.create_user(key=f"u{number}", name="x", hub=None)
    data = shown(view, "room", id=1)
    assert data["rooms"][-1]["id"] == 1
    assert len(data["rooms"]) == limits.ROOMS_LIMIT + 1


def test_it_cannot_write_and_does_not_queue(view: View) -> None:
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        view._db.execute("DELETE FROM users")
    with view._lock, pytest.raises(Busy):
        shown(view)
