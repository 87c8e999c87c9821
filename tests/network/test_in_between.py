"""What stands between people and the backend: proxies, firewalls, portals, name servers, CAs."""

import json
import shlex
import socket
import ssl
import subprocess
import time
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest

from kabelwerk_cli import errors
from kabelwerk_cli.delivery.sender import Limits, Sender, Tools
from kabelwerk_cli.errors import Applied
from kabelwerk_cli.network.transport import NetworkTransport
from kabelwerk_cli.network.trust import trust_in_force
from kabelwerk_cli.network.url import parse_address
from kabelwerk_cli.operations import calls
from tests.faultserver import (
    GZIP,
    PAGE,
    Answer,
    Authority,
    Fault,
    FaultyServer,
    Outcome,
    Step,
    canned,
)
from tests.operations import CALLS
from tests.shell import TOKEN, Shell

HTML = (("Content-Type", "text/html"),)
UPDATE = CALLS["update"].line
POST = CALLS["message"].line


def announced(exchange, *, lines):
    exchange.wire.send(b"".join(line + b"\r\nLink: </style.css>\r\n\r\n" for line in lines))
    return exchange.send_honest()


HINTS = (b"HTTP/1.1 103 Early Hints", b"HTTP/1.1 102 Processing", b"HTTP/1.1 100 Continue")


@pytest.mark.parametrize("operation", ["message", "create", "delete"])
def test_answers_that_announce_another_one_are_skipped(shell: Shell, operation: str) -> None:
    hints = Fault("hints", partial(announced, lines=HINTS * 3), Outcome.DONE, complete=True)
    with FaultyServer([Step(hints)]) as server:
        ran = shell.configured(server).run(*CALLS[operation].line, "-o", "json", "--yes")
        assert server.attempts == ["hints"]
    assert (ran.code, ran.err) == (0, "")


def test_another_protocol_is_none_of_the_api(shell: Shell) -> None:
    lines = [b"HTTP/1.1 101 Switching Protocols"]
    fault = Fault("switching", partial(announced, lines=lines), complete=True)
    with FaultyServer([Step(fault)]) as server:
        ran = shell.configured(server).run(*POST)
    assert ran.code == 8
    assert "the server answered 101 Switching Protocols" in ran.err


def call(url, **limits):
    transport = NetworkTransport(parse_address(url))
    tools = Tools(sleep=lambda _: None)
    sender = Sender(transport, token=TOKEN, limits=Limits(retries=0, **limits), tools=tools)
    try:
        return sender.send(calls.update_user(key="kusanagi", name="Motoko"))
    except errors.KabelwerkError as error:
        return error
    finally:
        transport.close()


@pytest.fixture
def slow_name_server(monkeypatch):
    look_up = socket.getaddrinfo

    def slow(*args, **options):
        time.sleep(0.7)
        return look_up(*args, **options)

    monkeypatch.setattr(socket, "getaddrinfo", slow)


@pytest.mark.usefixtures("slow_name_server")
def test_a_look_up_may_take_longer_than_connecting():
    with FaultyServer() as server:
        end = call(server.url, connect=0.4, timeout=20)
    assert end.report.applied is Applied.YES


@pytest.mark.usefixtures("slow_name_server")
@pytest.mark.parametrize(
    ("limits", "after"),
    [({"timeout": 0.3}, "0.3 s"), ({"max_time": 0.2}, "0.2 s for the whole call")],
)
def test_a_look_up_that_takes_too_long_is_told_with_its_limit(limits, after):
    with FaultyServer() as server:
        end = call(server.url, **limits)
        assert server.connections == 0
    assert type(end) is errors.ConnectionError
    assert f"not sent: timed out looking up the host name after {after} (" in str(end)


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY"])
@pytest.mark.parametrize("scheme", ["socks5h", "SOCKS4"])
def test_a_socks_proxy_is_refused_by_the_name_of_its_variable(
    shell: Shell, name: str, scheme: str
) -> None:
    proxy = {name: f"{scheme}://batou:pass-word@127.0.0.1:1080"}
    there = shell.configured("https://kabelwerk.example", **proxy)
    for args in (UPDATE, ("doctor",), ("users", "delete", "--from", "users.csv", "--yes")):
        (shell.home / "users.csv").write_text("key\nkusanagi\n")
        ran = there.run(*args, "-o", "json")
        error = json.loads(ran.err.splitlines()[-1])["error"]
        assert (ran.code, error["type"], error["applied"]) == (3, "ConfigurationError", "no")
        assert f"{name} names a SOCKS proxy, which is not supported" in error["message"]
        assert "pass-word" not in ran.err


