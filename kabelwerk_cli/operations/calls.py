"""The API's operations as calls.

Each function checks its arguments and returns a `Call`; nothing is sent. The docstrings describe
the operation: `kabelwerk_cli.api` has a function of the same name that sends the call, returns the
record and raises the errors (reference: kabelwerk-api).
"""

from collections.abc import Mapping
from enum import Enum
from typing import Any, Final

from kabelwerk_cli.errors import InvalidInput
from kabelwerk_cli.output.text import visible_key

from .arguments import check_boolean, check_key, check_object, check_text
from .call import Call, Fallback, Reason
from .models import Effect, EnsuredUser, Message, Room, User


class Absent(Enum):
    """The type of `ABSENT`: an argument that was not given, where None means something else."""

    ABSENT = "absent"


ABSENT: Final = Absent.ABSENT


def create_user(*, key: str, name: str, hub: str | None = None) -> Call[User]:
    """Create a user.

    Args:
        key: your unique ID for the user.
        name: the user's name.
        hub: the slug of the hub in which to create a hub user; None for an end user.

    Returns:
        The new user.

    Raises:
        ValidationError: the input is rejected.
        AuthenticationError: the token is rejected.
        ConnectionError: the backend cannot be reached, or did not answer in time.
        ServerError: the backend failed or its answer is not the API's.
    """
    if hub is not None:
        check_key("hub", hub)
    body = {"hub": hub, "key": check_key("key", key), "name": check_text("name", name)}
    return Call(
        "create_user", "POST", ("users",), _user, "created", _no_hub, key, ("users", key),
        body, User, (("key", key), ("name", name)),
    )  # fmt: skip


def update_user(*, key: str, name: str) -> Call[User]:
    """Set the name of the user with the given key.

    Args:
        key: your unique ID for the user.
        name: the user's new name.

    Returns:
        The updated user.

    Raises:
        DoesNotExist: the user does not exist.
        ValidationError: the input is rejected.
        AuthenticationError: the token is rejected.
        ConnectionError: the backend cannot be reached, or did not answer in time.
        ServerError: the backend failed or its answer is not the API's.
    """
    path = ("users", check_key("key", key))
    body = {"name": check_text("name", name)}
    return Call(
        "update_user", "PATCH", path, _user, "updated", _no_user, key, path,
        body, User, (("key", key), ("name", name)),
    )  # fmt: skip


def delete_user(*, key: str) -> Call[None]:
    """Delete the user with the given key.

    Args:
        key: your unique ID for the user.

    Raises:
        DoesNotExist: the user does not exist.
        AuthenticationError: the token is rejected.
        ConnectionError: the backend cannot be reached, or did not answer in time.
        ServerError: the backend failed or its answer is not the API's.
    """
    path = ("users", check_key("key", key))
    return Call("delete_user", "DELETE", path, _user, "deleted", _no_user, key, path)


def ensure_user(*, key: str, name: str, hub: str | None = None) -> Call[EnsuredUser]:
    """Create the user, or update the one with this key.

    Args:
        key: your unique ID for the user.
        name: the user's name.
        hub: the slug of the hub in which to create a hub user; None for an end user. It is not
            used for a user who exists.

    Returns:
        The user, and whether it was `created` or `updated`.

    Raises:
        ValidationError: the input is rejected.
        AuthenticationError: the token is rejected.
        ConnectionError: the backend cannot be reached, or did not answer in time.
        ServerError: the backend failed or its answer is not the API's.
    """
    update: Call[Any] = update_user(key=key, name=name)._replace(unused="hub" if hub else "")
    create = create_user(key=key, name=name, hub=hub)
    return update._replace(
        otherwise=Fallback(
            Reason.MISSING, create._replace(otherwise=Fallback(Reason.TAKEN, update))
        ),
        complete=EnsuredUser.of,
    )


