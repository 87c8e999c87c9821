"""Records as columns and as JSON. A record is a NamedTuple; its class defines the fields."""

import types
import typing
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from .text import without_commands


def columns(record_type: type) -> tuple[str, ...]:
    """Return the dotted names of all fields, without fields that hold another record."""
    return tuple(name for name, nested in _fields(record_type) if nested is None)


def known_fields(record_type: type) -> tuple[str, ...]:
    """Return the dotted names of all fields, including fields that hold another record."""
    return tuple(name for name, _ in _fields(record_type))


def as_json(value: Any) -> Any:
    """Return `value` as JSON types: a record becomes an object, a time a string."""
    # first, because the json module writes a NamedTuple as an array and never asks `default`
    if hasattr(value, "_fields"):
        return {name: as_json(getattr(value, name)) for name in value._fields}
    if isinstance(value, datetime):
        return _time(value)
    if isinstance(value, Mapping):
        return {str(key): as_json(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [as_json(item) for item in value]
    return value


def as_object(record: Any, fields: Sequence[str] | None) -> dict[str, Any]:
    """Return a record as a JSON object with only the given fields, nested as in the full record."""
    if fields is None:
        whole: dict[str, Any] = as_json(record)
        return whole
    chosen: dict[str, Any] = {}
    for field in fields:
        place, value, path = chosen, record, field.split(".")
        for name in path[:-1]:
            value = getattr(value, name, None)
            if value is None:
                place[name] = None
                break
            place = place.setdefault(name, {})
        else:
            place[path[-1]] = as_json(getattr(value, path[-1], None))
    return chosen


def as_cell(record: Any, field: str) -> str:
    """Return one field of a record as text for a table or CSV cell."""
    value = record
    for name in field.split("."):
        value = getattr(value, name, None)
    plain = as_json(value)
    if plain is None:
        return ""
    return plain if isinstance(plain, str) else compact(plain)


def compact(value: Any, *, workflow: bool = False) -> str:
    """Return JSON on one line, in ASCII, so it does not depend on the reader's encoding.

    Args:
        value: JSON types.
        workflow: whether it is printed in a workflow of GitHub Actions, and must hold no command.
    """
    import json

    return _ascii(json.dumps(value, separators=(",", ":")), workflow=workflow)


def indented(value: Any, *, workflow: bool = False) -> str:
    """Return indented JSON, in ASCII; see `compact`."""
    import json

    return _ascii(json.dumps(value, indent=2), workflow=workflow)


def _ascii(text: str, *, workflow: bool) -> str:
    text = text.replace("\x7f", "\\u007f")  # the only control character that JSON does not escape
    return without_commands(text, json=True) if workflow else text


def _time(value: datetime) -> str:
    time = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
    return time.isoformat().replace("+00:00", "Z")


def _fields(record_type: type) -> list[tuple[str, type | None]]:
    """Return each field's dotted name, with the type of the record it holds or None."""
    found: list[tuple[str, type | None]] = []
    for name, hint in typing.get_type_hints(record_type).items():
        nested = _record_in(hint)
        found.append((name, nested))
        if nested:
            found += [(f"{name}.{inner}", kind) for inner, kind in _fields(nested)]
    return found


def _record_in(hint: Any) -> type | None:
    alternatives = typing.get_args(hint) if isinstance(hint, types.UnionType) else (hint,)
    return next((kind for kind in alternatives if hasattr(kind, "_fields")), None)
