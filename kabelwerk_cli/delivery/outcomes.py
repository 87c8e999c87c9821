"""What is reported after the last attempt: a result, or an error.

The taint rule: once an attempt's outcome was unknown, a later attempt that was not sent, or was
rejected, says nothing about the first. Such a call never ends as "not applied".
"""

from typing import Any, Generic, NamedTuple

from kabelwerk_cli import errors
from kabelwerk_cli.errors import Report
from kabelwerk_cli.operations.call import ABSENT_EFFECT, R
from kabelwerk_cli.operations.models import Effect
from kabelwerk_cli.words import capitalized

from .error_messages import full_reason, message_of, told
from .history import History, what_next
from .verdicts import Ending

SETTLED_NOTHING = frozenset({Ending.NOT_SENT, Ending.REJECTED})


class Success(NamedTuple, Generic[R]):
    """A call that succeeded."""

    record: R
    """What the call returns; None if it returns nothing."""
    effect: Effect
    """What happened; `absent` if nothing had to be deleted."""
    notes: tuple[str, ...]
    """What the caller should know although the call succeeded, each a sentence."""
    report: Report
    """What is known about the call."""
    unused: str = ""
    """What was asked for and not sent, because only another call has it; see `ignored`."""


def conclude(history: History) -> Success[Any]:
    """Return the result of a call that succeeded.

    Args:
        history: the call, with at least one attempt.

    Raises:
        KabelwerkError: it did not, or that is unknown; the message says all that is known.
    """
    call, _, tries = history.decisive
    last, doubt, report = tries[-1], history.doubt, history.report()
    complete = history.steps[0].call.complete
    if last.ending is Ending.DONE:
        notes = tuple(f"{capitalized(note)}; it is shown as given." for note in last.notes)
        record = complete(last.record, call.effect)
        return Success(record, call.effect, notes, report, history.unused)
    if call.deletes and last.is_missing and (doubt or call.absence_suffices):
        subject = capitalized(call.subject)
        gone = "is gone; the answer to an earlier attempt was lost" if doubt else "did not exist"
        effect = call.effect if doubt else ABSENT_EFFECT
        return Success(complete(None, effect), effect, (f"{subject} {gone}.",), report)
    if doubt and last.ending in SETTLED_NOTHING:
        taken = "The user exists now, possibly created by an earlier attempt."
        advice = taken if last.is_taken else what_next(call)
        cause = f"first {doubt.reason}; then {full_reason(last)}"
        message = f"{told(call, 'may have been')}: {cause} {advice}"
        raise errors.OutcomeUnknown(message, report, cause=cause)
    message = message_of(call, last)
    if issubclass(last.error, errors.ValidationError):
        raise last.error(message, report, last.fields, cause=full_reason(last))
    raise last.error(message, report, cause=full_reason(last))


def ignored(who: str, unused: str) -> str:
    """Return a warning about what was asked for and not sent, as a sentence.

    Args:
        who: one or more users.
        unused: what was not sent, see `Success`.
    """
    return f"{who} already existed, so the {unused} was ignored: it is only used to create a user."
