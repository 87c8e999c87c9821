"""What looks like a mistake stops a batch, with everything told at once, and nothing is sent."""

import contextlib
import json
import os
import shutil
import signal
import sqlite3
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from kabelwerk_cli.journal.journal import PER_SECOND
from tests.faultserver import FAULTS, HANG, RESET_AFTER_READING, FaultyServer, Step
from tests.shell import Ran, Shell

from .story import FILE, JOURNAL, POST, busy, clinic, lost, posted, rows, well

OPTIONS = ("--concurrency", "1", "--retries", "0", "-o", "json")
DAY = 24 * 60 * 60
SUFFIX = JOURNAL.removeprefix(FILE)


def post(shell: Shell, file: str, *options: str, command: tuple[str, ...] = POST) -> Ran:
    return shell.run(*command, "--from", file, *OPTIONS, *options)


def stopped(ran: Ran) -> tuple[str, str]:
    """The name and the text of a stop."""
    error = json.loads(ran.err.splitlines()[-1])["error"]
    assert (ran.code, error["exit_code"], error["applied"]) == (11, 11, "no"), ran.err
    return error["stop"], error["message"]


def test_two_rows_with_the_same_message(shell: Shell) -> None:
    model = clinic()
    with FaultyServer(model=model) as server:
        there = shell.configured(server)
        (shell.home / FILE).write_text(rows("r1:a r2:a r1:b r1:a r1:a"))
        for dry in ((), ("--dry-run",)):
            name, said = stopped(post(there, FILE, *dry))
            assert name == "duplicates"
            assert "posted more than once: room 'r1' (lines 2, 5 and 6)" in said
            assert "--allow duplicates" in said
        assert (server.requests, (shell.home / JOURNAL).exists()) == ([], False)
        # a trial that does not reach the second one
        assert post(there, FILE, "--limit", "2").code == 0
        assert stopped(post(there, FILE))[1].count("lines 5 and 6") == 1
        assert post(there, FILE, "--allow", "duplicates").code == 0
        assert posted(model) == ["r1:a", "r2:a", "r1:b", "r1:a", "r1:a"]


def test_a_trial_sends_no_row_beyond_those_that_were_looked_for(shell: Shell) -> None:
    """Not even in the place of a row that waits for another."""
    model = clinic()
    with FaultyServer(model=model) as server:
        there = shell.configured(server)
        (shell.home / "other.csv").write_text(rows("r2:a"))
        assert post(there, "other.csv").code == 0
        (shell.home / FILE).write_text(rows("r1:a r1:b r2:a r3:c r3:c"))
        server.follow([Step(FAULTS["status-429"], times=1)])
        trial = post(there, FILE, "--limit", "2")
        assert trial.code == 10
        assert posted(model) == ["r2:a"]
        assert json.loads(trial.err.splitlines()[-2])["summary"] == {
            "rows": 5, "failed": 1, "not attempted": 4,
        }  # fmt: skip
        assert stopped(post(there, FILE, "--limit", "3"))[0] == "posted"
        assert posted(model) == ["r2:a"]


def test_a_limit_that_leaves_no_row_out_is_not_named(shell: Shell) -> None:
    with FaultyServer([Step(RESET_AFTER_READING, times=1)], model=clinic()) as server:
        (shell.home / FILE).write_text(rows("r1:a r1:b"))
        ran = post(shell.configured(server), FILE, "--limit", "2")
    assert ran.code == 9
    assert "Run the same command again to resume." in ran.err
    assert "without --limit" not in ran.err


def test_many_duplicates_are_counted_and_the_first_named(shell: Shell) -> None:
    (shell.home / FILE).write_text(rows(" ".join(f"r{n}:a r{n}:a" for n in range(30))))
    with FaultyServer() as server:
        _, said = stopped(post(shell.configured(server), FILE))
    assert "30 messages would each be posted more than once" in said
    assert "room 'r19' (lines 40 and 41) and 10 more." in said


