"""Keys that look alike: nobody is deleted, or created beside whom the state knows, by accident."""

import json
import unicodedata

import pytest

from tests.faultserver import FaultyServer
from tests.forkserver import ForkServer
from tests.shell import ENVIRONMENT, Ran, Shell

from .damages import PLAYER

NFD = unicodedata.normalize("NFD", "jürgen")
PAIRS = {
    "normal form": ("jürgen", NFD),
    "letter case": ("Motoko", "MOTOKO"),
    "zeros": ("00123", "123"),
    "rounded": ("491701234567", "4,91701E+11"),
    "a trailing .0": ("123456", "123456.0"),
    "invisible": ("r1", "r1\u200b"),
    "a soft hyphen": ("r1", "r\u00ad1"),
    "blanks": ("anna lee", "anna  lee"),
    "an apostrophe": ("00123", "'00123"),
    "a formula": ("00123", '="00123"'),
}
SYNC = ("users", "sync", "--from", "f.jsonl", "-o", "jsonl", "--exact-key")
ALLOWED = ("--allow", "lookalikes")


def sync(shell: Shell, keys: list[str], *options: str, command: tuple[str, ...] = SYNC) -> Ran:
    column, value = ("key", {"name": "N"}) if "users" in command else ("room", {"archived": True})
    lines = [json.dumps({column: key, **value}) + "\n" for key in keys]
    (shell.home / "f.jsonl").write_text("".join(lines))
    return shell.run(*command, *options)


def stopped(ran: Ran) -> tuple[str, str]:
    error = json.loads(ran.err.splitlines()[-1])["error"]
    assert (ran.code, error["applied"]) == (11, "no"), ran.err
    return error["stop"], error["message"]


def outcomes(ran: Ran) -> dict[str, str]:
    assert ran.code == 0, ran.err
    return {r["key"]: r["outcome"] for r in map(json.loads, ran.out.splitlines())}


@pytest.mark.parametrize("pair", PAIRS.values(), ids=PAIRS)
@pytest.mark.parametrize("swapped", [False, True])
def test_a_key_that_changed_its_looks(
    shell: Shell, pair: tuple[str, str], *, swapped: bool
) -> None:
    old, new = reversed(pair) if swapped else pair
    with FaultyServer() as server:
        there = shell.configured(server)
        allow = ("--allow", "damaged-keys")  # a state may have been made of damaged keys
        assert sync(there, [old, "other"], "--new-state", *allow).code == 0
        users = dict(server.model.users)
        for options in ((), ("--delete", "--yes"), ("--delete", "--dry-run"), allow):
            name, said = stopped(sync(there, [new, "other"], *options))
            assert name == "lookalikes"
            assert "1 key left the file and looks like a new one" in said
            assert "(line 1)" in said
            assert "a new key is a new user with a new, empty chat" in said
        assert server.model.users == users
        # nobody is deleted, neither now nor in the following nights
        delete = ("--delete", "--yes", "--max-deletions", "100%")
        assert outcomes(sync(there, [new, "other"], *delete, *ALLOWED)) == {
            new: "created",
            old: "kept",
        }
        assert outcomes(sync(there, [new, "other"], *delete)) == {old: "kept"}
        # who wants the one with the right key back has it still
        assert outcomes(sync(there, [old, "other"], *delete)) == {new: "kept"}
        # once nobody looks like them, those who left are deleted
        assert outcomes(sync(there, ["other"], *delete)) == {old: "deleted", new: "deleted"}


def test_keys_without_a_pair_that_a_spreadsheet_has_damaged(shell: Shell) -> None:
    with FaultyServer() as server:
        there = shell.configured(server)
        assert sync(there, ["00123", "00456"], "--new-state").code == 0
        name, said = stopped(sync(there, ["00123", "00456", "789", "4.91701E+11"]))
        assert name == "damaged-keys"
        assert "1 new key may have been rounded in a spreadsheet: '4.91701E+11' (line 4)" in said
        assert "1 new key may have lost leading zeros in a spreadsheet: '789' (line 3)" in said
        assert stopped(sync(there, ["00123", "00456", "789"], *ALLOWED))[0] == "damaged-keys"
        allow = ("--allow", "damaged-keys")
        assert outcomes(sync(there, ["00123", "00456", "789"], *allow)) == {"789": "created"}
        # keys that the state has are never damaged
        assert outcomes(sync(there, ["00123", "00456", "789"])) == {}
        assert outcomes(sync(there, ["00123", "00456", "789", "00999", "123456"])) == {
            "00999": "created",
            "123456": "created",
        }


