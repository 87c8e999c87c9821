"""What may be claimed after the last attempt: a result, or an error with its whole sentence.

The taint rule: once an attempt's outcome was unknown, an attempt after it that was not sent, or
was rejected, says nothing about the first. Such a call never ends as "not applied".
"""

from collections.abc import Sequence
from http import HTTPStatus
from typing import NamedTuple

from . import errors
from .calls import Call, Operation
from .errors import Applied, Report
from .models import EnsuredUser, Record
from .retries import repeats_when_unknown
from .verdicts import APPLIED, Fate, Verdict

A_YEAR = 365 * 24 * 3600
TOO_LARGE = frozenset(
    {
        HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
        HTTPStatus.REQUEST_URI_TOO_LONG,
        HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
    }
)
SETTLED_NOTHING = frozenset({Fate.NOT_SENT, Fate.REJECTED})


class Outcome(NamedTuple):
    """A call that succeeded."""

    record: Record | EnsuredUser | None
    """The answer's object; None where the call has none."""
    notes: tuple[str, ...]
    """What the caller should know although the call succeeded, each a sentence."""
    report: Report
    """The circumstances."""


def conclude(call: Call, history: Sequence[Verdict], earlier: Verdict | None = None) -> Outcome:
    """Say how a call ended.

    Args:
        call: what was asked.
        history: what each attempt came to, at least one.
        earlier: what an attempt before these came to, if nobody knows whether it was applied.

    Returns:
        The outcome of a call that is known to have succeeded.

    Raises:
        KabelwerkError: one of the reference's five, with the whole story in its text.
    """
    last = history[-1]
    doubt = earlier or next((each for each in history if each.fate is Fate.UNKNOWN), None)
    if last.fate is Fate.DONE:
        notes = tuple(f"{_capital(note)}; it is shown as given." for note in last.notes)
        return Outcome(last.record, notes, _report(call, history, Applied.YES))
    if call.operation is Operation.DELETE_USER and last.error is errors.DoesNotExist:
        if doubt:
            note = f"{_capital(call.subject)} is gone; the answer to the first try was lost."
            return Outcome(None, (note,), _report(call, history, Applied.YES))
        if call.absence_suffices:
            note = f"{_capital(call.subject)} did not exist."
            return Outcome(None, (note,), _report(call, history, Applied.NO))
    if doubt and last.fate in SETTLED_NOTHING:
        raise errors.OutcomeUnknown(
            f"{_capital(call.subject)} may have been {call.deed}: at first {doubt.reason}; "
            f"then {last.reason}.{_details(last)} {_after_doubt(call, last)}",
            _report(call, history, Applied.UNKNOWN),
        )
    message = _MESSAGES[last.fate](call, last)
    report = _report(call, history, APPLIED[last.fate])
    if issubclass(last.error, errors.ValidationError):
        raise last.error(message, report, last.fields)
    raise last.error(message, report)


def interruption(call: Call, history: Sequence[Verdict], *, in_flight: bool) -> errors.Interrupted:
    """Return what to raise where a signal ended a call.

    Args:
        call: what was asked.
        history: what each finished attempt came to.
        in_flight: whether another attempt had been sent and not been answered.
    """
    if in_flight or any(verdict.fate is Fate.UNKNOWN for verdict in history):
        message = f"{_capital(call.subject)} may have been {call.deed}. {what_next(call)}"
        applied = Applied.UNKNOWN
    else:
        message = f"{_capital(call.subject)} was not {call.deed}."
        applied = Applied.NO
    return errors.Interrupted(f"Interrupted. {message}", _report(call, history, applied))


def what_next(call: Call) -> str:
    """Return the advice for a call whose outcome is unknown, a sentence."""
    if repeats_when_unknown(call):
        return "It is safe to run the same command again."
    return "Look in the room before posting it again."


def _report(call: Call, history: Sequence[Verdict], applied: Applied) -> Report:
    last = history[-1] if history else None
    return Report(
        applied=applied,
        safe_to_rerun=applied is Applied.NO or repeats_when_unknown(call),
        status=last.status if last else None,
        attempts=len(history),
        request_id=last.request_id if last else None,
    )


def _not_sent(call: Call, last: Verdict) -> str:
    cure = "It is safe to run the same command again."
    if last.error is errors.UntrustedCertificate:
        cure = "If the server is yours, name its CA with --ca-file."
    return f"{_capital(call.subject)} was not {call.deed}: {last.reason}. {cure}"


def _rejected(call: Call, last: Verdict) -> str:
    message = f"{_capital(call.subject)} was not {call.deed}: {last.reason}.{_details(last)}"
    return f"{message} {_CURES[last.error](call, last)}".rstrip()


def _unknown(call: Call, last: Verdict) -> str:
    request = f" (request {last.request_id})" if last.request_id else ""
    return (
        f"{_capital(call.subject)} may have been {call.deed}: {last.reason}{request}."
        f"{_asked_to_wait(last)} {what_next(call)}"
    )


def _acknowledged(call: Call, last: Verdict) -> str:
    return (
        f"{_capital(call.subject)} was probably {call.deed}, but not shown to be as asked for: "
        f"{last.reason}. Look at it before doing anything else."
    )


_MESSAGES = {
    Fate.NOT_SENT: _not_sent,
    Fate.REJECTED: _rejected,
    Fate.UNKNOWN: _unknown,
    Fate.ACKNOWLEDGED: _acknowledged,
}


def _cure_missing(call: Call, _: Verdict) -> str:
    if call.operation in {Operation.POST_MESSAGE, Operation.UPDATE_ROOM}:
        return (
            f"There is no room for '{call.key}' in this hub; a room is made when the user's app "
            "connects for the first time."
        )
    return f"There is no user '{call.key}'."


def _cure_token(_: Call, __: Verdict) -> str:
    return "Check the API token."


def _cure_limit(_: Call, last: Verdict) -> str:
    return f"{_asked_to_wait(last)} It is safe to run the same command again later.".strip()


def _cure_address(_: Call, last: Verdict) -> str:
    if last.status in TOO_LARGE:
        return "It is larger than the server allows."
    return "This is probably not the address of a Kabelwerk backend; check the URL."


def _no_cure(_: Call, __: Verdict) -> str:
    return ""  # the messages for the fields have said it


_CURES = {
    errors.AuthenticationError: _cure_token,
    errors.DoesNotExist: _cure_missing,
    errors.RateLimited: _cure_limit,
    errors.ServerError: _cure_address,
    errors.ValidationError: _no_cure,
}


def _after_doubt(call: Call, last: Verdict) -> str:
    if call.operation is Operation.CREATE_USER and "key" in last.fields:
        return "The user exists now, perhaps by the first try."
    return what_next(call)


def _details(verdict: Verdict) -> str:
    """Return every message of a rejection, as sentences with a space before them."""
    return "".join(
        f" {field} {message}." for field, messages in verdict.fields.items() for message in messages
    )


def _asked_to_wait(verdict: Verdict) -> str:
    if verdict.retry_after is None:
        return ""
    if verdict.retry_after > A_YEAR:
        return " The server asked to wait for years."
    return f" The server asked to wait {verdict.retry_after:.0f} seconds."


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
