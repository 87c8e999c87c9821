"""Calls a WSGI app inside this process, without a server or a socket."""

import io
import sys
from collections.abc import Callable, Iterable, Mapping
from typing import Any
from urllib.parse import unquote_to_bytes

App = Callable[..., Iterable[bytes]]


class InProcess:
    """A client of one WSGI app.

    Args:
        app: the app.
    """

    def __init__(self, app: App) -> None:
        self._app = app

    def send(
        self, method: str, target: str, headers: Mapping[str, str], body: bytes | None
    ) -> tuple[int, list[tuple[str, str]], bytes]:
        """Make a request and return status, headers and body of the answer.

        Args:
            method: the HTTP method.
            target: the path, percent-encoded, such as `/api/users/a%2Fb`.
            headers: the request's headers.
            body: the request's body.
        """
        started: list[Any] = []

        def start_response(
            status: str, answered: list[tuple[str, str]], exc_info: object = None
        ) -> None:
            del exc_info  # of no use without a server's log
            started[:] = [int(status.split(maxsplit=1)[0]), answered]

        answer = self._app(_environ(method, target, headers, body or b""), start_response)
        try:
            content = b"".join(answer)
        finally:
            if hasattr(answer, "close"):
                answer.close()
        status, answered = started
        return status, answered, content


def _environ(method: str, target: str, headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
    """Return what a server would hand to the app (PEP 3333)."""
    path, _, query = target.partition("?")
    environ = {
        "REQUEST_METHOD": method,
        "REQUEST_URI": target,
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(path).decode("latin-1"),
        "QUERY_STRING": query,
        "SERVER_NAME": "localhost",
        "SERVER_PORT": "80",
        "SERVER_PROTOCOL": "HTTP/1.1",
        "REMOTE_ADDR": "127.0.0.1",
        "CONTENT_LENGTH": str(len(body)),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": "http",
        "wsgi.input": io.BytesIO(body),
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": False,
        "wsgi.multiprocess": False,
        "wsgi.run_once": False,
    }
    for name, value in headers.items():
        key = name.upper().replace("-", "_")
        environ["CONTENT_TYPE" if key == "CONTENT_TYPE" else f"HTTP_{key}"] = value
    return environ
