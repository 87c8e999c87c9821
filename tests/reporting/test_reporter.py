"""What a batch prints: failures by their causes, a summary, and what to do next."""

import csv
import io
import json
import signal
import time
from collections.abc import Callable

import pytest

from tests.batch.story import FILE, JOURNAL, POST, UPDATE, clinic, error_of, lost, rows, well
from tests.faultserver import FAULTS, Answer, FaultyServer, Outcome, Step, canned, invalid
from tests.operations import COMMANDS
from tests.shell import Ran, Shell

MANY = 400
CREATE = ("users", "create", "--from", FILE)
NOBODY = "key,name\n" + "".join(f"u{n},Name\n" for n in range(1, MANY + 1))
FIRST = [f"  line {n + 1} (row {n}): u{n}" for n in range(1, 21)]
MORE = "  and {} more; use -o jsonl, --report FILE or --rejects FILE to list them"
BLOCKED = canned("blocked", Answer(403, (), b"Blocked."), Outcome.REJECTED)
NO = [invalid(f"no-{n}", {"name": [f"reason {n}"]}) for n in range(3)]
EVERY = ("row", "key", "outcome")
ERROR = (
    "type", "message", "status", "fields", "applied", "safe_to_rerun", "attempts", "request_id",
    "exit_code", "stop",
)  # fmt: skip


def run(shell: Shell, *args: str, file: str = NOBODY, **options: object) -> Ran:
    (shell.home / FILE).write_text(file)
    return shell.execute(*args, **options)  # type: ignore[arg-type]


def test_400_rows_that_fail_alike(shell: Shell) -> None:
    with FaultyServer() as server:
        ran = run(shell.configured(server), *UPDATE, "--from", FILE)
    assert ran.code == 10
    heading, *listed, more = ran.out.splitlines()
    assert heading == (
        "400 rows failed: User '…' was not updated: the server answered 404 Not Found. User '…' "
        "does not exist."
    )
    assert len(listed) == 20
    assert more == MORE.format(380)
    assert ran.err.splitlines()[-2:] == [
        "400 rows: 400 failed.",
        (
            "Error: Correct the 400 rejected rows (--rejects FILE writes them to a file), then "
            "run the same command again."
        ),
    ]
    assert len((ran.out + ran.err).splitlines()) <= 30


