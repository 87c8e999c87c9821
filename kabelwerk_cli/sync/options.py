"""The options of a sync: those on the command line, and the typed value they become."""

from typing import NamedTuple

ALL = 100.0
"""All known users, in percent."""


class Share(NamedTuple):
    """A limit: a number, or a percentage of the known users or rooms."""

    number: int | None
    percent: float | None

    def of(self, known: int) -> float:
        """Return the limit as a number of users or rooms."""
        return self.number if self.number is not None else (self.percent or 0.0) * known / 100

    def __str__(self) -> str:
        return str(self.number) if self.percent is None else f"{self.percent:g}%"


class SyncOptions(NamedTuple):
    """What a sync may do; each field is an option."""

    state: str | None
    """The state file; None for the one beside the input."""
    max_changes: Share | None
    new_state: bool
    adopt: bool
    full: bool
    delete: bool = False
    max_deletions: Share | None = None
