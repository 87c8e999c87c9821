"""What batches reach, as ratios to what is possible, measured in the same run.

    .venv/bin/python -m tests.benchmarks.batches [ROWS_OF_THE_LONG_FILE]

Nothing here passes or fails. The server is a process of its own, as fast as a few lines can be.
What competes runs in turn, several times, and the medians are compared: a single run is up to a
fifth slower if the kernel moves its threads unluckily.
"""

import contextlib
import itertools
import json
import os
import queue
import resource
import shlex
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import requests
import requests.adapters
import trustme

from kabelwerk_cli.batch.plan import id_of
from kabelwerk_cli.journal.entry import Entry
from kabelwerk_cli.journal.fate import Fate
from kabelwerk_cli.journal.file import JOURNAL
from kabelwerk_cli.journal.journal import GROUP, Journal
from kabelwerk_cli.operations import calls
from kabelwerk_cli.rows.columns import NAME, USER_HUB, USER_KEY
from kabelwerk_cli.rows.reader import RowReader
from kabelwerk_cli.tabular.file import RowFile
from tests.measure import Measured, measure
from tests.shell import EXECUTABLE

SERVER = r"""
import json, re, socket, ssl, sys, threading, time
latency, certificate = float(sys.argv[1]), sys.argv[2]
context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
if certificate:
    context.load_cert_chain(certificate)
user = {"id": 1, "key": "batou", "name": "Batou"}
now = "2026-01-01T00:00:00Z"
message = {"id": 1, "html": "", "inserted_at": now, "updated_at": now, "room_id": 1, "type": "text"}
listener = socket.create_server(("127.0.0.1", 0), backlog=512)
print(listener.getsockname()[1], flush=True)
def serve(client):
    client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    if certificate:
        client = context.wrap_socket(client, server_side=True)
    data = b""
    while True:
        while b"\r\n\r\n" not in data:
            more = client.recv(65536)
            if not more:
                return
            data += more
        head, _, data = data.partition(b"\r\n\r\n")
        size = int((re.search(rb"(?i)content-length: (\d+)", head) or [0, 0])[1])
        while len(data) < size:
            data += client.recv(65536)
        sent, data = json.loads(data[:size] or b"{}"), data[size:]
        if latency:
            time.sleep(latency)
        if head.startswith(b"DELETE"):
            client.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")
            continue
        if "text" in sent:
            answer = {**message, "text": sent["text"], "user": user}
        else:
            key = re.match(rb"\w+ \S*/users/?(\S*)", head)[1].decode()
            answer = {"id": 1, "key": sent.get("key", key), "name": sent["name"]}
        body = json.dumps(answer).encode()
        client.sendall(b"HTTP/1.1 201 Created\r\nContent-Length: %d\r\n\r\n%s" % (len(body), body))
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
"""


@contextlib.contextmanager
def server(latency: float, certificate: str = "") -> Iterator[str]:
    """Serve answers that take `latency` seconds each, over TLS with the certificate in a file."""
    command = [sys.executable, "-c", SERVER, str(latency), certificate]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        yield f"http{'s' if certificate else ''}://127.0.0.1:{process.stdout.readline().strip()}"
        process.kill()


def write_rows(path: Path, count: int) -> None:
    """Write a file of users."""
    with path.open("w") as file:
        file.write("key,name\n")
        file.writelines(f"user-{number:07},Name of user {number}\n" for number in range(count))


