"""Checking the values of fields. The messages are those of Ecto, which the backend uses."""

from collections.abc import Callable, Mapping
from typing import Any

KEY_LIMIT = 1024
"""The longest key, in bytes."""
DEPTH_LIMIT = 100
"""The maximum nesting of attributes."""
BLANK = "can't be blank"
INVALID = "is invalid"

Check = Callable[[Any], str | None]
Errors = dict[str, list[str]]


class Missing(Exception):
    """The user or room does not exist."""


class Invalid(Exception):
    """The value of a field is rejected.

    Attributes:
        errors: the messages by field.
    """

    def __init__(self, field: str, message: str, *advice: str) -> None:
        super().__init__(f"{field} {message}")
        self.errors = {field: [message, *advice]}


def text(value: Any) -> str | None:
    """Check that a value is a text, and not blank."""
    if value is None or value == "":
        return BLANK
    if not isinstance(value, str):
        return INVALID
    return None if value.strip() else BLANK


def key(value: Any) -> str | None:
    """Check that a value can be a key."""
    refusal = text(value)
    if refusal:
        return refusal
    try:
        size = len(value.encode())
    except UnicodeEncodeError:
        return INVALID
    control = any(character < " " or "\x7f" <= character <= "\x9f" for character in value)
    return INVALID if control or size > KEY_LIMIT else None


def boolean(value: Any) -> str | None:
    """Check that a value is true or false."""
    return None if isinstance(value, bool) else INVALID


def json_object(value: Any) -> str | None:
    """Check that a value is an object, and not nested too deeply."""
    if not isinstance(value, dict):
        return INVALID
    level: list[Any] = [value]
    for _ in range(DEPTH_LIMIT):
        if not level:
            return None
        level = [child for parent in level for child in _children(parent)]
    return INVALID


def optional(check: Check) -> Check:
    """Return a check that also accepts null."""
    return lambda value: None if value is None else check(value)


def errors(body: Mapping[str, Any], checks: Mapping[str, Check]) -> Errors:
    """Return the messages by field of `body`, for the fields that are rejected."""
    refusals = {name: check(body.get(name)) for name, check in checks.items()}
    return {name: [refusal] for name, refusal in refusals.items() if refusal}


def _children(value: Any) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []
