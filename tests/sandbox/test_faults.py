"""Faults of a served sandbox: what a client sees, what is applied, and that a seed repeats them."""

import contextlib
import json
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from kabelwerk_cli.sandbox.store import Store
from tests.pseudo_terminal import Terminal
from tests.shell import TOKEN, Shell

CREATE = ("users", "create", "--key", "kusanagi", "--name", "x", "--retries", "0", "-o", "json")
REQUESTS = 40


def connected(shell: Shell, number: int) -> socket.socket:
    """Send a request that creates a user, and return the connection."""
    address = urlsplit(shell.environment["KABELWERK_URL"])
    body = f'{{"key": "u{number}", "name": "x"}}'
    client = socket.create_connection((address.hostname, address.port), timeout=20)
    head = (
        f"POST /api/users HTTP/1.1\r\nHost: {address.netloc}\r\nKabelwerk-Token: {TOKEN}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    client.sendall(f"{head}{body}".encode())
    return client


def seen(client: socket.socket) -> str:
    """Return the status of the answer, or what became of the connection."""
    try:
        return client.recv(65536)[9:12].decode() or "closed"
    except ConnectionResetError:
        return "reset"
    except TimeoutError:
        return "timeout"


def outcomes(shell: Shell) -> list[str]:
    """Return what a client sees of each of many requests, one after the other."""
    found = []
    for number in range(REQUESTS):
        with connected(shell, number) as client:
            client.settimeout(3)
            found.append(seen(client))
    return found


def created(path: Path) -> int:
    with contextlib.closing(Store(path)) as store:
        return len(list(store.read("users")))


def test_a_seed_repeats_all_kinds_of_faults(serving: Callable[..., Any], tmp_path: Path) -> None:
    def play(name: str, seed: int) -> tuple[list[str], int]:
        faults = ("--fault=503:.2", "--fault=429:0.2:Retry-After=2", "--fault=reset:0.2")
        path = tmp_path / name
        options = ("--db", str(path), "--token", TOKEN, "--seed", str(seed), *faults)
        with serving(*options, "--fault", "timeout:0.05", "--latency", "0.001") as shell:
            assert shell.with_(KABELWERK_API_TOKEN="another").run(*CREATE).code == 4
            return outcomes(shell), created(path)

    with ThreadPoolExecutor() as pool:  # of what takes time, most is waiting for no answer
        first, again, other = pool.map(play, "abc", (1, 1, 2))
    assert first == again != other
    assert set(first[0]) | set(other[0]) == {"201", "503", "429", "reset", "timeout"}


def test_a_reset_is_an_unknown_outcome(serving: Callable[..., Any], tmp_path: Path) -> None:
    path = tmp_path / "db"
    with serving("--db", str(path), "--token", TOKEN, "--fault", "reset:1", "--seed", "7") as shell:
        assert set(outcomes(shell)) == {"reset"}
        assert REQUESTS * 0.2 < created(path) < REQUESTS * 0.8
        error = json.loads(shell.run(*CREATE).err)["error"]
    assert (error["exit_code"], error["applied"]) == (9, "unknown")


def test_a_timeout_does_not_hold_up_others(serving: Callable[..., Any], tmp_path: Path) -> None:
    """However many wait for an answer, the server's threads are free."""
    path = tmp_path / "db"
    options = ("--db", str(path), "--token", TOKEN, "--fault", "timeout:0.8", "--seed", "7")
    with serving(*options) as shell, contextlib.ExitStack() as clients:
        waiting = [clients.enter_context(connected(shell, number)) for number in range(REQUESTS)]
        for client in waiting:
            client.settimeout(0.05)
        found = [seen(client) for client in waiting]
        assert set(found) == {"201", "timeout"}
        assert found.count("timeout") > 20
        assert found.count("201") < created(path) < REQUESTS
        with serving(
            "--db", str(path), "--token", TOKEN, "--fault", "timeout:1", "--seed", "7"
        ) as silent:
            error = json.loads(silent.run(*CREATE, "--timeout", "0.5").err)["error"]
    assert (error["exit_code"], error["applied"]) == (9, "unknown")


@pytest.mark.parametrize(
    ("fault", "code", "said"),
    [
        ("503:1", 8, "503"),
        ("429:1", 7, "asked to wait 1 seconds"),
        ("429:1:Retry-After=7", 7, "asked to wait 7 seconds"),
    ],
)
def test_a_status(serving: Callable[..., Any], fault: str, code: int, said: str) -> None:
    with serving("--fault", fault, "--seed", "7") as shell:
        ran = shell.run(*CREATE)
        assert ran.code == code
        assert said in ran.err
        shown = shell.run("sandbox", "show", "users", "-o", "tsv")
        assert shown.out == ""


def test_a_seed_that_is_not_given_is_printed(shell: Shell) -> None:
    with Terminal(shell, "sandbox", "serve", "--fault", "503:0.1") as terminal:
        terminal.wait_for("Press Ctrl-C to stop.")
        assert "To repeat these faults, use --seed " in terminal.plain
        terminal.type("\x03")
        assert terminal.end() == 0


@pytest.mark.parametrize(
    "fault",
    [
        "503",
        "503:",
        "503:2",
        "503:1.1",
        "503:-1",
        "503:nan",
        "200:0.1",
        "600:0.1",
        "reset",
        "resets:0.1",
        "timeout:x",
        "503:0.1:Retry-After=",
        "503:0.1:Retry-After=soon",
        "503:0.1:Wait=1",
        "reset:0.1:Retry-After=1",
        "",
    ],
)
def test_what_is_no_fault(shell: Shell, fault: str) -> None:
    ran = shell.run("sandbox", "serve", f"--fault={fault}")
    assert (ran.code, ran.out) == (2, "")
    assert "503:0.05, 429:0.1:Retry-After=2, reset:0.1 or timeout:0.1" in ran.err


@pytest.mark.parametrize("seed", ["-1", "x", "1.5"])
def test_what_is_no_seed(shell: Shell, seed: str) -> None:
    assert shell.run("sandbox", "serve", "--seed", seed).code == 2
