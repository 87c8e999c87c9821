"""Login and logout: what they store, where, and that the token is never shown."""

import json
import os
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.faultserver import FaultyServer
from tests.pseudo_terminal import Terminal
from tests.shell import EXECUTABLE, TOKEN, Shell

UPDATE = ("users", "update", "--key", "kusanagi", "--name", "Motoko")


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
        assert "Logged in to" in terminal.plain
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
    login = ("login", "--url", url, "--profile", "ward")
    with Terminal(shell, *login, program=EXECUTABLE) as terminal:
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


def test_a_keyring_without_the_token(shell: Shell) -> None:
    shell.write_profile(url="http://127.0.0.1:9", token_keyring=True)
    ran = with_keyring(shell).execute(*UPDATE)
    assert ran.code == 3
    assert "keyring has no token" in ran.err


ODD_KEYRING = """
import time
from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked

class Odd(KeyringBackend):
    priority = 5

    def get_password(self, *args):
        raise RuntimeError("s3cret-token")

    set_password = delete_password = get_password

class Locked(Odd):
    def get_password(self, *args):
        raise KeyringLocked("s3cret-token")

class Slow(Odd):
    def get_password(self, *args):
        time.sleep(50)
"""
ODD = {
    "odd_keyring.Odd": "it failed.",
    "odd_keyring.Locked": "it is locked.",
    "odd_keyring.Slow": "it did not answer within 1 s.",
    "keyring.backends.fail.Keyring": "there is none on this machine.",
}


@pytest.mark.parametrize("name", ODD)
def test_a_keyring_that_fails_or_does_not_answer(shell: Shell, name: str) -> None:
    (shell.home / "odd_keyring.py").write_text(ODD_KEYRING)
    there = shell.with_(PYTHONPATH=str(shell.home), PYTHON_KEYRING_BACKEND=name)
    with FaultyServer() as server:
        folder = shell.write_profile(url=server.url, token_keyring=True)
        before = (folder / "config.toml").read_text()
        started = time.monotonic()
        for args, what in ((UPDATE, "read"), (("doctor",), "read"), (("logout",), "change")):
            ran = there.execute(*args, "--max-time", "1")
            assert ran.code == 3
            assert ran.err == f"Error: Cannot {what} the keyring: {ODD[name]}\n"
        assert time.monotonic() - started < 40  # it answers after 50
        assert (folder / "config.toml").read_text() == before
        assert server.requests == []


def test_a_keyring_that_takes_no_token(shell: Shell, sandbox: Shell) -> None:
    (shell.home / "odd_keyring.py").write_text(ODD_KEYRING)
    there = shell.with_(PYTHONPATH=str(shell.home), PYTHON_KEYRING_BACKEND="odd_keyring.Odd")
    login = ("login", "--url", sandbox.environment["KABELWERK_URL"], "--token-file", "-")
    assert there.execute(*login, stdin=TOKEN.encode()).code == 0
    assert logged_in_files(shell) == {"config.toml": 0o600, "tokens/default": 0o600}


def test_logout_finds_the_token_whatever_the_url_is_written_like(
    shell: Shell, sandbox: Shell
) -> None:
    url = sandbox.environment["KABELWERK_URL"]
    there = with_keyring(shell)
    ran = there.execute("login", "--url", url, "--token-file", "-", stdin=TOKEN.encode())
    assert ran.code == 0
    config = shell.home / ".config" / "kabelwerk" / "config.toml"
    config.write_text(config.read_text().replace(url, f"{url}/api/"))
    assert there.execute("doctor").code == 0
    assert there.execute("logout").code == 0
    assert json.loads((shell.home / "keyring.json").read_text()) == {}


def test_login_that_is_broken_off(shell: Shell, sandbox: Shell) -> None:
    url = sandbox.environment["KABELWERK_URL"]
    for typed, code in (("\x03", 130), ("\x04", 2)):
        with Terminal(shell, "login", "--url", url) as terminal:
            terminal.wait_for_prompt("API token: ")
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
    shell.write_profile(url="http://127.0.0.1:9")
    ran = shell.run("logout")
    assert ran == (0, "", "Profile 'default' has no token.\n")


def test_logout_where_the_keyring_is_gone(shell: Shell) -> None:
    folder = shell.write_profile(url="http://127.0.0.1:9", token_keyring=True)
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


