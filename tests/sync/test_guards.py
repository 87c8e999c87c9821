"""The guards: every limit with every size of a mistake, and not one request where one refuses."""

import itertools
from pathlib import Path

import pytest

from kabelwerk_cli.cli.sync_options import ShareType
from kabelwerk_cli.sync.guards import Counts, suspicions
from kabelwerk_cli.sync.options import Share, SyncOptions
from tests.faultserver import FaultyServer
from tests.pseudo_terminal import Terminal
from tests.shell import TOKEN, Shell

from .story import FILE, STATE

KNOWN = 60
KEYS = [f"u{n:02}" for n in range(KNOWN)]
GONE = (0, 5, 6, 7, 59, 60)
CHANGED = (0, 30, 31, 60)
LIMITS = (None, "0", "6", "11.7%", "100%", "1000")
SYNC = ("users", "sync", "--from", FILE)


def allowed(limit: str | None, least: int, percent: int) -> float:
    """How many a limit allows, of `KNOWN`."""
    if limit is None:
        return max(least, KNOWN * percent / 100)
    number = float(limit.removesuffix("%"))
    return number * KNOWN / 100 if limit.endswith("%") else number


@pytest.fixture
def known(shell: Shell) -> Shell:
    """A shell whose state knows some users, as one that was copied does."""
    write(shell.home, dict.fromkeys(KEYS, "A"))
    return shell


def write(home: Path, users: dict[str, str]) -> None:
    lines = [f"{key},{name}\n" for key, name in users.items()]
    (home / FILE).write_text("".join(["key,name\n", *lines]))


def test_each_limit_with_each_mistake(known: Shell) -> None:
    with FaultyServer() as server:
        there = known.configured(server)
        assert there.run(*SYNC, "--adopt").code == 0
        state = (known.home / STATE).read_bytes()
        for gone, limit in itertools.product(GONE, LIMITS):
            write(known.home, dict.fromkeys(KEYS[gone:], "A"))
            options = ["--delete", *(["--max-deletions", limit] if limit else [])]
            everybody = limit is not None and limit.endswith("%") and allowed(limit, 0, 0) >= KNOWN
            fits = gone <= allowed(limit, 5, 10) and (gone < KNOWN or everybody)
            planned = there.run(*SYNC, *options, "--dry-run", "-o", "jsonl").code
            assert planned == (0 if fits else 11), (gone, limit)
            if not fits:
                refused = there.run(*SYNC, *options, "--yes")
                assert refused.code == 11, (gone, limit)
                assert "--max-deletions" in refused.err
        for changed, limit in itertools.product(CHANGED, LIMITS):
            names = ["B"] * changed + ["A"] * (KNOWN - changed)
            write(known.home, dict(zip(KEYS, names, strict=True)))
            options = ["--max-changes", limit] if limit else []
            fits = changed <= allowed(limit, 20, 50)
            planned = there.run(*SYNC, *options, "--dry-run", "-o", "jsonl").code
            assert planned == (0 if fits else 11), (changed, limit)
            if not fits:
                refused = there.run(*SYNC, *options, "--yes", "--full")
                assert refused.code == 11, (changed, limit)
                assert "--max-changes" in refused.err
        assert server.attempts == []
    assert (known.home / STATE).read_bytes() == state


@pytest.mark.parametrize("known_before", [0, 1, 39, 40, 50, 100, 1000])
def test_the_least_that_is_allowed(known_before: int) -> None:
    options = SyncOptions(None, None, new_state=False, adopt=False, full=False, delete=True)
    counts = Counts(
        file="f",
        noun="user",
        rows=1,
        known=known_before,
        creations=0,
        updates=0,
        deletions=0,
        guarded=True,
        terminated=True,
        nameless=None,
    )
    for deletions in (5, 6, 10, 11, 100, 101):
        refused = [*suspicions(counts._replace(deletions=deletions), options)]
        assert bool(refused) == (deletions > max(5, known_before / 10)), deletions
    for changes in (20, 21, 25, 26, 500, 501):
        refused = [*suspicions(counts._replace(creations=1, updates=changes - 1), options)]
        assert bool(refused) == (changes > max(20, known_before / 2)), changes


@pytest.mark.parametrize("text", ["", "-1", "10 %%", "ten", "1e3", "nan%", "-5%", "1.5", "%"])
def test_what_is_no_limit(known: Shell, text: str) -> None:
    ran = known.run("--sandbox", *SYNC, "--delete", f"--max-deletions={text}")
    assert (ran.code, "is not a number such as 20, or a percentage" in ran.err) == (2, True)


def test_a_limit_is_shown_as_it_was_given() -> None:
    assert [str(ShareType().convert(t, None, None)) for t in ("7", " 7% ", "0.5%")] == [
        "7",
        "7%",
        "0.5%",
    ]
    assert Share(None, 12.5).of(80) == 10


def test_a_plan_is_shown_and_asked_about_on_a_terminal(known: Shell) -> None:
    with FaultyServer() as server:
        there = known.configured(server)
        question = f"Make these changes at {server.url}? "
        with Terminal(there, *SYNC) as terminal:
            terminal.wait_for(f"There is no state '{STATE}'. Create it and make these changes at ")
            terminal.type("n\n")
            assert terminal.end() == 2
            assert "60 to create" in terminal.plain
        with Terminal(there, *SYNC, "--yes") as terminal:
            assert terminal.end() == 2  # which confirms a plan, and not that there is no state
        assert server.requests == []
        assert not (known.home / STATE).exists()
        with Terminal(there, *SYNC, "--new-state", size=(24, 200)) as terminal:
            terminal.wait_for(f"{question}[y/N] ")
            terminal.type("y\n")
            assert terminal.end() == 0
        write(known.home, {**dict.fromkeys(KEYS[2:], "A"), "u09": "B"})
        with Terminal(there, *SYNC, "--delete", size=(24, 200)) as terminal:
            terminal.wait_for(f"{question}Type 2 to continue: ")
            assert " 1 to update\r\n 2 to delete: 'u00', 'u01'\r\n57 unchanged" in terminal.plain
            terminal.type("y\n")
            assert terminal.end() == 2
        assert len(server.requests) == KNOWN
        with Terminal(there, *SYNC, "--delete") as terminal:
            terminal.wait_for("to continue:")
            terminal.type("2\n")
            assert terminal.end() == 0
        assert len(server.requests) == KNOWN + 3


def test_a_dry_run_needs_no_token(known: Shell) -> None:
    there = known.with_(KABELWERK_URL="http://127.0.0.1:1")
    ran = there.run(*SYNC, "--new-state", "--dry-run", "-o", "csv", "--fields", "row,action,key")
    assert (ran.code, ran.out.splitlines()[:2]) == (0, ["row,action,key", "1,create,u00"])
    ran = there.run(*SYNC, "--new-state", "--dry-run", "--fields", "outcome")
    assert (ran.code, "--fields: 'outcome' is not one of" in ran.err) == (2, True)
    assert there.run(*SYNC, "--new-state").code == 3
    assert not (known.home / STATE).exists()


def test_a_protected_profile(known: Shell) -> None:
    with FaultyServer() as server:
        known.write_profile(url=server.url, protected=True)
        secret = known.with_(KABELWERK_API_TOKEN=TOKEN)
        for args in ((), ("--yes",), ("--profile", "default")):
            ran = secret.run(*SYNC, "--new-state", *args)
            assert (ran.code, "--yes --profile default" in ran.err) == (2, True)
        assert server.requests == []
        ran = secret.run(*SYNC, "--new-state", "--yes", "--profile", "default")
        assert (ran.code, len(server.requests)) == (0, KNOWN)
