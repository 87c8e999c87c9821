"""When a call is repeated, and the pause before it.

| call         | not sent | 429 | unknown |                                                       |
|--------------|----------|-----|---------|-------------------------------------------------------|
| create user  | yes      | yes | yes     | a key is unique: a repeat cannot create a second user |
| update user  | yes      | yes | yes     | it sets an absolute value                             |
| delete user  | yes      | yes | yes     | a deleted user stays deleted                          |
| update room  | yes      | yes | yes     | it sets absolute values                               |
| post message | yes      | yes | never   | a repeat may be a second message                      |

The column "unknown" is `Call.repeatable`. An attempt is unknown if it was sent, and there is no
complete answer, or one that does not say what was done (408, 5xx, not the API's). Any other answer
ends the call, even one that contradicts it: the server would most likely say the same again.
"""

from collections.abc import Callable, Sequence
from typing import Any

from kabelwerk_cli import errors
from kabelwerk_cli.operations.call import Call

from .verdicts import Ending, Verdict

FIRST_PAUSE = 0.5
"""The longest pause before the first repeat, in seconds; it doubles with each."""
LONGEST_PAUSE = 8.0
"""The longest pause of all, in seconds."""


def may_repeat(call: Call[Any], verdict: Verdict) -> bool:
    """Tell whether `call` is sent again after `verdict`."""
    if verdict.ending is Ending.NOT_SENT:
        # a certificate does not become trusted by asking again, nor an address safe
        return verdict.error is errors.ConnectionError
    if verdict.error is errors.RateLimited:
        return True
    return verdict.ending is Ending.UNKNOWN and call.repeatable


def pause(tries: Sequence[Verdict], left: float, random: Callable[[], float]) -> float | None:
    """Return how long to wait before the next attempt.

    Args:
        tries: the attempts so far, at least one.
        left: the seconds left for the whole call.
        random: returns a number from 0 to 1.

    Returns:
        Seconds; None if the wait does not fit into what is left.
    """
    asked = tries[-1].retry_after
    doublings = min(len(tries) - 1, 10)  # far beyond the longest pause
    longest = min(FIRST_PAUSE * 2.0**doublings, LONGEST_PAUSE)
    wait = asked if asked is not None else random() * longest
    return wait if wait < left else None
