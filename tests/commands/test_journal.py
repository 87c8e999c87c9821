"""`journal show`: what a journal or a state records, without touching it."""

import csv
import io
import json
import shlex
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from kabelwerk_cli import __version__
from kabelwerk_cli.commands.journal import show
from kabelwerk_cli.journal.entry import Entry
from kabelwerk_cli.journal.fate import Fate
from kabelwerk_cli.journal.file import JOURNAL
from kabelwerk_cli.journal.journal import Journal
from kabelwerk_cli.sync.state import State
from tests.faultserver import FAULTS, HANG, HONEST, RESET_AFTER_READING, FaultyServer, Step
from tests.journal.kept import FOLDER, take
from tests.measure import measure
from tests.model.model import Model
from tests.model.state import populated
from tests.shell import EXECUTABLE, Shell

POST = ("messages", "post", "--user", "batou", "--yes", "--from", "rows.csv", "--concurrency", "1")
MANY = 40_000
MEGABYTE = 1024 * 1024


def records(shell: Shell, *args: str) -> list[dict[str, object]]:
    ran = shell.run("journal", "show", *args, "-o", "jsonl")
    assert ran.code == 0, ran.err
    return [json.loads(line) for line in ran.out.splitlines()]


def mailing(shell: Shell) -> Path:
    """A journal with a row of each outcome."""
    (shell.home / "rows.csv").write_text(
        "room,text\nold0,a\nold1,b\nghost,c\nold2,d\nold3,e\nold4,f\n"
    )
    script = [
        Step(HONEST, times=1),
        Step(RESET_AFTER_READING, times=1),
        Step(HONEST, times=1),
        Step(FAULTS["status-503"], times=1),
        Step(FAULTS["status-429"], times=1),
    ]
    with FaultyServer(script, model=Model(populated(6))) as server:
        ran = shell.configured(server).run(*POST, "--retries", "0", "--max-failures", "9")
        assert ran.code == 9
    return shell.home / "rows.csv.kabelwerk-journal"


def test_each_outcome_of_a_journal(shell: Shell) -> None:
    kept = mailing(shell)
    before = kept.read_bytes()
    found = records(shell, "rows.csv")
    outcomes = {record["key"]: record["outcome"] for record in found}
    assert outcomes == {
        "old0": "done",
        "old1": "unknown",
        "ghost": "failed",
        "old2": "unknown",
        "old3": "failed",
        "old4": "done",
    }
    ghost, lost = (next(r for r in found if r["key"] == key) for key in ("ghost", "old1"))
    assert "has no room" in str(ghost["cause"])
    assert str(ghost["at"]).endswith("Z")
    assert lost["request_id"]
    assert (lost["hub"], lost["origin"], lost["deletable"]) == ("_", None, None)
    assert sorted(str(r["at"]) for r in found) == [r["at"] for r in found]
    assert records(shell, kept.name) == found
    (shell.home / "link").symlink_to("rows.csv")
    assert records(shell, "link") == found
    assert kept.read_bytes() == before


def test_a_table_and_what_it_is_about(shell: Shell) -> None:
    mailing(shell)
    ran = shell.run("journal", "show", "rows.csv")
    assert ran.out.splitlines()[0].split() == [
        *("key", "hub", "outcome", "at", "request_id", "cause")
    ]
    assert len(ran.out.splitlines()) == 7
    assert "messages post at http://127.0.0.1:" in ran.err
    assert f"written by version {__version__}; not finished; " in ran.err
    some = shell.run("journal", "show", "rows.csv", "-o", "csv", "--fields", "key,outcome", "-q")
    assert (next(csv.reader(io.StringIO(some.out))), some.err) == (["key", "outcome"], "")
    wrong = shell.run("journal", "show", "rows.csv", "--fields", "name")
    assert wrong.code == 2
    assert "deletable" in wrong.err


def test_a_state_says_who_may_be_deleted(shell: Shell) -> None:
    (shell.home / "staff.csv").write_text("key,name\nold0,Zero\nnew1,One\n")
    with FaultyServer(model=Model(populated(6))) as server:
        shell.configured(server).run("users", "sync", "--new-state", "--from", "staff.csv")
    found = records(shell, "staff.csv")
    assert {r["key"]: (r["outcome"], r["origin"], r["deletable"]) for r in found} == {
        "old0": ("done", "found", False),
        "new1": ("done", "created", True),
    }
    assert "a run has come to its end" in shell.run("journal", "show", "staff.csv").err


