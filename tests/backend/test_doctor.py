"""doctor: each problem has its own exit code and fix, and checking changes nothing."""

import json
import re
import socket
import threading
from pathlib import Path

import pytest

from tests.faultserver import (
    FAULTS,
    NAME,
    PLAIN_ON_TLS,
    Authority,
    ConnectProxy,
    FaultyServer,
    Step,
    redirect,
    untrusted,
)
from tests.pseudo_terminal import Terminal
from tests.shell import TOKEN, Shell

CHECKS = ("settings", "name", "connection", "tls", "api", "token")


def examined(shell: Shell, *args: str) -> tuple[int, dict[str, str], str]:
    """Return the exit code, each check's outcome, and the message of the first failure."""
    ran = shell.run("doctor", *args, "-o", "json", "--retries", "0")
    checks = {row["check"]: row["outcome"] for row in json.loads(ran.out)}
    message = json.loads(ran.err)["error"]["message"] if ran.err else ""
    assert TOKEN not in ran.out + ran.err
    if message:
        assert message in [row["detail"] for row in json.loads(ran.out)]
    return ran.code, checks, message


def test_all_is_well_and_nothing_changed(shell: Shell) -> None:
    with FaultyServer(token=TOKEN) as server:
        before = server.model.snapshot()
        code, checks, _ = examined(shell.configured(server))
        assert server.model.snapshot() == before
        (request,) = server.requests
    assert code == 0
    ok, needless = dict.fromkeys(CHECKS, "ok"), {"name": "skipped", "tls": "skipped"}
    assert checks == ok | needless
    # the request cannot change anything: no user has the key, and the body is empty
    assert request.method == "PATCH"
    assert request.target.startswith("/api/users/kabelwerk-doctor-")
    assert request.json == {}


def test_over_tls_the_certificates_end_is_shown(
    shell: Shell, authority: Authority, tmp_path: Path
) -> None:
    ca_file = str(authority.write(tmp_path))
    with FaultyServer(tls=authority.right()) as server:
        there = shell.configured(server)
        ran = there.run("doctor", "--ca-file", ca_file, "-o", "json")
        rows = {row["check"]: row for row in json.loads(ran.out)}
    assert ran.code == 0
    assert re.search(r"valid until \d{4}-\d\d-\d\d$", rows["tls"]["detail"])
    assert rows["tls"]["milliseconds"] > 0


def test_no_settings(shell: Shell) -> None:
    code, checks, message = examined(shell)
    assert (code, checks) == (3, {**dict.fromkeys(CHECKS, "skipped"), "settings": "failed"})
    assert "KABELWERK_URL" in message


def test_an_unknown_name(shell: Shell) -> None:
    code, checks, message = examined(shell.configured("https://kabelwerk.invalid"))
    assert (code, checks["name"], checks["connection"]) == (7, "failed", "skipped")
    assert "Check the URL, the network" in message


def test_a_closed_port(shell: Shell) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    code, checks, message = examined(shell.configured(f"http://127.0.0.1:{port}"))
    assert (code, checks["connection"], checks["api"]) == (7, "failed", "skipped")
    assert "whether the server is running" in message


@pytest.mark.parametrize("number", range(3))
def test_a_wrong_certificate(
    shell: Shell, authority: Authority, tmp_path: Path, number: int
) -> None:
    ca_file = str(authority.write(tmp_path))
    with FaultyServer(tls=untrusted(authority)[number].context) as server:
        code, checks, message = examined(shell.configured(server), "--ca-file", ca_file)
        assert server.requests == []
    assert (code, checks["tls"], checks["api"]) == (3, "failed", "skipped")
    assert "--ca-file" in message


def test_no_tls_where_it_should_be(shell: Shell) -> None:
    with FaultyServer([Step(PLAIN_ON_TLS)]) as server:
        code, checks, message = examined(shell.configured(server.encrypted_url))
    assert (code, checks["tls"], checks["api"]) == (3, "failed", "skipped")
    assert f"does not speak TLS on this port. If it speaks plain http, use {server.url}" in message
    with FaultyServer() as server:
        code, checks, message = examined(shell.configured(server.encrypted_url), "--timeout", "2")
    assert (code, checks["tls"]) == (7, "failed")
    assert f"({server.encrypted_url}). If it speaks plain http, use {server.url}." in message


def test_tls_where_it_should_not_be(shell: Shell, authority: Authority) -> None:
    with FaultyServer(tls=authority.right()) as server:
        code, checks, message = examined(shell.configured(server.plain_url))
    assert (code, checks["api"], checks["token"]) == (9, "failed", "skipped")
    assert "connection closed by the server (a server that expects https does this, too)" in message


