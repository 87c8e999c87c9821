"""The public functions, with the reference's signatures and exceptions, over mocked HTTP."""

import inspect
import json
from concurrent.futures import ThreadPoolExecutor

import pytest
import responses
from responses import matchers

from kabelwerk_cli import api

URL = "https://kabelwerk.example"
USER = {"id": 42, "key": "kusanagi", "name": "Motoko"}
ROOM = {"id": 1, "archived": True, "attributes": {}, "hub_user": None, "user": USER}
MESSAGE = {
    "id": 7,
    "html": "<p>?</p>",
    "inserted_at": "2024-01-02T03:04:05Z",
    "room_id": 1,
    "text": "?",
    "type": "text",
    "updated_at": "2024-01-02T03:04:05Z",
    "user": USER,
}


@pytest.fixture
def backend(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("KABELWERK_URL", URL)
    monkeypatch.setenv("KABELWERK_API_TOKEN", "s3cret-token")
    monkeypatch.setenv("KABELWERK_RETRIES", "0")
    with responses.RequestsMock() as mock:
        yield mock


def expect(backend, method, path, sent, status, answer):
    matching = [matchers.header_matcher({"Kabelwerk-Token": "s3cret-token"})]
    if sent is not None:
        matching.append(matchers.json_params_matcher(sent))
    body = "" if answer is None else json.dumps(answer)
    backend.add(method, f"{URL}/api{path}", body=body, status=status, match=matching)


def test_create_user(backend):
    expect(backend, "POST", "/users", {"hub": None, "key": "kusanagi", "name": "Motoko"}, 201, USER)
    assert api.create_user(key="kusanagi", name="Motoko") == api.User(42, "kusanagi", "Motoko")


def test_update_user(backend):
    expect(backend, "PATCH", "/users/kusanagi", {"name": "Motoko"}, 200, USER)
    assert api.update_user(key="kusanagi", name="Motoko").id == 42


def test_a_pause_in_another_thread(backend, monkeypatch):
    monkeypatch.setenv("KABELWERK_RETRIES", "1")
    backend.patch(f"{URL}/api/users/kusanagi", status=429, headers={"Retry-After": "1"})
    expect(backend, "PATCH", "/users/kusanagi", {"name": "Motoko"}, 200, USER)
    with ThreadPoolExecutor(1) as pool:
        update = pool.submit(api.update_user, key="kusanagi", name="Motoko")
        assert update.result().id == 42


def test_delete_user(backend):
    expect(backend, "DELETE", "/users/kusanagi", None, 204, None)
    assert api.delete_user(key="kusanagi") is None


def test_ensure_user(backend):
    sent = {"hub": None, "key": "kusanagi", "name": "Motoko"}
    expect(backend, "PATCH", "/users/kusanagi", {"name": "Motoko"}, 404, None)
    expect(backend, "POST", "/users", sent, 201, USER)
    user = api.ensure_user(key="kusanagi", name="Motoko")
    assert user == api.EnsuredUser(42, "kusanagi", "Motoko", "created")
    assert inspect.signature(api.ensure_user).return_annotation is api.EnsuredUser


def test_update_room(backend):
    expect(backend, "PATCH", "/hubs/_/rooms/kusanagi", {"archived": True}, 200, ROOM)
    room = api.update_room(room="kusanagi", archived=True)
    assert room == api.Room(1, True, {}, None, api.User(42, "kusanagi", "Motoko"))  # noqa: FBT003


def test_unassign_a_room(backend):
    expect(backend, "PATCH", "/hubs/section9/rooms/kusanagi", {"hub_user": None}, 200, ROOM)
    assert api.update_room(hub="section9", room="kusanagi", hub_user=None).hub_user is None


def test_post_message(backend):
    path = "/hubs/section9/rooms/kusanagi/messages"
    expect(backend, "POST", path, {"text": "?", "user": "kusanagi"}, 201, MESSAGE)
    message = api.post_message(hub="section9", room="kusanagi", user="kusanagi", text="?")
    assert (message.room_id, message.inserted_at.year) == (1, 2024)


REFUSED = [
    (400, {"errors": {"name": ["can't be blank"]}}, api.ValidationError),
    (401, None, api.AuthenticationError),
    (404, None, api.DoesNotExist),
    (429, None, api.ServerError),
    (500, None, api.ServerError),
    (200, [], api.ServerError),
]


@pytest.mark.parametrize(("status", "answer", "error"), REFUSED)
def test_the_references_exceptions(backend, status, answer, error):
    expect(backend, "PATCH", "/users/kusanagi", {"name": ""}, status, answer)
    with pytest.raises(error) as caught:
        api.update_user(key="kusanagi", name="")
    if error is api.ValidationError:
        assert (caught.value.field, caught.value.error_message) == ("name", "can't be blank")


def test_no_settings(monkeypatch, tmp_path):
    monkeypatch.setenv("HOME", str(tmp_path))
    for name in ("KABELWERK_URL", "KABELWERK_API_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(api.ConnectionError):
        api.delete_user(key="kusanagi")


SIGNATURES = {
    "create_user": ["key", "name", "hub"],
    "update_user": ["key", "name"],
    "delete_user": ["key"],
    "ensure_user": ["key", "name", "hub"],
    "update_room": ["hub", "room", "archived", "attributes", "hub_user"],
    "post_message": ["hub", "room", "user", "text"],
}


@pytest.mark.parametrize(("name", "parameters"), SIGNATURES.items())
def test_all_arguments_are_named(name, parameters):
    signature = inspect.signature(getattr(api, name))
    assert list(signature.parameters) == parameters
    assert {p.kind for p in signature.parameters.values()} == {inspect.Parameter.KEYWORD_ONLY}
    with pytest.raises(TypeError):
        getattr(api, name)(unknown=1)


def test_nothing_to_change_is_a_validation_error():
    with pytest.raises(api.ValidationError, match="nothing to change"):
        api.update_room(room="kusanagi")
