"""The result of one attempt: turns the status and the body of an answer into a `Verdict`.

Whatever a server sends, `judge` returns a verdict. `retries` decides which attempts are repeated.
"""

import codecs
import email.utils
import re
from collections.abc import Mapping
from enum import StrEnum
from http import HTTPStatus
from typing import Any, NamedTuple

from kabelwerk_cli import errors
from kabelwerk_cli.network.wire import Answer, Failure
from kabelwerk_cli.operations.call import Call
from kabelwerk_cli.operations.json_text import NotJson, read_json
from kabelwerk_cli.operations.models import Mistyped, Record, read_record
from kabelwerk_cli.words import shorten

from .redaction import Redaction
from .server_messages import read_messages

HTTP_OK = range(200, 300)
HTTP_REDIRECT = range(300, 400)
HTTP_REJECTED = range(400, 500)
NOT_HERE = frozenset({HTTPStatus.METHOD_NOT_ALLOWED, HTTPStatus.MISDIRECTED_REQUEST})
"""Statuses of another server than the API's."""
LONGEST_REASON = 100
"""How much of a status line's text is repeated, in characters."""
LONGEST_LOCATION = 300
"""How much of a redirect's address is repeated, in characters."""
PAGE = "with a page that is not from the API"
NO_BACKEND = (
    "This is probably not a Kabelwerk backend; check the URL, and whether the network or a proxy "
    "asks you to log in."
)
LEADING = codecs.BOM_UTF8 + b" \t\r\n"
"""What may come before the first tag of a page."""
WANTS_TLS = rb"HTTPS (?:port|server)|SSL-enabled server"
"""What nginx, Go and Apache answer to a request in plain http on a port for TLS."""


class Ending(StrEnum):
    """How an attempt ended."""

    NOT_SENT = "not sent"
    REJECTED = "rejected"
    UNKNOWN = "unknown"
    """It was sent, and the server may have acted on it."""
    ACKNOWLEDGED = "acknowledged"
    """The server acted on it, but its answer does not show the result."""
    CONTRADICTED = "contradicted"
    """The server accepted it, but its answer shows an error, or not what was requested."""
    DONE = "done"


class Verdict(NamedTuple):
    """The result of one attempt."""

    ending: Ending
    reason: str
    """What happened, as a clause: `the server answered 404 Not Found`."""
    error: type[errors.KabelwerkError] = errors.ServerError
    """What to raise if this attempt was the last."""
    status: int | None = None
    record: Record | None = None
    """The answer's object, if the ending is DONE."""
    notes: tuple[str, ...] = ()
    """What is odd about the answer although the call succeeded."""
    fields: Mapping[str, list[str]] = {}
    """The messages of a rejection by field."""
    retry_after: float | None = None
    """How many seconds the server asked to wait."""
    request_id: str | None = None
    timed_out: bool = False
    """Whether the time limit ended the attempt."""
    advice: str = ""
    """What to do about it, as a sentence, if that follows from the failure."""
    unreadable: bool = False
    """Whether it is a 404 whose body cannot be read: it may be the API's, and prove nothing."""
    foreign: bool = False
    """Whether the answer is a page, which the API does not send: it is somebody else's."""

    @property
    def is_taken(self) -> bool:
        """Whether the server rejected the key that the user was to have."""
        return self.error is errors.ValidationError and "key" in self.fields

    @property
    def is_elsewhere(self) -> bool:
        """Whether the answer shows that the API is not at this address."""
        page = self.foreign and self.status != HTTPStatus.FORBIDDEN
        status = self.status or 0
        return page or status in HTTP_REDIRECT or status in NOT_HERE

    @property
    def is_of_the_api(self) -> bool:
        """Whether the API has answered: it did what was asked, or said why it did not."""
        if self.ending in {Ending.DONE, Ending.ACKNOWLEDGED}:
            return True
        return self.error in {errors.ValidationError, errors.DoesNotExist}

    @property
    def is_missing(self) -> bool:
        """Whether the server said that what the call is about does not exist."""
        return self.ending is Ending.REJECTED and self.error is errors.DoesNotExist


class _NotTheApi(Exception):
    """A body is not what the API would send."""


class _Contradicted(Exception):
    """An answer shows an error, or not what was requested."""

    def __init__(self, reason: str, fields: Mapping[str, list[str]] | None = None) -> None:
        super().__init__(reason)
        self.fields = fields or {}


