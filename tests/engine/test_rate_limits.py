"""A run at a server that limits the rate of requests, or that is not the API."""

import json
import time

from tests.faultserver import (
    PAGE,
    Answer,
    FaultyServer,
    Outcome,
    Step,
    canned,
    rate_limited,
    rejected,
)
from tests.model.model import Model
from tests.model.state import populated
from tests.shell import Shell

HTML = (("Content-Type", "text/html"),)
CREATE = ("users", "create", "--from", "users.csv", "-o", "jsonl")


def write_users(shell: Shell, count: int) -> None:
    rows = "".join(f"u{n},Name\n" for n in range(count))
    (shell.home / "users.csv").write_text(f"key,name\n{rows}")


def outcomes(ran):
    return [json.loads(line)["outcome"] for line in ran.out.splitlines()]


def test_rows_that_got_429_are_sent_again_at_no_cost(shell: Shell) -> None:
    """More often than a call alone would be, and than the quota of the run allows."""
    write_users(shell, 3)
    with FaultyServer([Step(rate_limited("0"), times=200)]) as server:
        ran = shell.configured(server).run(*CREATE, "--max-time", "600", timeout=120)
        assert len(server.requests) == 203
    assert (ran.code, outcomes(ran)) == (0, ["created"] * 3)


def test_no_retries_are_none_for_429_either(shell: Shell) -> None:
    write_users(shell, 3)
    with FaultyServer([Step(rate_limited("0"), times=1)]) as server:
        ran = shell.configured(server).run(*CREATE, "--retries", "0")
        assert len(server.requests) == 3
    assert ran.code == 10
    assert "To stay below its limit, use --rate N." in ran.err


def test_a_wait_that_is_longer_than_a_row_may_take_stops_the_run(shell: Shell) -> None:
    write_users(shell, 30)
    started = time.monotonic()
    with FaultyServer([Step(rate_limited("3600"))]) as server:
        ran = shell.configured(server).run(*CREATE)
        assert len(server.requests) == 1
    assert time.monotonic() - started < 30
    assert ran.code == 7
    assert "Stopped: the server asked to wait 3600 s, which is longer than --max-time." in ran.err
    assert "use --rate N" in ran.err


def test_the_others_wait_as_well(shell: Shell) -> None:
    write_users(shell, 20)
    with FaultyServer([Step(rate_limited("2"), times=1)], model=Model(populated(0))) as server:
        started = time.monotonic()
        ran = shell.configured(server).run(*CREATE, "--concurrency", "4")
        took = time.monotonic() - started
        assert len(server.requests) == 21
    assert ran.code == 0
    assert took > 2


def test_until_the_api_has_answered_rows_are_sent_alone(shell: Shell) -> None:
    write_users(shell, 40)
    portal = canned("portal", Answer(200, HTML, PAGE))
    elsewhere = canned("elsewhere", Answer(404, HTML, PAGE), Outcome.REJECTED)
    redirect = canned("redirect", Answer(302, (("Location", "/login"),)), Outcome.REJECTED)
    for fault in (portal, elsewhere, redirect, rejected(401)):
        (shell.home / "users.csv.kabelwerk-journal").unlink(missing_ok=True)
        with FaultyServer([Step(fault)]) as server:
            ran = shell.configured(server).run(*CREATE, "--retries", "0")
            assert len(server.requests) == 1, fault
        assert outcomes(ran)[1:] == ["not attempted"] * 39
        if fault is not redirect and fault.name != "status-401":
            assert "Stopped: this is probably not a Kabelwerk backend." in ran.err


def test_another_failure_lets_the_next_row_try_alone(shell: Shell) -> None:
    write_users(shell, 40)
    busy = canned("busy", Answer(503))
    with FaultyServer([Step(busy)]) as server:
        ran = shell.configured(server).run(*CREATE, "--retries", "0")
        assert len(server.requests) == 10  # one after the other, until the run is stopped
    assert ran.code == 9
    (shell.home / "users.csv.kabelwerk-journal").unlink()
    with FaultyServer([Step(busy, times=1)]) as server:
        ran = shell.configured(server).run(*CREATE, "--retries", "0")
        assert len(server.requests) == 40