def test_400_rows_that_fail_in_four_ways(shell: Shell) -> None:
    faults = (*NO, FAULTS["status-404"])
    four = [Step(fault, times=1) for _ in range(MANY // 4) for fault in faults]
    with FaultyServer(four) as server:
        ran = run(shell.configured(server), *UPDATE, "--from", FILE)
    assert ran.code == 10
    groups = [line for line in ran.out.splitlines() if not line.startswith("  ")]
    assert [line[:17] for line in groups] == ["100 rows failed: "] * 4
    for text in ("name reason 0.", "name reason 1.", "name reason 2.", "does not exist."):
        assert len([line for line in groups if text in line]) == 1
    assert len(ran.out.splitlines()) == 4 * (1 + 20 + 1)


def test_400_invalid_rows(shell: Shell) -> None:
    file = NOBODY.replace(",Name", ",Name,x")
    with FaultyServer() as server:
        ran = run(shell.configured(server), *CREATE, file=file)
        told = run(shell.configured(server), *CREATE, "-o", "jsonl", file=file)
        assert server.attempts == []
    assert (ran.code, ran.out) == (2, "")
    assert ran.err.splitlines() == [
        "400 rows invalid: the row has 3 cells instead of 2.",
        *(line.partition(":")[0] for line in FIRST),
        MORE.format(380),
        (
            "Error: 400 of 400 rows are invalid. Correct the file, or use --skip-invalid to send "
            "the other rows. Nothing was sent. See 'kabelwerk users create --help'."
        ),
    ]
    lines = [json.loads(line) for line in told.err.splitlines()]
    assert [line["invalid"]["number"] for line in lines[:-2]] == [*range(1, MANY + 1)]


def test_rows_that_are_skipped_are_shown_once(shell: Shell) -> None:
    file = "key,name\na,A\nb,B,x\nc,C,x\n"
    with FaultyServer() as server:
        ran = run(shell.configured(server), *CREATE, "--skip-invalid", file=file)
    assert ran.code == 10
    assert ran.out.startswith("2 rows failed: The row has 3 cells")
    assert ran.err.startswith("3 rows: 1 created, 2 failed.\nError: Correct the 2 rejected rows")


def many_notes(shell: Shell) -> Ran:
    keys = "key\n" + "".join(f"u{n}\n" for n in range(1, 101))
    return run(shell, "users", "delete", "--ignore-not-found", "--yes", "--from", FILE, file=keys)


def taken(shell: Shell) -> Ran:
    ran = run(shell, *CREATE, file="key,name\nkusanagi,M\nbatou,B\n")
    assert (shell.home / JOURNAL).exists()
    ensured = shell.run("users", "ensure", "--from", FILE, "-o", "jsonl")
    # a journal in which nothing is done is in nobody's way
    assert ensured.code == 0
    assert [json.loads(line)["outcome"] for line in ensured.out.splitlines()] == ["updated"] * 2
    return ran


def waiting(shell: Shell) -> Ran:
    return run(
        shell, *UPDATE, "--from", FILE, "--retries", "0", file=rows("r1:A r1:B r1:C", "key,name")
    )


def changed(shell: Shell) -> Ran:
    post = (*POST, "--from", FILE, "--concurrency", "1")
    assert run(shell, *post, file=rows("r1:a r2:b")).code == 10
    return run(shell, *post, file=rows("r1:b r2:b"))


def resent(shell: Shell) -> Ran:
    ran = run(shell, *POST, "--from", FILE, "--concurrency", "1", file=rows("r1:a r2:b r3:c"))
    assert f"'kabelwerk {' '.join(POST)} --from {FILE} --concurrency 1 --mark-" in ran.err
    assert shell.run(*POST, "--from", FILE, "--concurrency", "1", "--resend-unknown").code == 0
    return ran


def failing_fields(shell: Shell) -> Ran:
    ran = run(
        shell, *UPDATE, "--from", FILE, "--fields", "row,error.type", file="key,name\nu1,x\nu2,y\n"
    )
    return ran._replace(out=" ".join(ran.out.split()))


STORIES: dict[str, tuple[Callable[[Shell], Ran], tuple[Step, ...], int, str, str]] = {
    "notes": (
        many_notes,
        (),
        0,
        "",
        "100 rows absent: User '…' did not exist.\n  line 2 (row 1): u1\n",
    ),
    "keys that are taken": (
        taken,
        (),
        10,
        (
            "2 rows failed: User '…' was not created: the server answered 400 Bad Request. key has "
            "already been taken.\n"
        ),
        (
            "2 rows: 2 failed.\nError: 2 users exist already. To update existing users, use "
            "'kabelwerk users ensure --from rows.csv'.\n"
        ),
    ),
    "rows that wait": (
        waiting,
        (Step(FAULTS["status-503"], times=1),),
        9,
        "2 rows not attempted: It waits for row 1, which is not done.\n",
        (
            "3 rows: 1 unknown, 2 not attempted.\nError: Last failure: the server answered 503 "
            "Service Unavailable. This is a 503. Check the server and the network with 'kabelwerk "
            "doctor'. Run the same command again to resume.\n"
        ),
    ),
    "rows that changed": (
        changed,
        (
            well(1),
            Step(canned("firewall", Answer(403, (), b"Blocked."), Outcome.REJECTED), times=1),
        ),
        10,
        "Line 2 (row 1): A message to this room was sent on 20",
        "2 rows: 1 posted, 1 not attempted.\nError: To post the row that changed",
    ),
    "an unknown message": (
        resent,
        (well(1), lost(applied=False)),
        9,
        "Line 3 (row 2): The message to room 'r2'",
        "3 rows: 2 posted, 1 unknown.\nError: Check the room of the message whose outcome is",
    ),
    "a wrong token": (
        lambda shell: run(shell, *CREATE),
        (Step(FAULTS["status-401"]),),
        4,
        " was not created: the server answered 401",
        "The token comes from environment KABELWERK_API_TOKEN; replace it there. Check it with",
    ),
    "a dead server": (
        lambda shell: run(shell, *CREATE, "--retries", "0"),
        (Step(FAULTS["refuse"]),),
        7,
        " failed: User '…' was not created: the request was not sent",
        (
            "Error: Stopped: the server or the network failed 10 times in a row. Last failure: the "
            "request was not sent: connection refused (http://127.0.0.1:"
        ),
    ),
    "a dead server and few rows": (
        lambda shell: run(shell, *CREATE, "--retries", "0", "--limit", "2"),
        (Step(FAULTS["refuse"]),),
        10,
        "2 rows failed: User '…' was not created: the request was not sent",
        "Error: Last failure: the request was not sent: connection refused (http://127.0.0.1:",
    ),
    "a limit": (
        lambda shell: run(shell, *CREATE, "--limit", "2"),
        (),
        0,
        "",
        (
            "400 rows: 2 created, 398 not attempted.\nTo send the other 398 rows, run the same "
            "command again without --limit.\n"
        ),
    ),
    "fields of a table": (
        failing_fields,
        (),
        10,
        (
            "failed: User '…' was not updated: the server answered 404 Not Found. User '…' does "
            "not exist. row error.type 1 DoesNotExist 2 DoesNotExist"
        ),
        "rejected rows",
    ),
}


@pytest.mark.parametrize("name", STORIES)
def test_what_is_printed(shell: Shell, name: str) -> None:
    tell, faults, code, out, err = STORIES[name]
    with FaultyServer(faults, model=clinic()) as server:
        ran = tell(shell.configured(server))
    assert ran.code == code, ran
    assert out in ran.out
    assert err in ran.err
    assert len((ran.out + ran.err).splitlines()) <= 30


@pytest.mark.parametrize("output", ["table", "json"])
def test_an_interruption_ends_with_what_to_do(shell: Shell, output: str) -> None:
    (shell.home / FILE).write_text(NOBODY)
    with FaultyServer() as server:
        process = shell.configured(server).start(*CREATE, "--rate", "100", "-o", output)
        while len(server.requests) < 5:
            assert process.poll() is None
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=60)
    assert process.returncode == 130
    if output == "table":
        summary, last = err.decode().splitlines()
        assert last == "Error: Interrupted. Run the same command again to resume."
        assert "created" in summary
        assert out == b""
    else:
        assert len(json.loads(out)) == MANY
        message = "Interrupted. Run the same command again to resume."
        assert error_of(err.decode())["message"] == message
        counts = json.loads(err.splitlines()[-2])["summary"]
        assert counts["rows"] == counts["created"] + counts["not attempted"] == MANY


def test_records_have_the_error_as_columns_or_as_an_object(shell: Shell) -> None:
    file = "key,name\nkusanagi,Motoko\nnobody,x\n"
    args = (*UPDATE, "--from", FILE, "--concurrency", "1", "-o")
    with FaultyServer() as server:
        there = shell.configured(server)
        written = run(there, *args, "csv", file=file).out
        bare = run(there, *args, "tsv", file=file).out
        (done, failed) = json.loads(run(there, *args, "json", file=file).out)
        some = run(there, *args, "jsonl", "--fields", "key,error.type,error.status", file=file).out
        wrong = run(there, *args, "jsonl", "--fields", "error.kind", file=file)
    header, first, second = csv.reader(io.StringIO(written))
    assert header == [*EVERY, *(f"error.{name}" for name in ERROR), "id", "name"]
    assert first[:3] == ["1", "kusanagi", "updated"]
    assert first[3 : 3 + len(ERROR)] == [""] * len(ERROR)
    assert second[:4] == ["2", "nobody", "failed", "DoesNotExist"]
    assert bare.splitlines()[1].split("\t")[:4] == ["2", "nobody", "failed", "DoesNotExist"]
    assert (done["outcome"], done["error"], done["name"]) == ("done", None, None)
    assert tuple(failed["error"]) == ERROR
    assert failed["error"]["exit_code"] == 5
    assert [json.loads(line) for line in some.splitlines()] == [
        {"key": "kusanagi", "error": None},
        {"key": "nobody", "error": {"type": "DoesNotExist", "status": 404}},
    ]
    assert wrong.code == 2
    assert "'error.kind' is not one of row, key, outcome, error, error.type" in wrong.err


@pytest.mark.parametrize(
    ("command", "known"),
    [
        ("config show", "setting, value, origin"),
        ("doctor", "check, outcome, milliseconds, detail"),
        ("sandbox show users", "id, key, name"),
        ("users delete --key a --yes", "key, outcome"),
    ],
)
def test_an_unknown_field_is_refused(shell: Shell, command: str, known: str) -> None:
    with FaultyServer() as server:
        there = shell.configured(server)
        assert shell.run("--sandbox", *COMMANDS["create"]).code == 0
        ran = there.run(*command.split(), "--fields", "nonsense")
        assert server.attempts == []
    assert (ran.code, ran.out) == (2, "")
    assert f"--fields: 'nonsense' is not one of {known}" in ran.err


OUTCOMES = {
    "create": "created",
    "update": "updated",
    "delete": "deleted",
    "ensure": "updated",
    "room": "updated",
    "message": "posted",
}


def test_what_happened_has_the_same_word_everywhere(shell: Shell) -> None:
    """In a single call, in a batch and in the log."""
    from tests.operations import OPERATIONS

    assert {*OPERATIONS} >= {*OUTCOMES}
    for name, outcome in OUTCOMES.items():
        operation = OPERATIONS[name]
        with FaultyServer() as server:
            there = shell.configured(server)
            line = (*operation.command, "--yes", "--from", "-", "-o", "tsv")
            stdin = (json.dumps(operation.given) + "\n").encode()
            ran = there.run(*line, "--fields", "outcome", "--log-file", name, stdin=stdin)
        assert (ran.code, ran.out) == (0, f"{outcome}\n"), name
        lines = map(json.loads, (shell.home / name).read_text().splitlines())
        assert [line["outcome"] for line in lines if line["event"] == "request"][-1] == outcome
