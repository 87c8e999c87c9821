"""A 200 or 201 whose JSON is not quite, or not at all, what was asked for.

Where an object of the API lacks something, the server did act, and the client has to say so. Where
it shows something else than was asked, nobody can tell what the server did.
"""

import json
from collections.abc import Callable
from functools import partial
from typing import Any

from tests.model.endpoints import JSON_TYPE, Answer

from .fault import RETURNING, Exchange, Fault, Outcome, calls_that

USERS = calls_that(lambda call: call.request.record == "User")
ROOMS = calls_that(lambda call: call.request.record == "Room")
MESSAGES = calls_that(lambda call: call.request.record == "Message")
NAMING = calls_that(lambda call: "name" in call.given)
ARCHIVING = calls_that(lambda call: "archived" in call.given)
DEPTH = 100_000
MANY_DIGITS = 5_000  # more than Python turns into an int by itself


def edited(change: Callable[[dict[str, Any]], object], exchange: Exchange) -> bool:
    """The honest answer with something changed, under its own status."""
    if exchange.answer.status not in {200, 201}:
        return exchange.send_honest()  # an error has no such field
    value = json.loads(exchange.answer.body)
    change(value)
    body = json.dumps(value).encode()
    return exchange.send_answer(exchange.answer._replace(body=body))


def put(**values: object) -> Callable[[dict[str, Any]], object]:
    return lambda value: value.update(values)


def drop(name: str) -> Callable[[dict[str, Any]], None]:
    return lambda value: value.__delitem__(name)


def flip_archived(value: dict[str, Any]) -> None:
    value["archived"] = not value["archived"]


def change_case(value: dict[str, Any]) -> None:
    value["name"] = value["name"].swapcase()


def other_key_inside(value: dict[str, Any]) -> None:
    value["user"] = {"id": 99, "key": "somebody-else", "name": "Somebody Else"}


def replaced(body: bytes, exchange: Exchange) -> bool:
    return exchange.send_answer(Answer(exchange.answer.status, (JSON_TYPE,), body))


def rewritten(change: Callable[[bytes], bytes], exchange: Exchange) -> bool:
    answer = exchange.answer
    return exchange.send_answer(answer._replace(body=change(answer.body)))


def prefixed(start: bytes) -> Callable[[bytes], bytes]:
    """The object with a member put before its first one."""
    return lambda body: b"{" + start + b", " + body[1:]


def not_as_promised(
    name: str,
    change: Callable[..., Any],
    operations: tuple[str, ...],
    also: tuple[Outcome, ...] = (),
) -> Fault:
    act = partial(edited, change)
    return Fault(name, act, Outcome.ACKNOWLEDGED, also, complete=True, operations=operations)


def not_as_asked(name: str, change: Callable[..., Any], operations: tuple[str, ...]) -> Fault:
    act = partial(edited, change)
    return Fault(name, act, Outcome.CONTRADICTED, complete=True, operations=operations)


def still_fine(name: str, change: Callable[..., Any], operations: tuple[str, ...]) -> Fault:
    act = partial(edited, change)
    return Fault(name, act, Outcome.DONE, complete=True, operations=operations)


def not_an_object(name: str, body: bytes) -> Fault:
    """JSON, but nothing of the API's: a client may take it for either."""
    also = (Outcome.ACKNOWLEDGED,)
    act = partial(replaced, body)
    return Fault(name, act, also=also, complete=True, operations=RETURNING)


def not_json(name: str, change: Callable[[bytes], bytes], *also: Outcome) -> Fault:
    """What a strict reader refuses; `also` says what a lenient one makes of it."""
    act = partial(rewritten, change)
    worlds = (True,) if Outcome.DONE in also else ()
    return Fault(name, act, also=also, complete=True, operations=RETURNING, worlds=worlds)


ID_MISSING = not_as_promised("id-missing", drop("id"), RETURNING)
OTHER_KEY = not_as_asked("other-key", put(key="somebody-else"), USERS)

