"""-q: nothing on success; on anything else, all that a person needs the next morning."""

import json
from collections.abc import Sequence
from typing import Any

import pytest

from tests.batch.story import FILE, POST, clinic, lost, rows, well
from tests.faultserver import FAULTS, FaultyServer, Step, invalid
from tests.shell import Ran, Shell

NOBODY = [invalid("no-name", {"name": ["can't be blank"]})]
USERS = "key,name"
CREATE = ("users", "create", "--from", FILE, "-q")
UPDATE = ("users", "update", "--from", FILE, "-q")
SYNC = ("users", "sync", "--from", FILE, "--concurrency", "1", "--new-state", "-q")


def run(
    shell: Shell, args: Sequence[str], file: str, faults: Sequence[Step] = (), **more: Any
) -> Ran:
    (shell.home / FILE).write_text(file)
    with FaultyServer(faults, model=clinic()) as server:
        return shell.configured(server).execute(*args, **more)


def test_rejected_rows_are_named_with_the_reason(shell: Shell) -> None:
    ran = run(shell, UPDATE, rows("r1:a ghost:b nobody:c", USERS))
    assert (ran.code, ran.out) == (10, "")
    assert ran.err.splitlines() == [
        (
            "2 rows failed: User '…' was not updated: the server answered 404 Not Found. User '…' "
            "does not exist."
        ),
        "  line 3 (row 2): ghost",
        "  line 4 (row 3): nobody",
        "3 rows: 1 updated, 2 failed.",
        (
            "Error: Correct the 2 rejected rows (--rejects FILE writes them to a file), then run "
            "the same command again."
        ),
    ]


def test_a_sync_names_them_too(shell: Shell) -> None:
    ran = run(shell, SYNC, rows("u1:a u2:b", USERS), [well(1), Step(NOBODY[0], times=1)])
    assert (ran.code, ran.out) == (10, "")
    assert "name can't be blank" in ran.err
    assert "u2" in ran.err
    assert "1 created, 1 failed." in ran.err


def test_messages_of_unknown_outcome_are_named(shell: Shell) -> None:
    args = (*POST, "--from", FILE, "--concurrency", "1", "-q")
    ran = run(shell, args, rows("r1:a r2:b r3:c"), [well(1), lost(applied=False)])
    assert (ran.code, ran.out) == (9, "")
    heading, summary, advice = ran.err.splitlines()
    assert heading.startswith("Line 3 (row 2): The message to room 'r2'")
    assert summary == "3 rows: 2 posted, 1 unknown."
    assert advice.startswith("Error: Check the room of the message whose outcome is unknown.")


def test_a_dead_server_is_named(shell: Shell) -> None:
    file = "key,name\n" + "".join(f"u{n},N\n" for n in range(1, 31))
    ran = run(shell, (*CREATE, "--retries", "0"), file, [Step(FAULTS["refuse"])])
    assert (ran.code, ran.out) == (7, "")
    assert "connection refused" in ran.err
    assert " rows failed: " in ran.err


def test_invalid_rows_are_named(shell: Shell) -> None:
    ran = run(shell, CREATE, "key,name\na,A\nb,B,x\n")
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.startswith("Line 3 (row 2): the row has 3 cells instead of 2.\nError: 1 of 2")
    ran = run(shell, (*CREATE, "--skip-invalid"), "key,name\na,A\nb,B,x\n")
    assert ran.err.splitlines()[:2] == [
        "Line 3 (row 2): The row has 3 cells instead of 2.",
        "2 rows: 1 created, 1 failed.",
    ]


def test_rows_that_are_handed_over_are_named(shell: Shell) -> None:
    (shell.home / FILE).write_text(rows("u1:a r1:b", USERS))
    args = (*CREATE, "--rejects", "rejects.csv")
    with FaultyServer(model=clinic()) as server:
        ran, again = (shell.configured(server).run(*args) for _ in range(2))
    assert (ran.code, ran.out) == (0, "")
    assert "r1" in ran.err
    assert "key has already been taken" in ran.err
    assert "1 created, 1 handed over.\nCorrect the row in 'rejects.csv'" in ran.err
    # those of an earlier run are none of this one's failures
    assert again == (0, "", "")


def test_a_success_prints_nothing_and_a_limit_is_one(shell: Shell) -> None:
    (shell.home / FILE).write_text(rows("u1:a u2:b", USERS))
    with FaultyServer(model=clinic()) as server:
        there = shell.configured(server)
        assert there.run(*CREATE, "--limit", "1") == (0, "", "")
        assert there.run(*CREATE) == (0, "", "")
        assert there.run(*SYNC) == (0, "", "")
        assert there.run(*SYNC[:-2], "-q", "-o", "json") == (0, "", "")


@pytest.mark.parametrize("quiet", [False, True])
def test_json_has_the_failures_and_the_numbers(shell: Shell, quiet: bool) -> None:  # noqa: FBT001
    args = (*(UPDATE if quiet else UPDATE[:-1]), "-o", "json")
    ran = run(shell, args, rows("r1:a ghost:b nobody:c", USERS))
    told = [json.loads(line) for line in ran.err.splitlines()]
    assert told[-2] == {"summary": {"rows": 3, "updated": 1, "failed": 2}}
    assert told[-1]["error"]["exit_code"] == ran.code == 10
    if quiet:
        assert ran.out == ""
        assert told[0]["failures"]["count"] == 2
        assert "does not exist" in told[0]["failures"]["message"]
        assert told[0]["failures"]["rows"] == [
            {"row": 2, "key": "ghost"},
            {"row": 3, "key": "nobody"},
        ]
    else:
        assert len(told) == 2


def test_the_numbers_of_a_success_and_of_a_refusal(shell: Shell) -> None:
    args = (*CREATE[:-1], "-o", "jsonl")
    ran = run(shell, args, rows("u1:a u2:b", USERS))
    assert json.loads(ran.err) == {"summary": {"rows": 2, "created": 2}}
    ran = run(shell, args, "key,name\na,A\nb,B,x\n")
    found, summary, _ = [json.loads(line) for line in ran.err.splitlines()]
    assert found["invalid"]["number"] == 2
    assert summary == {"summary": {"rows": 2, "invalid": 1, "not attempted": 1}}


def test_the_numbers_of_a_sync(shell: Shell) -> None:
    steps = [
        ("u1:a u2:b", "--new-state", {"rows": 2, "created": 2}),
        ("u1:x u2:b", "--dry-run", {"rows": 2, "to update": 1, "unchanged": 1}),
        ("u1:x", "--yes", {"rows": 1, "updated": 1, "kept": 1}),
        ("u1:x u3:c", "--adopt", {"rows": 2, "adopted": 1, "unchanged": 1}),
    ]
    with FaultyServer(model=clinic()) as server:
        there = shell.configured(server)
        for content, option, counts in steps:
            (shell.home / FILE).write_text(rows(content, USERS))
            ran = there.run(*SYNC[:-2], option, "-o", "json")
            told = [json.loads(line) for line in ran.err.splitlines()]
            assert [line["summary"] for line in told if "summary" in line] == [counts]
