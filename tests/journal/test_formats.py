"""Journals and states that another version wrote."""

import contextlib
import json
import os
import shutil
import sqlite3
from collections import Counter
from pathlib import Path

import pytest

from kabelwerk_cli import __version__
from kabelwerk_cli.batch.handover import complete
from kabelwerk_cli.journal.fate import Fate
from kabelwerk_cli.journal.journal import Journal
from kabelwerk_cli.sync.state import State
from tests.batch.story import outcomes_of
from tests.faultserver import FaultyServer
from tests.model.model import Model
from tests.model.state import populated
from tests.shell import Shell

from .kept import FOLDER, take

URL = "http://127.0.0.1:1"
SEND = {
    "half-done.csv": ("messages", "post"),
    "finished.csv": ("messages", "post"),
    "handing-over.csv": ("messages", "post"),
    "import.csv": ("users", "update"),
    "staff.csv": ("users", "sync"),
}
FATES = {
    "half-done.csv": "3 done, 1 unknown, 1 in flight, 1 rejected",
    "finished.csv": "8 done",
    "handing-over.csv": "1 done, 2 handed over",
    "import.csv": "2 done, 1 unknown, 1 handed over",
    "staff.csv": "4 done",
}


def opened(path: Path) -> Journal:
    return (State if path.name.endswith("-state") else Journal)(path, "")


def fates(journal: Journal) -> str:
    counts = Counter(entry.fate for entry in journal.entries(*Fate))
    return ", ".join(f"{counts[fate]} {fate}" for fate in FATE_ORDER if counts[fate])


FATE_ORDER = (Fate.DONE, Fate.UNKNOWN, Fate.IN_FLIGHT, Fate.REJECTED, Fate.HANDED_OVER)


@pytest.mark.parametrize(("kept", "writer"), [("format-3", ""), ("format-4", "0.2.0")])
@pytest.mark.parametrize("name", FATES)
def test_a_kept_file_is_read_and_brought_to_the_latest_format(
    tmp_path: Path, name: str, kept: str, writer: str
) -> None:
    path = take(f"{kept}/{name}", tmp_path, URL)
    for program in (writer, __version__):
        with opened(path) as journal:
            assert fates(journal) == FATES[name]
            assert journal.about.program == program
            assert journal.about.purpose.startswith(" ".join(SEND[name]))
            assert journal.about.purpose.endswith(URL)
            assert journal.about.finished == (name not in {"half-done.csv", "import.csv"})
            journal.commit()


def test_a_mailing_of_an_earlier_version_is_finished_without_posting_anything_twice(
    shell: Shell,
) -> None:
    with FaultyServer(model=Model(populated(10))) as server:
        take("format-3/half-done.csv", shell.home, server.url)
        post = ("messages", "post", "--from", "half-done.csv", "--yes", "-o", "jsonl")
        run = shell.configured(server).run
        ran = run(*post)
        # the server does not have what the earlier version posted: whatever is here is new
        assert sorted(m.text for m in server.model.messages) == ["Visit 4", "Visit 6", "Visit 7"]
        assert outcomes_of(ran.out) == {
            **dict.fromkeys((1, 2, 3, 5, 7, 8), "done"),
            **dict.fromkeys((4, 6), "unknown"),
            9: "failed",
        }
        assert ran.code == 9
        assert "the run ended before an answer came" in ran.out
        settled = run(*post, "--mark-posted", "--rejects", "rejects.csv")
        assert settled.code == 0
        finished = run(*post)
        assert finished.code == 11
        assert "8 of 9 rows were posted" in finished.err
        assert len(server.model.messages) == 3


def test_a_finished_mailing_of_an_earlier_version_is_not_posted_again(shell: Shell) -> None:
    with FaultyServer(model=Model(populated(10))) as server:
        take("format-3/finished.csv", shell.home, server.url)
        ran = shell.configured(server).run("messages", "post", "--from", "finished.csv", "--yes")
        assert (ran.code, server.requests) == (11, [])
        assert "8 of 8 rows were posted" in ran.err


def test_an_import_of_an_earlier_version_goes_on(shell: Shell) -> None:
    with FaultyServer(model=Model(populated(10))) as server:
        take("format-3/import.csv", shell.home, server.url)
        ran = shell.configured(server).run("users", "update", "--from", "import.csv", "-o", "jsonl")
        assert ran.code == 0
        assert [request.target.rpartition("/")[2] for request in server.requests] == ["old1"]
        records = map(json.loads, ran.out.splitlines())
        outcomes = {record["row"]: record["outcome"] for record in records}
        assert outcomes == {1: "done", 2: "updated", 3: "handed over", 4: "done"}


