"""When a call is repeated: the one table, and the pause in between.

| call         | not sent | 429 | unknown |                                                        |
|--------------|----------|-----|---------|--------------------------------------------------------|
| create user  | yes      | yes | yes     | a key is unique: a repeat cannot make a second user    |
| update user  | yes      | yes | yes     | it sets an absolute value                              |
| delete user  | yes      | yes | yes     | what is gone stays gone                                |
| update room  | yes      | yes | yes     | it sets absolute values                                |
| post message | yes      | yes | never   | nothing tells a repeat from a second message           |

*Unknown* is: sent, and no whole answer, or one that tells nothing (408, 5xx, not the API's).
Answers that reject a call, and answers that acknowledge it, end it whatever it was.
"""

from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import NamedTuple

from . import errors
from .calls import Call, Ensure, Operation
from .verdicts import Fate, Verdict

FIRST_PAUSE = 0.5
"""The longest pause before the first repeat, in seconds; it doubles with each."""
LONGEST_PAUSE = 8.0
"""The longest pause of all, in seconds."""


class Repeatable(NamedTuple):
    """After what an operation is tried again."""

    not_sent: bool
    limited: bool
    unknown: bool


REPEATS: Mapping[Operation, Repeatable] = {
    Operation.CREATE_USER: Repeatable(not_sent=True, limited=True, unknown=True),
    Operation.UPDATE_USER: Repeatable(not_sent=True, limited=True, unknown=True),
    Operation.DELETE_USER: Repeatable(not_sent=True, limited=True, unknown=True),
    Operation.UPDATE_ROOM: Repeatable(not_sent=True, limited=True, unknown=True),
    Operation.POST_MESSAGE: Repeatable(not_sent=True, limited=True, unknown=False),
}


def repeats_when_unknown(operation: Call | Ensure) -> bool:
    """Tell whether an operation whose outcome is unknown may be done again."""
    return isinstance(operation, Ensure) or REPEATS[operation.operation].unknown


def may_repeat(operation: Operation, verdict: Verdict) -> bool:
    """Tell whether the table has `operation` tried again after `verdict`."""
    row = REPEATS[operation]
    if verdict.fate is Fate.NOT_SENT:
        # a certificate does not become trusted by asking again
        return row.not_sent and verdict.error is not errors.UntrustedCertificate
    if verdict.status == HTTPStatus.TOO_MANY_REQUESTS:
        return row.limited
    return verdict.fate is Fate.UNKNOWN and row.unknown


def pause(history: Sequence[Verdict], left: float, random: Callable[[], float]) -> float | None:
    """Return how long to wait before the next attempt.

    Args:
        history: the attempts so far, at least one.
        left: the seconds that are left for the whole call.
        random: returns a number from 0 to 1.

    Returns:
        Seconds, or None where the wait would not fit into what is left.
    """
    asked = history[-1].retry_after
    doublings = min(len(history) - 1, 10)  # far beyond the longest pause
    longest = min(FIRST_PAUSE * 2.0**doublings, LONGEST_PAUSE)
    wait = asked if asked is not None else random() * longest
    return wait if wait < left else None