@pytest.mark.parametrize("variable", ["SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"])
def test_a_ca_of_the_environment_is_trusted_and_shown(
    shell: Shell, authority: Authority, ca_file: Path, variable: str
) -> None:
    with FaultyServer(tls=authority.right()) as server:
        there = shell.configured(server, **{variable: str(ca_file)})
        assert there.run(*UPDATE).code == 0
        assert f"'{variable}'" not in there.run("doctor").err
    settings = json.loads(there.run("config", "show", "-o", "json").out)
    assert {"setting": "ca_file", "value": str(ca_file), "origin": f"environment {variable}"} in (
        settings
    )


def test_the_error_names_the_certificates_in_force_and_what_chose_them(
    shell: Shell, authority: Authority, ca_file: Path, tmp_path: Path
) -> None:
    other = str(Authority().write(tmp_path))
    variables = {"SSL_CERT_FILE": other, "REQUESTS_CA_BUNDLE": str(ca_file)}
    with FaultyServer(tls=authority.right()) as server:
        there = shell.configured(server, **variables)
        ran = there.run(*UPDATE)
        assert ran.code == 3
        assert f"'{other}' (environment SSL_CERT_FILE)" in ran.err
        assert there.run(*UPDATE, "--ca-file", str(ca_file)).code == 0
        ran = shell.configured(server).run(*UPDATE)
        assert (ran.code, server.requests[1:]) == (3, [])
        trust = trust_in_force()
        assert f"The CA certificates in force are those of {trust}." in ran.err
    missing = shell.configured("https://127.0.0.1:9", SSL_CERT_FILE="missing.pem").run(*UPDATE)
    assert missing.code == 3
    assert "'missing.pem' (environment SSL_CERT_FILE): No such file" in missing.err


@pytest.mark.parametrize("kind", ["cafile", "capath"])
def test_the_store_of_the_system_is_trusted_where_it_has_one(
    monkeypatch, authority: Authority, ca_file: Path, tmp_path: Path, kind: str
) -> None:
    """As curl and git do: a company's CA is installed there."""
    folder = tmp_path / "certs"
    folder.mkdir()
    if kind == "capath":
        name = subprocess.run(
            ["openssl", "x509", "-hash", "-noout", "-in", ca_file],
            capture_output=True,
            text=True,
            check=True,
        ).stdout.strip()
        (folder / f"{name}.0").write_bytes(ca_file.read_bytes())
    paths = SimpleNamespace(
        openssl_cafile=str(ca_file if kind == "cafile" else tmp_path / "missing"),
        openssl_capath=str(folder),
    )
    monkeypatch.setattr(ssl, "get_default_verify_paths", lambda: paths)
    with FaultyServer(tls=authority.right()) as server:
        assert call(server.url).report.applied is Applied.YES


def test_the_keys_of_connections_are_not_written_anywhere(
    shell: Shell, authority: Authority, ca_file: Path
) -> None:
    keys = shell.home / "keys"
    with FaultyServer(tls=authority.right()) as server:
        there = shell.configured(server, SSLKEYLOGFILE=str(keys), KABELWERK_CA_FILE=str(ca_file))
        assert there.run(*UPDATE).code == 0
        assert there.run("doctor").code == 0
    assert not keys.exists()


def test_a_token_in_a_redirect_is_hidden_however_it_is_encoded(shell: Shell) -> None:
    encoded = "".join(f"%{ord(c):02X}" if n % 2 else c for n, c in enumerate(TOKEN))
    location = f"/login?t={encoded}&u={encoded.lower()}&all=" + "".join(
        f"%{ord(c):02x}" for c in TOKEN
    )
    with FaultyServer([Step(canned("redirect", Answer(302, (("Location", location),))))]) as server:
        ran = shell.configured(server).run(*UPDATE, "-vv")
    assert ran.code == 8
    assert "/login?t=[token]&u=[token]&all=[token]" in ran.err