@pytest.mark.parametrize("how", ["copied", "renamed", "re-exported"])
def test_a_copy_of_a_file_that_was_posted(shell: Shell, how: str) -> None:
    model = clinic()
    with FaultyServer(model=model) as server:
        there = shell.configured(server)
        (shell.home / FILE).write_text(rows("r1:a r2:b"))
        assert post(there, FILE).code == 0
        copy = "visits (final).csv"
        text = "Text;ROOM\nc;r3\nb;r2\na;r1\n" if how == "re-exported" else rows("r1:a r2:b r3:c")
        (shell.home / copy).write_text(text)
        if how == "renamed":
            (shell.home / FILE).unlink()
        for dry in ((), ("--dry-run",)):
            name, said = stopped(post(there, copy, *dry))
            assert name == "posted"
            where = "(lines 3 and 4)" if how == "re-exported" else "(lines 2 and 3)"
            assert said.startswith(f"2 messages were posted before {where}, the last on 20")
            use = f"use --journal {JOURNAL} --resume. To post them again, 2 messages in all, use"
            assert f"{use} --allow posted." in said
        # the advice, added to the command line of the next mailing
        both = post(there, copy, "--restart", "--journal", JOURNAL, "--resume")
        assert (both.code, "cannot be used together" in both.err) == (2, True)
        assert len(server.requests) == 2
        assert post(there, copy, "--journal", JOURNAL, "--resume").code == 0
        assert posted(model) == ["r1:a", "r2:b", "r3:c"]
        (shell.home / "again.csv").write_text(rows("r1:a"))
        assert post(there, "again.csv", "--allow", "posted").code == 0
        assert posted(model) == ["r1:a", "r2:b", "r3:c", "r1:a"]


def test_rows_that_no_single_journal_has(shell: Shell) -> None:
    """To go on with one of the journals would post again what the other has."""
    model = clinic()
    with FaultyServer(model=model) as server:
        there = shell.configured(server)
        for name, content in (("a.csv", "r1:a"), ("b.csv", "r2:b"), ("c.csv", "r3:c")):
            (shell.home / name).write_text(rows(content))
            assert post(there, name).code == 0
        (shell.home / FILE).write_text(rows("r1:a r2:b r3:c r4:d"))
        (shell.home / "c.csv").write_text(rows("r3:c r2:b r4:d"))
        journals = sorted(f"'{name}.csv{SUFFIX}'" for name in "abc")
        for limit, where in (("9", "(lines 2, 3 and 4)"), ("1", "(line 2)")):
            _, said = stopped(post(there, FILE, "--limit", limit))
            assert f"posted before {where}" in said
            assert sorted(said.partition(", by ")[2].partition(": ")[0].split(", ")) == journals
            assert "remove " in said
            assert "--journal" not in said
        # the own journal has one row, the other journal another
        _, said = stopped(post(there, "c.csv", "--resume"))
        assert "(line 3), the last on " in said
        assert f"by 'b.csv{SUFFIX}': the file may be a copy. To send only the rest, remove" in said
        assert "--journal" not in said
        (shell.home / "c.csv").write_text(rows("r3:c r4:d"))
        assert post(there, "c.csv", "--resume").code == 0
        assert posted(model) == ["r1:a", "r2:b", "r3:c", "r4:d"]


@pytest.mark.parametrize(
    ("first", "then"),
    [((), ("--hub", "section9")), (("--hub", "section9"), ("--hub", "_"))],
)
def test_a_hub_that_is_named_otherwise_than_before(
    shell: Shell, first: tuple[str, ...], then: tuple[str, ...]
) -> None:
    model = clinic()
    with FaultyServer([well(1), busy()], model=model) as server:
        there = shell.configured(server)
        (shell.home / FILE).write_text(rows("r1:a r2:b"))
        assert post(there, FILE, *first, "--max-failures", "0").code in {9, 10}
        for more in ((), ("--dry-run",), ("--resume",), ("--send-changed",)):
            ran = post(there, FILE, *then, *more)
            assert (ran.code, "which may be the same. Name the hub as before" in ran.err) == (
                2,
                True,
            )
        server.follow([])
        assert post(there, FILE, *first).code in {0, 9}
    assert len(set(posted(model))) == len(posted(model))


def test_who_is_no_neighbor(shell: Shell) -> None:
    """Another command, another address, another folder, another time, or a named journal."""
    model = clinic()
    with FaultyServer(model=model) as server, FaultyServer(model=clinic()) as other:
        there = shell.configured(server)
        (shell.home / FILE).write_text(rows("r1:a"))
        assert post(there, FILE).code == 0
        (shell.home / "copy.csv").write_text(rows("r1:a"))
        assert post(shell.configured(other), "copy.csv").code == 0
        (shell.home / f"copy.csv{SUFFIX}").unlink()
        (shell.home / "far").mkdir()
        (shell.home / "far" / "copy.csv").write_text(rows("r1:a"))
        assert post(there, "far/copy.csv").code == 0
        assert post(there, "copy.csv", "--journal", "j").code == 0
        (shell.home / "j").unlink()
        assert stopped(post(there, "copy.csv"))[0] == "posted"
        age(shell.home / JOURNAL, 4.9 * DAY)
        assert stopped(post(there, "copy.csv"))[0] == "posted"
        age(shell.home / JOURNAL, 5.1 * DAY)
        assert post(there, "copy.csv").code == 0
        assert posted(model) == ["r1:a"] * 4


