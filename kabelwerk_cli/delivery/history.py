"""What is known about a call, while it runs and afterwards."""

from collections.abc import Iterator
from typing import Any, NamedTuple

from kabelwerk_cli.errors import Applied, Report
from kabelwerk_cli.network.wire import Attempt
from kabelwerk_cli.operations.call import Call, Fallback, Reason
from kabelwerk_cli.words import capitalized

from .verdicts import Ending, Verdict

APPLIED = frozenset({Ending.ACKNOWLEDGED, Ending.DONE})
DOUBTFUL = frozenset({Ending.UNKNOWN, Ending.CONTRADICTED})
SAFE = "It is safe to run the same command again."


class Step(NamedTuple):
    """One call, and the verdict on each attempt at it."""

    call: Call[Any]
    when: Reason | None
    """Why it was sent instead of the one before it; None for the first."""
    tries: list[Verdict]

    def following(self) -> Fallback | None:
        """Return the call to send instead, if there is one for the way this one ended."""
        other, last = self.call.otherwise, self.tries[-1]
        if other is None or last.ending in APPLIED or last.ending is Ending.CONTRADICTED:
            return None
        if other.when is Reason.MISSING:
            # creating a user who exists does no harm: the key is taken, and the next call updates
            return other if last.is_missing or last.unreadable else None
        return other if last.is_taken or self.in_doubt else None

    @property
    def in_doubt(self) -> bool:
        """Whether an attempt may have been applied."""
        return any(verdict.ending in DOUBTFUL for verdict in self.tries)


class History:
    """All that is known about one call. Facts are added and never taken back.

    An attempt is noted before its first byte is sent, its verdict once it has ended. So the history
    can be read at any moment, by whatever has to say what was changed.

    Args:
        earlier: the attempt of an earlier run whose outcome is unknown.
        request_id: the first attempt's ID in the server's log, if it is already recorded.
    """

    def __init__(self, earlier: Verdict | None = None, request_id: str | None = None) -> None:
        self.steps: list[Step] = []
        self.first_request_id = request_id
        self._earlier = earlier
        self._attempt: Attempt | None = None

    def begin(self, call: Call[Any], when: Reason | None = None) -> Step:
        """Note which call is sent from here on."""
        self.steps.append(Step(call, when, []))
        return self.steps[-1]

    def attempting(self, attempt: Attempt) -> None:
        """Note that an attempt is about to be made."""
        self._attempt = attempt

    def ended(self, verdict: Verdict) -> None:
        """Note the verdict on the attempt."""
        self.steps[-1].tries.append(verdict)
        self._attempt = None

    def sentence(self) -> str:
        """Return what is known about the change and what to do next, as a sentence."""
        if not any(step.tries for step in self.steps) and not self._in_flight:
            return "Nothing was sent."
        call = self.decisive.call
        subject = capitalized(call.subject)
        said = {
            Applied.NO: f"{subject} was not {call.effect}.",
            Applied.YES: f"{subject} was {call.effect}.",
            Applied.UNKNOWN: f"{subject} may have been {call.effect}. {what_next(call)}",
        }
        return said[self.applied]

    @property
    def decisive(self) -> Step:
        """The step that says how the call ended.

        It is the last one, unless a key was rejected as taken and no user has it after all. Then
        the rejection was about something else, and says more.
        """
        *before, last = self.steps
        if last.when is Reason.TAKEN and last.tries and last.tries[-1].is_missing:
            return before[-1]
        return last

    @property
    def last(self) -> Verdict | None:
        """The verdict on the last attempt; None before there is one."""
        return next(reversed(list(self._verdicts())), None)

    @property
    def doubt(self) -> Verdict | None:
        """The first attempt whose outcome is unknown."""
        unknown = (each for each in self._verdicts() if each.ending in DOUBTFUL)
        return self._earlier or next(unknown, None)

    @property
    def unused(self) -> str:
        """What was asked for and not sent; empty if an earlier run may have sent it."""
        return "" if self._earlier else self.decisive.call.unused

    @property
    def applied(self) -> Applied:
        """Whether the server did what was asked, as far as is known."""
        if any(verdict.ending in APPLIED for verdict in self._verdicts()):
            return Applied.YES
        if self.doubt and self._is_gone:
            return Applied.YES
        return Applied.UNKNOWN if self.doubt or self._in_flight else Applied.NO

    def report(self) -> Report:
        """Return the circumstances for an error or a result."""
        tries = self.decisive.tries if self.steps else []
        last = tries[-1] if tries else None
        flying = self._in_flight
        request_id = flying.request_id if flying else last and last.request_id
        return Report(
            applied=self.applied,
            safe_to_rerun=self.applied is Applied.NO or self.steps[0].call.repeatable,
            status=last.status if last else None,
            attempts=sum(len(step.tries) for step in self.steps) + bool(flying),
            request_id=request_id,
        )

    @property
    def _in_flight(self) -> Attempt | None:
        return self._attempt if self._attempt and self._attempt.sent else None

    @property
    def _is_gone(self) -> bool:
        call, _, tries = self.steps[-1]
        return call.deletes and bool(tries) and tries[-1].is_missing

    def _verdicts(self) -> Iterator[Verdict]:
        for step in self.steps:
            yield from step.tries


def what_next(call: Call[Any]) -> str:
    """Return what to do if the outcome of a call is unknown, as a sentence."""
    return SAFE if call.repeatable else "Check the room before you post it again."