def update_room(
    *,
    hub: str = "_",
    room: str,
    archived: bool | Absent = ABSENT,
    attributes: Mapping[str, Any] | Absent = ABSENT,
    hub_user: str | Absent | None = ABSENT,
) -> Call[Room]:
    """Change the given properties of a room; the others stay as they are.

    Args:
        hub: the slug of the room's hub; `_` stands for the only hub of the account.
        room: your unique ID for the end user to whom the room belongs.
        archived: whether to mark the room as archived.
        attributes: a JSON object that replaces the room's attributes.
        hub_user: your unique ID for the hub user to assign the room to; None unassigns it.

    Returns:
        The updated room.

    Raises:
        DoesNotExist: the room does not exist.
        ValidationError: the input is rejected, or there is nothing to change.
        AuthenticationError: the token is rejected.
        ConnectionError: the backend cannot be reached, or did not answer in time.
        ServerError: the backend failed or its answer is not the API's.
    """
    body: dict[str, Any] = {}
    expects: list[tuple[str, Any]] = [("user", room)]
    if archived is not ABSENT:
        body["archived"] = check_boolean("archived", archived)
        expects.append(("archived", archived))
    if attributes is not ABSENT:
        # Assumed of the backend: they are replaced, not merged. So no answer is refused for them.
        body["attributes"] = check_object("attributes", attributes)
    if hub_user is not ABSENT:
        body["hub_user"] = hub_user if hub_user is None else check_key("hub_user", hub_user)
        expects.append(("hub_user", hub_user))
    if not body:
        raise InvalidInput(None, "nothing to change: give archived, attributes or hub_user")
    return _about_room(
        hub, room, "update_room", "PATCH", "updated", body=body, answer=Room, expects=tuple(expects)
    )


def post_message(*, hub: str = "_", room: str, user: str, text: str) -> Call[Message]:
    """Post a message in a room.

    Args:
        hub: the slug of the room's hub; `_` stands for the only hub of the account.
        room: your unique ID for the end user to whom the room belongs.
        user: your unique ID for the user who posts.
        text: the text, not empty.

    Returns:
        The new message.

    Raises:
        DoesNotExist: the room does not exist.
        ValidationError: the input is rejected.
        AuthenticationError: the token is rejected.
        ConnectionError: the backend cannot be reached, or did not answer in time.
        ServerError: the backend failed or its answer is not the API's.
    """
    if not check_text("text", text):
        raise InvalidInput("text", "must not be empty")
    call = _about_room(hub, room, "post_message", "POST", "posted")
    return call._replace(
        segments=(*call.segments, "messages"),
        body={"text": text, "user": check_key("user", user)},
        answer=Message,
        expects=(("text", text), ("user", user)),
        name_subject=_message,
        repeatable=False,
    )


def _about_room(
    hub: str, room: str, name: str, method: str, effect: Effect, **more: Any
) -> Call[Any]:
    """Return a call about a room."""
    segments = ("hubs", check_key("hub", hub), "rooms", check_key("room", room))
    return Call(name, method, segments, _room, effect, _no_room, room, segments, **more)


def _user(call: Call[Any]) -> str:
    return f"user '{visible_key(call.key)}'"


def _no_user(call: Call[Any]) -> str:
    return f"User '{visible_key(call.key)}' does not exist."


def _no_hub(call: Call[Any]) -> str:
    hub = (call.body or {}).get("hub")
    return (
        f"Hub '{hub}' may not exist." if hub else "There is no API at this address; check the URL."
    )


def _room(call: Call[Any]) -> str:
    _, hub, *_ = call.target
    return f"room '{visible_key(call.key)}' of hub '{visible_key(hub)}'"


def _message(call: Call[Any]) -> str:
    return f"the message to {_room(call)}"


def _no_room(call: Call[Any]) -> str:
    return (
        f"User '{visible_key(call.key)}' has no room in this hub; the user's app creates it when "
        "it connects for the first time."
    )
