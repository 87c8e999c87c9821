"""The limits of a sync: what looks like a mistake in the numbers of its plan."""

from collections.abc import Iterator
from typing import NamedTuple

from kabelwerk_cli.engine.stops import Mistake, allowed_by
from kabelwerk_cli.errors import Refused, Stop
from kabelwerk_cli.words import count_of

from .options import ALL, Share, SyncOptions

DELETIONS = Share(None, 10.0)
LEAST_DELETIONS = 5
CHANGES = Share(None, 50.0)
LEAST_CHANGES = 20
"""The default limits."""


class Counts(NamedTuple):
    """The numbers of a plan that are checked."""

    file: str
    noun: str
    """`user` or `room`."""
    rows: int
    known: int
    """How many users or rooms the state has."""
    creations: int
    updates: int
    deletions: int
    guarded: bool
    """Whether `--max-changes` applies: only once a run has finished."""
    terminated: bool
    """Whether the last line of the file ends with a line break."""
    nameless: int | None
    """The line of an invalid row without a readable key; None if there is none."""


def nameless(counts: Counts) -> Refused | None:
    """Return why nobody can be deleted, if an invalid row may be about any of them."""
    if not counts.deletions or counts.nameless is None:
        return None
    return Refused(
        f"Line {counts.nameless} of '{counts.file}' has no readable key, so it may belong to a "
        "user who would be deleted. Correct it, or leave out --delete."
    )


def suspicions(counts: Counts, options: SyncOptions) -> Iterator[Mistake]:
    """Yield each reason why a plan looks like a mistake, the most important first."""
    if options.delete and not counts.terminated:
        yield Mistake(
            Stop.UNTERMINATED,
            f"The last line of '{counts.file}' has no line break, so the file may be truncated.",
            f"Export it again. If it is complete, {allowed_by(Stop.UNTERMINATED)}.",
        )
    if counts.deletions:
        yield from _deletions(counts, options.max_deletions)
    if counts.guarded:
        yield from _changes(counts, options.max_changes)


def _deletions(counts: Counts, given: Share | None) -> Iterator[Mistake]:
    those = f"{counts.deletions} of {count_of(counts.known, 'known user')}"
    everybody = given is not None and (given.percent or 0) >= ALL
    most = _limit(given, DELETIONS, LEAST_DELETIONS, counts.known)
    if counts.rows == 0 and not everybody:
        yield Mistake(
            Stop.DELETIONS,
            f"'{counts.file}' has a header but no rows: --delete would delete {those}.",
            "If this is intended, use --max-deletions 100%.",
        )
    elif counts.deletions > most:
        yield Mistake(
            Stop.DELETIONS,
            f"This would delete {those}; --max-deletions allows {_shown(most, given)}.",
            f"Check that '{counts.file}' is complete. If it is, use --max-deletions "
            f"{counts.deletions}.",
        )


def _changes(counts: Counts, given: Share | None) -> Iterator[Mistake]:
    changes = counts.creations + counts.updates
    most = _limit(given, CHANGES, LEAST_CHANGES, counts.known)
    if changes > most:
        yield Mistake(
            Stop.CHANGES,
            f"This would create {counts.creations} and update {counts.updates}, with "
            f"{count_of(counts.known, counts.noun)} known; --max-changes allows "
            f"{_shown(most, given)}.",
            f"Check that '{counts.file}' is the right file and has the right columns. If so, use "
            f"--max-changes {changes}.",
        )


def _limit(given: Share | None, share: Share, least: int, known: int) -> float:
    return given.of(known) if given is not None else max(share.of(known), least)


def _shown(most: float, given: Share | None) -> str:
    percent = f" ({given})" if given is not None and given.percent is not None else ""
    return f"{int(most)}{percent}"