def judge_failure(failure: Failure, *, sent: bool) -> Verdict:
    """Return the verdict on an attempt without a complete answer."""
    if sent:
        came = failure.reason if failure.garbled else f"no answer came: {failure.reason}"
        verdict = Verdict(
            Ending.UNKNOWN, f"the request was sent, but {came}", errors.OutcomeUnknown
        )
    else:
        reason = f"the request was not sent: {failure.reason}"
        verdict = Verdict(Ending.NOT_SENT, reason, failure.error)
    return verdict._replace(timed_out=failure.timed_out, advice=failure.advice)


def judge(
    call: Call[Any], answer: Answer, now: float, redacted: Redaction | None = None
) -> Verdict:
    """Return the verdict on an answer.

    Args:
        call: what was asked.
        answer: what came back.
        now: the time of day in seconds since the epoch, to read a `Retry-After` date by.
        redacted: removes the token from what the server sent.

    Returns:
        The verdict, whatever the answer is.
    """
    redacted = redacted or Redaction()
    answer = answer._replace(reason=redacted(answer.reason), headers=redacted(answer.headers))
    if answer.oversize:
        verdict = Verdict(
            Ending.UNKNOWN, f"{_said(answer)} with a body that is larger than allowed"
        )
    elif answer.status in HTTP_OK:
        verdict = _judge_success(call, answer, redacted)
    elif answer.status in HTTP_REDIRECT:
        where = shorten(answer.headers.get("location", "nowhere"), LONGEST_LOCATION)
        reason = f"{_said(answer)}, a redirect to {where}; redirects are not followed"
        verdict = Verdict(Ending.REJECTED, reason)
    elif answer.status in HTTP_REJECTED and answer.status != HTTPStatus.REQUEST_TIMEOUT:
        verdict = _judge_rejection(answer, redacted)
    else:
        verdict = Verdict(Ending.UNKNOWN, _said(answer), fields=_messages(answer, redacted))
    wait = read_retry_after(answer.headers.get("retry-after"), now)
    return verdict._replace(status=answer.status, retry_after=wait)


def _judge_success(call: Call[Any], answer: Answer, redacted: Redaction) -> Verdict:
    said = _said(answer)
    try:
        record, notes = _read_success(call, answer, redacted)
    except _NotTheApi as error:
        if _is_page(answer):
            return Verdict(Ending.UNKNOWN, f"{said} {PAGE}", advice=NO_BACKEND, foreign=True)
        return Verdict(Ending.UNKNOWN, f"{said}, but {error}")
    except _Contradicted as error:
        return Verdict(Ending.CONTRADICTED, f"{said}, but {error}", fields=error.fields)
    except Mistyped as error:
        return Verdict(Ending.ACKNOWLEDGED, f"{said}, but {error}")
    return Verdict(Ending.DONE, said, record=record, notes=notes)


def _read_success(
    call: Call[Any], answer: Answer, redacted: Redaction
) -> tuple[Record | None, tuple[str, ...]]:
    """Return the record in `answer`, which must be what `call` asked for, and notes about it."""
    final = answer.status in {HTTPStatus.OK, HTTPStatus.CREATED}
    if answer.status == HTTPStatus.NO_CONTENT or (final and not answer.body):
        if call.answer is None:
            return None, ()
        raise Mistyped(f"the {call.answer.__name__.lower()} is missing from it")
    if not final:
        raise _NotTheApi("the API never uses this status")
    given = _decode(answer)
    if not isinstance(given, dict):
        raise _NotTheApi("its body is JSON, but not an object")
    if given.get("errors"):
        raise _Contradicted("its body contains errors", read_messages(redacted(given)))
    # before the types: an answer about something else is not an acknowledgement
    for field, wanted in call.expects:
        if field in given and _contradicts(field, given[field], wanted):
            raise _Contradicted(f"the field '{field}' is not what was requested")
    return read_record(call.answer, redacted(given)) if call.answer else (None, ())


def _contradicts(field: str, found: Any, wanted: Any) -> bool:
    """Tell whether a field has the type that it should have, and another value."""
    if field == "hub_user" and (found is None or wanted is None):
        return found is not wanted and isinstance(found, dict | None)
    value = found.get("key") if isinstance(found, dict) else found
    if not isinstance(value, bool if isinstance(wanted, bool) else str):
        return False  # `read_record` tells what may be missing, and what is mistyped
    if value == wanted or field != "text":
        return bool(value != wanted)
    # Assumed of the backend: a text comes back with HTML's special characters escaped.
    import html  # whose tables take longer to load than most of what a call does

    return bool(html.unescape(str(value)) != wanted)