@pytest.mark.parametrize("name", ["status-429", "status-503"])
def test_an_api_that_is_not_available(shell: Shell, name: str) -> None:
    with FaultyServer([Step(FAULTS[name])]) as server:
        code, checks, message = examined(shell.configured(server))
    assert (code, checks["api"]) == ({"status-429": 7, "status-503": 8}[name], "failed")
    assert "The API is not available" in message


def test_in_words(shell: Shell, authority: Authority, ca_file: Path) -> None:
    with FaultyServer(tls=authority.right(), token=TOKEN) as server:
        url = f"https://localhost:{server.port}"
        there = shell.configured(url, KABELWERK_CA_FILE=str(ca_file))
        ran = there.run("doctor", "-o", "tsv", "--fields", "check,outcome,detail")
    assert re.sub(r"\d{4}-\d\d-\d\d", "DAY", ran.out).splitlines() == [
        f"settings\tok\t{url}, token from environment KABELWERK_API_TOKEN",
        "name\tok\tlocalhost resolves to 127.0.0.1",
        f"connection\tok\tlocalhost accepts connections on port {server.port}",
        "tls\tok\tthe certificate is trusted and valid until DAY",
        "api\tok\tresponds like the Kabelwerk API",
        "token\tok\tthe server accepts the token",
    ]


def test_a_failure_is_reported_once_and_the_rest_says_why_it_is_skipped(shell: Shell) -> None:
    ran = shell.configured("https://127.0.0.1:9").run("doctor", "--retries", "0", "-o", "json")
    details = {row["check"]: row["detail"] for row in json.loads(ran.out)}
    assert details["name"] == "127.0.0.1 is an IP address"
    assert details["connection"].startswith("Connection refused (https://127.0.0.1:9).")
    assert {details[name] for name in ("tls", "api", "token")} == {"'connection' failed"}


def test_through_a_proxy(shell: Shell, authority: Authority, ca_file: Path) -> None:
    with (
        FaultyServer(tls=authority.right()) as server,
        ConnectProxy(server.address) as proxy,
    ):
        there = shell.configured(
            f"https://{NAME}", KABELWERK_CA_FILE=str(ca_file), https_proxy=proxy.url
        )
        ran = there.run("doctor", "-o", "json")
    details = {row["check"]: row["detail"] for row in json.loads(ran.out)}
    assert ran.code == 0
    assert details["connection"].startswith("the proxy 127.0.0.1 accepts connections on port")
    assert details["tls"] == "'api' checks the certificate, through the proxy"


@pytest.mark.parametrize(
    "fault", [FAULTS["200-html"], FAULTS["404-html"], redirect(302, "/login"), FAULTS["garbage"]]
)
def test_a_web_page(shell: Shell, fault) -> None:
    with FaultyServer([Step(fault)]) as server:
        code, checks, message = examined(shell.configured(server))
    assert code in {8, 9}
    assert (checks["api"], checks["token"]) == ("failed", "skipped")
    assert "Check the URL" in message


def test_a_wrong_token(shell: Shell) -> None:
    with FaultyServer(token="another") as server:
        code, checks, message = examined(shell.configured(server))
    assert (code, checks["api"], checks["token"]) == (4, "ok", "failed")
    assert "The token comes from environment KABELWERK_API_TOKEN" in message


def test_the_sandbox_inside_the_process(shell: Shell) -> None:
    code, checks, _ = examined(shell, "--sandbox")
    assert (code, checks) == (
        0,
        {**dict.fromkeys(CHECKS, "skipped"), "settings": "ok", "api": "ok"},
    )
    assert shell.run("sandbox", "show", "users", "-o", "tsv").out == ""


def test_a_token_that_can_be_read_but_once(shell: Shell) -> None:
    with FaultyServer(token=TOKEN) as server:
        there = shell.with_(KABELWERK_URL=server.url)
        ran = there.run("doctor", "--token-file", "-", stdin=TOKEN.encode())
    assert ran.code == 0


def test_a_server_that_says_nothing_is_not_waited_for(shell: Shell) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"https://127.0.0.1:{silent.getsockname()[1]}"
        held: list[socket.socket] = []
        accepting = threading.Thread(target=lambda: held.append(silent.accept()[0]), daemon=True)
        accepting.start()
        code, checks, _ = examined(shell.configured(url), "--timeout", "0.5")
        accepting.join(20)
        for connection in held:
            connection.close()
    assert (code, checks["tls"]) == (7, "failed")


def test_a_terminal_shows_a_failure_once(shell: Shell) -> None:
    with Terminal(shell, "doctor", "--url", "http://127.0.0.1:9", size=(40, 120)) as terminal:
        assert terminal.end() == 3
    assert terminal.plain.count("No API token.") == 1
    assert "see the error below" in terminal.plain
