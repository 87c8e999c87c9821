"""What is refused before it can hang, fill the memory, or be taken for something else."""

import contextlib
import json
import os
import signal
import socket
import sqlite3
import time
from pathlib import Path

import pytest

from tests.faultserver import HANG, FaultyServer, Step
from tests.shell import TOKEN, Shell

UPDATE = ("users", "update", "--key", "kusanagi", "--name", "Motoko")
ATTRIBUTES = ("rooms", "update", "--room", "kusanagi", "--attributes")


@pytest.mark.parametrize("name", ["/dev/zero", "/dev/null", "/"])
@pytest.mark.parametrize("option", ["--config", "--token-file"])
def test_a_device_or_a_folder_is_refused(shell: Shell, option: str, name: str) -> None:
    with FaultyServer() as server:
        ran = shell.with_(KABELWERK_URL=server.url).run(*UPDATE, option, name)
        assert server.attempts == []
    assert (ran.code, ran.out) == (3, "")
    assert name in ran.err


def test_a_pipe_is_read(shell: Shell) -> None:
    with FaultyServer() as server:
        there = shell.with_(KABELWERK_URL=server.url)
        assert there.run(*UPDATE, "--token-file", "/dev/stdin", stdin=TOKEN.encode()).code == 0
        assert server.requests[0].header("Kabelwerk-Token") == TOKEN


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_ends_the_wait_for_a_pipe(shell: Shell, number: signal.Signals) -> None:
    os.mkfifo(shell.home / "pipe")
    code = 128 + number
    runs = [
        shell.start("config", "show", "--config", "pipe"),
        shell.start(*UPDATE, "--token-file", "pipe", "--url", "https://kabelwerk.example"),
        shell.start("users", "create", "--from", "pipe", "--sandbox"),
    ]
    time.sleep(1.5)
    for process in runs:
        process.send_signal(number)
        _, err = process.communicate(timeout=20)
        assert (process.returncode, err) == (code, b"Error: Interrupted. Nothing was sent.\n")


def test_a_configuration_nested_without_end(shell: Shell) -> None:
    (shell.home / "deep.toml").write_text(f"a = {'[' * 5000}{']' * 5000}")
    ran = shell.run("config", "show", "--config", "deep.toml")
    assert ran.code == 3
    assert "nested too deeply" in ran.err


@pytest.mark.parametrize("value", ["1e10", "nan", "inf", "0", "-1", "86401"])
def test_a_time_limit_that_is_none(shell: Shell, value: str) -> None:
    with FaultyServer() as server:
        for option in ("--timeout", "--max-time"):
            ran = shell.configured(server).run(*UPDATE, f"{option}={value}")
            assert ran.code == 2
            assert "up to 86400 (a day)" in ran.err
        assert server.attempts == []


@pytest.mark.parametrize("text", ['{"x": 1, "x": 2}', '{"x": 1e999}', '{"x": NaN}'])
def test_attributes_that_parsers_read_differently(shell: Shell, text: str) -> None:
    (shell.home / "rows.jsonl").write_text(f'{{"room": "kusanagi", "attributes": {text}}}\n')
    (shell.home / "rows.csv").write_text(
        f'room,attributes\nkusanagi,"{text.replace(chr(34), chr(34) * 2)}"\n'
    )
    with FaultyServer() as server:
        there = shell.configured(server)
        assert there.run(*ATTRIBUTES, text).code == 2
        for name in ("rows.jsonl", "rows.csv"):
            assert there.run("rooms", "update", "--from", name).code == 2
        assert server.attempts == []


@pytest.mark.parametrize("end", ["\0", "\n"])
@pytest.mark.parametrize("start", ["", "export ", "URL=https://kabelwerk.example,"])
def test_the_environment_is_no_file_of_rows(shell: Shell, start: str, end: str) -> None:
    with FaultyServer() as server:
        there = shell.configured(server)
        text = f"{start}KABELWERK_API_TOKEN={TOKEN}{end}HOME=/{end}"
        (shell.home / "environ").write_text(text)
        ran = there.run("users", "create", "--from", "environ")
    assert ran.code == 2
    assert "environ" in ran.err
    assert TOKEN not in ran.err


def test_a_sandbox_that_another_process_keeps_locked(shell: Shell) -> None:
    path = shell.home / "sandbox.db"
    there = shell.with_(KABELWERK_URL=f"sandbox://{path}")
    assert there.run("users", "create", "--key", "kusanagi", "--name", "Motoko").code == 0
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        started = time.monotonic()
        ran = there.run(*UPDATE, "--max-time", "1", "--retries", "0", "-o", "json")
        assert time.monotonic() - started < 30  # it waited for 60
        other.execute("ROLLBACK")
    error = json.loads(ran.err.splitlines()[-1])["error"]
    assert error["exit_code"] in {3, 7}
    assert error["applied"] == "no"
    assert "locked" in error["message"]


def test_a_signal_ends_the_wait_for_a_locked_sandbox(shell: Shell) -> None:
    path = shell.home / "sandbox.db"
    there = shell.with_(KABELWERK_URL=f"sandbox://{path}")
    assert there.run("users", "create", "--key", "kusanagi", "--name", "Motoko").code == 0
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        process = there.start(*UPDATE, "-o", "json")
        time.sleep(1)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=20)  # it waited for 60
        other.execute("ROLLBACK")
    assert process.returncode == 130
    assert json.loads(err.splitlines()[-1])["error"]["applied"] == "no"


@pytest.mark.parametrize("value", ["nan", "inf", "0", "-1"])
def test_a_rate_that_is_none(shell: Shell, value: str) -> None:
    (shell.home / "rows.csv").write_text("key,name\nmotoko,Motoko\n")
    with FaultyServer() as server:
        create = ("users", "create", "--from", "rows.csv", f"--rate={value}")
        assert shell.configured(server).run(*create).code == 2
        assert server.attempts == []
    for option in (f"--fault=503:{value}", f"--latency={value}"):
        if value != "0":  # no faults, no latency
            assert shell.run("sandbox", "serve", "--port", "0", option, timeout=20).code == 2


def test_the_doctor_has_one_time_limit_for_all_checks(shell: Shell) -> None:
    with FaultyServer([Step(HANG)]) as server:
        started = time.monotonic()
        ran = shell.configured(server).run("doctor", "--max-time", "2")
        assert time.monotonic() - started < 15  # it took 20 and more
    assert ran.code in {7, 9}


def test_the_doctor_waits_no_longer_for_a_silent_port(shell: Shell) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"https://127.0.0.1:{silent.getsockname()[1]}"
        started = time.monotonic()
        ran = shell.configured(url).run("doctor", "--max-time", "1", "--retries", "0")
        assert time.monotonic() - started < 15  # an attempt may take 20
    assert ran.code == 7


def test_batches_and_the_doctor_warn_of_a_loose_token_file(shell: Shell) -> None:
    token = shell.home / "token"
    token.write_text(TOKEN)
    token.chmod(0o644)
    Path(shell.home / "rows.csv").write_text("key,name\nmotoko,Motoko\n")
    with FaultyServer() as server:
        there = shell.with_(KABELWERK_URL=server.url)
        for args in (("users", "create", "--from", "rows.csv"), ("doctor",)):
            assert "chmod 600" in there.run(*args, "--token-file", "token").err