def _judge_rejection(answer: Answer, redacted: Redaction) -> Verdict:
    said = _said(answer)
    match answer.status:
        case HTTPStatus.UNAUTHORIZED:
            return Verdict(Ending.REJECTED, said, errors.AuthenticationError)
        case HTTPStatus.FORBIDDEN | HTTPStatus.NOT_FOUND:
            return _judge_refusal(answer, said)
        case HTTPStatus.BAD_REQUEST | HTTPStatus.CONFLICT | HTTPStatus.UNPROCESSABLE_ENTITY:
            fields = _messages(answer, redacted)
            if re.search(WANTS_TLS, answer.body) and not _is_json(answer):
                said = f"{said}: it expects https on this port"
            return Verdict(Ending.REJECTED, said, errors.ValidationError, fields=fields)
        case HTTPStatus.TOO_MANY_REQUESTS:
            # Assumed of the backend: a call rejected by the rate limit is not carried out.
            return Verdict(Ending.REJECTED, said, errors.RateLimited)
        case _:
            return Verdict(Ending.REJECTED, said, fields=_messages(answer, redacted))


def _judge_refusal(answer: Answer, said: str) -> Verdict:
    """Return the verdict on a 403 or 404, which may be that of another server."""
    if _is_page(answer):
        # such as a firewall that dislikes one text, or a server at a wrong address
        return Verdict(Ending.REJECTED, f"{said} {PAGE}", foreign=True)
    if answer.status == HTTPStatus.FORBIDDEN:
        return Verdict(Ending.REJECTED, said, errors.AuthenticationError)
    if encoding := _encoding(answer):
        return Verdict(Ending.REJECTED, f"{said}, but {_packed(encoding)}", unreadable=True)
    return Verdict(Ending.REJECTED, said, errors.DoesNotExist)


def _said(answer: Answer) -> str:
    return f"the server answered {answer.status} {shorten(answer.reason, LONGEST_REASON)}".rstrip()


def _is_page(answer: Answer) -> bool:
    """Tell whether a body is somebody else's. Assumed of the backend: it sends JSON, or nothing."""
    if not answer.body or _is_json(answer):
        return False
    if answer.status not in HTTP_OK and not _encoding(answer):
        return True
    # a body that cannot be read, or that should be a record and is not JSON, may be anything
    kind = answer.headers.get("content-type", "").lower()
    return "html" in kind or answer.body.lstrip(LEADING).startswith(b"<")


def _encoding(answer: Answer) -> str:
    """Return the encoding of the body; empty if there is none, which is what was requested."""
    encoding = answer.headers.get("content-encoding", "").strip().lower()
    return "" if encoding == "identity" else encoding


def _packed(encoding: str) -> str:
    return f"its body has the encoding {shorten(encoding, LONGEST_REASON)}, which was not requested"


def _decode(answer: Answer) -> Any:
    if encoding := _encoding(answer):
        raise _NotTheApi(_packed(encoding))
    try:
        # a byte order mark says nothing about what was done
        return read_json(answer.body.removeprefix(codecs.BOM_UTF8).decode())
    except UnicodeDecodeError:
        raise _NotTheApi("its body is not valid UTF-8") from None
    except NotJson as error:
        raise _NotTheApi(f"its body is not what the API sends: {error}") from None


def _is_json(answer: Answer) -> bool:
    try:
        _decode(answer)
    except _NotTheApi:
        return False
    return True


def _messages(answer: Answer, redacted: Redaction) -> dict[str, list[str]]:
    try:
        return read_messages(redacted(_decode(answer)))
    except _NotTheApi:
        return {}


def read_retry_after(value: str | None, now: float) -> float | None:
    """Return how many seconds a `Retry-After` header asks to wait; None if it asks nothing.

    Args:
        value: the header's value: seconds or an HTTP date.
        now: the time of day in seconds since the epoch.
    """
    text = (value or "").strip()
    if text.isascii() and text.isdigit():
        return float(text)  # as many digits as there are; infinity is an answer too
    try:
        wait = email.utils.parsedate_to_datetime(text).timestamp() - now
    except (ValueError, TypeError, OverflowError, IndexError):
        return None
    return wait if wait > 0 else None