@pytest.mark.parametrize(
    ("name", "outcomes"),
    [
        ("half-done.csv", "done done done unknown failed unknown"),
        ("finished.csv", " ".join(["done"] * 8)),
        ("import.csv", "done unknown failed done"),
        ("staff.csv", "done done done done"),
    ],
)
def test_the_format_of_an_earlier_version(shell: Shell, name: str, outcomes: str) -> None:
    kept = take(f"format-3/{name}", shell.home, "http://127.0.0.1:1")
    before = kept.read_bytes()
    ran = shell.run("journal", "show", name, "-o", "jsonl")
    found = [json.loads(line)["outcome"] for line in ran.out.splitlines()]
    assert [word.replace("handed over", "failed") for word in found] == outcomes.split()
    assert "written by an earlier version" in ran.err
    assert kept.read_bytes() == before


def test_each_example_runs(shell: Shell) -> None:
    for kept, suffix in (("finished visits", "journal"), ("staff staff", "state")):
        source, name = (f"{word}.csv.kabelwerk-{suffix}" for word in kept.split())
        shutil.copy(FOLDER / "format-3" / source, shell.home / name)
    for example in show.examples:
        ran = shell.run(*shlex.split(example)[1:], "-q")
        assert (ran.code, ran.err) == (0, ""), example
        assert len(ran.out.splitlines()) >= 4


def test_a_run_that_writes_is_not_disturbed(shell: Shell) -> None:
    (shell.home / "rows.csv").write_text("room,text\nold0,a\n")
    with FaultyServer([Step(HANG, times=1)], model=Model(populated(2))) as server:
        there = shell.configured(server)
        with there.start(*POST) as run:
            while not server.requests:
                assert run.poll() is None
            shown = there.run("journal", "show", "rows.csv", "-o", "json")
            run.kill()
            run.communicate(timeout=60)
        assert shown.code == 3
        error = json.loads(shown.err.splitlines()[-1])["error"]
        assert (error["type"], f"({run.pid}, " in error["message"]) == ("InUse", True)
        # what the kill left is read, and stays as it is
        names = {path: path.read_bytes() for path in shell.home.glob("rows.csv.*")}
        (left,) = records(there, "rows.csv")
        assert (left["outcome"], left["cause"]) == (
            "unknown",
            "The run ended before an answer came.",
        )
        assert {path: path.read_bytes() for path in shell.home.glob("rows.csv.*")} == names


def test_what_is_no_journal(shell: Shell) -> None:
    (shell.home / "rows.csv").write_text("key\na\n")
    none = shell.run("journal", "show", "rows.csv")
    assert none.code == 2
    assert "rows.csv.kabelwerk-journal" in none.err
    assert "rows.csv.kabelwerk-state" in none.err
    for suffix in ("journal", "state"):
        (shell.home / f"rows.csv.kabelwerk-{suffix}").write_text("damaged")
    assert shell.run("journal", "show", "rows.csv").code == 2
    for suffix in ("journal", "state"):
        damaged = shell.run("journal", "show", f"rows.csv.kabelwerk-{suffix}")
        assert damaged.code == 3
        assert "it is damaged, or another kind of file" in damaged.err
    assert shell.run("journal", "show", "nothing.kabelwerk-journal").code == 3


def test_many_users_in_flat_memory(shell: Shell, tmp_path: Path) -> None:
    path = tmp_path / "staff.csv.kabelwerk-state"
    with State(path, "users sync of end users at http://127.0.0.1:1", "secret") as state:
        content = f"created name={'0' * 32}"
        state.finish(
            (
                Entry(n.to_bytes(16), Fate.DONE, f"user-{n:07}", at=n + 1, content=content),
                None,
            )
            for n in range(MANY)
        )
    for output in ("table", "jsonl"):
        ran = measure([EXECUTABLE, "journal", "show", str(path), "-o", output], shell.environment)
        assert ran.code == 0
        assert ran.memory < 60 * MEGABYTE  # a million need no more


def test_a_long_table_has_its_columns_in_line(shell: Shell, tmp_path: Path) -> None:
    with Journal(JOURNAL.beside(str(tmp_path / "rows.csv")), "a test") as journal:
        journal.commit(
            (Entry(n.to_bytes(16), Fate.DONE, "u" * (n % 50), at=n + 1), None) for n in range(3000)
        )
    with closing(sqlite3.connect(journal.path)) as db:
        assert db.execute("SELECT count(*) FROM entries").fetchone() == (3000,)
    lines = shell.run("journal", "show", str(tmp_path / "rows.csv")).out.splitlines()
    assert len(lines) == 3001
    assert {line.index("done") for line in lines[1:]} == {lines[0].index("outcome")}
