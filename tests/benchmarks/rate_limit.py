"""How a run goes at a server that limits the rate of requests, in real time.

    .venv/bin/python -m tests.benchmarks.rate_limit [ROWS] [RATE]

The server answers so many requests in any second, and the others with 429 and `Retry-After: 1`.
"""

import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from pathlib import Path

from tests.faultserver import Exchange, Fault, FaultyServer, Outcome, Step
from tests.faultserver.statuses import rate_limited
from tests.model.model import Model
from tests.model.state import populated
from tests.shell import EXECUTABLE


class Limit:
    """Lets so many requests through in any second."""

    def __init__(self, rate: int) -> None:
        self.rate = rate
        self.taken: deque[float] = deque()
        self.refused = 0
        self._lock = threading.Lock()

    def act(self, exchange: Exchange) -> bool:
        """Answer honestly, or with 429."""
        with self._lock:
            now = time.monotonic()
            while self.taken and self.taken[0] <= now - 1:
                self.taken.popleft()
            allowed = len(self.taken) < self.rate
            if allowed:
                self.taken.append(now)
            self.refused += not allowed
        return exchange.send_honest() if allowed else rate_limited("1").act(exchange)


def main() -> None:
    """Run, and print a line."""
    rows, rate = (int(word) for word in (*sys.argv[1:], *("500", "10")[len(sys.argv) - 1 :]))
    limit = Limit(rate)
    fault = Fault("limit", limit.act, Outcome.DONE)
    with (
        tempfile.TemporaryDirectory() as folder,
        FaultyServer([Step(fault)], model=Model(populated(rows))) as server,
    ):
        names = "".join(f"old{number},Name\n" for number in range(rows))
        (Path(folder) / "users.csv").write_text(f"key,name\n{names}")
        line = [EXECUTABLE, "users", "update", "--from", "users.csv"]
        environment = {"KABELWERK_URL": server.url, "KABELWERK_API_TOKEN": "x", "HOME": folder}
        started = time.monotonic()
        ended = subprocess.run(line, cwd=folder, env=environment, check=False)
        took = time.monotonic() - started
        sent = len(server.requests)
    print(
        f"{rows} rows at {rate}/s: exit code {ended.returncode}, {took:.1f} s "
        f"({took * rate / rows:.2f} of the limit's own time), {limit.refused} of {sent} requests "
        f"answered with 429 ({limit.refused / sent:.1%})"
    )


if __name__ == "__main__":
    main()
