"""Parsing the values of settings. A parser raises ValueError with a clause that says why."""

import math
from collections.abc import Callable

from kabelwerk_cli.output import Format

_TRUE = ("true", "yes", "on", "1")
_FALSE = ("false", "no", "off", "0")


def flag(value: str) -> bool:
    """Parse a yes or no."""
    return choice(*_TRUE, *_FALSE)(value.lower()) in _TRUE


SIMILAR = 0.66
"""How similar a word must be to be suggested; 'kye' is to 'key', 'json' is not to 'version'."""
SHORTEST = 3
"""How long the start of a word must be to suggest the word."""
A_DAY = 24 * 3600


def seconds(value: str) -> float:
    """Parse a positive number of seconds."""
    try:
        number = float(value)
    except ValueError:
        number = math.nan
    if not 0 < number <= A_DAY:
        raise ValueError(f"'{value}' is not a number of seconds above 0 and up to 86400 (a day)")
    return number


def count(value: str) -> int:
    """Parse a whole number from 0 to 9999."""
    if not (value.isascii() and value.isdigit() and len(value) < 5):  # noqa: PLR2004 - 0 to 9999
        raise ValueError(f"'{value}' is not a whole number from 0 to 9999")
    return int(value)


def names(value: str) -> tuple[str, ...]:
    """Parse a comma-separated list of names."""
    found = tuple(name.strip() for name in value.split(",") if name.strip())
    if not found:
        raise ValueError("no field is given")
    return found


def output_format(value: str) -> Format:
    """Parse the name of an output format."""
    return Format(choice(*Format)(value))


def choice(*values: str) -> Callable[[str], str]:
    """Return a parser that accepts only `values`, and suggests one of them for another value."""

    def parse(value: str) -> str:
        if value in values:
            return value
        raise ValueError(
            f"'{value}' is not one of {', '.join(values)}.{did_you_mean(value, values)}"
        )

    return parse


def did_you_mean(value: str, known: tuple[str, ...]) -> str:
    """Return a suggestion that starts with a space, or an empty string if nothing is similar."""
    close = closest(value, known)
    return f" Did you mean '{close}'?" if close else ""


def closest(value: str, known: tuple[str, ...]) -> str:
    """Return the most similar of some words, or an empty string if none is similar."""
    import difflib

    longer = [name for name in known if name.startswith(value) and len(value) >= SHORTEST]
    if len(longer) == 1:
        return longer[0]
    return next(iter(difflib.get_close_matches(value, known, n=1, cutoff=SIMILAR)), "")
