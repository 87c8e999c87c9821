"""What a batch reads, what it must never write over, and who may run at the same time."""

import contextlib
import json
import os
import signal
import sqlite3
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from kabelwerk_cli.journal.entry import Entry
from kabelwerk_cli.journal.fate import Fate
from kabelwerk_cli.journal.journal import Journal
from tests.faultserver import FAULTS, HANG, FaultyServer, Step
from tests.model.model import Model
from tests.model.state import populated
from tests.shell import EXECUTABLE, Shell

from .story import (
    FILE,
    JOURNAL,
    ONE_BY_ONE,
    PATIENTS,
    POST,
    UPDATE,
    busy,
    clinic,
    error_of,
    lost,
    meanwhile,
    outcomes_of,
    posted,
    rows,
    well,
)

MANY = 60
LONG = " ".join(f"{PATIENTS[n % len(PATIENTS)]}:t{n}" for n in range(MANY))
CONTENT = rows(LONG, padding=3000).encode()
"""More than a pipe holds, and far more than is read of a file at once."""


def through_a_fifo(shell: Shell, args: tuple[str, ...]) -> tuple[int, str]:
    os.mkfifo(shell.home / "fifo.csv")
    writer = threading.Thread(target=(shell.home / "fifo.csv").write_bytes, args=(CONTENT,))
    writer.start()
    ran = shell.run(*args, "--from", "fifo.csv")
    writer.join()
    return ran.code, ran.out


def through_stdin(name: str) -> Callable[[Shell, tuple[str, ...]], tuple[int, str]]:
    def run(shell: Shell, args: tuple[str, ...]) -> tuple[int, str]:
        ran = shell.run(*args, "--from", name, stdin=CONTENT)
        return ran.code, ran.out

    return run


def redirected(shell: Shell, args: tuple[str, ...]) -> tuple[int, str]:
    (shell.home / FILE).write_bytes(CONTENT)
    with (
        (shell.home / FILE).open("rb") as file,
        shell.start(*args, "--from", "/dev/stdin", stdin=file) as process,
    ):
        out, _ = process.communicate(timeout=60)
    return process.returncode, out.decode()


def substituted(shell: Shell, args: tuple[str, ...]) -> tuple[int, str]:
    (shell.home / FILE).write_bytes(CONTENT)
    line = f'"$0" "$@" --from <(cat {FILE})'
    with shell.launch("-c", line, str(EXECUTABLE), *args, program="/bin/bash") as process:
        out, _ = process.communicate(timeout=60)
    return process.returncode, out.decode()


STREAMS = {
    "fifo": through_a_fifo,
    "stdin": through_stdin("-"),
    "/dev/stdin": through_stdin("/dev/stdin"),
    "/dev/fd/0": through_stdin("/dev/fd/0"),
    "redirected": redirected,
    "substituted": substituted,
}


@pytest.mark.parametrize("name", STREAMS)
def test_every_row_of_a_stream_arrives(shell: Shell, name: str) -> None:
    model = clinic()
    with FaultyServer(model=model) as server:
        there = shell.configured(server)
        code, out = STREAMS[name](there, (*POST, "-o", "jsonl", "--journal", "j"))
        assert code == 0
        assert outcomes_of(out) == dict.fromkeys(range(1, MANY + 1), "done")
        assert Counter(posted(model)) == Counter(LONG.split())
        for room in PATIENTS:
            in_order = [row for row in LONG.split() if row.startswith(room)]
            assert [row for row in posted(model) if row.startswith(room)] == in_order


@pytest.mark.parametrize("with_journal", [True, False])
def test_a_stream_is_known_again_by_its_journal(shell: Shell, *, with_journal: bool) -> None:
    options = ("--journal", "j") if with_journal else ()
    model = clinic()
    with FaultyServer([well(1), busy()], model=model) as server:
        run = shell.configured(server).run
        post = (*POST, "--from", "-", *ONE_BY_ONE, *options, "-o", "jsonl")
        stdin = rows("r1:a r2:b").encode()
        ran = run(*post, stdin=stdin)
        assert (ran.code, posted(model)) == (10, ["r1:a"])
        assert error_of(ran.err)["safe_to_rerun"] is with_journal
        again = run(*post, stdin=stdin)
        assert again.code == 0
        assert posted(model) == ["r1:a", *([] if with_journal else ["r1:a"]), "r2:b"]


def a_text(path: Path) -> None:
    path.write_text("What I would not like to lose.\n" * 100)


def nothing(path: Path) -> None:
    path.write_bytes(b"")


