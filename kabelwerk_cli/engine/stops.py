"""Stops a run that looks like a mistake, before anything is sent.

Whoever notices something says it as a value; all of them are told at once, and only here is decided
whether the run goes on.
"""

from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

from kabelwerk_cli.errors import AlreadyPosted, SafetyStop, Stop
from kabelwerk_cli.words import count_of

NAMED = 20
"""How many rows or keys a reason names."""


class Mistake(NamedTuple):
    """What looks like a mistake."""

    stop: Stop
    reason: str
    """Why, and which rows, as a sentence."""
    advice: str
    """What to do, ending with the option that allows it, as a sentence."""


def refuse_mistakes(found: Iterable[Mistake], allowed: Collection[str]) -> None:
    """End the run unless all that looks like a mistake is allowed.

    Args:
        found: what looks like one, the most important first.
        allowed: the names of the stops that `--allow` was given for.

    Raises:
        SafetyStop: something is not allowed.
    """
    left = [mistake for mistake in found if mistake.stop not in allowed]
    if not left:
        return
    kind = AlreadyPosted if left[0].stop is Stop.FINISHED else SafetyStop
    raise kind(" ".join(f"{each.reason} {each.advice}" for each in left), left[0].stop)


def allowed_by(stop: Stop) -> str:
    """Return how to allow something, as the end of a sentence."""
    return f"use --allow {stop}"


def listed(first: Iterable[str], count: int) -> str:
    """Return the first of some things in a row, and how many more there are."""
    names = [name for _, name in zip(range(NAMED), first, strict=False)]
    more = f" and {count - len(names)} more" if count > len(names) else ""
    return ", ".join(names) + more


def lines(numbers: Sequence[int], count: int | None = None) -> str:
    """Return the lines of some rows, in brackets: `(lines 2 and 5)`.

    Args:
        numbers: the lines, at least the first of them.
        count: how many there are; None if these are all.
    """
    more = (len(numbers) if count is None else count) - NAMED
    shown = [str(number) for number in numbers[:NAMED]]
    if more > 0:
        shown.append(count_of(more, "other"))
    if len(shown) == 1:
        return f"(line {shown[0]})"
    return f"(lines {', '.join(shown[:-1])} and {shown[-1]})"
