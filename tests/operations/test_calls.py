"""Calls as values, and invalid input that is refused before anything is sent."""

import json

import pytest

from kabelwerk_cli.errors import InvalidInput
from kabelwerk_cli.operations import calls
from tests.operations import CALLS


@pytest.mark.parametrize("operation", CALLS.values(), ids=str)
def test_a_call_is_what_travels(operation):
    call = operation.build()
    content = call.content()
    assert call.name == operation.function
    assert call.method == operation.method
    assert f"/api{call.path}" == operation.target
    assert (None if content is None else json.loads(content)) == operation.sent
    assert call.repeatable == operation.request.repeatable


MORE = [
    (
        calls.create_user(key="batou", name="Batou", hub="section9"),
        "/users",
        {"hub": "section9", "key": "batou", "name": "Batou"},
    ),
    (
        calls.update_room(hub="section9", room="kusanagi", attributes={}, hub_user=None),
        "/hubs/section9/rooms/kusanagi",
        {"attributes": {}, "hub_user": None},
    ),
    (
        calls.post_message(hub="section9", room="kusanagi", user="batou", text="?"),
        "/hubs/section9/rooms/kusanagi/messages",
        {"text": "?", "user": "batou"},
    ),
]


@pytest.mark.parametrize(("call", "path", "body"), MORE)
def test_what_else_may_be_given(call, path, body):
    assert call.path == path
    assert json.loads(call.content()) == body


ODD_KEYS = {
    "alice#2": "alice%232",
    "alice?x=1": "alice%3Fx%3D1",
    "a/b": "a%2Fb",
    "a%2Fb": "a%252Fb",
    "%2e%2e": "%252e%252e",
    "../hubs/_/rooms/alice": "..%2Fhubs%2F_%2Frooms%2Falice",
    "jürgen-日本": "j%C3%BCrgen-%E6%97%A5%E6%9C%AC",
    "...": "...",
    "a b+c&d;e:@~": "a%20b%2Bc%26d%3Be%3A%40~",
}


@pytest.mark.parametrize(("key", "segment"), ODD_KEYS.items())
def test_a_key_is_exactly_one_path_segment(key, segment):
    assert calls.delete_user(key=key).path == f"/users/{segment}"
    assert calls.update_room(room=key, hub=key, archived=True).path == (
        f"/hubs/{segment}/rooms/{segment}"
    )


BAD_KEYS = {
    "": "must not be empty",
    ".": "'.' or '..'",
    "..": "'.' or '..'",
    "a\nb": "control characters",
    "a\x00": "control characters",
    "\x7f": "control characters",
    "a\x85b": "control characters",
    "caf\udce9": "valid UTF-8",
    "k" * 1025: "1024 bytes",
    "é" * 513: "1024 bytes",
}


@pytest.mark.parametrize(("key", "complaint"), BAD_KEYS.items())
@pytest.mark.parametrize(
    ("field", "make"),
    [
        ("key", lambda key: calls.create_user(key=key, name="Motoko")),
        ("hub", lambda key: calls.create_user(key="kusanagi", name="Motoko", hub=key)),
        ("key", lambda key: calls.update_user(key=key, name="Motoko")),
        ("key", lambda key: calls.delete_user(key=key)),
        ("room", lambda key: calls.update_room(room=key, archived=True)),
        ("hub", lambda key: calls.update_room(room="kusanagi", hub=key, archived=True)),
        ("hub_user", lambda key: calls.update_room(room="kusanagi", hub_user=key)),
        ("room", lambda key: calls.post_message(room=key, user="batou", text="?")),
        ("hub", lambda key: calls.post_message(room="kusanagi", hub=key, user="batou", text="?")),
        ("user", lambda key: calls.post_message(room="kusanagi", user=key, text="?")),
    ],
)
def test_a_bad_key_is_refused_by_name(key, complaint, field, make):
    with pytest.raises(InvalidInput, match=complaint) as caught:
        make(key)
    assert caught.value.field == field


@pytest.mark.parametrize("key", ["k" * 1024, "é" * 512])
def test_the_longest_key_is_accepted(key):
    assert calls.delete_user(key=key).key == key


DEEP = {}
for _ in range(101):
    DEEP = {"a": DEEP}


@pytest.mark.parametrize(
    ("make", "complaint"),
    [
        (lambda: calls.create_user(key="kusanagi", name="\ud800"), "name must be valid UTF-8"),
        (lambda: calls.create_user(key="kusanagi", name=None), "name must be a string"),
        (lambda: calls.create_user(key=7, name="Motoko"), "key must be a string"),
        (lambda: calls.post_message(room="kusanagi", user="batou", text=""), "text must not be"),
        (lambda: calls.update_room(room="kusanagi", archived="yes"), "archived must be true"),
        (lambda: calls.update_room(room="kusanagi", attributes=[]), "attributes must be a JSON"),
        (lambda: calls.update_room(room="kusanagi", attributes={"a": float("nan")}), "NaN"),
        (
            lambda: calls.update_room(room="kusanagi", attributes={"a": {1, 2}}),
            "JSON can represent",
        ),
        (lambda: calls.update_room(room="kusanagi", attributes=DEEP), "deeper than 100"),
        (
            lambda: calls.update_room(room="kusanagi", attributes={1: 2, "1": 3}),
            r"twice in one object \('1'\)",
        ),
    ],
)
def test_bad_values_are_refused(make, complaint):
    with pytest.raises(InvalidInput, match=complaint):
        make()


def test_a_room_update_needs_a_change():
    with pytest.raises(InvalidInput, match="nothing to change") as caught:
        calls.update_room(room="kusanagi")
    assert (caught.value.field, caught.value.fields) == (None, {})
    assert caught.value.error_message.startswith("nothing to change")


def test_an_unknown_name_is_a_type_error():
    with pytest.raises(TypeError):
        calls.update_room(room="kusanagi", colour="red")
