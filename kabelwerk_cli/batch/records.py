"""The record of each row."""

import typing
from typing import Any, NamedTuple

from kabelwerk_cli.terminal.error_report import Problem

from .tasks import Result

OWN = (("row", int), ("key", str), ("outcome", str), ("error", Problem | None))
"""The first fields of each row's record."""
OWN_NAMES = frozenset(name for name, _ in OWN)


def batch_record(record: type) -> Any:
    """Return the type of a batch's records: a row's fields, then those of the command's record."""
    hints = typing.get_type_hints(record)
    fields = [(name, hint) for name, hint in hints.items() if name not in OWN_NAMES]
    return NamedTuple("BatchRecord", [*OWN, *fields])


def to_record(kind: Any, result: Result) -> Any:
    """Return the record of a row."""
    rest = [getattr(result.record, name, None) for name in kind._fields[len(OWN) :]]
    row = result.number if result.line else None
    return kind(row, result.key, result.outcome, result.error, *rest)
