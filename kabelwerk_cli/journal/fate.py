"""The fate of a row, in the same words in journals, records and messages."""

from enum import StrEnum


class Fate(StrEnum):
    """What became of a row."""

    IN_FLIGHT = "in flight"
    """It may have been sent, and has no result yet; only in the journal."""
    DONE = "done"
    REJECTED = "rejected"
    """It is invalid or the server rejected it, so it needs correction. Shown as `failed`."""
    FAILED = "failed"
    """It was not applied, for a temporary reason."""
    UNKNOWN = "unknown"
    """It was sent, and it is unknown whether it was applied."""
    NOT_ATTEMPTED = "not attempted"
    KEPT = "kept"
    """Its user is no longer in the file, and is not deleted; only in a sync."""
    HANDED_OVER = "handed over"
    """It was written to a rejects file, and is no longer sent from this file."""

    @property
    def shown(self) -> "Fate":
        """The fate as it is shown."""
        return Fate.FAILED if self is Fate.REJECTED else self


INTERNAL = frozenset({Fate.IN_FLIGHT})
"""Fates that no record shows."""
DOUBTFUL = frozenset({Fate.IN_FLIGHT, Fate.UNKNOWN})
"""Fates of rows whose outcome is unknown."""
SENT = frozenset({Fate.DONE, *DOUBTFUL})
"""Fates of rows that may have been applied."""
SKIPPED = frozenset({Fate.DONE, Fate.HANDED_OVER})
"""Fates of rows that are not sent again, and reported only if all rows are."""
SETTLED = frozenset({Fate.DONE, Fate.REJECTED, Fate.HANDED_OVER})
"""Fates of rows that need nothing more from this file."""
