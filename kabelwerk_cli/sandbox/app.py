"""The HTTP API of a Kabelwerk backend: the five calls (reference: wire-protocol)."""

import hmac
import json
import os
import re
from typing import Any
from urllib.parse import unquote_to_bytes

import falcon

from . import validation
from .faults import RESET, TIMEOUT, FaultInjector, Struck, Unanswered
from .markup import escape, to_html
from .recorder import FAULT
from .store import Invalid, Missing, Store
from .tables import as_answer
from .validation import Check

BODY_LIMIT = 1024 * 1024
"""The longest request body, in bytes."""
_REQUEST_ID = re.compile(r"[\x21-\x7e]{20,200}")


def create_app(
    store: Store, *, token: str | None = None, injector: FaultInjector | None = None
) -> falcon.App[falcon.Request, falcon.Response]:
    """Return the WSGI app.

    Args:
        store: the data.
        token: the only API token to accept; None to accept any token, or none.
        injector: delays and random failures.
    """
    app, calls = falcon.App(), _Calls(store)
    app.add_middleware(_RawPath())
    app.add_middleware(_Door(token, injector))
    for suffix, path in _PATHS.items():
        app.add_route(path, calls, suffix=suffix)
    app.set_error_serializer(_serialize_error)
    app.add_error_handler(Missing, _say_missing)
    app.add_error_handler(Invalid, _say_invalid)
    app.add_error_handler(Exception, _say_broken)
    app.add_error_handler(Unanswered, _pass_on)
    return app


class _RawPath:
    """Routes by the path as sent; in the path of WSGI, `%2F` is already a slash."""

    def process_request(self, req: falcon.Request, _: falcon.Response) -> None:
        req.path = req.env["REQUEST_URI"].partition("?")[0]

    def process_resource(
        self, _: falcon.Request, __: falcon.Response, ___: object, params: dict[str, Any]
    ) -> None:
        for name, segment in params.items():
            try:
                params[name] = unquote_to_bytes(segment).decode()
            except UnicodeDecodeError:
                raise falcon.HTTPNotFound from None


class _Door:
    """Checks the token, and causes delays and failures."""

    def __init__(self, token: str | None, injector: FaultInjector | None) -> None:
        self._token = token
        self._injector = injector

    def process_request(self, req: falcon.Request, resp: falcon.Response) -> None:
        asked = req.get_header("X-Request-Id") or ""
        request_id = asked if _REQUEST_ID.fullmatch(asked) else os.urandom(16).hex()
        resp.set_header("X-Request-Id", request_id)
        if self._token is not None:
            given = req.get_header("Kabelwerk-Token") or ""
            if not hmac.compare_digest(given.encode(), self._token.encode()):
                raise falcon.HTTPUnauthorized
        if self._injector and (struck := self._injector.draw()):
            self._play(struck, req)

    @staticmethod
    def _play(struck: Struck, req: falcon.Request) -> None:
        kind, _, wait = struck.fault
        req.env[FAULT] = str(kind)
        if isinstance(kind, int):
            raise falcon.HTTPError(
                kind, headers=None if wait is None else {"Retry-After": str(wait)}
            )
        unanswered = Unanswered(reset=kind == RESET)
        req.env[FAULT] = f"{kind} before processing"
        if not struck.applied:
            raise unanswered
        req.context.unanswered = unanswered

    def process_response(self, req: falcon.Request, resp: falcon.Response, *_: object) -> None:
        if unanswered := req.context.get("unanswered"):
            kind = RESET if unanswered.reset else TIMEOUT
            req.env[FAULT] = f"{kind} instead of {str(resp.status)[:3]}"
            raise unanswered


_PATHS = {
    "users": "/api/users",
    "user": "/api/users/{key}",
    "room": "/api/hubs/{hub}/rooms/{room}",
    "messages": "/api/hubs/{hub}/rooms/{room}/messages",
}


