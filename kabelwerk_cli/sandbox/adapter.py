"""Calling a WSGI app in this process, without a server or a socket."""

import io
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import unquote_to_bytes
from wsgiref.util import setup_testing_defaults

App = Callable[..., Iterable[bytes]]


def send(
    app: App, method: str, target: str, headers: Mapping[str, str], body: bytes | None
) -> tuple[int, list[tuple[str, str]], bytes]:
    """Send a request and return the status, headers and body of the response.

    Args:
        app: the WSGI app.
        method: the HTTP method.
        target: the percent-encoded path, such as `/api/users/a%2Fb`.
        headers: the request's headers.
        body: the request's body.
    """
    started: list[Any] = []

    def start_response(
        status: str, answered: list[tuple[str, str]], exc_info: object = None
    ) -> None:
        del exc_info  # there is no server log
        started[:] = [int(status.split(maxsplit=1)[0]), answered]

    answer = app(_environ(method, target, headers, body or b""), start_response)
    try:
        content = b"".join(answer)
    finally:
        if hasattr(answer, "close"):
            answer.close()
    status, answered = started
    return status, answered, content


def _environ(method: str, target: str, headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
    """Return what a server would pass to the app (PEP 3333)."""
    path, _, query = target.partition("?")
    environ: dict[str, Any] = {
        f"HTTP_{name.upper().replace('-', '_')}": value for name, value in headers.items()
    }
    environ |= {
        "REQUEST_METHOD": method,
        "REQUEST_URI": target,
        "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
        "QUERY_STRING": query,
        "CONTENT_TYPE": environ.pop("HTTP_CONTENT_TYPE", ""),
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.input": io.BytesIO(body),
    }
    setup_testing_defaults(environ)
    return environ
