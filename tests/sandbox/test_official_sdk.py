"""The official SDK, unchanged, as a client of the sandbox."""

from collections.abc import Iterator

import kabelwerk.api
import kabelwerk.config
import kabelwerk.exceptions
import pytest

from tests.operations import CALLS, Operation
from tests.shell import TOKEN, Shell

api = kabelwerk.api


@pytest.fixture
def sdk(sandbox: Shell, monkeypatch: pytest.MonkeyPatch) -> Iterator[object]:
    """Point the SDK to a served sandbox."""
    monkeypatch.setattr(kabelwerk.config, "KABELWERK_URL", sandbox.environment["KABELWERK_URL"])
    monkeypatch.setattr(kabelwerk.config, "KABELWERK_API_TOKEN", TOKEN)
    return kabelwerk.api


def seed() -> None:
    api.create_user(key="kusanagi", name="Motoko")
    api.create_user(key="batou", name="Batou", hub="section9")


@pytest.mark.usefixtures("sdk")
def test_each_of_the_five_functions_succeeds() -> None:
    user = api.create_user(key="kusanagi", name="Motoko")
    assert (user.key, user.name) == ("kusanagi", "Motoko")
    batou = api.create_user(key="batou", name="Batou", hub="section9")
    assert api.update_user(key="kusanagi", name="Motoko Kusanagi").name == "Motoko Kusanagi"

    room = api.update_room(hub="section9", room="kusanagi", attributes={})
    assert (room.archived, room.attributes, room.hub_user) == (False, {}, None)
    assert api.update_room(hub="section9", room="kusanagi", archived=True).archived
    assert not api.update_room(hub="section9", room="kusanagi", archived=False).archived
    assigned = api.update_room(hub="section9", room="kusanagi", hub_user="batou")
    assert assigned.hub_user.key == "batou"
    assert api.update_room(hub="section9", room="kusanagi", hub_user=None).hub_user is None

    message = api.post_message(hub="section9", room="kusanagi", user="batou", text="?")
    assert (message.text, message.html, message.type) == ("?", "<p>?</p>", "text")
    assert message.room_id == room.id
    assert message.user.id == batou.id
    assert message.inserted_at.utcoffset().total_seconds() == 0

    assert api.delete_user(key="kusanagi") is None


@pytest.mark.usefixtures("sdk")
@pytest.mark.parametrize(
    "call",
    [
        lambda: api.update_user(key="nobody", name="Nobody"),
        lambda: api.delete_user(key="nobody"),
        lambda: api.update_room(room="nobody", archived=True),
        lambda: api.update_room(hub="nowhere", room="kusanagi", archived=True),
        lambda: api.update_room(room="batou", archived=True),
        lambda: api.post_message(room="nobody", user="batou", text="?"),
        lambda: api.post_message(hub="nowhere", room="kusanagi", user="batou", text="?"),
    ],
)
def test_does_not_exist(call) -> None:
    seed()
    with pytest.raises(kabelwerk.exceptions.DoesNotExist):
        call()


@pytest.mark.usefixtures("sdk")
@pytest.mark.parametrize(
    ("call", "field", "message"),
    [
        (lambda: api.create_user(key="kusanagi", name="x"), "key", "has already been taken"),
        (lambda: api.create_user(key="", name="x"), "key", "can't be blank"),
        (lambda: api.create_user(key="new", name=""), "name", "can't be blank"),
        (lambda: api.create_user(key="new", name="x", hub="nowhere"), "hub", "does not exist"),
        (lambda: api.create_user(key=7, name="x"), "key", "is invalid"),
        (lambda: api.update_user(key="kusanagi", name=""), "name", "can't be blank"),
        (lambda: api.update_room(room="kusanagi", archived="yes"), "archived", "is invalid"),
        (lambda: api.update_room(room="kusanagi", attributes=[]), "attributes", "is invalid"),
        (lambda: api.update_room(room="kusanagi", hub_user="nobody"), "hub_user", "does not exist"),
        (
            lambda: api.post_message(room="kusanagi", user="batou", text=""),
            "text",
            "can't be blank",
        ),
        (
            lambda: api.post_message(room="kusanagi", user="nobody", text="?"),
            "user",
            "does not exist",
        ),
    ],
)
def test_validation_error(call, field: str, message: str) -> None:
    seed()
    with pytest.raises(kabelwerk.exceptions.ValidationError) as caught:
        call()
    assert (caught.value.field, caught.value.error_message) == (field, message)


@pytest.mark.usefixtures("sdk")
@pytest.mark.parametrize(
    "call", [call for call in CALLS.values() if hasattr(api, call.function)], ids=str
)
def test_authentication_error(call: Operation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kabelwerk.config, "KABELWERK_API_TOKEN", "another")
    with pytest.raises(kabelwerk.exceptions.AuthenticationError):
        getattr(api, call.function)(**call.given)