def test_a_login_page_is_not_a_backend(shell: Shell) -> None:
    portal = canned("portal", Answer(200, HTML, PAGE))
    with FaultyServer([Step(portal)]) as server:
        ran = shell.configured(server).run(*POST)
    assert ran.code == 8
    assert "answered 200 OK with a page that is not from the API" in ran.err
    assert "This is probably not a Kabelwerk backend; check the URL" in ran.err
    assert "not valid JSON" not in ran.err


FIREWALL = canned("firewall", Answer(403, HTML, PAGE), Outcome.REJECTED)


def test_a_page_with_403_is_not_about_the_token(shell: Shell) -> None:
    with FaultyServer([Step(FIREWALL)]) as server:
        ran = shell.configured(server).run(*POST, "-o", "json")
    error = json.loads(ran.err)["error"]
    assert (ran.code, error["type"], error["applied"]) == (8, "ServerError", "no")
    assert (
        "with a page that is not from the API. Something between here and the backend"
        in (error["message"])
    )


def test_a_firewall_that_dislikes_one_text_fails_that_row_only(shell: Shell) -> None:
    (shell.home / "m.csv").write_text("room,text\nkusanagi,one\nkusanagi2,two\nkusanagi3,three\n")
    path = "/api/hubs/_/rooms/kusanagi2/messages"
    with FaultyServer([Step(FIREWALL, path=path)]) as server:
        args = ("messages", "post", "--from", "m.csv", "--user", "batou", "--yes", "-o", "jsonl")
        ran = shell.configured(server).run(*args, "--concurrency", "1")
        assert len(server.requests) == 3
    rows = [json.loads(line) for line in ran.out.splitlines()]
    assert [row["error"] and row["error"]["exit_code"] for row in rows][1] == 8
    assert [row["outcome"] for row in rows][:2] == ["posted", "failed"]


def test_ten_pages_of_a_firewall_in_a_row_stop_the_run(shell: Shell) -> None:
    rows = "".join(f"u{n},Name\n" for n in range(30))
    (shell.home / "users.csv").write_text(f"key,name\n{rows}")
    with FaultyServer([Step(FIREWALL)]) as server:
        args = ("users", "create", "--from", "users.csv", "--concurrency", "1")
        ran = shell.configured(server).run(*args)
        assert len(server.requests) == 10
    assert ran.code == 8  # nothing was applied


def test_a_box_that_packs_every_answer_hides_no_missing_user(shell: Shell) -> None:
    line = ("users", "ensure", "--key", "new", "--name", "New", "--retries", "0")
    with FaultyServer([Step(GZIP, applied=True)]) as server:
        ran = shell.configured(server).run(*line)
        assert server.model.users["new"].name == "New"
    assert ran.code == 8
    assert "its body has the encoding gzip, which was not requested" in ran.err
    assert "check the URL" not in ran.err


CURL = """#!/bin/sh
printf '%s\\n' "$@" > words
for last; do :; done
[ "$last" = @- ] && cat > body || printf %s "$last" > body
"""


@pytest.mark.parametrize("length", [10, 300_000])
def test_a_dry_run_adds_nothing_to_the_body(shell: Shell, length: int) -> None:
    text = "it's 100%\\n \u00fc" + "x" * length
    ran = shell.with_(KABELWERK_URL="sandbox:").run(
        "messages",
        "post",
        "--room",
        "r",
        "--user",
        "u",
        "--text-file",
        "-",
        "--dry-run",
        stdin=text.encode(),
    )
    (shell.home / "curl").write_text(CURL)
    (shell.home / "curl").chmod(0o755)
    (shell.home / "line.sh").write_text(ran.out)
    environment = {"PATH": f"{shell.home}:/usr/bin:/bin", "KABELWERK_API_TOKEN": TOKEN}
    subprocess.run(["sh", "line.sh"], cwd=shell.home, env=environment, check=True)
    body = (shell.home / "body").read_bytes()
    assert json.loads(body)["text"] == text
    assert not body.endswith(b"\n")
    assert shlex.split(ran.out)
