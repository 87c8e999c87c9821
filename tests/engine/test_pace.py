"""The pace of a run at a server that limits the rate of requests, on a clock of its own."""

import heapq
import itertools
import random
from collections import deque

import pytest

from kabelwerk_cli import errors
from kabelwerk_cli.delivery.verdicts import Ending, Verdict
from kabelwerk_cli.engine.pace import Pace

DONE = Verdict(Ending.DONE, "")


def limited(wait):
    return Verdict(Ending.REJECTED, "", errors.RateLimited, 429, retry_after=wait)


class World:
    """Workers that share a pace, and a server that takes so many requests a second."""

    def __init__(self, server, *, workers=8, seed=1):
        self.now = 0.0
        self.server = server
        self.workers = workers
        self.answers = []
        self.random = random.Random(seed)

    def clock(self):
        return self.now

    def send(self, rows):
        """Send rows as the runner's workers do; each step of a worker is an event."""
        pace = Pace(lambda _: False, self.clock)
        order = itertools.count()
        left = deque(range(rows))
        events = [(0.0, next(order), self.worker(pace, left)) for _ in range(self.workers)]
        while events:
            self.now, _, worker = heapq.heappop(events)
            wait = next(worker, None)
            if wait is not None:
                heapq.heappush(events, (self.now + wait, next(order), worker))
        return self.now

    def worker(self, pace, left):
        while left:
            left.popleft()
            while True:
                while (wait := pace._reserve()) > 0:
                    yield wait
                yield self.random.uniform(0.001, 0.03)  # until it arrives
                allowed = self.server(self.now)
                self.answers.append((self.now, allowed))
                yield self.random.uniform(0.001, 0.03)  # until the answer does
                pace.note(DONE if allowed else limited(1.0))
                if allowed:
                    break
                yield 1.0  # as the sender does before a retry


def window(rate):
    """Return a server that takes so many requests in any second."""
    taken = deque()

    def allows(now):
        while taken and taken[0] <= now - 1:
            taken.popleft()
        if len(taken) >= rate:
            return False
        taken.append(now)
        return True

    return allows


def bucket(rate, size):
    """Return a server with a bucket of tokens."""
    state = [float(size), 0.0]

    def allows(now):
        state[0] = min(state[0] + (now - state[1]) * rate, size)
        state[1] = now
        if state[0] < 1:
            return False
        state[0] -= 1
        return True

    return allows


def seconds(rate):
    """Return a server that counts anew in each second."""
    counts = {}

    def allows(now):
        counts[int(now)] = counts.get(int(now), 0) + 1
        return counts[int(now)] <= rate

    return allows


SERVERS = {"window": window, "bucket": lambda rate: bucket(rate, rate), "seconds": seconds}


@pytest.mark.parametrize("name", SERVERS)
@pytest.mark.parametrize("rate", [10, 50])
@pytest.mark.parametrize("seed", range(5))
def test_a_limited_server_answers_few_requests_with_429(name, rate, seed):
    rows = 50 * rate
    world = World(SERVERS[name](rate), seed=seed)
    took = world.send(rows)
    refused = sum(not allowed for _, allowed in world.answers)
    assert len(world.answers) - refused == rows
    assert refused / len(world.answers) <= 0.1
    assert took <= 1.2 * rows / rate


def test_without_a_limit_nothing_waits():
    world = World(lambda _: True)
    took = world.send(1000)
    assert took < 1000 / 8 * 0.06


def test_nothing_starts_before_the_time_is_over_and_the_rate_recovers():
    slept = []

    def wait(left):
        slept.append(left)
        world.now += left
        return False

    world = World(None)
    pace = Pace(wait, world.clock)
    for _ in range(20):
        pace.note(DONE)
    pace.note(limited(5.0))
    pace.take_turn()
    assert world.now == 5.0
    for _ in range(19):
        pace.take_turn()
    assert 5.9 < world.now < 6.1
    starts = []
    while world.now < 300:
        pace.take_turn()
        starts.append(world.now)
    last = sum(start > world.now - 1 for start in starts)
    assert last > 1000


def test_a_run_that_ends_waits_no_longer():
    world = World(None)
    pace = Pace(lambda _: True, world.clock)
    pace.note(limited(3600))
    assert pace.take_turn()