ODD_NAMES = (".", "..", ".hidden", "a", "A", "a/../b", "../../x", "a.b", '"', "'", "ä", "a\u0308")
ODD_NAMES += ("line\nbreak", "x" * 300, "%2E", "-", "[profiles.a]", "\u202e")


def test_each_profile_has_its_own_token_file_whatever_it_is_called(
    shell: Shell, sandbox: Shell
) -> None:
    url = sandbox.environment["KABELWERK_URL"]
    for name in ODD_NAMES:
        login = ("login", f"--profile={name}", "--url", url, "--token-file", "-", "-q")
        assert shell.run(*login, stdin=TOKEN.encode()) == (0, "", "")
    files = [name for name in logged_in_files(shell) if name != "config.toml"]
    assert len({name.lower() for name in files}) == len(ODD_NAMES)
    assert all(name.startswith("tokens/") and "/." not in name for name in files)
    for name in ODD_NAMES[:6]:
        assert shell.run("doctor", f"--profile={name}").code == 0
    for name in ODD_NAMES:
        assert shell.run("logout", f"--profile={name}", "-q") == (0, "", "")
    assert set(logged_in_files(shell)) == {"config.toml"}


def test_a_profile_that_no_file_can_name(shell: Shell) -> None:
    ran = shell.run("login", "--profile", b"\xff", "--url", "http://127.0.0.1:9", "--no-input")
    assert (ran.code, ran.out) == (2, "")
    assert "--profile is not valid UTF-8" in ran.err


def test_login_where_what_it_writes_is_no_regular_file(shell: Shell) -> None:
    """It says so before anything is read, asked or stored."""
    folder = shell.home / ".config" / "kabelwerk" / "tokens"
    (folder / "a").mkdir(parents=True)
    os.mkfifo(folder / "b")
    os.mkfifo(shell.home / "fifo")
    with FaultyServer() as server:
        login = ("login", "--url", server.url, "--token-file", "-")
        for args in (
            ("--config", "fifo"),
            ("--config", "/dev/null"),
            ("--config", "."),
            ("--profile", "a"),
            ("--profile", "b"),
        ):
            ran = shell.run(*login, *args, stdin=TOKEN.encode())
            assert (ran.code, ran.out) == (3, "")
            assert "not a regular file" in ran.err
        assert server.attempts == []
    assert logged_in_files(shell) == {}


def test_logins_at_once_are_all_kept(shell: Shell, sandbox: Shell) -> None:
    url = sandbox.environment["KABELWERK_URL"]
    login = ("login", "--url", url, "--token-file", "-", "--profile")
    names = [f"p{number}" for number in range(8)]
    with ThreadPoolExecutor(8) as pool:
        runs = list(pool.map(lambda name: shell.run(*login, name, stdin=TOKEN.encode()), names))
    assert [ran.code for ran in runs] == [0] * 8
    assert set(logged_in_files(shell)) == {"config.toml", *(f"tokens/{name}" for name in names)}
    config = (shell.home / ".config" / "kabelwerk" / "config.toml").read_text()
    assert all(f"[profiles.{name}]" in config for name in names)
    assert shell.run("doctor", "--profile", names[0]).code == 0


def test_logout_after_the_folder_was_moved(shell: Shell, sandbox: Shell) -> None:
    url = sandbox.environment["KABELWERK_URL"]
    assert shell.run("login", "--url", url, "--token-file", "-", stdin=TOKEN.encode()).code == 0
    (shell.home / ".config" / "kabelwerk").rename(shell.home / "moved")
    moved = shell.with_(KABELWERK_CONFIG="moved/config.toml")
    assert moved.run("doctor").code == 0
    assert moved.run("logout").code == 0
    assert [path.name for path in (shell.home / "moved").rglob("*") if path.is_file()] == [
        "config.toml"
    ]


def test_login_without_a_terminal(shell: Shell, sandbox: Shell) -> None:
    url = sandbox.environment["KABELWERK_URL"]
    ran = shell.run("login", "--url", url, "--token-file", "-", stdin=f"{TOKEN}\n".encode())
    assert (ran.code, ran.out) == (0, "")
    assert TOKEN not in ran.err
    assert shell.run("doctor").code == 0
    assert shell.run("login").code == 3
    assert shell.run("login", "--no-input", "--url", url).code == 3


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
    folder = shell.write_profile()
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
    folder = shell.write_profile()
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
    """The write is stopped before its end and the process killed; the files left are checked."""
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
