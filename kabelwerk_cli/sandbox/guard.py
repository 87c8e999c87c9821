"""A guard in front of the server, so that no web page can use it.

A web page on any site can make the browser send requests to this machine, and with DNS rebinding
even read the answers. Such requests never reach the app: they name another host or origin, or have
a body that a browser sends without asking first.
"""

import json
import re
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

App = Callable[..., Iterable[bytes]]

_HOST = re.compile(r"(?:localhost|127(?:\.[0-9]{1,3}){3}|\[::1\])(?::([0-9]{1,5}))?", re.IGNORECASE)
_HTTP_PORT = "80"
_FETCH_SITES = frozenset({"", "none", "same-origin"})
_NO_BODY = frozenset({"", "0"})


class _Refusal(NamedTuple):
    status: str
    reason: str


_HOST_REFUSED = _Refusal(
    "421 Misdirected Request", "The Host header must be a loopback address with this port."
)
_ORIGIN_REFUSED = _Refusal("403 Forbidden", "Web pages of other origins cannot use the sandbox.")
_METHOD_REFUSED = _Refusal("405 Method Not Allowed", "The sandbox does not support CORS.")
_TYPE_REFUSED = _Refusal(
    "415 Unsupported Media Type", "The Content-Type of a body must be application/json."
)


class Guard:
    """A WSGI app that passes to `app` only what does not come from a foreign web page."""

    def __init__(self, app: App) -> None:
        self._app = app

    def __call__(self, request: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        """Answer a request, or let the app do so."""
        refusal = _refusal(request)
        if refusal is None:
            return self._app(request, start_response)
        body = json.dumps({"errors": {"detail": refusal.reason}}).encode()
        headers = [("Content-Type", "application/json"), ("Content-Length", str(len(body)))]
        start_response(refusal.status, headers)
        return [body]


def _refusal(request: dict[str, Any]) -> _Refusal | None:
    def header(name: str) -> str:
        # the server joins a header that is sent twice by a comma, so that it matches nothing
        return str(request.get(name, "")).strip().lower()

    host = header("HTTP_HOST")
    named = _HOST.fullmatch(host)
    if not named or (named[1] or _HTTP_PORT) != request["SERVER_PORT"]:
        return _HOST_REFUSED
    if "HTTP_ORIGIN" in request and header("HTTP_ORIGIN") != f"http://{host}":
        return _ORIGIN_REFUSED
    if header("HTTP_SEC_FETCH_SITE") not in _FETCH_SITES:
        return _ORIGIN_REFUSED
    if request["REQUEST_METHOD"] == "OPTIONS":
        return _METHOD_REFUSED
    if header("CONTENT_LENGTH") in _NO_BODY:
        return None
    media_type = header("CONTENT_TYPE").partition(";")[0].strip()
    return None if media_type == "application/json" else _TYPE_REFUSED
