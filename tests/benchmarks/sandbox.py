"""What it costs the served sandbox to keep the requests.

    .venv/bin/python -m tests.benchmarks.sandbox

Two servers, one of which keeps no requests, get the same requests in turn, at full speed over a few
connections. The medians of their throughput and of their CPU time are compared. Nothing here passes
or fails, and nothing needs the network.
"""

import contextlib
import http.client
import json
import os
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from subprocess import PIPE, Popen

from kabelwerk_cli.sandbox.masking import Mask
from kabelwerk_cli.sandbox.recorder import RequestLog, recorded
from tests.shell import TOKEN

REQUESTS = 10_000
ROUNDS = 25
CONNECTIONS = 4
HEADERS = {"Kabelwerk-Token": TOKEN, "Content-Type": "application/json", "User-Agent": "bench/1"}


def serve(path: Path, *, keep: bool) -> None:
    """Serve the API until the process is killed; the port is printed."""
    from kabelwerk_cli.sandbox import app, guard, server
    from kabelwerk_cli.sandbox.store import Store

    store = Store(path)
    api = guard.guarded(app.create_app(store, token=TOKEN))
    if keep:
        log = RequestLog(path, Mask(TOKEN))
        log.start()
        api = recorded(api, log)
    server.serve(
        api,
        port=0,
        on_ready=lambda url: print(url.rpartition(":")[2], flush=True),
        wait=threading.Event().wait,
        on_stop=store.stop_waiting,
    )


@contextlib.contextmanager
def started(path: Path, keep: str) -> Iterator[tuple[Popen[bytes], int]]:
    command = [sys.executable, "-m", "tests.benchmarks.sandbox", str(path), keep]
    with Popen(command, stdout=PIPE) as process:
        assert process.stdout
        yield process, int(process.stdout.readline())
        process.kill()


def send(port: int, numbers: range) -> None:
    """Create users, and post messages in their rooms."""
    connection = http.client.HTTPConnection("127.0.0.1", port)
    for number in numbers:
        path, body = "/api/users", {"key": f"u{number // 2}", "name": "Motoko Kusanagi"}
        if number % 2:
            path = f"/api/hubs/_/rooms/u{number // 2}/messages"
            body = {"user": f"u{number // 2}", "text": "Your visit is on **Monday** at 9."}
        connection.request("POST", path, json.dumps(body), HEADERS)
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 201, answer.status
    connection.close()


def cpu_seconds(process: Popen[bytes]) -> float:
    fields = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def measure(process: Popen[bytes], port: int, first: int) -> tuple[float, float]:
    """Return how many seconds one round took, and how many of the server's CPU."""
    each = REQUESTS // ROUNDS // CONNECTIONS
    began, used = time.perf_counter(), cpu_seconds(process)
    with ThreadPoolExecutor(CONNECTIONS) as clients:
        starts = range(first, first + each * CONNECTIONS, each)
        list(clients.map(lambda start: send(port, range(start, start + each)), starts))
    return time.perf_counter() - began, cpu_seconds(process) - used


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as servers:
        paths = {keep: Path(folder) / keep for keep in ("yes", "no")}
        running = {keep: servers.enter_context(started(paths[keep], keep)) for keep in paths}
        found: dict[str, list[tuple[float, float]]] = {keep: [] for keep in paths}
        for round_ in range(ROUNDS):
            for keep in ("yes", "no") if round_ % 2 else ("no", "yes"):
                found[keep].append(measure(*running[keep], round_ * REQUESTS // ROUNDS))
        for column, what in enumerate(("seconds", "CPU seconds")):
            kept, bare = (sum(row[column] for row in found[keep]) for keep in ("yes", "no"))
            pairs = zip(found["yes"], found["no"], strict=True)
            ratio = statistics.median(one[column] / other[column] for one, other in pairs)
            print(f"{what} of {REQUESTS}: {kept:.2f} with, {bare:.2f} without", end=", ")
            print(f"ratio {kept / bare:.3f}, median of the rounds' {ratio:.3f}")
        print({path.name: path.stat().st_size for path in sorted(Path(folder).iterdir())})


if __name__ == "__main__":
    if len(sys.argv) > 1:
        serve(Path(sys.argv[1]), keep=sys.argv[2] == "yes")
    else:
        main()
