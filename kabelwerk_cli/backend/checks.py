"""The record of a check of `kabelwerk doctor`."""

from typing import Literal, NamedTuple

Outcome = Literal["ok", "failed", "skipped"]


class Check(NamedTuple):
    """The result of one check."""

    check: str
    """The name of the check."""
    outcome: Outcome
    milliseconds: float | None
    """The time it took; None if it was skipped."""
    detail: str
    """The finding, the error, or why it was skipped, in words."""
