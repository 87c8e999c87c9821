import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.operations import CALLS

from .model import Model

BLANK = ["can't be blank"]


def send(model, method, target, sent=None):
    answer = model.handle(method, target, b"" if sent is None else json.dumps(sent).encode())
    return answer.status, json.loads(answer.body) if answer.body else None


@pytest.mark.parametrize("name", CALLS)
def test_each_call_takes_effect_or_only_says_so(name):
    call, model = CALLS[name], Model()
    promised = model.handle(call.method, call.target, call.body, apply=False)
    assert not call.is_done(model.snapshot())
    assert model.snapshot() == Model().snapshot()
    assert model.handle(call.method, call.target, call.body) == promised
    assert call.is_done(model.snapshot())


def test_the_answers_are_those_of_the_wire_protocol():
    model = Model()
    assert send(model, "POST", "/api/users", {"hub": None, "key": "motoko", "name": "M"}) == (
        201,
        {"id": Model().snapshot().last_id + 1, "key": "motoko", "name": "M"},
    )
    assert send(model, "PATCH", "/api/hubs/section9/rooms/kusanagi", {"hub_user": "batou"}) == (
        200,
        {
            "id": 3,
            "archived": False,
            "attributes": {},
            "hub_user": {"id": 2, "key": "batou", "name": "Batou"},
            "user": {"id": 1, "key": "kusanagi", "name": "Motoko"},
        },
    )
    status, message = send(model, "POST", CALLS["message"].target, {"text": "<?", "user": "batou"})
    assert (status, message["text"], message["html"]) == (201, "&lt;?", "<p>&lt;?</p>")
    assert message["room_id"] == 3
    assert message["user"]["key"] == "batou"
    assert send(model, "DELETE", "/api/users/kusanagi") == (204, None)
    assert send(model, "DELETE", "/api/users/kusanagi")[0] == 404
    assert model.rooms == {}
    assert model.messages == []


@pytest.mark.parametrize(
    ("method", "target", "sent", "errors"),
    [
        ("POST", "/api/users", {}, {"key": BLANK, "name": BLANK}),
        ("POST", "/api/users", {"key": 7, "name": " "}, {"key": ["is invalid"], "name": BLANK}),
        ("POST", "/api/users", {"key": "batou", "name": "B"}, {"key": ["has already been taken"]}),
        ("POST", "/api/users", {"key": "k", "name": "K", "hub": "x"}, {"hub": ["does not exist"]}),
        ("PATCH", "/api/users/batou", {"name": ""}, {"name": BLANK}),
        ("PATCH", "/api/hubs/_/rooms/kusanagi", {"archived": 1}, {"archived": ["is invalid"]}),
        (
            "PATCH",
            "/api/hubs/_/rooms/kusanagi",
            {"hub_user": "kusanagi"},
            {"hub_user": ["does not exist"]},
        ),
        (
            "POST",
            "/api/hubs/_/rooms/kusanagi/messages",
            {"text": "", "user": "nobody"},
            {"text": BLANK, "user": ["does not exist"]},
        ),
    ],
)
def test_what_is_invalid_is_refused_and_changes_nothing(method, target, sent, errors):
    model = Model()
    assert send(model, method, target, sent) == (400, {"errors": errors})
    assert model.snapshot() == Model().snapshot()


@pytest.mark.parametrize(
    ("key", "segment"),
    [("a/b", "a%2Fb"), ("a%2Fb", "a%252Fb"), ("alice?x=1", "alice%3Fx=1"), ("..", "%2E%2E")],
)
def test_a_segment_is_decoded_exactly_once(key, segment):
    model = Model()
    send(model, "POST", "/api/users", {"key": key, "name": "Motoko"})
    assert send(model, "PATCH", f"/api/users/{segment}", {"name": "New"})[0] == 200
    assert model.users[key].name == "New"


@pytest.mark.parametrize(
    ("method", "target"),
    [
        ("PATCH", "/users/kusanagi"),
        ("PATCH", "/api/users/"),
        ("PATCH", "/api/users/kusanagi/"),
        ("PATCH", "/api//users/kusanagi"),
        ("PATCH", "/api/users/../users/kusanagi"),
        ("GET", "/api/users/kusanagi"),
        ("PATCH", "/api/hubs/section8/rooms/kusanagi"),
        ("PATCH", "/api/hubs/_/rooms/batou"),
    ],
)
def test_what_is_not_there_is_not_found(method, target):
    assert send(Model(), method, target, {"name": "x"})[0] == 404


@pytest.mark.parametrize("body", [b"{", b"[]", b"\xff", b"[" * 100_000])
def test_a_body_that_is_no_object_is_refused(body):
    assert Model().handle("POST", "/api/users", body).status == 400


def test_requests_side_by_side_are_all_kept():
    model, call = Model(), CALLS["message"]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: model.handle(call.method, call.target, call.body), range(200)))
    assert [message.text for message in model.messages] == [call.sent["text"]] * 200
    assert len({message.id for message in model.messages}) == 200
