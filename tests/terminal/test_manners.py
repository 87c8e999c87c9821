"""Colours, widths, locales, and missing streams and home directories."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from tests.faultserver import FaultyServer
from tests.pseudo_terminal import Terminal
from tests.shell import EXECUTABLE, TOKEN, Ran, Shell

UPDATE = ("users", "update", "--key", "kusanagi", "--name", "Motoko Kusanagi")
DELETE = ("users", "delete", "--key", "kusanagi")


@pytest.fixture
def client(shell: Shell):
    with FaultyServer() as server:
        yield shell.configured(server)


def without_stdin(shell: Shell, *args: str) -> Ran:
    with shell.launch(*args, stdin=None, preexec_fn=lambda: os.close(0)) as process:
        out, err = process.communicate(timeout=30)
    return Ran(process.returncode, out.decode(), err.decode())


def test_a_closed_stdin_matters_to_what_reads_it_only(client: Shell) -> None:
    ran = without_stdin(client, *UPDATE, "-o", "tsv", "--fields", "key")
    assert ran == (0, "kusanagi\n", "")
    needs_leave = without_stdin(client, *DELETE)
    assert (needs_leave.code, needs_leave.out) == (2, "")
    assert "--yes" in needs_leave.err
    for args, code in (
        ((*UPDATE, "--token-file", "-"), 3),
        (("messages", "post", "--room", "r", "--user", "u", "--text-file", "-"), 2),
        (("users", "create", "--from", "-"), 2),
    ):
        ran = without_stdin(client, *args)
        assert (ran.code, ran.out) == (code, "")
        assert ran.err.startswith("Error: ")


def test_without_a_home(client: Shell, tmp_path: Path) -> None:
    homeless = client.without("HOME")
    assert homeless.run(*UPDATE).code == 0
    sandbox = ("--url", f"sandbox:{tmp_path}/own.db")
    homeless = homeless.without("KABELWERK_API_TOKEN")
    assert homeless.run(*sandbox, "users", "create", "--key", "a", "--name", "A").code == 0


def test_in_a_home_where_nothing_can_be_written(client: Shell) -> None:
    poor = client.with_(HOME="/proc")
    assert poor.run(*UPDATE).code == 0
    assert poor.run("config", "show").code == 0
    login = poor.run("login", "--token-file", "-", stdin=TOKEN.encode())
    for ran in (poor.run("--sandbox", *UPDATE), login):
        assert (ran.code, ran.out) == (3, "")
        *notes, error = ran.err.splitlines()
        assert "/proc/" in error
        assert notes == [] or ran is login


@pytest.mark.parametrize("command", ["", "--help", "users create --help", "help batches"])
def test_a_reader_that_has_seen_enough(shell: Shell, command: str) -> None:
    for reader in ("head -n 1", "true"):
        script = f"set -o pipefail; '{EXECUTABLE}' {command} | {reader}"
        ran = subprocess.run(
            ["bash", "-c", script],
            env=shell.environment,
            capture_output=True,
            text=True,
            check=False,
        )
        assert ran.stderr == ""
        assert ran.returncode in {0, 141}


def test_colours_and_frames(client: Shell) -> None:
    def seen(*more: str, **environment: str) -> str:
        with Terminal(client.with_(**environment), *UPDATE, *more) as terminal:
            assert terminal.end() == 0
        return terminal.screen

    assert "\x1b[1m" in seen()
    assert "│" in seen()
    for plain in (seen(NO_COLOR="1"), seen("--no-color"), seen(NO_COLOR="1", FORCE_COLOR="1")):
        assert "\x1b" not in plain
        assert "│" in plain
    dumb = seen(TERM="dumb", FORCE_COLOR="1")
    assert "\x1b" not in dumb
    assert "│" not in dumb


def test_colours_in_a_pipe_are_for_those_who_ask(client: Shell) -> None:
    assert client.run(*UPDATE).out == "id  key       name\n1   kusanagi  Motoko Kusanagi\n"
    forced = client.with_(FORCE_COLOR="1")
    expected = "\x1b[1mid  key       name\x1b[0m\n1   kusanagi  Motoko Kusanagi\n"
    assert forced.run(*UPDATE).out == expected
    assert "\x1b" not in forced.with_(NO_COLOR="1").run(*UPDATE).out
    assert "\x1b" not in forced.run(*UPDATE, "-o", "csv").out


@pytest.mark.parametrize("columns", [40, 120])
def test_a_table_is_as_wide_as_columns_says(client: Shell, columns: int) -> None:
    name = "long " * 30
    shell = client.with_(COLUMNS=str(columns), NO_COLOR="1")
    shell.run("--sandbox", "users", "create", "--key", "kusanagi", "--name", name)
    with Terminal(shell, "sandbox", "show", "users", "-q", "--fields", "key,name") as terminal:
        assert terminal.end() == 0
    assert max(map(len, terminal.screen.splitlines())) == columns


def test_help_and_errors_in_a_plain_locale(client: Shell) -> None:
    for locale in ("C", "POSIX", "xx_YY.nonsense"):
        plain = client.with_(LC_ALL=locale)
        assert plain.execute("--help").code == 0
        ran = plain.execute("users", "update", "--key", "jürgen", "--name", "Jürgen 日本")
        assert ran.code == 5
        assert "does not exist" in ran.err


def test_a_user_who_did_not_exist_was_not_deleted(client: Shell) -> None:
    words = ("users", "delete", "--yes", "--ignore-not-found", "--key")
    for key, outcome in (("nobody", "absent"), ("kusanagi", "deleted")):
        ran = client.run(*words, key, "-o", "tsv")
        assert (ran.code, ran.out) == (0, f"{key}\t{outcome}\n")
        assert ran.err == ("User 'nobody' did not exist.\n" if outcome == "absent" else "")


def test_ctrl_c_at_a_prompt_ends_the_line(client: Shell) -> None:
    nothing = client.without("KABELWERK_API_TOKEN")
    for there, args, question in (
        (client, DELETE, "[y/N]"),
        (nothing.without("KABELWERK_URL"), ("login",), "URL:"),
        (nothing, ("login",), "API token:"),
    ):
        with Terminal(there, *args) as terminal:
            terminal.wait_for_prompt(question)
            terminal.type("\x03")
            assert terminal.end() == 130
        *_, asked, error = terminal.plain.replace("\r", "").strip().split("\n")
        assert question in asked
        assert error == "Error: Interrupted. Nothing was sent."


def test_the_bar_has_no_colors_for_those_who_want_none(client: Shell) -> None:
    rows = "".join(f"u{number},Name\n" for number in range(40))
    (client.home / "rows.csv").write_text(f"key,name\n{rows}")
    batch = ("users", "create", "--restart", "--from", "rows.csv", "--rate", "80")
    for args, environment in (((), {"NO_COLOR": "1"}), (("--no-color",), {}), ((), {})):
        with Terminal(client.with_(**environment), *batch, *args) as terminal:
            terminal.wait_for("rows/s")
            terminal.end()
        colored = re.search(r"\x1b\[[0-9;]*m", terminal.screen)
        assert bool(colored) == (not args and not environment), terminal.screen
    with Terminal(client.with_(TERM="dumb"), *batch) as terminal:
        terminal.end()
    assert "\x1b" not in terminal.screen


def test_no_fields_is_a_mistake(client: Shell) -> None:
    for empty in ("", ",", " "):
        ran = client.run(*UPDATE, "--fields", empty)
        assert (ran.code, ran.out) == (2, "")
        assert "--fields" in ran.err
