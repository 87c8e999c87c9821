"""The Kabelwerk API: five functions, with the reference's own signatures and exceptions.

    >>> from kabelwerk_cli import api
    >>> api.create_user(key='kusanagi', name='Motoko')
    User(id=42, key='kusanagi', name='Motoko')

Address and token come from where the command takes them: the environment (`KABELWERK_URL`,
`KABELWERK_API_TOKEN`) or the chosen profile. Each function sends its call as `client.Client` does:
with time limits, and repeated where that cannot do anything twice.

Below the functions: `calls` (a call as a value), `models` and `errors`; `client` sends a call over
a `transport`; `answers`, `repeats` and `conclusions` say what came of it.
"""

from collections.abc import Mapping
from typing import Any, cast

from . import calls
from .calls import ABSENT, Absent, Call
from .errors import (
    AuthenticationError,
    ConfigurationError,
    ConnectionError,  # noqa: A004 - the reference's name
    DoesNotExist,
    InvalidInput,
    KabelwerkError,
    OutcomeUnknown,
    RateLimited,
    ServerError,
    UntrustedCertificate,
    ValidationError,
)
from .models import Message, Room, User

__all__ = [
    "AuthenticationError",
    "ConfigurationError",
    "ConnectionError",
    "DoesNotExist",
    "InvalidInput",
    "KabelwerkError",
    "Message",
    "OutcomeUnknown",
    "RateLimited",
    "Room",
    "ServerError",
    "UntrustedCertificate",
    "User",
    "ValidationError",
    "create_user",
    "delete_user",
    "post_message",
    "update_room",
    "update_user",
]


def create_user(*, key: str, name: str, hub: str | None = None) -> User:
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
    return cast(User, _send(calls.create_user(key=key, name=name, hub=hub)))


def update_user(*, key: str, name: str) -> User:
    """Set the name of the user with the given key.

    Args:
        key: your unique ID for the user.
        name: the user's new name.

    Returns:
        The updated user.

    Raises:
        DoesNotExist: there is no such user.
        ValidationError: the input is rejected.
        AuthenticationError: the token is rejected.
        ConnectionError: the backend cannot be reached, or did not answer in time.
        ServerError: the backend failed or its answer is not the API's.
    """
    return cast(User, _send(calls.update_user(key=key, name=name)))


def delete_user(*, key: str) -> None:
    """Delete the user with the given key.

    Args:
        key: your unique ID for the user.

    Raises:
        DoesNotExist: there is no such user.
        AuthenticationError: the token is rejected.
        ConnectionError: the backend cannot be reached, or did not answer in time.
        ServerError: the backend failed or its answer is not the API's.
    """
    _send(calls.delete_user(key=key))


def update_room(
    *,
    hub: str = "_",
    room: str,
    archived: bool | Absent = ABSENT,
    attributes: Mapping[str, Any] | Absent = ABSENT,
    hub_user: str | Absent | None = ABSENT,
) -> Room:
    """Change what is given of a room, and leave the rest alone.

    Args:
        hub: the slug of the room's hub; may be left out with a single hub.
        room: your unique ID for the end user to whom the room belongs.
        archived: whether to mark the room as archived.
        attributes: the attributes to set on the room.
        hub_user: your unique ID for the hub user to assign the room to; None unassigns it.

    Returns:
        The updated room.

    Raises:
        DoesNotExist: there is no such room.
        ValidationError: the input is rejected.
        AuthenticationError: the token is rejected.
        ConnectionError: the backend cannot be reached, or did not answer in time.
        ServerError: the backend failed or its answer is not the API's.
        ValueError: there is nothing to change.
    """
    call = calls.update_room(
        hub=hub, room=room, archived=archived, attributes=attributes, hub_user=hub_user
    )
    return cast(Room, _send(call))


def post_message(*, hub: str = "_", room: str, user: str, text: str) -> Message:
    """Post a message in a room.

    Args:
        hub: the slug of the room's hub; may be left out with a single hub.
        room: your unique ID for the end user to whom the room belongs.
        user: your unique ID for the user who posts.
        text: the text of the message.

    Returns:
        The new message.

    Raises:
        DoesNotExist: there is no such room.
        ValidationError: the input is rejected.
        AuthenticationError: the token is rejected.
        ConnectionError: the backend cannot be reached, or did not answer in time.
        ServerError: the backend failed or its answer is not the API's.
    """
    return cast(Message, _send(calls.post_message(hub=hub, room=room, user=user, text=text)))


def _send(call: Call) -> object:
    # imported when a call is made: building one needs neither settings nor a network
    from kabelwerk_cli.backend.client import open_client
    from kabelwerk_cli.config.settings import from_environment

    with open_client(from_environment()) as client:
        return client.send(call).record
