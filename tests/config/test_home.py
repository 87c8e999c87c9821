"""Where there is no home folder, and where it is no folder."""

import subprocess
import sys

import pytest

from tests.faultserver import FaultyServer
from tests.shell import TOKEN, Shell

UPDATE = ("users", "update", "--key", "kusanagi", "--name", "Motoko")
HOMELESS = """
import pwd
def nobody(*_):
    raise KeyError("no entry")
pwd.getpwuid = pwd.getpwnam = nobody
from kabelwerk_cli.__main__ import main
main()
"""
"""Runs the program as a user who has no entry, as in many containers."""


def homeless(shell: Shell, *args: str, stdin: str = "", **variables: str) -> tuple[int, str, str]:
    environment = {**shell.environment, **variables}
    del environment["HOME"]
    ran = subprocess.run(
        [sys.executable, "-c", HOMELESS, *args],
        check=False,
        cwd=shell.home,
        env=environment,
        input=stdin,
        capture_output=True,
        text=True,
        timeout=60,
    )
    return ran.returncode, ran.stdout, ran.stderr


@pytest.mark.parametrize(
    ("args", "advice"),
    [
        (("login", "--url", "http://127.0.0.1:9", "--token-file", "-"), "--config FILE"),
        (("logout",), "--config FILE"),
        (("--profile", "a", *UPDATE), "--config FILE"),
        (("--sandbox", *UPDATE), "KABELWERK_SANDBOX_DB=FILE"),
        (("sandbox", "show", "users"), "KABELWERK_SANDBOX_DB=FILE"),
    ],
)
def test_what_needs_a_home_folder_says_so(shell: Shell, args: tuple[str, ...], advice: str) -> None:
    code, out, err = homeless(shell, *args, stdin=TOKEN)
    assert (code, out) == (3, "")
    assert err.startswith("Error: There is no home folder: HOME is not set")
    assert f"Set HOME, or use {advice}." in err
    assert list(shell.home.iterdir()) == []


@pytest.mark.parametrize("args", [("--profile", "a", *UPDATE), ("--sandbox", *UPDATE)])
def test_an_empty_home_is_none(shell: Shell, args: tuple[str, ...]) -> None:
    ran = shell.with_(HOME="").run(*args)
    assert ran.code == 3
    assert ran.err.startswith("Error: There is no home folder: HOME is not set to one")


def test_what_needs_none_works(shell: Shell) -> None:
    with FaultyServer() as server:
        pair = {"KABELWERK_URL": server.url, "KABELWERK_API_TOKEN": TOKEN}
        assert homeless(shell, *UPDATE, "-q", **pair) == (0, "", "")
        assert homeless(shell, "config", "show")[0] == 0
        database = {"KABELWERK_URL": f"sandbox://{shell.home}/here.db"}
        create = ("users", "create", "--key", "kusanagi", "--name", "Motoko", "-q")
        assert homeless(shell, *create, **database) == (0, "", "")
        named = ("login", "--config", "config.toml", "--url", server.url, "--token-file", "-", "-q")
        assert homeless(shell, *named, stdin=TOKEN) == (0, "", "")
        assert len(server.requests) == 2
    assert not (shell.home / "~").exists()


def test_a_home_that_is_no_folder(shell: Shell) -> None:
    """Service managers set `HOME=/dev/null`; with a complete environment, nothing is read there."""
    with FaultyServer() as server:
        there = shell.configured(server, HOME="/dev/null")
        assert there.run(*UPDATE, "-q") == (0, "", "")
        assert len(server.requests) == 1
        ran = there.run("login", "--token-file", "-", stdin=TOKEN.encode())
        assert ran.code == 3
        assert "Cannot write '/dev/null/.config/kabelwerk/config.toml'" in ran.err
    ran = there.without("KABELWERK_URL").run("--sandbox", *UPDATE)
    assert ran.code == 3
    assert "/dev/null/.local/share" in ran.err
