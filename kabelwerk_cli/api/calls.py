"""The API's five calls as values.

Each function checks its arguments and returns a `Call`; nothing is sent. The one who sends it
(`client`), prints it, journals it or orders it among others looks at the same value.
"""

from collections.abc import Mapping
from enum import Enum, StrEnum
from typing import Any, Final, NamedTuple

from .errors import InvalidInput
from .models import EnsuredUser, Message, Record, Room, User

KEY_LIMIT = 1024
"""The longest key or hub, in bytes of UTF-8."""
DEPTH_LIMIT = 100
"""How deep JSON may be nested, in what is sent and in what is read."""


class Operation(StrEnum):
    """The name of a call in the reference."""

    CREATE_USER = "create_user"
    UPDATE_USER = "update_user"
    DELETE_USER = "delete_user"
    UPDATE_ROOM = "update_room"
    POST_MESSAGE = "post_message"


class Absent(Enum):
    """The type of `ABSENT`: an argument that was not given, where None means something."""

    ABSENT = "absent"


ABSENT: Final = Absent.ABSENT


class Call(NamedTuple):
    """One call of the API, ready to be sent."""

    operation: Operation
    """Which of the five it is."""
    method: str
    """The HTTP method."""
    segments: tuple[str, ...]
    """The path below the API's address, its segments not yet percent-encoded."""
    body: Mapping[str, Any] | None
    """The JSON object to send."""
    record: type[Record] | None
    """What the answer holds; None where a success has no body."""
    expects: tuple[tuple[str, Any], ...]
    """What the answer must show for the call to count as done: dotted field, value."""
    subject: str
    """What the call is about, in words that fit in a sentence."""
    deed: str
    """What happens to the subject: `created`, `posted` ..."""
    key: str
    """The key of the user, or of the room's user, whom the call is about."""
    absence_suffices: bool = False
    """Whether "does not exist" is as good as done."""

    @property
    def path(self) -> str:
        """The path below the API's address, each segment percent-encoded."""
        from urllib.parse import quote

        return "".join("/" + quote(segment, safe="") for segment in self.segments)

    def content(self) -> bytes | None:
        """Return the body as it travels, or None where the call has none."""
        if self.body is None:
            return None
        import json

        return json.dumps(self.body, separators=(",", ":"), allow_nan=False).encode()


def create_user(*, key: str, name: str, hub: str | None = None) -> Call:
    """Create a user (reference: create_user).

    Args:
        key: your unique ID for the user.
        name: the user's name.
        hub: the slug of the hub in which to create a hub user; None for an end user.

    Returns:
        The call; its answer is a `User`.

    Raises:
        InvalidInput: an argument is refused.
    """
    if hub is not None:
        check_key("hub", hub)
    return Call(
        operation=Operation.CREATE_USER,
        method="POST",
        segments=("users",),
        body={"hub": hub, "key": check_key("key", key), "name": check_text("name", name)},
        record=User,
        expects=(("key", key), ("name", name)),
        subject=f"user '{key}'",
        deed="created",
        key=key,
    )


def update_user(*, key: str, name: str) -> Call:
    """Set the name of the user with the given key (reference: update_user).

    Args:
        key: your unique ID for the user.
        name: the user's new name.

    Returns:
        The call; its answer is a `User`.

    Raises:
        InvalidInput: an argument is refused.
    """
    return Call(
        operation=Operation.UPDATE_USER,
        method="PATCH",
        segments=("users", check_key("key", key)),
        body={"name": check_text("name", name)},
        record=User,
        expects=(("key", key), ("name", name)),
        subject=f"user '{key}'",
        deed="updated",
        key=key,
    )


def delete_user(*, key: str, ignore_not_found: bool = False) -> Call:
    """Delete the user with the given key (reference: delete_user).

    Args:
        key: your unique ID for the user.
        ignore_not_found: count a user who does not exist as deleted.

    Returns:
        The call; its answer is empty.

    Raises:
        InvalidInput: the key is refused.
    """
    return Call(
        operation=Operation.DELETE_USER,
        method="DELETE",
        segments=("users", check_key("key", key)),
        body=None,
        record=None,
        expects=(),
        subject=f"user '{key}'",
        deed="deleted",
        key=key,
        absence_suffices=ignore_not_found,
    )


class Ensure(NamedTuple):
    """Two calls of which one is done: the update, or the creation of who does not exist."""

    update: Call
    create: Call
    record: type[EnsuredUser] = EnsuredUser
    deed: str = "created or updated"

    @property
    def subject(self) -> str:
        """What it is about, in words that fit in a sentence."""
        return self.create.subject

    @property
    def key(self) -> str:
        """The key of the user."""
        return self.create.key


def ensure_user(*, key: str, name: str, hub: str | None = None) -> Ensure:
    """Have a user with this key and name, whether there was one or not.

    Args:
        key: your unique ID for the user.
        name: the user's name.
        hub: the slug of the hub in which to create a hub user; None for an end user.

    Returns:
        The calls; their answer is an `EnsuredUser`.

    Raises:
        InvalidInput: an argument is refused.
    """
    return Ensure(update_user(key=key, name=name), create_user(key=key, name=name, hub=hub))