def age(journal: Path, seconds: float) -> None:
    """Make a journal older."""
    at = time.time() - seconds
    with sqlite3.connect(journal) as db:
        db.execute("UPDATE entries SET at = ?", (int(at * PER_SECOND),))
    db.close()
    os.utime(journal, (at, at))


def test_messages_whose_outcome_is_unknown_count_as_posted(shell: Shell) -> None:
    with FaultyServer([well(1), lost(applied=True), busy()], model=clinic()) as server:
        there = shell.configured(server)
        (shell.home / FILE).write_text(rows("r1:a r2:b r3:c"))
        assert post(there, FILE).code == 9
        (shell.home / "copy.csv").write_text(rows("r1:a r2:b r3:c"))
        assert (
            "2 messages were posted before (lines 2 and 3)" in stopped(post(there, "copy.csv"))[1]
        )


@pytest.mark.parametrize("killed", [True, False])
def test_a_neighbor_that_is_in_use_or_was_killed(shell: Shell, *, killed: bool) -> None:
    with FaultyServer([well(2), Step(HANG)], model=clinic()) as server:
        there = shell.configured(server)
        (shell.home / FILE).write_text(rows("r1:a r2:b r3:c"))
        process = there.start(*POST, "--from", FILE, *OPTIONS)
        while len(server.requests) < 3:
            assert process.poll() is None
            time.sleep(0.01)
        if killed:
            process.kill()
            process.communicate(timeout=60)
        before = (shell.home / JOURNAL).read_bytes()
        (shell.home / "copy.csv").write_text(rows("r1:a r2:b r3:c"))
        assert "3 messages were posted before" in stopped(post(there, "copy.csv"))[1]
        assert (shell.home / JOURNAL).read_bytes() == before
        if not killed:
            process.send_signal(signal.SIGKILL)
            process.communicate(timeout=60)


@pytest.mark.parametrize("other_name", [None, Path.symlink_to, Path.hardlink_to])
def test_looking_for_neighbors_keeps_the_own_journal_locked(
    shell: Shell, other_name: Callable[[Path, Path], None] | None
) -> None:
    """Otherwise the same command could post the same messages at the same time."""
    (shell.home / FILE).write_text(rows("r1:a r2:b r3:c"))
    with FaultyServer([Step(FAULTS["status-401"])], model=clinic()) as server:
        there = shell.configured(server)
        assert post(there, FILE).code == 4  # which leaves a journal, so that it is locked early
        if other_name:
            other_name(shell.home / "another-name", shell.home / JOURNAL)
        server.follow([Step(HANG)])
        before = len(server.requests)
        with there.start(*POST, "--from", FILE, *OPTIONS) as process:
            while len(server.requests) == before:
                assert process.poll() is None
                time.sleep(0.01)
            server.follow([])
            second = post(there, FILE)
            process.kill()
        assert "is in use by another process" in second.err
        assert (second.code, len(server.requests)) == (3, before + 1)


def test_a_neighbor_with_a_transaction_that_is_not_complete(shell: Shell) -> None:
    """As SQLite leaves it if the machine stops in the middle: half of a commit does not count."""
    with FaultyServer(model=clinic()) as server:
        there = shell.configured(server)
        (shell.home / FILE).write_text(rows("r1:a"))
        assert post(there, FILE).code == 0
        neighbor = shell.home / JOURNAL
        pid = os.fork()
        if pid == 0:
            db = sqlite3.connect(neighbor, isolation_level=None)
            db.execute("PRAGMA cache_size = 1")
            db.execute("BEGIN")
            db.execute("DELETE FROM entries")
            db.execute("CREATE TABLE filler (text)")
            db.executemany("INSERT INTO filler VALUES (?)", [("x" * 4000,)] * 50)
            os.kill(os.getpid(), signal.SIGKILL)
        os.waitpid(pid, 0)
        side = shell.home / f"{JOURNAL}-journal"
        found = neighbor.read_bytes(), side.read_bytes()
        assert found[1][:8].hex() == "d9d505f920a163d7"
        shutil.copy(shell.home / FILE, shell.home / "copy.csv")
        assert stopped(post(there, "copy.csv"))[0] == "posted"
        assert (neighbor.read_bytes(), side.read_bytes()) == found


