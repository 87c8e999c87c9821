"""What became of a row: the same words in the journal, in the records and in the texts."""

from enum import StrEnum


class Fate(StrEnum):
    """What became of a row."""

    IN_FLIGHT = "in flight"
    """It may have been sent, and there is no result; in the journal only."""
    DONE = "done"
    REJECTED = "rejected"
    """The server rejected it: somebody has to correct it. Shown as `failed`."""
    FAILED = "failed"
    """It was not applied, for a reason that may pass."""
    UNKNOWN = "unknown"
    """It was sent, and nothing tells whether it was applied."""
    NOT_ATTEMPTED = "not attempted"
    KEPT = "kept"
    """Its user is no longer in the file, and stays; in a sync only."""
    FORGOTTEN = "forgotten"
    """Nothing is known of it any more: its entry is removed."""
    HANDING_OVER = "being handed over"
    """It will stand in a rejects file, once that has its name; in the journal only."""
    HANDED_OVER = "handed over"
    """It stands in a rejects file, and is not sent from this file any more."""

    @property
    def shown(self) -> "Fate":
        """The fate as it is shown."""
        return Fate.FAILED if self is Fate.REJECTED else self


DOUBTFUL = frozenset({Fate.IN_FLIGHT, Fate.UNKNOWN})
"""What an earlier run left open."""
SENT = frozenset({Fate.DONE, *DOUBTFUL})
"""What may be on the server."""
SKIPPED = frozenset({Fate.DONE, Fate.HANDED_OVER})
"""What is not sent, and not told row by row where nobody reads it."""
SETTLED = frozenset({Fate.DONE, Fate.REJECTED, Fate.HANDING_OVER, Fate.HANDED_OVER})
"""What needs nothing more from this file."""
