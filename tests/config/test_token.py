"""Where the token comes from, and which server it is sent to."""

import json
import os
import select
import time
from pathlib import Path

import pytest

from tests.faultserver import FaultyServer
from tests.shell import TOKEN, Shell

UPDATE = ("users", "update", "--key", "kusanagi", "--name", "Motoko")


def program(shell: Shell, body: str) -> str:
    path = shell.home / "program"
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o700)
    return str(path)


A, B = "https://a.example", "https://b.example"
PROFILES = f'''
[profiles.own]
url = "{A}"
token_file = "own"
[profiles.bare]
url = "{A}"
'''
TOKENS = {"KABELWERK_API_TOKEN": "variable"}
BESIDE = {**TOKENS, "KABELWERK_URL": B}
TWO = "/own' (profile own), which KABELWERK_PROFILE selects. Unset one of the variables"
"""An address and a token of the environment, beside a profile that the environment selects."""
WHICH = [
    # variables, options, where it goes, what is sent (or what is wrong)
    ({}, "--profile own", A, "/own' (profile own)"),
    (TOKENS, "--profile own", A, "/own' (profile own)"),
    (BESIDE, "--profile own", A, "/own' (profile own)"),
    ({**TOKENS, "KABELWERK_PROFILE": "own"}, "", A, "Two tokens"),
    ({**TOKENS, "KABELWERK_PROFILE": "bare"}, "", A, "KABELWERK_API_TOKEN"),
    (TOKENS, "--profile bare", A, "KABELWERK_API_TOKEN"),
    (BESIDE, "--profile bare", A, f"is for {B}, not for {A}"),
    (BESIDE, "", B, "KABELWERK_API_TOKEN"),
    ({**BESIDE, "KABELWERK_PROFILE": "own"}, "", B, TWO),
    ({**BESIDE, "KABELWERK_URL": A, "KABELWERK_PROFILE": "own"}, "", A, TWO),
    ({**BESIDE, "KABELWERK_PROFILE": "bare"}, "", B, "KABELWERK_API_TOKEN"),
    ({**BESIDE, "KABELWERK_CONFIG": "default.toml"}, "", B, "KABELWERK_API_TOKEN"),
    ({**BESIDE, "KABELWERK_URL": A, "KABELWERK_CONFIG": "default.toml"}, "", A, "set environment"),
    ({"KABELWERK_URL": B, "KABELWERK_PROFILE": "own"}, "", B, f"is for {A}, not for {B}"),
    (TOKENS, f"--url {B}", B, "KABELWERK_API_TOKEN"),
    (BESIDE, f"--url {A}", A, f"is for {B}, not for {A}"),
    ({}, f"--profile own --url {B}", B, f"is for {A}, not for {B}"),
    ({}, f"--profile own --url {B} --token-file option", B, "option --token-file"),
    ({**TOKENS, "KABELWERK_API_TOKEN_FILE": "f"}, f"--url {A}", A, "are both set"),
    ({"KABELWERK_URL": A}, "", A, "not set"),
]


@pytest.mark.parametrize(("variables", "options", "url", "said"), WHICH)
def test_address_and_token_travel_together(
    shell: Shell, variables: dict[str, str], options: str, url: str, said: str
) -> None:
    folder = shell.home / ".config" / "kabelwerk"
    folder.mkdir(parents=True)
    (folder / "config.toml").write_text(PROFILES)
    (shell.home / "default.toml").write_text(f'profile = "own"\n{PROFILES}')
    ran = shell.with_(**variables).run("config", "show", "-o", "json", *options.split())
    assert ran.code == 0
    rows = {row["setting"]: row for row in json.loads(ran.out)}
    assert rows["url"]["value"] == url
    assert said in " ".join(rows["api_token"].values())