def a_database(path: Path, mode: str = "DELETE") -> None:
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute(f"PRAGMA journal_mode = {mode}")
        db.execute("CREATE TABLE entries (id BLOB, fate TEXT)")
        db.execute("INSERT INTO entries VALUES (x'00', 'done')")
        db.commit()


def a_database_in_use(path: Path) -> None:
    """One with a log beside it, as a process leaves it that was killed."""
    a_database(path, "WAL")
    with contextlib.closing(sqlite3.connect(path)) as db:
        db.execute("INSERT INTO entries VALUES (x'01', 'done')")
        db.commit()
        log = path.with_name(f"{path.name}-wal")
        kept = (path.read_bytes(), log.read_bytes())
    path.write_bytes(kept[0])
    log.write_bytes(kept[1])


def a_database_to_roll_back(path: Path) -> None:
    """One with a journal of its own beside it, as a process leaves it that was killed."""
    a_database(path)
    beside = path.with_name(f"{path.name}-journal")
    with contextlib.closing(sqlite3.connect(path, isolation_level=None)) as db:
        db.execute("PRAGMA cache_size = 1")
        db.execute("BEGIN")
        for _ in range(200):
            db.execute("INSERT INTO entries VALUES (randomblob(3000), 'done')")
        kept = (path.read_bytes(), beside.read_bytes())
        db.execute("ROLLBACK")
    path.write_bytes(kept[0])
    beside.write_bytes(kept[1])


FOREIGN = [a_text, nothing, a_database, a_database_in_use, a_database_to_roll_back]


@pytest.mark.parametrize("make", FOREIGN, ids=lambda make: make.__name__)
@pytest.mark.parametrize("option", ["", "--restart", "--resume", "--mark-posted", "--dry-run"])
def test_a_file_that_is_no_journal_is_never_changed(
    shell: Shell, make: Callable[[Path], None], option: str
) -> None:
    (shell.home / FILE).write_text(rows("r1:a"))
    make(shell.home / "mine")
    before = {path.name: path.read_bytes() for path in shell.home.iterdir()}
    with FaultyServer() as server:
        ran = shell.configured(server).run(
            *POST, "--from", FILE, "--journal", "mine", *option.split()
        )
        assert server.attempts == []
    assert ran.code in {2, 3}
    assert "mine" in ran.err
    assert {path.name: path.read_bytes() for path in shell.home.iterdir()} == before


def test_starting_over_at_another_address_changes_nothing(shell: Shell) -> None:
    (shell.home / FILE).write_text(rows("r1:a"))
    first, second = clinic(), clinic()
    post = (*POST, "--from", FILE)
    with FaultyServer(model=first) as here, FaultyServer(model=second) as elsewhere:
        assert shell.configured(here).run(*post).code == 0
        journal = (shell.home / JOURNAL).read_bytes()
        for option in ((), ("--restart",), ("--resume",)):
            ran = shell.configured(elsewhere).run(*post, *option)
            assert ran.code == 2
            assert here.url in ran.err
        assert (shell.home / JOURNAL).read_bytes() == journal
        assert elsewhere.attempts == []
        assert shell.configured(here).run(*post).code == 11
        assert posted(first) == ["r1:a"]


@pytest.mark.parametrize("applied", [True, False])
def test_a_crash_and_a_corrected_file(shell: Shell, *, applied: bool) -> None:
    """What was under way when the process was killed is in doubt; what follows is not."""
    (shell.home / FILE).write_text(rows("r1:a r2:b ghots:c r4:d"))
    model = clinic()
    post = (*POST, "--from", FILE, *ONE_BY_ONE, "-o", "jsonl")
    with FaultyServer([well(1), Step(HANG, applied=applied, times=1)], model=model) as server:
        there = shell.configured(server)
        process = there.start(*post)
        while len(server.requests) < 2:
            pass
        process.kill()
        process.communicate()
        (shell.home / FILE).write_text(rows("r1:a r2:b r3:c r4:d"))
        ran = there.run(*post)
        assert ran.code == 9
        assert outcomes_of(ran.out) == {1: "done", 2: "unknown", 3: "done", 4: "done"}
        assert "--resend-unknown" in ran.err
        settled = there.run(*post, "--mark-posted" if applied else "--resend-unknown")
        assert settled.code == 0
        assert sorted(posted(model)) == ["r1:a", "r2:b", "r3:c", "r4:d"]
        assert there.run(*post).code == 11