def test_a_new_key_that_a_person_may_mistake_is_invalid(shell: Shell) -> None:
    command = SYNC[:-1]
    with FaultyServer() as server:
        there = shell.configured(server)
        for key in (NFD, "r1 ", "r1\u200b"):
            ran = sync(there, [key], "--new-state", command=command)
            assert (ran.code, "--exact-key" in ran.err) == (2, True), ran.err
        assert server.requests == []
        assert sync(there, [NFD, "r1 "], "--new-state").code == 0
        # those that the state has pass as they are
        assert outcomes(sync(there, [NFD, "r1 ", "x"], command=command)) == {"x": "created"}
        # one that is skipped, and looks like one that left, keeps it
        skip = ("--skip-invalid", "--delete", "--yes")
        assert sync(there, ["jürgen", "r1\u00a0", "x"], *skip, command=command).code in {10, 11}
        assert {NFD, "r1 "} <= set(server.model.users)


def test_twenty_pairs_are_named_and_all_counted(shell: Shell) -> None:
    keys = [f"user-{n:02}" for n in range(25)]
    with FaultyServer() as server:
        there = shell.configured(server)
        assert sync(there, keys, "--new-state").code == 0
        loose = ("--max-changes", "100", "--delete", "--yes", "--max-deletions", "100%")
        _, said = stopped(sync(there, [key.upper() for key in keys], *loose))
        assert "25 keys left the file and look like new ones" in said
        assert said.count("(line ") == 20
        assert "and 5 more" in said


def test_rooms_are_compared_within_their_hub(shell: Shell) -> None:
    command = ("rooms", "sync", "--from", "f.jsonl", "-o", "jsonl", "--exact-key")
    with FaultyServer() as server:
        there = shell.configured(server)
        assert sync(there, ["kusanagi"], "--new-state", command=command).code == 0
        assert stopped(sync(there, ["Kusanagi"], command=command))[0] == "lookalikes"


def test_each_key_that_appears_more_than_once_is_named(shell: Shell) -> None:
    with FaultyServer() as server:
        there = shell.configured(server)
        keys = [f"u{n}" for n in range(25)]
        ran = sync(there, [*keys, *keys, "u0"], "--new-state")
        assert ran.code == 2
        assert "25 keys appear more than once in 'f.jsonl': 'u0' (lines 1, 26 and 51)" in ran.err
        assert "'u19' (lines 20 and 45) and 5 more." in ran.err


def test_random_damage() -> None:
    with ForkServer(ENVIRONMENT) as forks:
        assert [said for said in PLAYER.play_all(range(12), forks) if said] == []


def test_an_adoption_of_damaged_keys_is_a_trap_for_the_next_night(shell: Shell) -> None:
    with FaultyServer() as server:
        there = shell.configured(server)
        for keys in (["4.91701E+11", "u1"], ["00123", "456"]):
            assert stopped(sync(there, keys, "--adopt"))[0] == "damaged-keys"
        assert not (shell.home / "f.jsonl.kabelwerk-state").exists()
        assert sync(there, ["00123", "jürgen"], "--adopt").code == 0
        # rows are added to a state, and those whom the file does not name stay in it
        assert sync(there, ["batou"], "--adopt").code == 0
        name, said = stopped(sync(there, ["123", NFD, "batou"], "--adopt"))
        assert name == "lookalikes"
        assert "2 keys left the file and look like new ones: '00123' and '123' (line 1)" in said
        assert sync(there, ["123", NFD, "batou"], "--adopt", "--allow", "lookalikes").code == 0
        assert sync(there, ["123", NFD, "batou"]).code == 0
        assert server.requests == []


def test_an_assignee_that_the_state_has_is_not_damaged(shell: Shell) -> None:
    command = ("rooms", "sync", "--from", "f.jsonl", "-o", "jsonl", "--dry-run")
    state = ("rooms", "sync", "--from", "f.jsonl", "-o", "jsonl", "--adopt")
    with FaultyServer() as server:
        there = shell.configured(server)

        def run(assignees: list[str], *options: str, words: tuple[str, ...] = command) -> Ran:
            rows = [
                {"room": f"r{n}", "hub": "00section9", "hub_user": key}
                for n, key in enumerate(assignees)
            ]
            (shell.home / "f.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
            return there.run(*words, *options)

        assert run(["00123", "456", "5E+11"], "--allow", "damaged-keys", words=state).code == 0
        assert run(["456", "00123", "5E+11", "456"]).code == 0
        name, said = stopped(run(["00123", "456", "6E+11", "7"]))
        assert name == "damaged-keys"
        assert "been rounded in a spreadsheet: '6E+11' (hub_user, line 3)" in said
        assert "lost leading zeros in a spreadsheet: '7' (hub_user, line 4)" in said