def test_a_sync_of_an_earlier_version_sends_only_differences(shell: Shell) -> None:
    with FaultyServer(model=Model(populated(10))) as server:
        take("format-3/staff.csv", shell.home, server.url)
        run = shell.configured(server).run
        assert run("users", "sync", "--from", "staff.csv").code == 0
        assert server.requests == []
        (shell.home / "staff.csv").write_text(
            "key,name\nold0,Zero\nnew1,Uno\nnew2,Two\nnew3,Three\n"
        )
        run("users", "sync", "--from", "staff.csv")
        assert [request.target.rpartition("/")[2] for request in server.requests] == [
            "new1",
            "users",
        ]


@pytest.mark.parametrize("spool", [True, False])
def test_a_handing_over_that_an_earlier_version_did_not_complete(
    tmp_path: Path, *, spool: bool
) -> None:
    """Where the file has no name yet, its rows stay with the batch, as that version would do it."""
    path = take("format-3/handing-over.csv", tmp_path, URL)
    spooled = tmp_path / "spool"
    if spool:
        shutil.copy(FOLDER / "format-3/handing-over.spool", spooled)
    with contextlib.closing(sqlite3.connect(path)) as db, db:
        (rejects,) = db.execute("SELECT rejects FROM about").fetchone()
        digest = rejects.partition(" ")[0]
        db.execute("UPDATE about SET rejects = ?", (f"{digest}  {spooled}",))
    with opened(path) as journal:
        complete(journal)
        assert fates(journal) == ("1 done, 2 rejected" if spool else "1 done, 2 handed over")
        assert journal.about.rejects == ("" if spool else digest)
        assert journal.about.spool == b""
    assert not spooled.exists()


def test_a_handing_over_that_version_0_2_0_did_not_complete(tmp_path: Path) -> None:
    path = take("format-4/handing-over.csv", tmp_path, URL)
    with opened(path) as journal:
        spool = tmp_path / os.fsdecode(journal.about.spool)
        shutil.copy(FOLDER / "format-4/handing-over.spool", spool)
        complete(journal)
        assert fates(journal) == "1 done, 2 handed over"
    assert "Nobody" in (tmp_path / "handing-over-rejects").read_text()
    assert not spool.exists()


def test_a_finished_mailing_of_version_0_2_0_is_not_posted_again(shell: Shell) -> None:
    with FaultyServer(model=Model(populated(10))) as server:
        take("format-4/finished.csv", shell.home, server.url)
        ran = shell.configured(server).run("messages", "post", "--from", "finished.csv", "--yes")
        assert (ran.code, server.requests) == (11, [])
        assert "8 of 8 rows were posted" in ran.err


@pytest.mark.parametrize("name", FATES)
def test_a_dry_run_does_not_change_the_format(shell: Shell, name: str) -> None:
    with FaultyServer(model=Model(populated(10))) as server:
        path = take(f"format-3/{name}", shell.home, server.url)
        before = path.read_bytes()
        ran = shell.configured(server).run(*SEND[name], "--from", name, "--dry-run")
        assert ran.code == (11 if name in {"finished.csv", "handing-over.csv"} else 0)
        assert "Traceback" not in ran.err
        assert path.read_bytes() == before
        assert server.requests == []


@pytest.mark.parametrize(
    ("name", "advice"),
    [
        ("finished.csv", "the same command would then post all messages again"),
        ("import.csv", "away to send all rows again"),
        ("staff.csv", "To go on with it, use that version"),
    ],
)
@pytest.mark.parametrize(("version", "writer"), [(2, "an earlier version"), (5, "version 0.9.9")])
def test_a_format_that_cannot_be_read(
    shell: Shell, name: str, advice: str, version: int, writer: str
) -> None:
    with FaultyServer(model=Model(populated(10))) as server:
        path = take(f"format-3/{name}", shell.home, server.url)
        opened(path).close()
        with contextlib.closing(sqlite3.connect(path)) as db, db:
            db.execute("UPDATE about SET version = ?, program = '0.9.9'", (version,))
        before = path.read_bytes()
        for options in ((), ("--dry-run",)):
            ran = shell.configured(server).run(*SEND[name], "--from", name, "--yes", *options)
            assert ran.code == 3
            assert f"it was written by {writer} of kabelwerk" in ran.err
            assert f"this is version {__version__}" in ran.err
            assert advice in ran.err
            assert ("or a later one" in ran.err) == (version == 5)
            assert path.read_bytes() == before
        assert server.requests == []
