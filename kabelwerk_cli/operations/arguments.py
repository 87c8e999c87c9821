"""Checks arguments before anything is sent (reference: wire-protocol, what the SDK does wrong)."""

from collections.abc import Mapping
from typing import Any

from kabelwerk_cli.errors import InvalidInput

from .json_text import DEPTH_LIMIT, too_deep

KEY_LIMIT = 1024
"""The longest key or hub, in bytes of UTF-8."""
SHORT = KEY_LIMIT // 4
"""A key of so many characters is never too long: none has more than four bytes."""


def check_text(field: str, value: object) -> str:
    """Return `value` if it is a string that UTF-8 can encode.

    Raises:
        InvalidInput: it is not.
    """
    if type(value) is str and value.isascii():
        return value
    if not isinstance(value, str):
        raise InvalidInput(field, "must be a string")
    try:
        value.encode()
    except UnicodeEncodeError:
        raise InvalidInput(field, "must be valid UTF-8") from None
    return value


def check_key(field: str, value: object) -> str:
    """Return `value` if it is a key or slug that makes exactly one path segment.

    Raises:
        InvalidInput: it is not.
    """
    if type(value) is str and 2 < len(value) <= SHORT and value.isascii() and value.isprintable():  # noqa: PLR2004 - longer than '..'
        return value  # as most keys are
    key = check_text(field, value)
    if not key:
        raise InvalidInput(field, "must not be empty")
    if len(key) > SHORT and len(key.encode()) > KEY_LIMIT:
        raise InvalidInput(field, f"must not be longer than {KEY_LIMIT} bytes")
    if key in {".", ".."}:
        raise InvalidInput(field, "must not be '.' or '..'")  # folders, in a URL's path
    # C0, DEL and C1, none of which is printable: most keys need no closer look
    if not key.isprintable() and any(
        character < " " or "\x7f" <= character <= "\x9f" for character in key
    ):
        raise InvalidInput(field, "must not contain control characters")
    return key


def check_plain(field: str, key: str) -> str:
    """Return a key or slug if no person can mistake it for another one.

    Two keys that look alike are two users, so the command line and files refuse most such keys
    unless `--exact-key` is given.

    Raises:
        InvalidInput: it has white space at an end, invisible characters, or another normal form.
    """
    if key != key.strip():
        raise InvalidInput(field, f"begins or ends with white space; {_EXACT}")
    if key.isascii():
        return key
    # imported when there is a key to look up: a help text has none
    import unicodedata

    for character in key:
        if unicodedata.category(character) == "Cf":
            name = unicodedata.name(character, "no name").lower()
            said = f"contains an invisible character (U+{ord(character):04X}, {name}); {_EXACT}"
            raise InvalidInput(field, said)
    if not unicodedata.is_normalized("NFC", key):
        # some systems write an umlaut as two characters, which look like the one of others
        raise InvalidInput(field, f"is not in the Unicode normal form NFC; {_EXACT}")
    return key


_EXACT = "use --exact-key to keep it"


def check_boolean(field: str, value: object) -> bool:
    """Return `value` if it is a boolean.

    Raises:
        InvalidInput: it is not.
    """
    if not isinstance(value, bool):
        raise InvalidInput(field, "must be true or false")
    return value


def check_object(field: str, value: object) -> Mapping[str, Any]:
    """Return `value` if it is a JSON object that every parser reads the same way.

    Raises:
        InvalidInput: it is not.
    """
    if not isinstance(value, dict):
        raise InvalidInput(field, "must be a JSON object")
    # imported when there is JSON: a help text needs none
    import json

    from .json_text import NotJson, read_json

    if too_deep(value):
        raise InvalidInput(field, f"must not be nested deeper than {DEPTH_LIMIT} levels")
    try:
        # read back: in a Python object, 1 and "1" are two names, in JSON one
        read_json(json.dumps(value, allow_nan=False))
    except NotJson as error:
        name = f" ('{error.name}')" if error.name else ""
        raise InvalidInput(field, f"must be unambiguous JSON: {error}{name}") from None
    except ValueError:
        raise InvalidInput(field, "must not contain NaN or Infinity: JSON has neither") from None
    except TypeError:
        raise InvalidInput(field, "must contain only what JSON can represent") from None
    return value
