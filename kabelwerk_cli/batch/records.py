"""The record of each row."""

import typing
from typing import TYPE_CHECKING, Annotated, Any, NamedTuple

from kabelwerk_cli.api.models import Deed
from kabelwerk_cli.terminal.error_report import Problem

from .fate import INTERNAL, Fate

if TYPE_CHECKING:
    from .tasks import Result

_FATES = dict.fromkeys(fate.shown.value for fate in Fate if fate not in INTERNAL)
OUTCOMES = (*typing.get_args(Deed), *_FATES)
"""What became of a row, see `Result.outcome`."""
OWN = (
    ("row", int | None),
    ("key", str),
    ("outcome", Annotated[str, ("enum", OUTCOMES)]),
    ("error", Problem | None),
)
"""The first fields of each row's record."""
OWN_NAMES = frozenset(name for name, _ in OWN)


def batch_record(record: type) -> Any:
    """Return the type of a batch's records: a row's fields, then those of the command's record."""
    hints = typing.get_type_hints(record)
    fields = [(name, hint | None) for name, hint in hints.items() if name not in OWN_NAMES]
    make: Any = NamedTuple
    kind = make(f"{record.__name__}Row", [*OWN, *fields])
    kind.__doc__ = f"A row, and the {record.__name__} if the server returned it."
    return kind


def to_record(kind: Any, result: "Result") -> Any:
    """Return the record of a row."""
    rest = [getattr(result.record, name, None) for name in kind._fields[len(OWN) :]]
    row = result.number if result.line else None
    return kind(row, result.key, result.outcome, result.error, *rest)
