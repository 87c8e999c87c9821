"""All commands agree on the sandbox's database, say which one it is, and do not wait for ever."""

import contextlib
import http.client
import json
import signal
import sqlite3
import subprocess
import time
import urllib.request
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from kabelwerk_cli.backend.sandbox import open_transport
from kabelwerk_cli.network.request import build_request
from kabelwerk_cli.network.wire import Attempt, Failure
from kabelwerk_cli.sandbox.store import Store
from tests.operations import CALLS
from tests.pseudo_terminal import Terminal
from tests.shell import EXECUTABLE, TOKEN, Shell

CREATE = ("users", "create", "--name", "x", "--key")
SHOW = ("sandbox", "show", "users", "-o", "tsv", "--fields", "key")
RESET = ("sandbox", "reset", "--yes")
WITHOUT_A_NAME = ("--sandbox", *CREATE, "r1")
ODD_NAME = 'it\'s "my" $HOME\n`own`.db'
SCRIPT = """
set -e
. ./sandbox.env
kabelwerk users create --key kusanagi --name Motoko -q
kabelwerk --sandbox users create --key batou --name Batou -q
cd /
kabelwerk sandbox show users -o tsv --fields key -q
kabelwerk sandbox reset --yes -q
kabelwerk sandbox show users -o tsv --fields key -q
printf '%s' "$KABELWERK_SANDBOX_DB"
"""


