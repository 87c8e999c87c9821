"""JSON Schemas of what is printed, made from the types of the records (see `fields`)."""

import types
import typing
from collections.abc import Iterable
from datetime import datetime
from enum import Enum
from typing import Any

DIALECT = "https://json-schema.org/draft/2020-12/schema"

_SIMPLE: dict[Any, dict[str, Any]] = {
    Any: {},
    bool: {"type": "boolean"},
    int: {"type": "integer"},
    float: {"type": "number"},
    str: {"type": "string"},
    datetime: {"type": "string", "format": "date-time"},
    types.NoneType: {"type": "null"},
}


def schema(title: str, hint: Any) -> dict[str, Any]:
    """Return the JSON Schema of the values of a type, as `as_json` returns them.

    Args:
        title: the title of the schema.
        hint: a record, a union of types, or a list of them.

    Raises:
        TypeError: a field has a type that has no schema.
    """
    records: dict[str, Any] = {}
    described = _of(hint, records)
    return {"$schema": DIALECT, "title": title, **described, "$defs": records}


def list_of(kind: Any) -> Any:
    """Return the type of a list of records."""
    return types.GenericAlias(list, (kind,))


def _of(hint: Any, records: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of a type, and add the records that it refers to."""
    if hint in _SIMPLE:
        return _SIMPLE[hint]
    if hasattr(hint, "_fields"):
        if hint.__name__ not in records:
            records[hint.__name__] = {}  # a record may refer to itself
            records[hint.__name__] = _of_record(hint, records)
        return {"$ref": f"#/$defs/{hint.__name__}"}
    if isinstance(hint, type) and issubclass(hint, Enum):
        return _one_of(member.value for member in hint)
    return _of_composed(hint, records)


def _of_composed(hint: Any, records: dict[str, Any]) -> dict[str, Any]:
    inner = typing.get_args(hint)
    match typing.get_origin(hint):
        case typing.Literal:
            return _one_of(inner)
        case typing.Annotated:  # a type, and further keywords of its schema
            return _of(inner[0], records) | dict(inner[1:])
        case types.UnionType | typing.Union:
            return {"anyOf": [_of(each, records) for each in inner]}
        case kind if isinstance(kind, type) and issubclass(kind, typing.Mapping):
            return {"type": "object", "additionalProperties": _of(inner[1], records)}
        case kind if isinstance(kind, type) and issubclass(kind, typing.Sequence):
            return {"type": "array", "items": _of(inner[0], records)}
    raise TypeError(f"{hint} has no JSON Schema")


def _of_record(kind: Any, records: dict[str, Any]) -> dict[str, Any]:
    hints = typing.get_type_hints(kind, include_extras=True)
    return {
        "description": (kind.__doc__ or "").partition("\n")[0],
        "type": "object",
        "properties": {name: _of(hint, records) for name, hint in hints.items()},
        "required": list(hints),
        "additionalProperties": False,
    }


def _one_of(values: Iterable[Any]) -> dict[str, Any]:
    known = list(values)
    return {**_SIMPLE[type(known[0])], "enum": known}