NAMED = "--profile own"
MEANT = {
    # a profile on the command line wins over the address and the sandbox of the environment
    "own": (
        ({"KABELWERK_URL": "other"}, NAMED),
        ({"KABELWERK_URL": "other", **TOKENS}, NAMED),
        ({"KABELWERK_URL": "sandbox:"}, NAMED),
        ({"KABELWERK_SANDBOX": "1"}, NAMED),
        ({"KABELWERK_SANDBOX": "1", "KABELWERK_URL": "other"}, NAMED),
        ({"KABELWERK_PROFILE": "own"}, ""),
    ),
    # where the sandbox is chosen, no token is needed, and none is in the way
    "sandbox": (
        ({}, "--sandbox"),
        ({"KABELWERK_URL": "other"}, "--sandbox"),
        ({"KABELWERK_URL": "other"}, "--url sandbox:"),
        ({"KABELWERK_URL": "sandbox:"}, ""),
        ({"KABELWERK_SANDBOX": "1"}, ""),
        ({"KABELWERK_SANDBOX": "1", **TOKENS}, ""),
        ({"KABELWERK_SANDBOX": "1", "KABELWERK_PROFILE": "own"}, ""),
    ),
    # the environment's address has no token of its own, and gets no other
    "": (
        ({"KABELWERK_URL": "other"}, ""),
        ({"KABELWERK_URL": "other", "KABELWERK_PROFILE": "own"}, ""),
        (TOKENS, ""),
        ({"KABELWERK_URL": "other", **TOKENS}, "--profile empty"),
    ),
}


@pytest.mark.parametrize("meant", MEANT)
def test_a_call_goes_where_it_was_meant_to(shell: Shell, meant: str) -> None:
    update = ("users", "update", "--key", "kusanagi", "--name", "Motoko")
    (shell.home / "rows.csv").write_text("key,name\nkusanagi,Motoko\n")
    create = ("users", "create", "--key", "kusanagi", "--name", "Motoko")
    assert shell.run(*create, "--sandbox").code == 0
    with FaultyServer() as own, FaultyServer() as other:
        folder = shell.home / ".config" / "kabelwerk"
        folder.mkdir(parents=True)
        table = f'url = "{own.url}"\ntoken_file = "own"\n'
        tables = f"[profiles.own]\n{table}[profiles.default]\n{table}[profiles.empty]\n"
        (folder / "config.toml").write_text(tables)
        (folder / "own").write_text(TOKEN)
        (folder / "own").chmod(0o600)
        for variables, options in MEANT[meant]:
            used = {name: other.url if v == "other" else v for name, v in variables.items()}
            there, before = shell.with_(**used), len(own.requests)
            for args in (update, ("users", "ensure", "--from", "rows.csv"), ("doctor",)):
                ran = there.run(*args, *options.split())
                assert ran.code == (0 if meant else 3), (variables, options, ran)
            assert (len(own.requests) > before) is (meant == "own"), (variables, options)
        assert {request.header("Kabelwerk-Token") for request in own.requests} <= {TOKEN}
        assert other.attempts == []


@pytest.mark.parametrize(
    ("variables", "options", "code", "said"),
    [
        ({"KABELWERK_URL": ""}, "", 3, "KABELWERK_URL is set but empty"),
        ({"KABELWERK_SANDBOX_DB": ""}, "", 3, "KABELWERK_SANDBOX_DB is set but empty"),
        ({"KABELWERK_PROFILE": ""}, "", 3, "KABELWERK_PROFILE is set but empty"),
        ({"KABELWERK_API_TOKEN": ""}, "", 3, "KABELWERK_API_TOKEN is set but empty"),
        ({"KABELWERK_API_TOKEN_FILE": ""}, "", 3, "KABELWERK_API_TOKEN_FILE is set but empty"),
        ({}, "--profile=", 2, "--profile must not be empty"),
        ({}, "--config=", 2, "--config must not be empty"),
        ({}, "--sandbox --url https://a.example", 2, "cannot be combined with --url"),
        ({}, "--sandbox --profile own", 2, "cannot be combined with --profile"),
        ({"KABELWERK_SANDBOX": "1", "KABELWERK_URL": A}, "", 3, "both"),
    ],
)
def test_what_is_missing_or_contradicts_itself(
    shell: Shell, variables: dict[str, str], options: str, code: int, said: str
) -> None:
    ran = shell.with_(**variables).run(*UPDATE, *options.split())
    assert (ran.code, ran.out) == (code, "")
    assert said in ran.err


def test_each_source_of_the_token_wins_over_the_next(shell: Shell) -> None:
    for name in ("option", "variable", "profile"):
        (shell.home / name).write_text(f"from-{name}-file\n")
        (shell.home / name).chmod(0o600)
    command = program(shell, "echo from-command")
    with FaultyServer() as server:

        def seen(shell: Shell, *args: str) -> str | None:
            assert shell.run(*UPDATE, *args).code == 0
            return server.requests[-1].header("Kabelwerk-Token")

        shell.write_profile(url=server.url, token_command=[command])
        assert seen(shell) == "from-command"
        shell.write_profile(url=server.url, token_command=[command], token_file="../../profile")
        assert seen(shell) == "from-profile-file"
        file = shell.with_(KABELWERK_API_TOKEN_FILE="variable")
        assert seen(file, "--profile", "default") == "from-profile-file"
        assert seen(file, "--token-file", "option") == "from-option-file"
        shell.write_profile(url=server.url)
        assert seen(file) == "from-variable-file"
        assert seen(shell.with_(KABELWERK_API_TOKEN="from-variable")) == "from-variable"


