"""Configurations and tokens in pipes, which somebody may or may not write."""

import os
import threading
import time

from tests.faultserver import FaultyServer
from tests.shell import TOKEN, Shell

UPDATE = ("users", "update", "--key", "kusanagi", "--name", "Motoko")


def test_a_pipe_that_nobody_writes(shell: Shell) -> None:
    os.mkfifo(shell.home / "fifo")
    with FaultyServer() as server:
        there = shell.configured(server)
        for args in (
            ("--config", "fifo"),
            ("--token-file", "fifo"),
            ("doctor", "--config", "fifo"),
        ):
            command = args if "doctor" in args else (*args, *UPDATE)
            started = time.monotonic()
            ran = there.run(*command, "--max-time", "1")
            assert time.monotonic() - started < 40
            assert (ran.code, ran.out) == (3, "")
            assert "nobody wrote 'fifo' to its end within 1 s" in ran.err
        assert server.attempts == []


def test_a_standard_input_that_does_not_end(shell: Shell) -> None:
    with (
        FaultyServer() as server,
        shell.with_(KABELWERK_URL=server.url).start(
            *UPDATE, "--token-file", "-", "--max-time", "1", stdin=-1
        ) as process,
    ):
        assert process.wait(40) == 3
        assert b"nobody wrote '-' to its end within 1 s" in process.stderr.read()
        assert server.attempts == []


def test_a_pipe_that_is_written(shell: Shell) -> None:
    with FaultyServer() as server:
        texts = {"config": f'[profiles.default]\nurl = "{server.url}"\n', "token": TOKEN}
        for name, text in texts.items():
            os.mkfifo(shell.home / name)
            write = (shell.home / name).write_text
            threading.Thread(target=write, args=(text,), daemon=True).start()
        ran = shell.run("--config", "config", "--token-file", "token", *UPDATE, "-q")
        assert ran == (0, "", "")
        assert server.requests[0].header("Kabelwerk-Token") == TOKEN
