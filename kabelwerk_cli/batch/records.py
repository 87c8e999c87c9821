"""What a batch tells of each row."""

import typing
from typing import Any, NamedTuple

from kabelwerk_cli.output import as_json

from .tasks import Result

OWN = (("row", int), ("key", str), ("outcome", str), ("error", dict[str, Any] | None))
"""What each row's record begins with."""
RENAMED = {"outcome": "ensured"}
"""Fields of a command's own object that would be taken for a batch's."""


def batch_record(record: type | None) -> Any:
    """Return the type of a batch's records: its own fields, then those of the command's object."""
    hints = typing.get_type_hints(record) if record else {}
    fields = [(RENAMED.get(name, name), hint) for name, hint in hints.items() if name != "key"]
    return NamedTuple("BatchRecord", [*OWN, *fields])


def to_record(kind: Any, result: Result) -> Any:
    """Return what to tell of a row."""
    error = as_json(result.error) if result.error else None
    given = {RENAMED.get(name, name): value for name, value in _fields(result.record)}
    rest = [given.get(name) for name in kind._fields[len(OWN) :]]
    return kind(result.number, result.key, result.fate.shown, error, *rest)


def in_brief(record: Any) -> Any:
    """Return a record for a table, which shows of an error what a person reads."""
    return record._replace(error=record.error and record.error["message"])


def _fields(record: Any) -> list[tuple[str, Any]]:
    return list(record._asdict().items()) if record is not None else []