def test_the_printed_lines_name_the_database(shell: Shell) -> None:
    """For a shell, however the file is called; the default database is not touched."""
    lines = shell.home / "sandbox.env"
    with lines.open("wb") as stdout, Terminal(
        shell, "sandbox", "serve", "--db", ODD_NAME, stdout=stdout
    ) as terminal:  # fmt: skip
        terminal.wait_for("Press Ctrl-C to stop.\r\n")
        ran = subprocess.run(
            ["sh", "-c", SCRIPT],
            env={**shell.environment, "PATH": f"{EXECUTABLE.parent}:/usr/bin:/bin"},
            cwd=shell.home,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (ran.returncode, ran.stderr) == (0, "")
        assert ran.stdout == f"kusanagi\nbatou\n{shell.home / ODD_NAME}"
        terminal.forget()
        terminal.type("\x03")
        assert terminal.end() == 0
        assert terminal.plain == "^CStopped.\r\n"
    assert lines.read_text().count("export ") == 3
    assert not (shell.home / ".local").exists()


def test_each_command_names_it(shell: Shell) -> None:
    named = shell.with_(KABELWERK_SANDBOX_DB="named.db")
    path = shell.home / "named.db"
    said = f"Using sandbox database '{path}' (environment KABELWERK_SANDBOX_DB).\n"
    assert named.run(*WITHOUT_A_NAME).err == said
    assert named.run(*SHOW) == (0, "r1\n", f"Reading sandbox database '{path}'.\n")
    assert shell.run(*SHOW, "--db", "named.db", "-q") == (0, "r1\n", "")
    # what is typed wins over the environment, and an address over the name alone
    for args in (("--url", "sandbox:other.db"), ("--url", "sandbox:other.db", "-o", "json")):
        assert named.run(*args, *CREATE, f"u{len(args)}").err == ""
    assert named.run(*SHOW, "--url", "sandbox:other.db").out == "u2\nu4\n"
    assert named.run(*SHOW, "--db", "other.db").out == "u2\nu4\n"
    assert named.run(*RESET) == (0, "", f"Emptied sandbox database '{path}'.\n")
    assert named.run(*SHOW).out == ""
    assert named.run(*SHOW, "--db", "other.db").out == "u2\nu4\n"


@pytest.mark.parametrize("command", [SHOW, RESET], ids=["show", "reset"])
def test_one_that_is_missing_is_not_made(shell: Shell, command: tuple[str, ...]) -> None:
    for args in ((), ("--db", "missing.db"), ("--url", "sandbox:missing.db")):
        ran = shell.run(*command, *args)
        assert (ran.code, ran.out) == (2, "")
        assert "does not exist. Name another with --db FILE" in ran.err
        assert ("missing.db" in ran.err) is (args != ())
    assert not list(shell.home.iterdir())


def test_what_is_no_sandbox_database_stays_as_it_is(shell: Shell) -> None:
    (shell.home / "notes.db").write_text("nothing of the kind")
    (shell.home / "empty.db").touch()
    (shell.home / "folder.db").mkdir()
    with contextlib.closing(sqlite3.connect(shell.home / "app.db")) as other:
        # SQLite would write the rows of its log to the file, once it is opened and closed
        other.executescript(
            "PRAGMA journal_mode = WAL; CREATE TABLE users (id); PRAGMA user_version = 7"
        )
        files = [path for path in sorted(shell.home.iterdir()) if path.is_file()]
        before = {path.name: path.read_bytes() for path in files}
        copied = {f"copy-{name}": content for name, content in before.items()}
    for name, content in copied.items():
        (shell.home / name).write_bytes(content)
    names = ("copy-notes.db", "copy-empty.db", "copy-app.db", "folder.db")
    kept = {path.name for path in shell.home.iterdir()}
    for name in names:
        for command in (
            (*SHOW, "--db", name),
            (*RESET, "--db", name),
            ("sandbox", "serve", "--db", name),
            ("--url", f"sandbox:{name}", *CREATE, "r1"),
        ):
            ran = shell.run(*command)
            assert (ran.code, ran.out) == (3, ""), command
            assert "Cannot use sandbox database" in ran.err
            assert name in ran.err
    assert {path.name for path in shell.home.iterdir()} == kept
    for name, content in copied.items():
        assert (shell.home / name).read_bytes() == content


def test_reset_asks_on_a_terminal(shell: Shell) -> None:
    assert shell.run(*WITHOUT_A_NAME).code == 0
    path = shell.home / ".local/share/kabelwerk/sandbox.db"
    reset = RESET[:-1]
    for answer, code in (("n\n", 2), ("\n", 2), ("\x03", 130), ("y\n", 0)):
        assert shell.run(*SHOW).out == "r1\n"
        with Terminal(shell, *reset, size=(24, 300)) as terminal:
            what = "users, rooms, messages and requests"
            question = f"Delete all {what} in sandbox database '{path}'? [y/N] "
            terminal.wait_for_prompt(question)
            terminal.type(answer)
            assert terminal.end() == code
    assert shell.run(*SHOW).out == ""
    ran = shell.run(*reset)
    assert ran.code == 2
    assert "Cannot prompt without a terminal. Use --yes" in ran.err


@pytest.fixture
def locked(shell: Shell) -> Iterator[Path]:
    """A database that another process keeps locked, for readers too."""
    path = shell.home / "locked.db"
    with contextlib.closing(Store(path)) as store:
        store.create_user(key="kusanagi", name="Motoko", hub=None)
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("PRAGMA locking_mode = EXCLUSIVE")
        other.execute("BEGIN EXCLUSIVE")
        other.execute("UPDATE users SET name = name")
        yield path
        other.execute("ROLLBACK")


WAITING = [
    ((*SHOW, "--db", "locked.db"), {3}),
    ((*RESET, "--db", "locked.db"), {3}),
    (("--url", "sandbox:locked.db", *CREATE, "r1", "--retries", "0"), {3, 7}),
    (("sandbox", "serve", "--db", "locked.db"), {3}),
]


@pytest.mark.usefixtures("locked")
@pytest.mark.parametrize(("command", "codes"), WAITING, ids=["show", "reset", "call", "serve"])
def test_one_that_is_locked_is_not_waited_for(
    shell: Shell, command: tuple[str, ...], codes: set[int]
) -> None:
    started = time.monotonic()
    ran = shell.run(*command, "--max-time", "0.5")
    assert time.monotonic() - started < 20
    assert ran.code in codes
    assert "locked by another process" in ran.err
    process = shell.start(*command)
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(2)
    process.send_signal(signal.SIGINT)
    process.communicate(timeout=20)
    assert process.returncode == 130


def test_who_writes_does_not_hold_up_who_reads(shell: Shell) -> None:
    assert shell.run(*WITHOUT_A_NAME).code == 0
    path = shell.home / ".local/share/kabelwerk/sandbox.db"
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        assert shell.run(*SHOW, "--max-time", "5").out == "r1\n"
        ran = shell.run(*RESET, "--max-time", "0.5")
        assert (ran.code, ran.out) == (3, "")
        other.execute("ROLLBACK")


def test_ctrl_c_ends_requests_that_wait_for_a_lock(shell: Shell) -> None:
    lines = shell.home / "sandbox.env"
    with lines.open("wb") as stdout, Terminal(
        shell, "sandbox", "serve", "--db", "busy.db", "--token", TOKEN, stdout=stdout
    ) as terminal:  # fmt: skip
        terminal.wait_for("Press Ctrl-C to stop.\r\n")
        url = lines.read_text().partition("KABELWERK_URL=")[2].splitlines()[0]
        path = shell.home / "busy.db"
        with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN EXCLUSIVE")
            waiting = requested(shell.with_(KABELWERK_URL=url))
            terminal.forget()
            started = time.monotonic()
            terminal.type("\x03")
            assert terminal.end() == 0
            assert time.monotonic() - started < 4
            assert terminal.plain == "^CStopped.\r\n"
            other.execute("ROLLBACK")
        with contextlib.closing(waiting):
            assert waiting.getresponse().status == 500
    assert shell.run(*SHOW, "--db", "busy.db").out == ""


def requested(client: Shell) -> http.client.HTTPConnection:
    """Send a request that needs the database, and return once the server has read it."""
    request = json.loads(client.run(*CREATE, "r1", "--dry-run", "-o", "json").out)
    url = urlsplit(request["url"])
    connection = http.client.HTTPConnection(url.netloc, timeout=20)
    headers = {**request["headers"], "Kabelwerk-Token": TOKEN}
    connection.request("POST", url.path, json.dumps(request["body"]), headers)
    for _ in range(2):  # the server reads what came before, whole, before it answers a second time
        with urllib.request.urlopen(f"http://{url.netloc}/page/page.js") as answer:
            assert answer.status == 200
    return connection


@pytest.mark.parametrize("command", [SHOW, RESET, ("sandbox", "serve")])
def test_one_that_cannot_be_looked_at(shell: Shell, command: tuple[str, ...]) -> None:
    ran = shell.run(*command, "--db", "x" * 300)
    assert (ran.code, ran.out) == (3, "")
    assert "File name too long" in ran.err


def test_what_is_no_path_and_no_hub(shell: Shell) -> None:
    ran = shell.run("--url", "sandbox:%00", *CREATE, "r1")
    assert (ran.code, ran.out) == (3, "")
    assert "a path cannot contain a null character" in ran.err
    for hub in ("", "..", "a\nb", "x" * 1025):
        ran = shell.run("sandbox", "serve", "--hub", hub)
        assert (ran.code, ran.out) == (2, ""), hub
    assert not list(shell.home.iterdir())


def test_a_thread_that_cannot_open_the_database_has_sent_nothing(tmp_path: Path) -> None:
    """Each has a connection of its own; this is no bug of the program."""
    path = tmp_path / "db"
    transport = open_transport(path, 1.0)
    path.write_bytes(b"not a database" * 1000)
    attempt = Attempt(time.monotonic, 1.0, 1.0)
    request = build_request(CALLS["create"].build(), token="", request_id="")
    with ThreadPoolExecutor(1) as thread, pytest.raises(Failure, match="not a database"):
        thread.submit(transport.carry, request, attempt).result()
    transport.close()
    assert not attempt.sent