class _Calls:
    """What answers each call, once its path is routed: `on_METHOD_SUFFIX`."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def on_post_users(self, req: falcon.Request, resp: falcon.Response) -> None:
        checks = {
            "key": validation.key,
            "name": validation.text,
            "hub": validation.optional(validation.key),
        }
        body = _checked(req, checks)
        user = self._store.create_user(key=body["key"], name=body["name"], hub=body["hub"])
        _answer(resp, falcon.HTTP_201, as_answer(user))

    def on_patch_user(self, req: falcon.Request, resp: falcon.Response, key: str) -> None:
        body = _checked(req, {"name": validation.text})
        _answer(
            resp, falcon.HTTP_200, as_answer(self._store.update_user(key=key, name=body["name"]))
        )

    def on_delete_user(self, _: falcon.Request, resp: falcon.Response, key: str) -> None:
        self._store.delete_user(key=key)
        resp.status = falcon.HTTP_204

    def on_patch_room(
        self, req: falcon.Request, resp: falcon.Response, hub: str, room: str
    ) -> None:
        changes = _checked(req, _ROOM_CHECKS, partly=True)
        changed = self._store.update_room(hub=hub, room=room, changes=changes)
        _answer(resp, falcon.HTTP_200, as_answer(changed))

    def on_post_messages(
        self, req: falcon.Request, resp: falcon.Response, hub: str, room: str
    ) -> None:
        body = _checked(req, {"text": validation.text, "user": validation.key})
        message = self._store.post_message(
            hub=hub,
            room=room,
            user=body["user"],
            text=escape(body["text"]),
            html=to_html(body["text"]),
        )
        _answer(resp, falcon.HTTP_201, as_answer(message))


_ROOM_CHECKS: dict[str, Check] = {
    "archived": validation.boolean,
    "attributes": validation.json_object,
    "hub_user": validation.optional(validation.key),
}


def _checked(
    req: falcon.Request, checks: dict[str, Check], *, partly: bool = False
) -> dict[str, Any]:
    """Return the members of the body that are checked; with `partly`, those that are there."""
    body = _json_body(req)
    checks = {name: check for name, check in checks.items() if not partly or name in body}
    if errors := validation.errors(body, checks):
        raise _Refused(errors)
    return {name: body.get(name) for name in checks}


class _Refused(falcon.HTTPError):
    def __init__(self, errors: validation.Errors) -> None:
        super().__init__(falcon.HTTP_400)
        self.errors = errors


def _json_body(req: falcon.Request) -> dict[str, Any]:
    # Web pages of other sites can send other types without asking the sandbox first.
    if (req.content_type or "").partition(";")[0].strip().lower() != falcon.MEDIA_JSON:
        raise falcon.HTTPUnsupportedMediaType
    if (req.content_length or 0) > BODY_LIMIT:
        raise falcon.HTTPContentTooLarge
    content = req.bounded_stream.read(BODY_LIMIT + 1)
    if len(content) > BODY_LIMIT:
        raise falcon.HTTPContentTooLarge
    try:
        body = json.loads(content.decode(), parse_constant=_no_constant)
    except (ValueError, RecursionError):
        raise falcon.HTTPBadRequest from None
    if not isinstance(body, dict):
        raise falcon.HTTPBadRequest
    return body


def _no_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")


def _answer(resp: falcon.Response, status: str | int, body: Any) -> None:
    resp.status = status
    resp.content_type = falcon.MEDIA_JSON
    # ASCII: JSON can escape lone surrogates, which UTF-8 cannot encode
    resp.data = json.dumps(body).encode()


def _serialize_error(_: falcon.Request, resp: falcon.Response, error: falcon.HTTPError) -> None:
    errors = error.errors if isinstance(error, _Refused) else {"detail": error.title}
    _answer(resp, resp.status, {"errors": errors})


def _say_missing(_: falcon.Request, __: falcon.Response, ___: Missing, ____: object) -> None:
    raise falcon.HTTPNotFound


def _say_invalid(_: falcon.Request, __: falcon.Response, error: Invalid, ___: object) -> None:
    raise _Refused(error.errors)


def _pass_on(_: falcon.Request, __: falcon.Response, error: Unanswered, ___: object) -> None:
    raise error


def _say_broken(_: falcon.Request, resp: falcon.Response, __: Exception, ___: object) -> None:
    _answer(resp, falcon.HTTP_500, {"errors": {"detail": "Internal Server Error"}})