def probe(*, key: str) -> Call:
    """Ask for nothing, to see whether the API is there and accepts the token.

    It names no change (its body is empty), and with a key that nobody has, nobody to change: a
    backend that accepts the token can only answer that there is no such user, or that the change
    is not valid.

    Args:
        key: a key that nobody has, such as a long random one.

    Returns:
        The call; it is expected to fail with `DoesNotExist` or `ValidationError`.
    """
    return update_user(key=key, name="")._replace(body={}, subject="nothing", deed="changed")


def update_room(
    *,
    hub: str = "_",
    room: str,
    archived: bool | Absent = ABSENT,
    attributes: Mapping[str, Any] | Absent = ABSENT,
    hub_user: str | Absent | None = ABSENT,
) -> Call:
    """Change what is given of a room, and leave the rest alone (reference: update_room).

    Args:
        hub: the slug of the room's hub; `_` stands for the only hub of the account.
        room: your unique ID for the end user to whom the room belongs.
        archived: whether to mark the room as archived.
        attributes: a JSON object, which takes the place of the room's attributes.
        hub_user: your unique ID for the hub user to assign the room to; None unassigns it.

    Returns:
        The call; its answer is a `Room`.

    Raises:
        InvalidInput: an argument is refused.
        ValueError: there is nothing to change.
    """
    body: dict[str, Any] = {}
    expects: list[tuple[str, Any]] = [("user.key", room)]
    if archived is not ABSENT:
        body["archived"] = check_boolean("archived", archived)
        expects.append(("archived", archived))
    if attributes is not ABSENT:
        # not expected back as sent: whether attributes replace or merge is the server's to say
        body["attributes"] = check_object("attributes", attributes)
    if hub_user is not ABSENT:
        body["hub_user"] = hub_user if hub_user is None else check_key("hub_user", hub_user)
        expects.append(("hub_user", None) if hub_user is None else ("hub_user.key", hub_user))
    if not body:
        raise ValueError("nothing to change: give archived, attributes or hub_user")
    return Call(
        operation=Operation.UPDATE_ROOM,
        method="PATCH",
        segments=("hubs", check_key("hub", hub), "rooms", check_key("room", room)),
        body=body,
        record=Room,
        expects=tuple(expects),
        subject=f"room '{room}' of hub '{hub}'",
        deed="updated",
        key=room,
    )


def post_message(*, hub: str = "_", room: str, user: str, text: str) -> Call:
    """Post a message in a room (reference: post_message).

    Args:
        hub: the slug of the room's hub; `_` stands for the only hub of the account.
        room: your unique ID for the end user to whom the room belongs.
        user: your unique ID for the user who posts.
        text: the text, not empty.

    Returns:
        The call; its answer is a `Message`.

    Raises:
        InvalidInput: an argument is refused.
    """
    if not check_text("text", text):
        raise InvalidInput("text", "must not be empty")
    return Call(
        operation=Operation.POST_MESSAGE,
        method="POST",
        segments=("hubs", check_key("hub", hub), "rooms", check_key("room", room), "messages"),
        body={"text": text, "user": check_key("user", user)},
        record=Message,
        expects=(("text", text), ("user.key", user)),
        subject=f"the message to room '{room}' of hub '{hub}'",
        deed="posted",
        key=room,
    )


def check_text(field: str, value: object) -> str:
    """Return `value`, which must be a string that UTF-8 can carry."""
    if not isinstance(value, str):
        raise InvalidInput(field, "must be a string")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise InvalidInput(field, "must be valid UTF-8") from None
    return value


def check_key(field: str, value: object) -> str:
    """Return `value`, which must be a key or slug that makes exactly one path segment."""
    key = check_text(field, value)
    if not key:
        raise InvalidInput(field, "must not be empty")
    if len(key.encode()) > KEY_LIMIT:
        raise InvalidInput(field, f"must not be longer than {KEY_LIMIT} bytes")
    if key in {".", ".."}:
        raise InvalidInput(field, "must not be '.' or '..', which stand for folders in an address")
    # C0, DEL and C1
    if any(character < " " or "\x7f" <= character <= "\x9f" for character in key):
        raise InvalidInput(field, "must not have control characters")
    return key


def check_boolean(field: str, value: object) -> bool:
    """Return `value`, which must be a boolean."""
    if not isinstance(value, bool):
        raise InvalidInput(field, "must be true or false")
    return value


def check_object(field: str, value: object) -> Mapping[str, Any]:
    """Return `value`, which must be a JSON object that every parser reads the same way."""
    if not isinstance(value, dict):
        raise InvalidInput(field, "must be a JSON object")
    import json

    if too_deep(value):
        raise InvalidInput(field, f"must not be nested deeper than {DEPTH_LIMIT} levels")
    try:
        json.dumps(value, allow_nan=False)
    except ValueError:
        raise InvalidInput(field, "must not have NaN or Infinity, which JSON lacks") from None
    except TypeError:
        raise InvalidInput(field, "must hold only what JSON can carry") from None
    return value


def too_deep(value: object) -> bool:
    """Tell whether decoded JSON is nested deeper than `DEPTH_LIMIT`."""
    level = [value]
    for _ in range(DEPTH_LIMIT):
        level = [child for parent in level for child in _children(parent)]
        if not level:
            return False
    return True


def _children(value: object) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []
