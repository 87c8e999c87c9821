"""The messages with which a server rejects a call: reading them, and writing them as sentences."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from kabelwerk_cli.words import count_of, sentence, shorten, with_stop

LONGEST_MESSAGE = 1000
"""How much of one message is kept, in characters."""
LONGEST_NAME = 100
"""How much of a field's name is kept, in characters."""
LONGEST_TOLD = 200
"""How much of one message goes into a sentence, in characters."""
MOST_TOLD = 4000
"""How much of all messages goes into a sentence, in characters."""
GENERAL = ("message", "detail", "error", "title", "reason", "errors")
"""Names that are of no field: what is said there is about the whole request."""


def read_messages(body: Any) -> dict[str, list[str]]:
    """Return every message of a rejection under its field, whatever shape the body has.

    Args:
        body: the decoded JSON.

    Returns:
        The messages in the server's order, nested names joined by dots. Each is cut to
        `LONGEST_MESSAGE`, each name to `LONGEST_NAME`.
    """
    if not isinstance(body, dict):
        return _collect(body)
    found = _collect(body.get("errors"))
    if found:
        return found
    rest = {name: value for name, value in body.items() if name != "errors"}
    return _collect({name: rest[name] for name in GENERAL if name in rest}) or _collect(rest)


def says_taken(fields: Mapping[str, Sequence[str]]) -> bool:
    """Tell whether the server rejected a user's key because another user has it."""
    return any("taken" in message for message in fields.get("key", ()))


def _collect(value: Any) -> dict[str, list[str]]:
    fields: dict[str, list[str]] = {}
    for name, message in _messages(value, ()):
        kept = fields.setdefault(shorten(name, LONGEST_NAME) or "errors", [])
        kept.append(shorten(message, LONGEST_MESSAGE))
    return fields


def _messages(value: Any, path: tuple[str, ...]) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict):
        for name, child in value.items():
            yield from _messages(child, (*path, name))
    elif isinstance(value, list):
        for child in value:
            yield from _messages(child, path)
    elif value is not None:
        yield ".".join(path), value if isinstance(value, str) else json.dumps(value)


def tell(fields: Mapping[str, Sequence[str]], reason: str) -> str:
    """Return messages as sentences, each after a space, and how many more there are.

    Args:
        fields: the messages by field.
        reason: what is said before: a message that only repeats it is left out.
    """
    told, more = "", 0
    for name, messages in fields.items():
        for message in messages:
            text = f" {_sentence(name, shorten(message, LONGEST_TOLD))}"
            if name in GENERAL and message.strip().lower() in reason.lower():
                continue
            if more or len(told) + len(text) > MOST_TOLD:
                more += 1
            else:
                told += text
    if more:
        told += f" The server sent {count_of(more, 'more message')}."
    return told


def _sentence(name: str, message: str) -> str:
    if name in GENERAL:
        return sentence(message)
    return with_stop(f"{name} {message}")