MISTYPED = (
    ID_MISSING,
    not_as_promised("id-string", put(id="42"), RETURNING),
    not_as_promised("id-bool", put(id=True), RETURNING),
    not_as_promised("id-float", put(id=42.5), RETURNING),
    not_as_promised("id-null", put(id=None), RETURNING),
    not_as_promised("id-list", put(id=[42]), RETURNING),
    not_as_promised("id-nan", put(id=float("nan")), RETURNING, (Outcome.UNKNOWN,)),
    not_as_promised("key-missing", drop("key"), USERS),
    not_as_promised("key-int", put(key=42), USERS),
    not_as_promised("key-null", put(key=None), USERS),
    not_as_promised("name-missing", drop("name"), USERS),
    not_as_promised("name-list", put(name=["Motoko"]), USERS),
    not_as_promised("archived-missing", drop("archived"), ROOMS),
    not_as_promised("archived-yes", put(archived="yes"), ROOMS),
    not_as_promised("archived-int", put(archived=1), ROOMS),
    not_as_promised("attributes-list", put(attributes=[]), ROOMS),
    not_as_promised("attributes-string", put(attributes="{}"), ROOMS),
    not_as_promised("hub-user-list", put(hub_user=["batou"]), ROOMS),
    not_as_promised("hub-user-string", put(hub_user="batou"), ROOMS),
    not_as_promised("hub-user-without-key", put(hub_user={"id": 2}), ROOMS),
    not_as_promised("text-missing", drop("text"), MESSAGES),
    not_as_promised("text-int", put(text=42), MESSAGES),
    not_as_promised("user-list", put(user=[]), ROOMS),
    # a client may or may not find a message's author essential
    not_as_promised("author-list", put(user=[]), MESSAGES, (Outcome.DONE,)),
    Fault(
        "empty-object",
        partial(replaced, b"{}"),
        Outcome.ACKNOWLEDGED,
        complete=True,
        operations=RETURNING,
    ),
    Fault(
        "empty-body",
        partial(replaced, b""),
        Outcome.ACKNOWLEDGED,
        complete=True,
        operations=RETURNING,
    ),
)
# The right types, and not what was asked for. Flipped is wrong only where archiving was asked.
MISMATCHED = (
    OTHER_KEY,
    not_as_asked("other-name", put(name="Somebody Else"), NAMING),
    not_as_asked("other-case", change_case, NAMING),
    not_as_asked("other-text", put(text="something else"), MESSAGES),
    not_as_asked("archived-flipped", flip_archived, ARCHIVING),
    not_as_asked("room-of-another", other_key_inside, ROOMS),
    not_as_asked("message-of-another", other_key_inside, MESSAGES),
    not_as_asked("errors-beside-it", put(errors={"name": ["is invalid"]}), RETURNING),
)
NOT_OBJECTS = (
    not_an_object("json-array", b"[]"),
    not_an_object("json-array-of-objects", b'[{"id": 42}]'),
    not_an_object("json-null", b"null"),
    not_an_object("json-true", b"true"),
    not_an_object("json-number", b"42"),
    not_an_object("json-string", b'"ok"'),
)
NOT_JSON = (
    not_json("json-cut", lambda body: body[:-1]),
    not_json("json-twice", lambda body: body * 2),
    not_json("json-then-garbage", lambda body: body + b"\0\0"),
    not_json("json-single-quotes", lambda body: body.replace(b'"', b"'")),
    not_json("json-deep", prefixed(b'"deep": ' + b"[" * DEPTH + b"]" * DEPTH), Outcome.DONE),
    not_json("json-deep-array", lambda _: b"[" * DEPTH + b"]" * DEPTH, Outcome.ACKNOWLEDGED),
    not_json("json-deep-unclosed", lambda _: b'{"a":' * DEPTH),
    not_json("json-nan", prefixed(b'"nan": NaN'), Outcome.DONE),
    not_json("json-infinity", prefixed(b'"far": -Infinity'), Outcome.DONE),
    not_json("json-big-int", prefixed(b'"big": ' + b"9" * MANY_DIGITS), Outcome.DONE),
    not_json("json-twice-the-key", prefixed(b'"id": 7'), Outcome.DONE, Outcome.ACKNOWLEDGED),
    not_json("json-bom", lambda body: b"\xef\xbb\xbf" + body, Outcome.DONE),
    not_json("json-utf-16", lambda body: body.decode().encode("utf-16"), Outcome.DONE),
    not_json("json-utf-32", lambda body: body.decode().encode("utf-32"), Outcome.DONE),
    not_json("json-not-utf-8", prefixed(b'"odd": "\xff\xfe"')),
    not_json("json-with-control", prefixed(b'"odd": "\x1b[31m"')),
)
# Nothing essential is wrong with these: the call succeeded.
HARMLESS = (
    still_fine("unknown-field", put(shoe_size=42, lone="\ud800"), RETURNING),
    still_fine("id-big", put(id=10**30), RETURNING),
    still_fine("inserted-at-nonsense", put(inserted_at="yesterday"), MESSAGES),
    still_fine("inserted-at-null", put(inserted_at=None, updated_at=42), MESSAGES),
    still_fine("html-mistyped", put(html=42), MESSAGES),
    still_fine("author-gone", put(user=None), MESSAGES),
)
BODIES = (*MISTYPED, *MISMATCHED, *NOT_OBJECTS, *NOT_JSON, *HARMLESS)