BAD_PROGRAMS = {
    "exit 3": "failed (exit code 3)",
    "echo leaked-token; exit 1": "failed (exit code 1)",
    "echo 'the store\n is locked' >&2; exit 1": "failed (exit code 1): the store is locked\n",
    "set -x; echo leaked-token; exit 1": "failed (exit code 1): + echo *** + exit 1\n",
    "yes why >&2 & sleep 60": "took longer than 1 s: why why",
    "sleep 60": "took longer than 1 s",
    "sleep 60 & echo leaked-token; wait": "took longer than 1 s",
    "echo leaked-token; exec >&-; sleep 60": "took longer than 1 s",
    "yes leaked-token": "took longer than 1 s",
    "true": "is empty",
    "echo": "is empty",
    "echo 'leaked token'": "contains spaces",
    "echo '\"leaked-token\"'": "is in quotation marks. Remove them.",
    "echo; echo leaked-token": "is empty",
    "kill -9 $$": "failed",
}


@pytest.mark.parametrize(("body", "complaint"), BAD_PROGRAMS.items())
def test_a_program_that_gives_no_token(shell: Shell, body: str, complaint: str) -> None:
    with FaultyServer() as server:
        shell.write_profile(url=server.url, token_command=[program(shell, body)], timeout=1)
        started = time.monotonic()
        ran = shell.run(*UPDATE)
        assert time.monotonic() - started < 40  # the programs sleep for 60
        assert server.requests == []
    assert ran.code == 3
    assert complaint in ran.err
    assert "leaked" not in ran.err + ran.out
    assert len(ran.err.splitlines()) == 1


@pytest.mark.parametrize("body", [f"echo {TOKEN}; echo user: me", f"printf '{TOKEN}\r\nurl\r\n'"])
def test_a_program_that_prints_more_lines(shell: Shell, body: str) -> None:
    """The first is the token, as in the entries of `pass`; what it says on stderr is not shown."""
    with FaultyServer() as server:
        command = program(shell, f"echo reading >&2; {body}")
        shell.write_profile(url=server.url, token_command=[command])
        assert shell.run(*UPDATE, "-q") == (0, "", "")
        assert server.requests[0].header("Kabelwerk-Token") == TOKEN


@pytest.mark.parametrize("quote", ['"', "'"])
def test_a_token_in_quotation_marks(shell: Shell, quote: str) -> None:
    (shell.home / "token").write_text(f"{quote}{TOKEN}{quote}\n")
    (shell.home / "token").chmod(0o600)
    with FaultyServer() as server:
        there = shell.with_(KABELWERK_URL=server.url)
        for ran in (
            there.with_(KABELWERK_API_TOKEN=f"{quote}{TOKEN}{quote}").run(*UPDATE),
            there.run(*UPDATE, "--token-file", "token"),
            there.run("login", "--token-file", "token"),
        ):
            assert (ran.code, ran.out) == (3, "")
            assert "is in quotation marks. Remove them." in ran.err
            assert TOKEN not in ran.err
        assert server.attempts == []


def test_a_signal_while_a_program_is_being_started(shell: Shell) -> None:
    """It does not outlive the run: it sends the signal itself, before it does anything else."""
    script = "kill -TERM $PPID\necho $$ > pid\nexec sleep 60"
    shell.write_profile(url="http://127.0.0.1:9", token_command=[program(shell, script)])
    for _ in range(10):
        ran = shell.execute(*UPDATE)
        assert (ran.code, ran.err) == (143, "Error: Interrupted. Nothing was sent.\n")
        for left in shell.home.glob("pid"):
            assert not Path("/proc", left.read_text().strip() or "none").exists()


def test_the_time_limit_of_the_command_is_the_programs_too(shell: Shell) -> None:
    with FaultyServer() as server:
        shell.write_profile(url=server.url, token_command=["sleep", "50"])
        for args in (UPDATE, ("doctor",)):
            started = time.monotonic()
            ran = shell.run(*args, "--max-time", "1")
            assert time.monotonic() - started < 15  # an attempt may take 20
            assert ran.code == 3
            assert "took longer than 1 s" in ran.err


