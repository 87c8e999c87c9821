"""Where the token comes from, login and logout, and that it is never shown."""

import json
import os
import select
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from kabelwerk_cli.api.errors import ConfigurationError
from kabelwerk_cli.config.files import write_private
from tests.faultserver import FaultyServer
from tests.operations import OPERATIONS, Operation
from tests.pseudo_terminal import Terminal
from tests.shell import TOKEN, Shell

UPDATE = ("users", "update", "--key", "kusanagi", "--name", "Motoko")


def configure(shell: Shell, **profile: object) -> Path:
    folder = shell.home / ".config" / "kabelwerk"
    folder.mkdir(parents=True, exist_ok=True)
    lines = [f"{key} = {json.dumps(value)}" for key, value in profile.items()]
    (folder / "config.toml").write_text("[profiles.default]\n" + "\n".join(lines) + "\n")
    return folder


def program(shell: Shell, body: str) -> str:
    path = shell.home / "program"
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o700)
    return str(path)


def test_each_source_of_the_token_wins_over_the_next(shell: Shell) -> None:
    for name in ("option", "variable", "profile"):
        (shell.home / name).write_text(f"from-{name}-file\n")
        (shell.home / name).chmod(0o600)
    command = program(shell, "echo from-command")
    with FaultyServer() as server:

        def seen(shell: Shell, *args: str) -> str | None:
            assert shell.run(*UPDATE, *args).code == 0
            return server.requests[-1].header("Kabelwerk-Token")

        configure(shell, url=server.url, token_command=[command])
        assert seen(shell) == "from-command"
        configure(shell, url=server.url, token_command=[command], token_file="../../profile")
        assert seen(shell) == "from-profile-file"
        file = shell.with_(KABELWERK_API_TOKEN_FILE="variable")
        assert seen(file, "--profile", "default") == "from-profile-file"
        assert seen(file, "--token-file", "option") == "from-option-file"
        configure(shell, url=server.url)
        assert seen(file) == "from-variable-file"
        assert seen(shell.with_(KABELWERK_API_TOKEN="from-variable")) == "from-variable"


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
WHICH = [
    # variables, options, where it goes, what is sent (or what is wrong)
    ({}, "--profile own", A, "file 'own'"),
    (TOKENS, "--profile own", A, "file 'own'"),
    (BESIDE, "--profile own", A, "file 'own'"),
    ({**TOKENS, "KABELWERK_PROFILE": "own"}, "", A, "Two tokens"),
    ({**TOKENS, "KABELWERK_PROFILE": "bare"}, "", A, "KABELWERK_API_TOKEN"),
    (TOKENS, "--profile bare", A, "KABELWERK_API_TOKEN"),
    (BESIDE, "--profile bare", A, f"is for {B}, not for {A}"),
    (BESIDE, "", B, "KABELWERK_API_TOKEN"),
    ({**BESIDE, "KABELWERK_PROFILE": "own"}, "", B, "KABELWERK_API_TOKEN"),
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
    ran = shell.with_(**variables).run("config", "show", "-o", "json", *options.split())
    assert ran.code == 0
    rows = {row["setting"]: row for row in json.loads(ran.out)}
    assert rows["url"]["value"] == url
    assert said in " ".join(rows["api_token"].values())


@pytest.mark.parametrize(
    ("variables", "options", "code", "said"),
    [
        ({"KABELWERK_URL": ""}, "", 3, "KABELWERK_URL is set but empty"),
        ({"KABELWERK_PROFILE": ""}, "", 3, "KABELWERK_PROFILE is set but empty"),
        ({"KABELWERK_API_TOKEN": ""}, "", 3, "KABELWERK_API_TOKEN is set but empty"),
        ({"KABELWERK_API_TOKEN_FILE": ""}, "", 3, "KABELWERK_API_TOKEN_FILE is set but empty"),
        ({}, "--profile=", 2, "--profile must not be empty"),
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


BAD_PROGRAMS = {
    "exit 3": "failed (exit code 3)",
    "echo leaked-token; exit 1": "failed (exit code 1)",
    "echo leaked-token >&2; exit 1": "failed (exit code 1)",
    "sleep 60": "took longer than 1 s",
    "sleep 60 & echo leaked-token; wait": "took longer than 1 s",
    "echo leaked-token; exec >&-; sleep 60": "took longer than 1 s",
    "echo leaked-token; echo second": "more than one line",
    "yes leaked-token": "more than one line",
    "true": "is empty",
    "echo": "is empty",
    "echo 'leaked token'": "contains spaces",
    "kill -9 $$": "failed",
}


@pytest.mark.parametrize(("body", "complaint"), BAD_PROGRAMS.items())
def test_a_program_that_gives_no_token(shell: Shell, body: str, complaint: str) -> None:
    with FaultyServer() as server:
        configure(shell, url=server.url, token_command=[program(shell, body)], timeout=1)
        started = time.monotonic()
        ran = shell.run(*UPDATE)
        assert time.monotonic() - started < 40  # the programs sleep for 60
        assert server.requests == []
    assert ran.code == 3
    assert complaint in ran.err
    assert "leaked" not in ran.err + ran.out
    assert len(ran.err.splitlines()) == 1


@pytest.mark.parametrize("leave", ["sleep 60", "setsid sleep 5"])
def test_a_process_that_a_program_leaves_behind(shell: Shell, leave: str) -> None:
    """It keeps stdout open. The token is complete as soon as the program has ended."""
    os.mkfifo(shell.home / "alive")
    alive = os.open(shell.home / "alive", os.O_RDONLY | os.O_NONBLOCK)
    body = f"exec 3>alive; {leave} & echo {TOKEN}"
    with FaultyServer() as server:
        configure(shell, url=server.url, token_command=[program(shell, body)], timeout=60)
        started = time.monotonic()
        assert shell.run(*UPDATE).code == 0
        assert time.monotonic() - started < 50
        assert server.requests[0].header("Kabelwerk-Token") == TOKEN
    # the end of the file: nobody has the other end of the FIFO any more
    assert select.select([alive], [], [], 50)[0]
    assert os.read(alive, 1) == b""
    os.close(alive)


def test_a_program_that_is_not_there(shell: Shell) -> None:
    configure(shell, url="http://127.0.0.1:9", token_command=["/nowhere/program"])
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
        folder = configure(shell, retries=1)
        (folder / "config.toml").chmod(0o666)
        assert "chmod go-w" in loose.run(*UPDATE).err


def logged_in_files(shell: Shell) -> dict[str, int]:
    folder = shell.home / ".config" / "kabelwerk"
    return {
        str(path.relative_to(folder)): path.stat().st_mode & 0o777
        for path in folder.rglob("*")
        if path.is_file()
    }


def test_login_a_call_and_logout_on_a_terminal(shell: Shell, sandbox: Shell) -> None:
    with Terminal(shell, "login") as terminal:
        terminal.wait_for("URL: ")
        terminal.type(sandbox.environment["KABELWERK_URL"] + "\n")
        terminal.wait_for("API token: ")
        terminal.type(TOKEN + "\n")
        assert terminal.end() == 0
        assert TOKEN not in terminal.screen
        assert "Logged in to http://127.0.0.1" in terminal.plain
    assert logged_in_files(shell) == {"config.toml": 0o600, "tokens/default": 0o600}
    assert shell.run("users", "create", "--key", "kusanagi", "--name", "Motoko") == (
        0,
        "id  key       name\n1   kusanagi  Motoko\n",
        "",
    )
    with Terminal(shell, "logout") as terminal:
        assert terminal.end() == 0
    assert logged_in_files(shell) == {"config.toml": 0o600}
    ran = shell.run(*UPDATE)
    assert ran.code == 3
    assert "No API token" in ran.err


KEYRING = '''
"""A keyring that keeps its secrets in a file, for tests."""
import json, pathlib
from keyring.backend import KeyringBackend
from keyring.errors import PasswordDeleteError

FILE = pathlib.Path.home() / "keyring.json"

class Keyring(KeyringBackend):
    priority = 5

    def _all(self):
        return json.loads(FILE.read_text()) if FILE.exists() else {}

    def get_password(self, service, username):
        return self._all().get(f"{service} {username}")

    def set_password(self, service, username, password):
        FILE.write_text(json.dumps({**self._all(), f"{service} {username}": password}))

    def delete_password(self, service, username):
        secrets = self._all()
        if secrets.pop(f"{service} {username}", None) is None:
            raise PasswordDeleteError
        FILE.write_text(json.dumps(secrets))
'''


def with_keyring(shell: Shell) -> Shell:
    (shell.home / "test_keyring.py").write_text(KEYRING)
    return shell.with_(PYTHONPATH=str(shell.home), PYTHON_KEYRING_BACKEND="test_keyring.Keyring")


def test_login_with_a_keyring(shell: Shell, sandbox: Shell) -> None:
    shell = with_keyring(shell)
    url = sandbox.environment["KABELWERK_URL"]
    with Terminal(shell, "login", "--url", url, "--profile", "ward") as terminal:
        terminal.wait_for("API token: ")
        terminal.type(TOKEN + "\n")
        assert terminal.end() == 0
        assert TOKEN not in terminal.screen
        assert "in the keyring" in terminal.plain
    assert json.loads((shell.home / "keyring.json").read_text()) == {f"kabelwerk {url}": TOKEN}
    assert logged_in_files(shell) == {"config.toml": 0o600}
    config = (shell.home / ".config" / "kabelwerk" / "config.toml").read_text()
    assert TOKEN not in config
    assert 'profile = "ward"' in config
    assert shell.execute("users", "create", "--key", "kusanagi", "--name", "Motoko").code == 0
    assert shell.execute("logout").code == 0
    assert json.loads((shell.home / "keyring.json").read_text()) == {}
    assert shell.execute(*UPDATE).code == 3


def test_a_profiles_token_is_for_the_profiles_url_only(shell: Shell) -> None:
    with FaultyServer() as own, FaultyServer() as other:
        folder = configure(shell, url=own.url, token_file="token")
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
        configure(shell, url=own.url, token_command=["echo", TOKEN])
        assert elsewhere.run(*UPDATE).code == 3
        assert len(other.requests) == 1


def test_login_that_is_broken_off(shell: Shell, sandbox: Shell) -> None:
    url = sandbox.environment["KABELWERK_URL"]
    for typed, code in (("\x03", 130), ("\x04", 2)):
        with Terminal(shell, "login", "--url", url) as terminal:
            terminal.wait_for("API token: ")
            terminal.type(typed)
            assert terminal.end() == code
            assert "Aborted" not in terminal.plain
    assert logged_in_files(shell) == {}


def test_login_where_nobody_answers_says_what_to_check(shell: Shell) -> None:
    command = ("login", "--url", "http://127.0.0.1:9", "--token-file", "-", "--retries", "0")
    ran = shell.run(*command, stdin=TOKEN.encode())
    assert ran.code == 7
    assert ran.err.startswith("Error: The request was not sent: connection refused (http://127.0")
    assert "Check the URL" in ran.err


def test_a_second_logout_has_nothing_to_forget(shell: Shell) -> None:
    configure(shell, url="http://127.0.0.1:9")
    ran = shell.run("logout")
    assert ran == (0, "", "Profile 'default' has no token.\n")


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


def test_a_keyring_without_the_token(shell: Shell) -> None:
    configure(shell, url="http://127.0.0.1:9", token_keyring=True)
    ran = with_keyring(shell).execute(*UPDATE)
    assert ran.code == 3
    assert "keyring has no token" in ran.err


def test_logout_where_the_keyring_is_gone(shell: Shell) -> None:
    folder = configure(shell, url="http://127.0.0.1:9", token_keyring=True)
    before = (folder / "config.toml").read_text()
    gone = shell.with_(PYTHON_KEYRING_BACKEND="keyring.backends.fail.Keyring")
    ran = gone.run("logout")
    assert (ran.code, ran.out) == (3, "")
    assert "Cannot change the keyring" in ran.err
    assert (folder / "config.toml").read_text() == before


def test_profiles_of_similar_names_have_a_token_each(shell: Shell, sandbox: Shell) -> None:
    url = sandbox.environment["KABELWERK_URL"]
    for name in ("a/b", "a_b", "a b"):
        ran = shell.run(
            "login", "--profile", name, "--url", url, "--token-file", "-", stdin=TOKEN.encode()
        )
        assert ran.code == 0
    assert len(logged_in_files(shell)) == 1 + 3
    assert shell.run("logout", "--profile", "a/b").code == 0
    assert shell.run("doctor", "--profile", "a_b").code == 0


def test_login_without_a_terminal(shell: Shell, sandbox: Shell) -> None:
    url = sandbox.environment["KABELWERK_URL"]
    ran = shell.run("login", "--url", url, "--token-file", "-", stdin=f"{TOKEN}\n".encode())
    assert (ran.code, ran.out) == (0, "")
    assert TOKEN not in ran.err
    assert shell.run("doctor").code == 0
    assert shell.run("login").code == 3
    assert shell.run("login", "--no-input", "--url", url).code == 3


def test_no_device_is_replaced_by_a_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "device")
    (tmp_path / "link").symlink_to("device")
    for name in ("device", "link"):
        with pytest.raises(ConfigurationError, match="not a regular file"):
            write_private(tmp_path / name, TOKEN)
    assert (tmp_path / "device").is_fifo()
    assert {path.name for path in tmp_path.iterdir()} == {"device", "link"}


def test_login_checks_before_it_stores(shell: Shell, sandbox: Shell) -> None:
    url = sandbox.environment["KABELWERK_URL"]
    wrong = ("login", "--url", url, "--token-file", "-")
    ran = shell.run(*wrong, stdin=b"another\n")
    assert ran.code == 4
    assert not (shell.home / ".config").exists()
    ran = shell.run("login", "--url", "http://127.0.0.1:9", "--token-file", "-", stdin=b"x\n")
    assert ran.code == 7
    assert not (shell.home / ".config").exists()


def test_login_keeps_what_else_is_in_the_configuration(shell: Shell, sandbox: Shell) -> None:
    folder = configure(shell)
    text = "# mine\nprofile = 'a'\n\n[profiles.a]  # first\nretries = 7\n"
    (folder / "config.toml").write_text(text)
    url = sandbox.environment["KABELWERK_URL"]
    args = ("--url", url, "--token-file", "-")
    assert shell.run("login", "--profile", "b", *args, stdin=TOKEN.encode()).code == 0
    after = (folder / "config.toml").read_text()
    assert after.startswith(text)
    assert "[profiles.b]" in after
    assert shell.run("login", "--profile", "a", *args, stdin=TOKEN.encode()).code == 0
    assert "retries = 7" in (folder / "config.toml").read_text()


@pytest.mark.parametrize("text", ["profile = = 3\n", "url = 7\n", "\xff"])
def test_login_never_writes_over_what_it_cannot_read(shell: Shell, text: str) -> None:
    folder = configure(shell)
    (folder / "config.toml").write_text(text, encoding="latin-1")
    before = (folder / "config.toml").read_bytes()
    with FaultyServer() as server:
        ran = shell.run("login", "--url", server.url, "--token-file", "-", stdin=b"x\n")
    assert ran.code == 3
    assert (folder / "config.toml").read_bytes() == before


SLOW_WRITE = """
import os, sys, time
real = os.fsync
def slow(handle):
    print("writing", flush=True)
    time.sleep(30)
    real(handle)
os.fsync = slow
from kabelwerk_cli.__main__ import main
main()
"""


def test_the_token_file_is_private_from_its_first_byte(shell: Shell, sandbox: Shell) -> None:
    """The write is held up before its end, and killed; what is there by then is looked at."""
    (shell.home / "slow.py").write_text(SLOW_WRITE)
    url = sandbox.environment["KABELWERK_URL"]
    command = [sys.executable, "slow.py", "login", "--url", url, "--token-file", "-"]
    with subprocess.Popen(
        command,
        cwd=shell.home,
        env=shell.environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        umask=0,
    ) as process:
        assert process.stdin
        assert process.stdout
        process.stdin.write(TOKEN.encode())
        process.stdin.close()
        assert process.stdout.readline() == b"writing\n"
        tokens = shell.home / ".config" / "kabelwerk" / "tokens"
        (unfinished,) = tokens.iterdir()
        assert unfinished.read_text() == f"{TOKEN}\n"
        assert unfinished.stat().st_mode & 0o777 == 0o600
        assert unfinished.name != "default"
        assert tokens.stat().st_mode & 0o077 == 0
        process.kill()
    assert not (tokens / "default").exists()
    assert not (tokens.parent / "config.toml").exists()


def test_deletion_in_a_protected_profile(shell: Shell) -> None:
    with FaultyServer() as server:
        configure(shell, url=server.url, protected=True)
        secret = shell.with_(KABELWERK_API_TOKEN=TOKEN)
        delete = ("users", "delete", "--key", "kusanagi")
        for args in ((), ("--yes",), ("--profile", "default")):
            ran = secret.run(*delete, *args)
            assert ran.code == 2
            assert "--yes --profile default" in ran.err
        assert secret.with_(KABELWERK_PROFILE="default").run(*delete, "--yes").code == 2
        assert server.requests == []
        assert secret.run(*delete, "--yes", "--profile", "default").code == 0
        assert "kusanagi" not in server.model.users


@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=str)
def test_a_batch_in_a_protected_profile(shell: Shell, operation: Operation) -> None:
    with FaultyServer() as server:
        configure(shell, url=server.url, protected=True)
        secret = shell.with_(KABELWERK_API_TOKEN=TOKEN)
        (shell.home / "rows.jsonl").write_text(operation.rows(1))
        batch = (*operation.command, "--from", "rows.jsonl")
        for args in ((), ("--yes",), ("--profile", "default")):
            ran = secret.run(*batch, *args)
            assert ran.code == 2
            assert "--yes --profile default" in ran.err
        assert server.requests == []
        secret.run(*batch, "--yes", "--profile", "default")
        assert len(server.requests) >= 1


def test_deletion_asks_on_a_terminal(shell: Shell) -> None:
    with FaultyServer() as server:
        secret = shell.configured(server)
        delete = ("users", "delete", "--key", "kusanagi")
        for answer, code in (("n\n", 2), ("\n", 2), ("\x04", 2), ("\x03", 130)):
            with Terminal(secret, *delete) as terminal:
                terminal.wait_for("Delete user 'kusanagi'? [y/N] ")
                terminal.type(answer)
                assert terminal.end() == code
                assert "Nothing was sent" in terminal.plain
        with Terminal(secret, *delete, "--no-input") as terminal:
            assert terminal.end() == 2
        assert server.requests == []
        with Terminal(secret, *delete) as terminal:
            terminal.wait_for("[y/N] ")
            terminal.type("y\n")
            assert terminal.end() == 0
            assert "was deleted" in terminal.plain
        assert "kusanagi" not in server.model.users


def test_twenty_at_once_ensure_one_user(sandbox: Shell, shell: Shell) -> None:
    codes: list[int] = []

    def ensure() -> None:
        codes.append(sandbox.run("users", "ensure", "--key", "kusanagi", "--name", "Motoko").code)

    threads = [threading.Thread(target=ensure) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert codes == [0] * 20
    listed = shell.run("sandbox", "show", "users", "-o", "jsonl").out.splitlines()
    assert [json.loads(line)["key"] for line in listed] == ["kusanagi"]