def test_a_neighbor_that_cannot_be_read_is_named(shell: Shell) -> None:
    model = clinic()
    with FaultyServer(model=model) as server:
        there = shell.configured(server)
        (shell.home / FILE).write_text(rows("r1:a"))
        assert post(there, FILE).code == 0
        journal = (shell.home / JOURNAL).read_bytes()
        (shell.home / JOURNAL).write_bytes(journal[:100] + bytes(len(journal) - 100))
        shutil.copy(shell.home / FILE, shell.home / "copy.csv")
        ran = post(there, "copy.csv")
        assert (ran.code, f"Cannot read journal '{JOURNAL}'" in ran.err) == (0, True), ran.err


def test_the_next_mailing_of_a_file_is_no_copy_of_the_last(shell: Shell) -> None:
    """What was posted before this journal was finished is meant to be posted again."""
    model = clinic()
    with FaultyServer(model=model) as server:
        there = shell.configured(server)
        (shell.home / FILE).write_text(rows("r1:a"))
        (shell.home / "other.csv").write_text(rows("r1:a"))
        assert post(there, "other.csv").code == 0
        assert post(there, FILE, "--allow", "posted").code == 0
        assert post(there, FILE, "--restart").code == 0
        assert post(there, "other.csv", "--restart", "--allow", "posted").code == 0
        assert stopped(post(there, FILE, "--restart"))[0] == "posted"
        assert posted(model) == ["r1:a"] * 4


def test_everything_is_told_at_once_and_after_what_is_wrong(shell: Shell) -> None:
    with FaultyServer(model=clinic()) as server:
        there = shell.configured(server)
        (shell.home / "first.csv").write_text(rows("r1:a"))
        assert post(there, "first.csv").code == 0
        (shell.home / FILE).write_text(rows("r1:a r2:b r2:b 4,9E+11:c").replace("4,9", "4.9"))
        name, said = stopped(post(there, FILE))
        assert name == "duplicates"
        for each in ("duplicates", "posted", "damaged-keys"):
            assert f"--allow {each}" in said
        for allowed in ("duplicates", "posted", "damaged-keys"):
            others = [o for o in ("duplicates", "posted", "damaged-keys") if o != allowed]
            assert stopped(post(there, FILE, "--allow", allowed))[0] == others[0]
        (shell.home / FILE).write_text(rows("r1:a r2:b r2:b r3:"))
        assert post(there, FILE).code == 2
        assert post(there, FILE, "--allow", "lookalikes").code == 2
        (shell.home / FILE).write_text(rows("r2:b r2:b"))
        (shell.home / "r.csv").write_text("mine\n")
        assert post(there, FILE, "--rejects", "r.csv").code == 2
        (shell.home / JOURNAL).write_text("damaged")
        assert post(there, FILE).code == 3


def test_keys_that_a_spreadsheet_has_damaged(shell: Shell) -> None:
    with FaultyServer() as server:
        there = shell.configured(server)
        create = ("users", "create")
        (shell.home / "u.csv").write_text('key,name\n"4,91701E+11",A\nu1,B\n')
        name, said = stopped(post(there, "u.csv", command=create))
        assert name == "damaged-keys"
        assert "1 key looks like a number that a spreadsheet has rounded: '4,91701E+11'" in said
        assert server.requests == []
        assert post(there, "u.csv", "--allow", "damaged-keys", command=create).code == 0
        # zeros that seem lost are a warning
        (shell.home / "u.csv").write_text("key,name\n00123,A\n456,B\n")
        ran = post(there, "u.csv", command=create)
        assert (ran.code, "may have lost leading zeros" in ran.err) == (0, True)


def test_what_was_read_of_a_damaged_neighbor_counts(shell: Shell) -> None:
    """Its first pages say that these messages were posted, and the last ones say nothing."""
    (shell.home / FILE).write_text(rows("r1:a r2:b"))
    with FaultyServer(model=clinic()) as server:
        there = shell.configured(server)
        assert post(there, FILE, "--yes").code == 0
        neighbor = shell.home / JOURNAL
        with contextlib.closing(sqlite3.connect(neighbor)) as db, db:
            for number in range(1200):
                others = "fate, key, hub, at, request_id, error, content, checksum"
                row_id = b"\xff" * 28 + number.to_bytes(4)
                db.execute(
                    f"INSERT INTO entries SELECT ?, {others} FROM entries LIMIT 1", (row_id,)
                )
        damaged = neighbor.read_bytes()
        neighbor.write_bytes(damaged[:-20_000] + bytes(20_000))
        (shell.home / "copy.csv").write_text(rows("r1:a r2:b r3:c"))
        ran = post(there, "copy.csv", "--yes")
        assert len(server.model.messages) == 2
    name, said = stopped(ran)
    assert name == "posted"
    assert "2 messages were posted before (lines 2 and 3)" in said
    assert "Cannot read journal" in ran.err
