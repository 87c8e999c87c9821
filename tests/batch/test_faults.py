"""Batches against a server that misbehaves: exit codes, sums, and what a rerun does."""

import json
import os
import re
from collections import Counter
from pathlib import Path

import pytest

from tests.faultserver import (
    FAULTS,
    HANG,
    HONEST,
    RESET_AFTER_READING,
    Authority,
    FaultyServer,
    Step,
    failed,
    invalid,
)
from tests.model.state import seeded
from tests.shell import Ran, Shell

from .story import SUCCESSES, meanwhile

ROWS = 50
CREATE = ("users", "create", "--from", "rows.csv", "--concurrency", "1", "-o", "jsonl")
POST = (
    "messages", "post", "--yes", "--room", "kusanagi", "--user", "batou",
    "--from", "rows.csv", "--concurrency", "1", "-o", "jsonl",
)  # fmt: skip


@pytest.fixture
def users(shell: Shell) -> Shell:
    rows = "".join(f"u{n},Name\n" for n in range(1, ROWS + 1))
    (shell.home / "rows.csv").write_text(f"key,name\n{rows}")
    return shell


@pytest.fixture
def messages(shell: Shell) -> Shell:
    (shell.home / "rows.csv").write_text("text\n" + "".join(f"t{n}\n" for n in range(1, ROWS + 1)))
    return shell


def outcomes(ran: Ran) -> Counter[str]:
    rows = [json.loads(line) for line in ran.out.splitlines()]
    assert sorted(row["row"] for row in rows) == list(range(1, ROWS + 1))
    return Counter("done" if row["outcome"] in SUCCESSES else row["outcome"] for row in rows)


def journal_is_gone(shell: Shell) -> bool:
    return [path.name for path in shell.home.iterdir() if "journal" in path.name] == []


@pytest.mark.parametrize("concurrency", ["1", "8"])
def test_connections_that_cannot_be_opened_later_on_are_done_without(
    users: Shell, authority: Authority, tmp_path: Path, concurrency: str
) -> None:
    """The first one was opened before anything was sent, and is enough for all rows."""
    ca_file = authority.write(tmp_path)
    with FaultyServer([meanwhile(ca_file.unlink)], tls=authority.right()) as server:
        there = users.configured(server, KABELWERK_CA_FILE=str(ca_file))
        ran = there.run(*CREATE, "--concurrency", concurrency)
        assert (ran.code, outcomes(ran)) == (0, {"done": ROWS}), ran.err
        again = there.run(*CREATE, "--concurrency", concurrency)
        assert (again.code, len(server.requests)) == (3, ROWS)
        assert "Cannot read the CA certificates" in again.err


def test_one_row_is_rejected(users: Shell) -> None:
    no = invalid("no", {"key": ["is invalid"]})
    with FaultyServer([Step(HONEST, times=9), Step(no, times=1)]) as server:
        ran = users.configured(server).run(*CREATE)
        assert (ran.code, outcomes(ran)) == (10, {"done": 49, "failed": 1})
        before = len(server.requests)
        again = users.configured(server).run(*CREATE)
        assert (again.code, outcomes(again)) == (0, {"done": 50})
        assert len(server.requests) == before + 1
    assert journal_is_gone(users)


def test_one_message_is_unknown_and_never_sent_again(messages: Shell) -> None:
    script = [Step(HONEST, times=9), Step(RESET_AFTER_READING, applied=True, times=1)]
    with FaultyServer(script) as server:
        run = messages.configured(server).run
        ran = run(*POST, "--rejects", "rejects.csv")
        # what follows an unknown row in its room waits for the next run
        assert (ran.code, outcomes(ran)) == (9, {"done": 9, "unknown": 1, "not attempted": 40})
        assert "--resend-unknown" in ran.err
        assert not (messages.home / "rejects.csv").exists()
        again = run(*POST)
        assert (again.code, outcomes(again)) == (9, {"done": 49, "unknown": 1})
        assert len(server.model.messages) == ROWS
        forced = run(*POST, "--resend-unknown")
        assert (forced.code, outcomes(forced)) == (0, {"done": 50})
        assert len(server.model.messages) == ROWS + 1
        finished = run(*POST, "--resend-unknown")
        assert (finished.code, finished.out) == (11, "")
        assert "50 of 50 rows were posted" in finished.err
        assert len(server.model.messages) == ROWS + 1
    assert not journal_is_gone(messages)


