"""The token goes to the configured server only."""

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faultserver import (
    NAME,
    PLAIN_ON_TLS,
    PROXY_REFUSALS,
    TLS_ON_PLAIN,
    Authority,
    Canary,
    ConnectProxy,
    FaultyServer,
    Step,
    redirect,
    untrusted,
)
from tests.operations import COMMANDS
from tests.shell import TOKEN, Shell

REDIRECTS = (301, 302, 303, 307, 308)


@pytest.fixture
def canary() -> Iterator[Canary]:
    with Canary() as canary:
        yield canary


def test_a_silent_server_is_told_from_one_without_tls(shell: Shell) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        for scheme, reason in (
            ("https", "was not sent: timed out in the TLS handshake"),
            ("http", "was sent, but no answer came: timed out"),
        ):
            there = shell.configured(f"{scheme}://{address}")
            ran = there.run(*COMMANDS["message"], "--timeout", "1", "--retries", "0")
            assert ran.code == {"https": 7, "http": 9}[scheme]
            assert reason in ran.err
            assert (f"{scheme}://{address}" in ran.err) == (scheme == "https")


@pytest.mark.parametrize("status", REDIRECTS)
@pytest.mark.parametrize("operation", COMMANDS)
def test_a_redirect_is_not_followed(
    shell: Shell, canary: Canary, operation: str, status: int
) -> None:
    with FaultyServer([Step(redirect(status, f"{canary.url}/api/users"))]) as server:
        ran = shell.configured(server).run(*COMMANDS[operation])
        assert len(server.requests) == 1
    assert ran.code == 8
    assert canary.heard == []


@pytest.mark.parametrize("status", REDIRECTS)
def test_a_redirect_from_https_to_http_is_not_followed(
    shell: Shell, canary: Canary, authority: Authority, ca_file: Path, status: int
) -> None:
    script = [Step(redirect(status, f"{canary.url}/api/users"))]
    with FaultyServer(script, tls=authority.right()) as server:
        ran = shell.configured(server, KABELWERK_CA_FILE=str(ca_file)).run(*COMMANDS["update"])
        assert len(server.requests) == 1
    assert ran.code == 8
    assert canary.heard == []


@pytest.mark.parametrize("variable", ["http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"])
def test_a_proxy_never_carries_plain_http(shell: Shell, canary: Canary, variable: str) -> None:
    with FaultyServer() as server:
        ran = shell.configured(server, **{variable: canary.url}).run(*COMMANDS["update"])
        assert len(server.requests) == 1
    assert ran.code == 0
    assert canary.heard == []


@pytest.mark.parametrize("variable", ["https_proxy", "all_proxy"])
def test_a_proxy_never_comes_between_loopback_addresses(
    shell: Shell, canary: Canary, authority: Authority, ca_file: Path, variable: str
) -> None:
    with FaultyServer(tls=authority.right()) as server:
        ran = shell.configured(
            server,
            KABELWERK_CA_FILE=str(ca_file),
            **{variable: canary.url},
        ).run(*COMMANDS["update"])
    assert ran.code == 0
    assert canary.heard == []


@pytest.mark.parametrize("variable", ["https_proxy", "all_proxy"])
def test_a_proxy_for_https_sees_a_tunnel_and_no_token(
    shell: Shell, authority: Authority, ca_file: Path, variable: str
) -> None:
    with (
        FaultyServer(tls=authority.right()) as server,
        ConnectProxy(server.address) as proxy,
    ):
        ran = shell.configured(
            f"https://{NAME}",
            KABELWERK_CA_FILE=str(ca_file),
            **{variable: proxy.url},
        ).run(*COMMANDS["message"])
        assert [request.method for request in proxy.requests] == ["CONNECT"]
        assert TOKEN.encode() not in proxy.requests[0].raw
        assert TOKEN.encode() not in proxy.relayed
        assert len(server.model.messages) == 1
    assert ran.code == 0


@pytest.mark.parametrize("refusal", PROXY_REFUSALS)
def test_a_proxy_that_refuses_means_not_sent(
    shell: Shell, authority: Authority, ca_file: Path, refusal: str
) -> None:
    with (
        FaultyServer(tls=authority.right()) as server,
        ConnectProxy(server.address, answer=PROXY_REFUSALS[refusal]) as proxy,
    ):
        ran = shell.configured(
            f"https://{NAME}",
            KABELWERK_CA_FILE=str(ca_file),
            https_proxy=proxy.url,
        ).run(*COMMANDS["message"], "--timeout", "1", "--retries", "0", "-o", "json")
        assert server.requests == []
    error = json.loads(ran.err)["error"]
    assert (ran.code, error["applied"]) == (7, "no")


def test_a_netrc_is_not_read(shell: Shell) -> None:
    netrc = shell.home / ".netrc"
    netrc.write_text("machine 127.0.0.1 login kusanagi password hidden\n")
    netrc.chmod(0o600)
    with FaultyServer() as server:
        shell.configured(server, NETRC=str(netrc)).run(*COMMANDS["update"])
        assert server.requests[0].header("Authorization") is None


def test_a_cookie_is_not_kept(shell: Shell) -> None:
    from tests.faultserver import FAULTS, UNAVAILABLE

    with FaultyServer([Step(FAULTS["cookie"], times=1), Step(UNAVAILABLE)]) as server:
        settings = {"KABELWERK_URL": server.url, "KABELWERK_API_TOKEN": TOKEN}
        shell.with_(**settings).run(*COMMANDS["update"])
        shell.with_(**settings).run(*COMMANDS["update"])
        assert len(server.requests) > 2
        assert all(request.header("Cookie") is None for request in server.requests)


