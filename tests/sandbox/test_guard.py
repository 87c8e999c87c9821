"""No web page can use a served sandbox: raw requests of browsers, and what they change."""

import contextlib
import json
import socket
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from tests.shell import TOKEN, Shell

BODY = b'{"key": "batou", "name": "Batou"}'
JSON = "Content-Type: application/json"
HOST = "Host: 127.0.0.1:PORT"
CREATE, DELETE = "POST /api/users", "DELETE /api/users/kusanagi"
EVIL = "Origin: https://evil.example"

# (request, its headers, status): each would change something if it reached the API
REFUSED = [
    # a name that now resolves to this machine (DNS rebinding), or no name
    *(
        (CREATE, (JSON, *hosts), 421)
        for hosts in (
            ("Host: evil.example:PORT",),
            ("Host: evil.example",),
            ("Host: localhost.evil.example:PORT",),
            ("Host: evil.example#@127.0.0.1:PORT",),
            ("Host: 127.0.0.1.evil.example:PORT",),
            ("Host: 128.0.0.1:PORT",),
            ("Host: 0.0.0.0:PORT",),
            ("Host: [::2]:PORT",),
            ("Host: 127.0.0.1:1",),
            ("Host: 127.0.0.1",),
            ("Host: 127.0.0.1:0PORT",),
            ("Host: localhost:PORT, evil.example",),
            ("Host:",),
            (),
            ("Host: evil.example:PORT", HOST),
            (HOST, "Host: evil.example:PORT"),
            (HOST, HOST),
            ("X-Forwarded-Host: 127.0.0.1:PORT", "Host: evil.example"),
        )
    ),
    (DELETE, ("Host: evil.example:PORT",), 421),
    # another site's page
    *(
        (request, (HOST, JSON, origin), 403)
        for request in (CREATE, DELETE)
        for origin in (
            EVIL,
            "Origin: null",
            "Origin:",
            "Origin: http://127.0.0.1",
            "Origin: http://127.0.0.1:1",
            "Origin: https://127.0.0.1:PORT",
            "Origin: http://localhost:PORT",
            "Origin: http://127.0.0.1:PORT.evil.example",
            "Origin: http://127.0.0.1:PORT, https://evil.example",
        )
    ),
    # a body that browsers send to any site, without asking the site first
    *(
        (CREATE, (HOST, *kind), 415)
        for kind in (
            ("Content-Type: text/plain",),
            ("Content-Type: text/plain; charset=utf-8",),
            ("Content-Type: text/plain; a=application/json",),
            ("Content-Type: application/x-www-form-urlencoded",),
            ("Content-Type: multipart/form-data; boundary=b",),
            ("Content-Type: application/jsonp",),
            ("Content-Type:",),
            (JSON, "Content-Type: text/plain"),
            (),
        )
    ),
    # asking first
    ("OPTIONS /api/users", (HOST, EVIL, "Access-Control-Request-Method: POST"), 403),
    # what shows data is guarded too
    ("GET /", ("Host: evil.example:PORT",), 421),
    ("GET /", (HOST, EVIL), 403),
]
ACCEPTED = [
    (HOST, JSON),
    ("host: LOCALHOST:PORT", "content-type: Application/JSON; charset=utf-8"),
    ("Host: [::1]:PORT", JSON),
    ("Host: 127.8.9.10:PORT", JSON),
    (HOST, JSON, "Origin: http://127.0.0.1:PORT", "Sec-Fetch-Site: same-origin"),
    ("Host: localhost:PORT", JSON, "Origin: http://localhost:PORT"),
    (HOST, JSON, "Sec-Fetch-Site: none"),
]


def said(shell: Shell, request: str, headers: tuple[str, ...]) -> tuple[int, bytes]:
    """Send a request with exactly these headers; return the status, and all that was answered."""
    port = urlsplit(shell.environment["KABELWERK_URL"]).port
    body = b"" if request.startswith(("GET", "OPTIONS", "DELETE")) else BODY
    lines = (f"{request} HTTP/1.1", *headers, f"Kabelwerk-Token: {TOKEN}", "Connection: close")
    head = "\r\n".join((*lines, f"Content-Length: {len(body)}", "", "")).replace("PORT", str(port))
    with socket.create_connection(("127.0.0.1", port), timeout=20) as client:
        client.sendall(head.encode() + body)
        answer = client.makefile("rb").read()
    return int(answer.split()[1]), answer


def content(path: Path) -> list[str]:
    with contextlib.closing(sqlite3.connect(path)) as db:
        return [line for line in db.iterdump() if not line.startswith('INSERT INTO "requests"')]


def test_a_web_page_cannot_use_it(serving: Callable[..., Any], tmp_path: Path) -> None:
    path = tmp_path / "guarded.db"
    with serving("--db", str(path), "--token", TOKEN) as shell:
        assert shell.run("users", "create", "--key", "kusanagi", "--name", "Motoko").code == 0
        before = content(path)
        for request, headers, status in REFUSED:
            code, answer = said(shell, request, headers)
            assert code == status, (request, headers)
            head, _, body = answer.partition(b"\r\n\r\n")
            assert json.loads(body)["errors"]["detail"]
            assert b"access-control" not in head.lower()
        assert content(path) == before
        for headers in ACCEPTED:
            code, answer = said(shell, CREATE, headers)
            assert code == 201, headers
            assert b"access-control" not in answer.lower()
            assert said(shell, "DELETE /api/users/batou", headers)[0] == 204
