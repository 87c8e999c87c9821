"""The messages of errors about a call: what became of it, why, and what to do."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from kabelwerk_cli import errors
from kabelwerk_cli.operations.call import Call
from kabelwerk_cli.words import capitalized

from .history import SAFE, what_next
from .server_messages import tell
from .verdicts import HTTP_REDIRECT, Ending, Verdict

A_YEAR = 365 * 24 * 3600
ADDRESS = "This is probably not a Kabelwerk backend; check the URL."
TOO_LARGE = "The request is larger than the server allows."
ADVICE: Mapping[int, str] = {
    HTTPStatus.PAYMENT_REQUIRED: "The account may have reached its limit or have an unpaid bill.",
    HTTPStatus.FORBIDDEN: "Something between here and the backend, such as a firewall, refused it.",
    HTTPStatus.NOT_FOUND: ADDRESS,
    HTTPStatus.METHOD_NOT_ALLOWED: ADDRESS,
    HTTPStatus.PROXY_AUTHENTICATION_REQUIRED: "A proxy requires a user name and a password.",
    HTTPStatus.GONE: "This address is no longer in use; check the URL.",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: TOO_LARGE,
    HTTPStatus.REQUEST_URI_TOO_LONG: TOO_LARGE,
    HTTPStatus.MISDIRECTED_REQUEST: ADDRESS,
    HTTPStatus.TOO_EARLY: f"The server asks for the request to be sent again later. {SAFE}",
    HTTPStatus.UPGRADE_REQUIRED: "The server requires another protocol; check the URL.",
    HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE: TOO_LARGE,
    HTTPStatus.UNAVAILABLE_FOR_LEGAL_REASONS: "Access is blocked for legal reasons.",
}
"""What to say about a rejection with a status that the API does not use."""
OTHER_ADVICE = "The server does not accept the request; ask the operator of the backend."


def message_of(call: Call[Any], last: Verdict) -> str:
    """Return the message of an error: what became of the call, why, and what to do.

    Args:
        call: the call that failed.
        last: the verdict on its last attempt.
    """
    return _MESSAGES[last.ending](call, last)


def told(call: Call[Any], how: str) -> str:
    """Return what became of the subject; no other part of a message names it."""
    return f"{capitalized(call.subject)} {how} {call.effect}"


def reason_of(verdict: Verdict) -> str:
    """Return what happened in an attempt, with every message of a rejection."""
    return full_reason(verdict) if verdict.ending is Ending.REJECTED else verdict.reason


def full_reason(verdict: Verdict) -> str:
    """Return the reason as the end of a sentence, and every message of the rejection after it."""
    return f"{verdict.reason}.{tell(verdict.fields, verdict.reason)}"


def _not_sent(call: Call[Any], last: Verdict) -> str:
    return f"{told(call, 'was not')}: {last.reason}. {last.advice or SAFE}"


def _rejected(call: Call[Any], last: Verdict) -> str:
    message = f"{told(call, 'was not')}: {full_reason(last)}"
    return f"{message} {_advice(call, last)}".rstrip()


def _unknown(call: Call[Any], last: Verdict) -> str:
    request = f" (request {last.request_id})" if last.request_id else ""
    advice = f" {last.advice}" if last.advice else ""
    return (
        f"{told(call, 'may have been')}: {last.reason}{request}."
        f"{tell(last.fields, last.reason)}{_asked_to_wait(last)}{advice} {what_next(call)}"
    )


def _acknowledged(call: Call[Any], last: Verdict) -> str:
    return (
        f"{told(call, 'was probably')}, but the answer does not show it: "
        f"{last.reason}. Check it before you do anything else."
    )


_MESSAGES = {
    Ending.NOT_SENT: _not_sent,
    Ending.REJECTED: _rejected,
    Ending.UNKNOWN: _unknown,
    Ending.ACKNOWLEDGED: _acknowledged,
    Ending.CONTRADICTED: _unknown,
}


def _advice(call: Call[Any], last: Verdict) -> str:
    match last.error:
        case errors.AuthenticationError:
            return "Check the API token."
        case errors.DoesNotExist:
            return call.missing
        case errors.RateLimited:
            return f"{_asked_to_wait(last)} It is safe to run the same command again later.".strip()
        case errors.ValidationError:
            return ""  # the messages for the fields say it
    if last.unreadable:
        return "Something between here and the backend, such as a proxy, changes its answers."
    return ADDRESS if last.status in HTTP_REDIRECT else ADVICE.get(last.status or 0, OTHER_ADVICE)


def _asked_to_wait(verdict: Verdict) -> str:
    if verdict.retry_after is None:
        return ""
    if verdict.retry_after > A_YEAR:
        return " The server asked to wait for years."
    return f" The server asked to wait {verdict.retry_after:.0f} seconds."