@pytest.mark.parametrize("leave", ["sleep 60", "setsid sleep 5"])
def test_a_process_that_a_program_leaves_behind(shell: Shell, leave: str) -> None:
    """It keeps stdout open. The token is complete as soon as the program has ended."""
    os.mkfifo(shell.home / "alive")
    alive = os.open(shell.home / "alive", os.O_RDONLY | os.O_NONBLOCK)
    body = f"exec 3>alive; {leave} & echo {TOKEN}"
    with FaultyServer() as server:
        shell.write_profile(url=server.url, token_command=[program(shell, body)], timeout=60)
        started = time.monotonic()
        assert shell.run(*UPDATE).code == 0
        assert time.monotonic() - started < 50
        assert server.requests[0].header("Kabelwerk-Token") == TOKEN
    # the end of the file: nobody has the other end of the FIFO any more
    assert select.select([alive], [], [], 50)[0]
    assert os.read(alive, 1) == b""
    os.close(alive)


def test_a_program_that_is_not_there(shell: Shell) -> None:
    shell.write_profile(url="http://127.0.0.1:9", token_command=["/nowhere/program"])
    ran = shell.run(*UPDATE)
    assert ran.code == 3
    assert "/nowhere/program" in ran.err


def test_a_loose_file_is_warned_about(shell: Shell) -> None:
    (shell.home / "token").write_text(TOKEN)
    with FaultyServer() as server:
        loose = shell.with_(KABELWERK_URL=server.url, KABELWERK_API_TOKEN_FILE="token")
        (shell.home / "token").chmod(0o644)
        ran = loose.run(*UPDATE)
        assert ran.code == 0
        assert "chmod 600 'token'" in ran.err
        (shell.home / "token").chmod(0o600)
        assert loose.run(*UPDATE).err == ""
        folder = shell.write_profile(retries=1)
        (folder / "config.toml").chmod(0o666)
        assert "chmod go-w" in loose.run(*UPDATE).err


def test_a_credential_of_systemd_is_not_loose(shell: Shell) -> None:
    """Its access control list is shown as if a group could read it."""
    credentials = shell.home / "credentials"
    credentials.mkdir()
    for folder in (credentials, shell.home):
        (folder / "token").write_text(TOKEN)
        (folder / "token").chmod(0o440)
    with FaultyServer() as server:
        there = shell.with_(KABELWERK_URL=server.url, CREDENTIALS_DIRECTORY=str(credentials))
        assert there.run(*UPDATE, "--token-file", "credentials/token").err == ""
        assert "loose" not in there.run("doctor", "--token-file", "credentials/token").out
        assert "chmod 600" in there.run(*UPDATE, "--token-file", "credentials/../token").err
        assert "chmod 600" in there.run(*UPDATE, "--token-file", "token").err


def test_a_profiles_token_is_for_the_profiles_url_only(shell: Shell) -> None:
    with FaultyServer() as own, FaultyServer() as other:
        folder = shell.write_profile(url=own.url, token_file="token")
        (folder / "token").write_text(TOKEN)
        (folder / "token").chmod(0o600)
        assert shell.run(*UPDATE).code == 0
        assert shell.run(*UPDATE, "--url", f"{own.url}/api/").code == 0
        elsewhere = shell.with_(KABELWERK_URL=other.url)
        for ran in (shell.run(*UPDATE, "--url", other.url), elsewhere.run(*UPDATE)):
            assert ran.code == 3
            assert own.url in ran.err
            assert other.url in ran.err
        assert other.attempts == []
        assert elsewhere.with_(KABELWERK_API_TOKEN=TOKEN).run(*UPDATE).code == 0
        shell.write_profile(url=own.url, token_command=["echo", TOKEN])
        assert elsewhere.run(*UPDATE).code == 3
        assert len(other.requests) == 1


def test_one_reader_of_standard_input(shell: Shell) -> None:
    post = ("messages", "post", "--room", "r", "--user", "u")
    with FaultyServer() as server:
        secret = shell.with_(KABELWERK_URL=server.url)
        for args in (
            ("users", "create", "--from", "-", "--token-file", "-"),
            (*post, "--text-file", "-", "--token-file", "-"),
            (*post, "--text-file", "-", "--token-file", "-", "--dry-run"),
            (*post, "--text-file", "-", "--from", "-"),
        ):
            ran = secret.run(*args, stdin=TOKEN.encode())
            assert (ran.code, ran.out) == (2, "")
            assert "cannot both read from stdin" in ran.err
            assert TOKEN not in ran.err
        assert server.attempts == []