def test_a_table_counts_what_was_done_before(messages: Shell) -> None:
    (messages.home / "rows.csv").write_text("text\n" + "same\n" * 30 + "other\n" * 20)
    no = invalid("no", {"text": ["is invalid"]})
    table = (*POST[:-2], "--allow", "duplicates")
    with FaultyServer([Step(HONEST, times=9), Step(no, times=1)]) as server:
        ran = messages.configured(server).run(*table)
        assert ran.code == 10
        assert "50 rows: 49 posted, 1 failed.\n" in ran.err
        again = messages.configured(server).run(*table, "--resume")
        # a later message of the room is there: to send it now would change their order
        assert again.code == 10
        assert "50 rows: 49 done by earlier runs, 1 failed.\n" in again.err
        assert "Skipping 49 rows done by 20" in again.err
        assert Counter(m.text for m in server.model.messages) == {"same": 29, "other": 20}


def test_doubts_of_an_earlier_run_do_not_look_like_a_dead_server(users: Shell) -> None:
    lost = Step(RESET_AFTER_READING, applied=True, times=15)
    # few at the same time: no success may come among the first ten failures
    command = ("--concurrency", "4", "--retries", "0")
    with FaultyServer([lost]) as server:
        ran = users.configured(server).run(*CREATE, *command)
        assert ran.code == 9
        counts = outcomes(ran)
        assert counts["unknown"] >= 10
        assert "10 times in a row" in ran.err
        again = users.configured(server).run(*CREATE, *command)
        assert again.code == 9
        assert outcomes(again) == {"unknown": counts["unknown"], "done": ROWS - counts["unknown"]}
        assert set(server.model.users) >= {f"u{n}" for n in range(1, ROWS + 1)}


def test_a_token_that_ends(users: Shell) -> None:
    with FaultyServer([Step(HONEST, times=19), Step(FAULTS["status-401"], times=1)]) as server:
        ran = users.configured(server).run(*CREATE)
        assert (ran.code, outcomes(ran)) == (
            10,
            {"done": 19, "failed": 1, "not attempted": 30},
        )
        assert len(server.requests) == 20
        assert "rejected the API token (401)" in ran.err
        again = users.configured(server).run(*CREATE)
        assert (again.code, outcomes(again)) == (0, {"done": 50})
        assert len(server.requests) == 20 + 31


def test_a_server_that_goes_and_comes_back(users: Shell) -> None:
    with FaultyServer([Step(HONEST, times=19), Step(FAULTS["refuse"])]) as server:
        model, port = server.model, server.port
        ran = users.configured(server).run(*CREATE, "--retries", "0")
        assert (ran.code, outcomes(ran)) == (
            10,
            {"done": 19, "failed": 10, "not attempted": 21},
        )
        assert "10 times in a row" in ran.err
    with FaultyServer(model=model) as back:
        ran = users.configured(back).run(*CREATE)
        assert ran.code == 2  # another address needs another journal
        assert str(port) in ran.err
        assert back.requests == []


def test_every_third_answer_is_a_503(users: Shell) -> None:
    script = [
        Step(each, times=1) for _ in range(40) for each in (HONEST, HONEST, FAULTS["status-503"])
    ]
    with FaultyServer(script) as server:
        ran = users.configured(server).run(*CREATE)
        assert (ran.code, outcomes(ran)) == (0, {"done": 50})
        assert len(server.requests) > ROWS


def test_a_storm_of_429(users: Shell) -> None:
    with FaultyServer([Step(FAULTS["status-429"], times=45)]) as server:
        ran = users.configured(server).run(*CREATE, "--retries", "0")
        counts = outcomes(ran)
        assert ran.code == 7
        assert counts == {"failed": 10, "not attempted": 40}
        assert set(server.model.users) == set(seeded().users)
        again = users.configured(server).run(*CREATE, "--retries", "0", "--concurrency", "1")
        assert again.code == 7
    assert not journal_is_gone(users)


def test_the_quota_of_repeats_is_for_the_whole_run(users: Shell) -> None:
    """A hundred repeats in all: then each row has one attempt."""
    rows = "".join(f"u{n},Name\n" for n in range(1, 151))
    (users.home / "rows.csv").write_text(f"key,name\n{rows}")
    no = Step(failed(503, ("Retry-After", "0")))
    with FaultyServer([no]) as server:
        users.configured(server).run(*CREATE, "--retries", "30", "--max-time", "50")
        assert 100 < len(server.requests) <= 100 + 10


def test_more_failures_than_allowed(users: Shell) -> None:
    no = invalid("no", {"key": ["is invalid"]})
    with FaultyServer([Step(no)]) as server:
        ran = users.configured(server).run(*CREATE, "--max-failures", "3")
        assert outcomes(ran) == {"failed": 4, "not attempted": 46}
        assert len(server.requests) == 4


