"""What a served sandbox acknowledged is kept: two servers on one file, many clients, kill -9."""

import http.client
import itertools
import json
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from kabelwerk_cli.sandbox.store import Store
from tests.forkserver import Fork
from tests.shell import TOKEN, Shell

CLIENTS = 50
ROUNDS = 3
WRITES = 150
"""How many users are created before a server is killed."""


def start(shell: Shell, path: Path, port: int) -> tuple[Fork, int]:
    """Start a server, and return it with its port once it serves."""
    serve = ("sandbox", "serve", "--token", TOKEN, "--db", str(path), "--port", str(port))
    process = shell.start(*serve, stderr=subprocess.DEVNULL)
    line = process.stdout.readline().decode()
    return process, urlsplit(line.strip().removeprefix("export KABELWERK_URL=")).port


class Clients:
    """Many clients, which create users at two servers at once until they are stopped."""

    def __init__(self, ports: tuple[int, int]) -> None:
        self.acknowledged: set[str] = set()
        self._enough = threading.Semaphore(0)
        self._stopped = threading.Event()
        self._keys: Iterator[int] = itertools.count()
        self._threads = [
            threading.Thread(target=self._create, args=(ports[number % 2],))
            for number in range(CLIENTS)
        ]

    def __enter__(self) -> "Clients":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stopped.set()
        for thread in self._threads:
            thread.join()

    def wait_for(self, count: int) -> None:
        """Wait until so many more users have been acknowledged."""
        for _ in range(count):
            assert self._enough.acquire(timeout=60)

    def _create(self, port: int) -> None:
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        headers = {"Kabelwerk-Token": TOKEN, "Content-Type": "application/json"}
        while not self._stopped.is_set():
            key = f"u{next(self._keys)}"
            body = json.dumps({"key": key, "name": "x"})
            try:
                connection.request("POST", "/api/users", body, headers)
                answer = connection.getresponse()
                answer.read()
            except (OSError, http.client.HTTPException):
                connection.close()
                self._stopped.wait(0.05)  # it is killed, or starts again
                continue
            assert answer.status == 201
            self.acknowledged.add(key)
            self._enough.release()
        connection.close()


@pytest.mark.usefixtures("alone")
def test_nothing_acknowledged_is_lost(shell: Shell, tmp_path: Path) -> None:
    path = tmp_path / "db"
    servers = [start(shell, path, 0) for _ in range(2)]
    ports = (servers[0][1], servers[1][1])
    try:
        with Clients(ports) as clients:
            for round_ in range(ROUNDS):
                clients.wait_for(WRITES)
                killed = round_ % 2
                servers[killed][0].send_signal(signal.SIGKILL)
                servers[killed][0].communicate()
                clients.wait_for(CLIENTS)  # the other one goes on
                servers[killed] = start(shell, path, ports[killed])
            clients.wait_for(WRITES)
        with closing(Store(path)) as store:
            kept = {user.key for user in store.read("users")}
        assert clients.acknowledged <= kept
        # a client that was cut off does not know about at most one user a time
        assert len(kept) <= len(clients.acknowledged) + ROUNDS * CLIENTS
    finally:
        for process, _ in servers:
            process.send_signal(signal.SIGTERM)
            process.communicate(timeout=20)
    assert [process.returncode for process, _ in servers] == [0, 0]
