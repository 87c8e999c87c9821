"""Complete answers that reject a call, or accept it in a way that is not the API's."""

from functools import partial
from typing import Any

from tests.model.endpoints import JSON_TYPE, Answer, answer_json

from .fault import RETURNING, Exchange, Fault, Outcome, calls_that

HTML_TYPE = ("Content-Type", "text/html; charset=utf-8")
PAGE = b"<!DOCTYPE html><title>Kabelwerk</title><p>Something else lives here.</p>"
NOT_MODIFIED = 304
TEAPOT = 418
LEGIBLE = 40  # characters of a header that go into a fault's name


def say(answer: Answer, exchange: Exchange) -> bool:
    return exchange.send_answer(answer)


def canned(name: str, answer: Answer, expect: Outcome = Outcome.UNKNOWN, **facts: Any) -> Fault:
    """A fault that gives the same complete answer to every request."""
    return Fault(name, partial(say, answer), expect, complete=True, **facts)


def rejected(status: int, *exits: int) -> Fault:
    answer = answer_json(status, {"errors": {"detail": f"This is a {status}."}})
    return canned(f"status-{status}", answer, Outcome.REJECTED, exits=exits or (8,))


def failed(status: int, *headers: tuple[str, str]) -> Fault:
    """A status after which the outcome is unknown."""
    answer = answer_json(status, {"errors": {"detail": f"This is a {status}."}})
    name = "-".join(["status", str(status), *(value for pair in headers for value in pair)])
    return canned(name.lower(), answer._replace(headers=(*answer.headers, *headers)))


def redirect(status: int, location: str) -> Fault:
    """A redirect, to an address that must never be requested."""
    body = b"" if status == NOT_MODIFIED else PAGE
    answer = Answer(status, (("Location", location), HTML_TYPE), body)
    return canned(f"redirect-{status}", answer, Outcome.REJECTED, exits=(8,))


def rate_limited(retry_after: str | None = None) -> Fault:
    """A 429, with a Retry-After or without one."""
    answer = answer_json(429, {"errors": {"detail": "Too Many Requests"}})
    if retry_after is None:
        return canned("status-429", answer, Outcome.REJECTED, exits=(7,))
    answer = answer._replace(headers=(*answer.headers, ("Retry-After", retry_after)))
    name = f"status-429-after-{retry_after[:LEGIBLE] or 'nothing'}"
    return canned(name, answer, Outcome.REJECTED, exits=(7,))


def invalid(name: str, errors: object) -> Fault:
    """A 400 whose `errors` have the shape given."""
    answer = answer_json(400, {"errors": errors})
    return canned(f"400-{name}", answer, Outcome.REJECTED, exits=(6,))


def answered_with(status: int) -> tuple[str, ...]:
    """The calls whose success has this status."""
    return calls_that(lambda call: call.request.status == status)


def restatused(status: int, exchange: Exchange) -> bool:
    """The honest answer under another status."""
    return exchange.send_answer(exchange.answer._replace(status=status))


def bodiless(status: int, exchange: Exchange) -> bool:
    return exchange.send_answer(Answer(status))


def page(status: int, exchange: Exchange) -> bool:
    return exchange.send_answer(Answer(status, (HTML_TYPE,), PAGE))


# The location is a path of the same server: a client that follows it is seen there.
REDIRECTS = tuple(
    redirect(status, "/api/elsewhere") for status in (300, 301, 302, 303, 304, 305, 307, 308)
)
NO_LOCATION = canned("redirect-nowhere", Answer(302), Outcome.REJECTED)
RETRY_AFTERS = (
    "0",
    "1",
    "1.5",
    "-1",
    "abc",
    "",
    "1, 2",
    "3600",
    "1" + "0" * 30,
    "9" * 5000,
    "inf",
    "nan",
    "\xb2",
    "Thu, 01 Jan 1970 00:00:00 GMT",
    "Fri, 31 Dec 9999 23:59:59 GMT",
    "Fri, 31 Dec 99999 23:59:59 GMT",
    "Thu, 32 Foo 2030 25:61:61 GMT",
)
RATE_LIMITED = rate_limited()
RATE_LIMITS = (RATE_LIMITED, *(rate_limited(value) for value in RETRY_AFTERS))