def test_plain_http_to_a_name_is_refused_before_the_name_is_looked_up(
    shell: Shell, canary: Canary
) -> None:
    url = f"http://{NAME}:{canary.port}"
    ran = shell.configured(url).run(*COMMANDS["update"])
    assert ran.code == 3
    assert "--allow-insecure-http" in ran.err
    assert canary.heard == []


def test_plain_http_can_be_allowed(shell: Shell) -> None:
    ran = shell.configured(f"http://{NAME}").run(
        *COMMANDS["update"], "--allow-insecure-http", "--retries", "0"
    )
    assert ran.code == 7
    assert "cannot resolve the host name" in ran.err


def test_a_certificate_of_a_trusted_authority(
    shell: Shell, authority: Authority, ca_file: Path
) -> None:
    with FaultyServer(tls=authority.right()) as server:
        ran = shell.configured(server).run(*COMMANDS["update"], "--ca-file", str(ca_file))
    assert ran.code == 0


@pytest.mark.parametrize("number", range(4))
def test_a_certificate_that_is_not_trusted(
    shell: Shell, authority: Authority, ca_file: Path, number: int
) -> None:
    case = untrusted(authority)[number]
    with FaultyServer(tls=case.context) as server:
        ran = shell.configured(server).run(
            *COMMANDS["message"], "--ca-file", str(ca_file), "--retries", "0", "-o", "json"
        )
        assert server.requests == []
    error = json.loads(ran.err)["error"]
    assert ran.code in case.exits
    assert error["applied"] == "no"
    if ran.code == 3:
        assert error["type"] == "UntrustedCertificate"


def test_the_usual_authorities_do_not_know_ours(shell: Shell, authority: Authority) -> None:
    with FaultyServer(tls=authority.right()) as server:
        ran = shell.configured(server).run(*COMMANDS["update"])
    assert server.requests == []
    assert len(server.failed_handshakes) == 1
    assert ran.code == 3


def test_plain_text_on_a_tls_port_is_not_sent(shell: Shell) -> None:
    with FaultyServer([Step(PLAIN_ON_TLS)]) as server:
        ran = shell.configured(server.encrypted_url).run(*COMMANDS["message"], "--retries", "0")
        assert server.requests == []
    assert ran.code == 3


def test_https_to_a_served_sandbox_is_told(sandbox: Shell) -> None:
    """Its server waits for the end of a request, which a handshake does not have."""
    url = sandbox.environment["KABELWERK_URL"]
    there = sandbox.configured(url.removeprefix("http://"))
    ran = there.run(*COMMANDS["update"], "-o", "json", "--timeout", "1", "--retries", "0")
    error = json.loads(ran.err)["error"]
    assert (ran.code, error["attempts"]) == (7, 1)
    assert f"If it speaks plain http, use {url}." in error["message"]


def test_tls_on_a_plain_port_is_unknown(shell: Shell) -> None:
    with FaultyServer([Step(TLS_ON_PLAIN)]) as server:
        ran = shell.configured(server).run(*COMMANDS["message"], "--retries", "0")
    assert ran.code in {8, 9}


@pytest.mark.parametrize("content", ["nothing of the kind\n", ""])
def test_a_ca_file_that_is_none(shell: Shell, content: str) -> None:
    (shell.home / "ca.pem").write_text(content)
    ran = shell.configured("https://127.0.0.1:9").run(*COMMANDS["update"], "--ca-file", "ca.pem")
    assert ran.code == 3
    assert "ca.pem" in ran.err


ODD_TOKENS = ["line\nbreak", "line\n\n", "\r", "tab\tin", "a b", "s3cr\u00e9t", "\x1b[31m", "\x7f"]


@pytest.mark.parametrize("token", ODD_TOKENS)
@pytest.mark.parametrize("way", ["environment", "file", "stdin"])
def test_an_odd_token_is_refused_and_not_repeated(shell: Shell, token: str, way: str) -> None:
    odd = f"begin{token}end" if token.strip() else f"begin{token}"
    args = list(COMMANDS["update"])
    (shell.home / "token").write_text(odd, encoding="utf-8", newline="")
    settings = {"KABELWERK_API_TOKEN": odd} if way == "environment" else {}
    if way == "file":
        args += ["--token-file", "token"]
    if way == "stdin":
        args += ["--token-file", "-"]
    with FaultyServer() as server:
        ran = shell.with_(KABELWERK_URL=server.url, **settings).run(
            *args, stdin=(shell.home / "token").read_bytes()
        )
        assert server.requests == []
    assert ran.code == 3
    assert "begin" not in ran.err


@pytest.mark.parametrize("ending", ["", "\n", "\r\n"])
def test_one_newline_at_the_end_of_a_token_file_is_removed(shell: Shell, ending: str) -> None:
    (shell.home / "token").write_bytes(f"{TOKEN}{ending}".encode())
    with FaultyServer(token=TOKEN) as server:
        ran = shell.with_(KABELWERK_URL=server.url, KABELWERK_API_TOKEN_FILE="token").run(
            *COMMANDS["update"]
        )
    assert ran.code == 0
