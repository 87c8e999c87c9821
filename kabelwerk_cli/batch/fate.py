"""What became of a row: the same words in the journal, in the records and in the texts."""

from enum import StrEnum


class Fate(StrEnum):
    """What became of a row."""

    IN_FLIGHT = "in flight"
    """It may have been sent, and there is no result: in the journal only."""
    DONE = "done"
    FAILED = "failed"
    """It was not applied, and the next run tries it again."""
    UNKNOWN = "unknown"
    """It was sent, and nothing tells whether it was applied."""
    NOT_ATTEMPTED = "not attempted"


DOUBTFUL = frozenset({Fate.IN_FLIGHT, Fate.UNKNOWN})
"""What an earlier run left open."""