def test_rejects_corrected_are_accepted_and_finish_the_work(users: Shell) -> None:
    (users.home / "rows.csv").write_text('key;name\r\na;A\r\nb;\r\nc;"C;\n1"\r\n')
    with FaultyServer() as server:
        run = users.configured(server).run
        ran = run("users", "create", "--from", "rows.csv", "--rejects", "rejects.csv")
        assert ran.code == 0
        assert "3 rows: 2 created, 1 handed over." in ran.err
        header, row = (users.home / "rejects.csv").read_text().splitlines()
        assert header == "key;name;error"
        assert row.startswith("b;;User 'b' was not created: ")
        (users.home / "rejects.csv").write_text(f"{header}\n{row.replace(';;', ';B;', 1)}\n")
        assert run("users", "create", "--from", "rejects.csv").code == 0
        assert run("users", "create", "--from", "rows.csv").code == 0
        assert {"a": "A", "b": "B", "c": "C;\n1"}.items() <= {
            key: user.name for key, user in server.model.users.items()
        }.items()
        posts = [request for request in server.requests if request.json["key"] in {"a", "c"}]
        assert len(posts) == 2


def test_rejects_that_cannot_be_written_are_known_before(users: Shell) -> None:
    (users.home / "folder").mkdir()
    os.mkfifo(users.home / "pipe")
    with FaultyServer() as server:
        run = users.configured(server).run
        for path in ("folder", "nowhere/rejects.csv", "rows.csv", "pipe"):
            ran = run(*CREATE, "--rejects", path)
            assert (ran.code, ran.out) == (2, "")
            assert "Nothing was sent" in ran.err
        ran = run(*CREATE, "--journal", "pipe")
        assert ran.code == 2
        assert "not a regular file" in ran.err
        for option in ("--journal", "--log-file"):
            ran = run(*CREATE, option, "rows.csv")
            assert ran.code == 2
            assert "name the same file" in ran.err
        assert server.attempts == []
        assert run(*CREATE, "--rejects", "rejects.csv").code == 0
    assert [path.name for path in users.home.iterdir() if path.is_file()] == ["rows.csv"]


def test_a_reader_that_goes_away(users: Shell) -> None:
    with FaultyServer() as server:
        shell = users.configured(server)
        with shell.start(*CREATE) as process:
            assert process.stdout
            assert process.stderr
            process.stdout.readline()
            process.stdout.close()
            message = json.loads(process.stderr.read().splitlines()[-1])["error"]["message"]
        assert process.returncode == 141
        counts = re.search(r"50 rows: (\d+) created, (\d+) not attempted\.", message)
        assert counts
        done, left = map(int, counts.groups())
        assert done + left == ROWS
        assert left > 0
        assert len({f"u{n}" for n in range(1, ROWS + 1)} & set(server.model.users)) == done
        again = shell.run(*CREATE)
        assert (again.code, outcomes(again)) == (0, {"done": ROWS})


def test_records_come_as_rows_end(users: Shell) -> None:
    with FaultyServer([Step(HONEST, times=3), Step(HANG)]) as server:
        process = users.configured(server).start(*CREATE)
        assert process.stdout
        first = [json.loads(process.stdout.readline())["row"] for _ in range(3)]
        process.kill()
        process.communicate(timeout=20)
    assert first == [1, 2, 3]


def test_rows_for_one_room_arrive_in_order(shell: Shell) -> None:
    rooms = [f"r{n}" for n in range(10)]
    rows = [(rooms[(n * 7) % 10], f"text {n}") for n in range(1000)]
    (shell.home / "rows.csv").write_text(
        "room,text\n" + "".join(f"{room},{text}\n" for room, text in rows)
    )
    with FaultyServer() as server:
        run = shell.configured(server).run
        (shell.home / "users.csv").write_text("key,name\n" + "".join(f"{r},x\n" for r in rooms))
        assert run("users", "create", "--from", "users.csv").code == 0
        for room in rooms:
            server.model._state.rooms["section9", room] = server.model._state.rooms[
                "section9", "kusanagi"
            ]._replace(id=1000 + int(room[1:]), user=room)
        post = (
            "messages",
            "post",
            "--yes",
            "--user",
            "batou",
            "--from",
            "rows.csv",
            "--concurrency",
            "16",
        )
        ran = run(*post)
        assert ran.code == 0
        arrived = [(f"r{m.room_id - 1000}", m.text) for m in server.model.messages]
    for room in rooms:
        assert [t for r, t in arrived if r == room] == [t for r, t in rows if r == room]
    assert len(arrived) == 1000