@pytest.mark.parametrize("moment", [0.0, 0.2, 0.3, 0.4, 0.5])
def test_two_runs_at_once_post_once(shell: Shell, moment: float) -> None:
    """The second begins while the first is at its last row, and may wait for the journal."""
    (shell.home / FILE).write_text(rows("r1:a r2:b r3:c"))
    model, second = clinic(), []
    post = (*POST, "--from", FILE, *ONE_BY_ONE)
    with FaultyServer(model=model) as server:
        there = shell.configured(server)

        def start_another() -> None:
            second.append(there.start(*post))
            time.sleep(moment)

        server.follow([well(2), meanwhile(start_another)])
        first = there.run(*post)
        _, err = second[0].communicate(timeout=60)
        assert posted(model) == ["r1:a", "r2:b", "r3:c"]
    assert first.code == 0
    assert second[0].returncode in {2, 3, 11}, err
    assert b"Nothing was sent" in err or b"journal" in err.lower()


def test_an_ignored_interrupt_stays_ignored(shell: Shell) -> None:
    """As `nohup` and a shell's `&` start programs."""
    (shell.home / FILE).write_text(rows("r1:a r2:b"))

    def ignore() -> None:
        signal.signal(signal.SIGINT, signal.SIG_IGN)

    model = clinic()
    go_on = threading.Event()
    with FaultyServer([meanwhile(lambda: go_on.wait(30))], model=model) as server:
        process = shell.configured(server).launch(
            *POST, "--from", FILE, *ONE_BY_ONE, preexec_fn=ignore
        )
        while not server.requests:
            pass
        for _ in range(3):
            process.send_signal(signal.SIGINT)
            time.sleep(0.1)
        go_on.set()
        _, err = process.communicate(timeout=60)
    assert process.returncode == 0, err
    assert posted(model) == ["r1:a", "r2:b"]


def test_a_doubt_keeps_its_cause(shell: Shell) -> None:
    (shell.home / FILE).write_text(rows("r1:a"))
    post = (*POST, "--from", FILE, *ONE_BY_ONE, "-o", "jsonl")
    with FaultyServer([lost(applied=True)], model=clinic()) as server:
        run = shell.configured(server).run
        first, second = (json.loads(run(*post).out)["error"] for _ in range(2))
        sent = server.requests[0].header("X-Request-Id")
    assert first["request_id"] == second["request_id"] == sent
    assert second["type"] == "OutcomeUnknown"
    assert "without an answer" in second["message"] or "answer" in second["message"]
    assert " UTC" in second["message"]


def test_a_doubt_of_a_killed_run_has_its_request_id(shell: Shell) -> None:
    (shell.home / FILE).write_text(rows("r1:a"))
    post = (*POST, "--from", FILE, *ONE_BY_ONE)
    with FaultyServer([Step(HANG, applied=True, times=1)], model=clinic()) as server:
        there = shell.configured(server)
        process = there.start(*post)
        while not server.requests:
            time.sleep(0.01)
        process.kill()
        process.communicate()
        request_id = server.requests[0].header("X-Request-Id")
        table, lines = there.run(*post), there.run(*post, "-o", "jsonl")
    for ran in (table, lines):
        assert ran.code == 9
        assert f"the run ended before an answer came (request {request_id})." in ran.out
    assert json.loads(lines.out)["error"]["request_id"] == request_id


def fill(journal: Path, entries: int, size: int) -> None:
    """Have a journal hold more than SQLite keeps in memory."""
    with Journal(journal, "") as opened:
        more = [
            Entry(os.urandom(20), Fate.FAILED, "other", error="x" * size) for _ in range(entries)
        ]
        opened.commit([(entry, None) for entry in more])


def test_a_journal_that_breaks_during_the_run(shell: Shell) -> None:
    """What was done by then is told, and is not called nothing."""
    count = 300
    many = " ".join(f"old{n}:N" for n in range(count))
    (shell.home / FILE).write_text(rows(many, "key,name"))
    journal = shell.home / JOURNAL
    update = (*UPDATE, "--from", FILE, "-o", "jsonl", *ONE_BY_ONE)

    def break_it() -> None:
        with journal.open("r+b") as file:
            file.truncate(4096)

    rejected = Step(FAULTS["status-404"], times=count)
    with FaultyServer([rejected], model=Model(populated(count))) as server:
        run = shell.configured(server).run
        assert run(*update).code == 10
        fill(journal, 2000, 3000)
        server.follow([well(32), meanwhile(break_it)])
        ran = run(*update)
        assert count + 32 < len(server.requests) < 2 * count
    assert "Traceback" not in ran.err
    assert ran.code in {9, 10}
    error = error_of(ran.err)
    assert error["applied"] in {"yes", "unknown"}
    assert "Nothing was sent" not in str(error["message"])
    assert "journal" in str(error["message"]).lower()
