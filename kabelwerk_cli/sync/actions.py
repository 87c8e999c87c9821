"""What a sync does about each user or room, and the record of it in a dry run."""

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, NamedTuple


class Action(StrEnum):
    """What to do about a user or room."""

    CREATE = "create"
    UPDATE = "update"
    RESEND = "resend"
    """It matches what was acknowledged, and is sent nevertheless."""
    DELETE = "delete"
    KEEP = "keep"
    """It is no longer in the file, and is not deleted."""
    ADOPT = "adopt"
    INVALID = "invalid"
    """Its row is invalid."""


IN_FILE = (Action.CREATE, Action.UPDATE, Action.RESEND, Action.ADOPT, Action.INVALID)
"""The actions for rows of the file."""


class PlannedChange(NamedTuple):
    """What a sync would do about one user or room, as a dry run shows it."""

    action: Action
    key: str
    hub: str | None
    """The room's hub, or that of the users; None for end users."""
    changes: Mapping[str, Any]
    """The values that would be sent, by column; empty for a deletion."""
    reason: str | None
    """Why a user or room is kept, if there is more to say than that it left the file."""
    row: int | None
    """The number of the row; None for users who are in no row."""