def write_twice(path: Path, count: int) -> None:
    """Write a file of users in which each row appears twice."""
    write_rows(path, count // 2)
    with path.open() as file:
        _, *rows = file
    with path.open("a") as file:
        file.writelines(rows)


def write_export(path: Path, count: int) -> None:
    """Write a file of users as a spreadsheet exports it, with columns of its own."""
    with path.open("w", encoding="cp1252") as file:
        file.write("Schlüssel;Patientenname;Station\n")
        file.writelines(f"user-{number:07};Näme {number};{number % 9}\n" for number in range(count))


EXPORTED = (
    "--encoding=cp1252",
    "--map=key=Schlüssel",
    "--map=name=Patientenname",
    "--ignore-columns=Station",
)


def batch(home: Path, url: str, *args: str) -> Measured:
    """Run a batch."""
    return run(home, url, "users", "create", *args)


def run(home: Path, url: str, *args: str) -> Measured:
    """Run a command."""
    environment = {
        "HOME": str(home),
        "PATH": os.defpath,
        "KABELWERK_URL": url,
        "KABELWERK_API_TOKEN": "benchmark",
    }
    ran = measure([EXECUTABLE, *args, "-q"], environment)
    if ran.code not in {0, 10}:
        raise SystemExit(f"the run ended with {ran.code}")
    return ran


def processor_seconds() -> float:
    """Return the CPU time of all runs that have ended."""
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def adapter(ca_file: str | None = None) -> Any:
    """Return what sends a request through requests' adapter alone, without a session."""
    carrier = requests.adapters.HTTPAdapter()
    return lambda request: carrier.send(request.prepare(), timeout=20, verify=ca_file or True)


def session() -> Any:
    """Return what sends a request through a session, as most programs do."""
    kept = requests.Session()
    return lambda request: kept.send(kept.prepare_request(request), timeout=20)


def new_user(number: int) -> tuple[str, dict[str, Any]]:
    """Return the path and the body of a call that creates a user."""
    return "/api/users", {"hub": None, "key": f"user-{number}", "name": "Name"}


def new_message(number: int) -> tuple[str, dict[str, Any]]:
    """Return the path and the body of a call that posts a message."""
    return f"/api/hubs/_/rooms/user-{number}/messages", {"text": "Hello", "user": "batou"}


def bare_threads(
    url: str,
    rows: int,
    concurrency: int,
    sender: Callable[[], Any],
    call: Callable[[int], tuple[str, dict[str, Any]]] = new_user,
) -> float:
    """Return the seconds that threads with a sender each need for as many calls."""
    numbers = iter(range(rows))
    lock = threading.Lock()

    def work() -> None:
        send = sender()
        while True:
            with lock:
                number = next(numbers, None)
            if number is None:
                return
            path, body = call(number)
            send(requests.Request("POST", url + path, json=body)).json()

    started = time.perf_counter()
    threads = [threading.Thread(target=work) for _ in range(concurrency)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return time.perf_counter() - started


SDK = """
import sys, kabelwerk.api
for number in range(int(sys.argv[1])):
    kabelwerk.api.create_user(key=f"user-{number}", name="Name")
"""


def sdk_loop(url: str, rows: int) -> float:
    """Return the seconds that the official SDK needs for as many calls, one after the other."""
    environment = {**os.environ, "KABELWERK_URL": url, "KABELWERK_API_TOKEN": "benchmark"}
    started = time.perf_counter()
    subprocess.run([sys.executable, "-c", SDK, str(rows)], env=environment, check=True)
    return time.perf_counter() - started


def sync_cost(home: Path, times: int = 200) -> float:
    """Return the seconds that it takes to write a page and have it on disk."""
    with (home / "page").open("wb") as file:
        started = time.perf_counter()
        for _ in range(times):
            file.write(bytes(4096))
            file.flush()
            os.fsync(file.fileno())
        return (time.perf_counter() - started) / times


def startup(home: Path) -> float:
    """Return what a run costs that sends a single row, to be left out of rates."""
    path = home / "one.csv"
    write_rows(path, 1)
    with server(0) as url:
        return min(batch(home, url, "--from", str(path)).seconds for _ in range(3))


def journal_of(path: Path, url: str, left: int) -> None:
    """Write the journal of an earlier run that did all rows of a file but a few."""
    params = dict.fromkeys(("key", "name", "hub"))
    reader = RowReader((USER_KEY, NAME, USER_HUB), calls.create_user, params, {}, exact_key=False)
    file = RowFile(str(path))
    written: queue.SimpleQueue[object] = queue.SimpleQueue()
    under_way = 0
    before = Counter[bytes]()
    with Journal(JOURNAL.beside(str(path)), f"users create at {url}") as journal:
        for raw in itertools.islice(file, left, None):
            row = reader.parse(raw)
            assert not row.problem
            request_id = os.urandom(16).hex()
            row_id = id_of(row.digest, before[row.digest])
            before[row.digest] += 1
            entry = Entry(row_id, Fate.DONE, row.key, request_id=request_id)
            journal.write(entry, None, written.put)
            under_way += 1
            while under_way > 2 * GROUP:
                assert written.get() is None
                under_way -= 1


def tell(what: str, reached: str, bound: str) -> None:
    """Print a row of the table."""
    print(f"| {what} | {reached} | {bound} |", flush=True)


def medians(rounds: int, *runs: Callable[[], float]) -> list[float]:
    """Return the median seconds of some runs, which take turns."""
    taken = [[run() for run in runs] for _ in range(rounds)]
    return [statistics.median(seconds) for seconds in zip(*taken, strict=True)]


def with_latency(home: Path, fixed: float, concurrency: int) -> None:
    """Compare with what a server of 50 ms allows at all, and with bare threads."""
    rows, count = home / "rows.csv", 100 * concurrency
    write_rows(rows, count)
    at_once = ("--concurrency", str(concurrency))
    with server(0.05) as url:
        seconds, bare = medians(
            3,
            lambda: batch(home, url, "--from", str(rows), *at_once).seconds - fixed,
            lambda: bare_threads(url, count, concurrency, adapter),
        )
    share = count / seconds / (concurrency / 0.05)
    name = f"50 ms latency, {concurrency} in parallel: "
    tell(f"{name}share of the theoretical maximum", f"{share:.2f}", "0.94")
    tell(f"{name}relative to plain adapter threads", f"{bare / seconds:.2f}", "0.98")


def without_latency(home: Path, fixed: float) -> None:
    """Compare with bare threads, and with the official SDK."""
    rows, count = home / "rows.csv", 4000
    write_rows(rows, count)
    one = ("--concurrency", "1")
    with server(0) as url:
        mine, alone, bare, quick, sdk = medians(
            5,
            lambda: batch(home, url, "--from", str(rows)).seconds - fixed,
            lambda: batch(home, url, "--from", str(rows), *one).seconds - fixed,
            lambda: bare_threads(url, count, 8, session),
            lambda: bare_threads(url, count, 8, adapter),
            lambda: sdk_loop(url, count // 4) * 4,
        )
        curl = curl_in_parallel(url, count // 8) * 8
    name = "no latency, with journal: relative to"
    tell(f"{name} plain `requests.Session` threads", f"{bare / mine:.2f}", "1.05")
    tell(f"{name} plain adapter threads, without a journal", f"{quick / mine:.2f}", "")
    tell(f"{name} the official SDK in a loop", f"{sdk / mine:.2f}", "")
    tell(f"{name} that loop, with `--concurrency 1`", f"{sdk / alone:.2f}", "1.50")
    tell(f"{name} `xargs -P 8 curl`", f"{curl / mine:.2f}", "")
    tell("time to sync 4 KiB to this disk", f"{1000 * sync_cost(home):.2f} ms", "")


def curl_in_parallel(url: str, rows: int) -> float:
    """Return the seconds that `xargs` needs to run curl for each call, eight at a time."""
    path, body = new_user(0)
    text = json.dumps(body).replace("user-0", "user-{}")
    curl = f"curl -s -o /dev/null -H 'Content-Type: application/json' -d '{text}' {url}{path}"
    numbers = "\n".join(map(str, range(rows)))
    started = time.perf_counter()
    command = ["xargs", "-P", "8", "-I{}", *shlex.split(curl)]
    subprocess.run(command, input=numbers, text=True, check=True)
    return time.perf_counter() - started


def messages_over_tls(home: Path, fixed: float) -> None:
    """Compare messages, each on a connection of its own, with threads that keep theirs."""
    authority = trustme.CA()
    ca, certificate, rows = home / "ca.pem", home / "server.pem", home / "rooms.csv"
    authority.cert_pem.write_to_path(str(ca))
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(str(certificate))
    count = 800
    rows.write_text("room\n" + "".join(f"user-{number}\n" for number in range(count)))
    post = ("messages", "post", "--yes", "--user", "batou", "--text", "Hello", "--from", str(rows))
    with server(0.05, str(certificate)) as url:
        seconds = run(home, url, *post, "--ca-file", str(ca)).seconds - fixed
        kept = bare_threads(url, count, 8, lambda: adapter(str(ca)), new_message)
    name = "messages over TLS, 50 ms latency, 8 in parallel:"
    share, relative = count / seconds / (8 / 0.05), kept / seconds
    tell(f"{name} share of the theoretical maximum", f"{share:.2f}", "")
    tell(f"{name} relative to adapter threads that keep connections", f"{relative:.2f}", "")


READ = """
import csv, sys
with open(sys.argv[1], encoding=sys.argv[2], newline="") as file:
    for row in csv.DictReader(file):
        pass
"""


def bare_reading(path: Path, encoding: str = "utf-8") -> float:
    """Return the CPU time of a loop that reads each row of a file and does nothing."""
    before = processor_seconds()
    subprocess.run([sys.executable, "-c", READ, path, encoding], check=True)
    return processor_seconds() - before


def a_long_file(home: Path, count: int) -> None:
    """Check a long file, and resume one of which ten rows are left."""
    files = [home / name for name in ("rows.csv", "export.csv", "twice.csv")]
    plain, export, twice = files
    for path, write in zip(files, (write_rows, write_export, write_twice), strict=True):
        write(path, count)
    options = {plain: (), export: EXPORTED, twice: ()}
    names = {plain: "rows", export: "rows of an export", twice: "rows, each twice"}
    bare = {path: bare_reading(path, "cp1252" if path is export else "utf-8") for path in files}
    with server(0) as url:
        for path in files:
            before = processor_seconds()
            ran = batch(home, url, "--from", str(path), "--dry-run", *options[path])
            ratio = f"{(processor_seconds() - before) / bare[path]:.1f}"
            what, limit = f"{count:,} {names[path]}", "" if path is twice else "7"
            tell(f"{what}: CPU time of the check, relative to `csv.DictReader`", ratio, limit)
            tell(f"{what}: memory of the check", f"{ran.memory / 1e6:.0f} MB", "100 MB")
        for path in (plain, twice):
            journal_of(path, url, left=10)
            before = processor_seconds()
            ran = batch(home, url, "--from", str(path))
            ratio = f"{(processor_seconds() - before) / bare[path]:.1f}"
            what, limit = f"{count:,} {names[path]}, resumed with ten left", "12"
            limit = "" if path is twice else limit
            tell(f"{what}: CPU time, relative to `csv.DictReader`", ratio, limit)
            tell(f"{what}: memory", f"{ran.memory / 1e6:.0f} MB", "100 MB")


def main() -> None:
    """Measure, and print a table."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        fixed = startup(home)
        print("| measurement | result | limit |\n|---|---|---|")
        for concurrency in (8, 16, 32, 64):
            with_latency(home, fixed, concurrency)
        without_latency(home, fixed)
        messages_over_tls(home, fixed)
        a_long_file(home, int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000)


if __name__ == "__main__":
    main()