MALFORMED_400: dict[str, Any] = {"expect": Outcome.REJECTED, "exits": (6, 8)}
REJECTIONS = (
    invalid("one-field", {"key": ["has already been taken"]}),
    invalid("two-fields", {"key": ["can't be blank", "is invalid"], "name": ["can't be blank"]}),
    invalid("string-for-list", {"name": "can't be blank"}),
    invalid("string", "can't be blank"),
    invalid("list", ["can't be blank", {"name": "is invalid"}]),
    invalid("nested", {"user": {"name": ["can't be blank"], "keys": [{"key": ["is invalid"]}]}}),
    invalid("number", 7),
    invalid("null", None),
    invalid("bool", True),  # noqa: FBT003 - the shape itself
    invalid("empty-object", {}),
    invalid("empty-list", {"name": []}),
    invalid("null-message", {"name": [None, 7, True]}),
    invalid("empty-name", {"": ["is invalid"]}),
    invalid("escapes", {"na\x1b[31mme\n": ["can't\x1b]52;c;AAAA\x07 be\u202e blank\n"]}),
    invalid("many", {f"field_{number}": ["is invalid"] * 10 for number in range(1000)}),
    canned("400-without-errors", answer_json(400, {"detail": "no"}), **MALFORMED_400),
    canned("400-array", answer_json(400, ["no"]), **MALFORMED_400),
    canned("400-not-json", Answer(400, (JSON_TYPE,), b'{"errors": '), **MALFORMED_400),
    canned("400-html", Answer(400, (HTML_TYPE,), PAGE), **MALFORMED_400),
    canned("400-empty", Answer(400), **MALFORMED_400),
    rejected(401, 4),
    canned("401-empty", Answer(401), Outcome.REJECTED, exits=(4,)),
    rejected(403, 4),
    rejected(404, 5),
    canned("404-empty", Answer(404), Outcome.REJECTED, exits=(5,)),
    canned("404-html", Answer(404, (HTML_TYPE,), PAGE), Outcome.REJECTED, exits=(8,)),
    rejected(402),
    rejected(405),
    rejected(407),
    rejected(409, 6),
    rejected(410),
    rejected(413),
    rejected(415),
    rejected(TEAPOT),
    rejected(422, 6),
    rejected(425),
    rejected(451),
)
UNAVAILABLE = failed(503)
FAILURES = (
    failed(408),
    *(failed(status) for status in (500, 501, 502)),
    UNAVAILABLE,
    failed(503, ("Retry-After", "1")),
    failed(503, ("Retry-After", "3600")),
    *(failed(status) for status in (504, 520, 599, 999)),
    canned("status-502-html", Answer(502, (HTML_TYPE,), PAGE)),
    canned("status-101", Answer(101, (("Upgrade", "websocket"),)), exits=(8, 9)),
)
ODD_SUCCESSES = (
    Fault("status-202", partial(restatused, 202), complete=True),
    # The object that comes with it may well convince a client that this was done.
    *(
        Fault(
            f"status-{status}",
            partial(restatused, status),
            also=(Outcome.ACKNOWLEDGED,),
            complete=True,
            operations=RETURNING,
        )
        for status in (203, 206, 299)
    ),
    Fault("status-205", partial(bodiless, 205), also=(Outcome.ACKNOWLEDGED,), complete=True),
    Fault(
        "204-without-body",
        partial(bodiless, 204),
        Outcome.ACKNOWLEDGED,
        complete=True,
        operations=RETURNING,
    ),
    Fault("200-html", partial(page, 200), complete=True),
    Fault("201-html", partial(page, 201), complete=True, operations=RETURNING),
    canned("200-with-errors", answer_json(200, {"errors": {"key": ["no"]}}), Outcome.CONTRADICTED),
    Fault("200-as-201", partial(restatused, 201), Outcome.DONE, operations=answered_with(200)),
    Fault("201-as-200", partial(restatused, 200), Outcome.DONE, operations=answered_with(201)),
    Fault("204-as-200", partial(bodiless, 200), Outcome.DONE, operations=answered_with(204)),
)
STATUSES = (*FAILURES, *ODD_SUCCESSES)
