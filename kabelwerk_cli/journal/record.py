"""The record of a row as `journal show` prints it."""

from datetime import datetime
from typing import Annotated, NamedTuple

from .fate import INTERNAL, Fate

OUTCOMES = tuple(
    dict.fromkeys(
        fate.shown.value for fate in Fate if fate not in INTERNAL | {Fate.NOT_ATTEMPTED, Fate.KEPT}
    )
)


class JournalRow(NamedTuple):
    """A row that a journal or state knows."""

    key: str
    """The key of the user, or of the room's user."""
    hub: str | None
    """The room's hub; None for users."""
    outcome: Annotated[str, ("enum", OUTCOMES)]
    at: datetime | None
    request_id: str | None
    cause: str | None
    """Why it is not done, or in doubt."""
    origin: str | None
    """How it came into a state; None in a journal."""
    deletable: bool | None
    """Whether `--delete` may delete the user; None in a journal."""


OF_JOURNALS = ("key", "hub", "outcome", "at", "request_id", "cause")
"""The columns of a table about a journal."""
