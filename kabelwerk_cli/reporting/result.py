"""The result of a row, and the record that shows it."""

import re
import typing
from typing import Annotated, Any, NamedTuple

from kabelwerk_cli.errors import InvalidRow
from kabelwerk_cli.journal.fate import INTERNAL, Fate
from kabelwerk_cli.operations.call import Call
from kabelwerk_cli.operations.models import Effect
from kabelwerk_cli.output import visible_key
from kabelwerk_cli.rows.row import Place
from kabelwerk_cli.terminal.error_report import Problem, problem
from kabelwerk_cli.words import sentence

_FATES = dict.fromkeys(fate.shown.value for fate in Fate if fate not in INTERNAL)
OUTCOMES = (*typing.get_args(Effect), *_FATES)
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
    number, line, key, *_ = result.place
    return kind(number if line else None, key, result.outcome, result.error, *rest)


LONGEST_OWN = 200
"""The longest value that a message is expected to repeat, in characters."""


class Result(NamedTuple):
    """The result of a row."""

    place: Place
    fate: Fate
    record: Any = None
    error: Problem | None = None
    notes: tuple[str, ...] = ()
    effect: str = ""
    """What this run did: `created`, `posted` ...; empty if this run did nothing."""
    sent: bool = False
    """Whether this run sent it."""
    unused: str = ""
    """What the row asks for and was not sent, see `Success`."""
    own: tuple[str, ...] = ()
    """The row's own values that the error's message may contain, such as its key."""

    @property
    def outcome(self) -> str:
        """The outcome as it is shown."""
        return self.effect or self.fate.shown

    @property
    def has_failed(self) -> bool:
        """Whether it was not applied, or that is unknown."""
        return self.fate.shown in {Fate.FAILED, Fate.UNKNOWN}


def refused(place: Place, why: str) -> Result:
    """Return the result of an invalid row."""
    error = problem(InvalidRow(sentence(why)))
    # messages about cells have foreign text in quotes
    own = (place.key, *re.findall("'([^']*)'", why))
    return Result(place, Fate.REJECTED, error=error, own=own)


def own_words(call: Call[Any]) -> tuple[str, ...]:
    """Return the values of a call that a message may repeat; see `Result.own`."""
    values = (call.key, *call.target[1::2], *(call.body or {}).values())
    own = [value for value in values if isinstance(value, str) and len(value) <= LONGEST_OWN]
    return tuple(dict.fromkeys([*own, *map(visible_key, own)]))
