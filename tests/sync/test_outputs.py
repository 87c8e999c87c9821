"""What a sync prints and writes besides its records: tables, a report, a workflow's summary."""

import json
import xml.etree.ElementTree as ET

from tests.batch.story import clinic, well
from tests.faultserver import FAULTS, FaultyServer, Step, invalid
from tests.shell import Shell

from .story import FILE, rows

SYNC = ("users", "sync", "--from", FILE, "--concurrency", "1", "--retries", "0")


def test_a_table_has_failures_by_cause_and_names(shell: Shell) -> None:
    with FaultyServer([well(2), Step(invalid("no", {"name": ["is too long"]}), times=2)]) as server:
        there = shell.configured(server)
        (shell.home / FILE).write_text(rows("batou:B u1:A u2:A u3:A"))
        ran = there.run(*SYNC, "--new-state")
        assert (ran.code, ran.out.startswith("2 rows failed: User '…' was not created")) == (
            10,
            True,
        )
        assert "1 user was found to exist and updated: 'batou'." in ran.err
        assert "1 created, 1 updated, 2 failed." in ran.err
        (shell.home / FILE).write_text(rows("u2:A u3:A"))
        ran = there.run(*SYNC, "--delete", "--yes")
        assert (ran.code, ran.out) == (0, "")
        assert "kept (not created by this sync): 'batou'" in ran.err
        assert "1 created, 1 kept, 1 unchanged." in ran.err


def test_a_report_and_the_summary_of_a_workflow(shell: Shell) -> None:
    summary = shell.home / "summary.md"
    with FaultyServer() as server:
        there = shell.configured(server)
        (shell.home / FILE).write_text(rows("u1:A u2:A u3:A"))
        assert there.run(*SYNC, "--new-state").code == 0
        (shell.home / FILE).write_text(rows("u1:A u2:B"))
        inside = there.with_(GITHUB_ACTIONS="true", GITHUB_STEP_SUMMARY=str(summary))
        assert inside.run(*SYNC, "--delete", "--dry-run").code == 0
        planned = summary.read_text()
        assert "| to update | 1 |\n| to delete | 1 |\n| unchanged | 1 |" in planned
        server.follow([well(1), Step(FAULTS["status-503"])])
        ran = inside.run(*SYNC, "--delete", "--yes", "--report", "report.xml")
        assert ran.code == 9
        # who is in no row is in no line either
        assert "::error file=staff.csv,line=1,title=users sync::User 'u3'" in ran.err
        assert ran.out.startswith("User 'u3' may have been deleted")
        told = summary.read_text().removeprefix(planned)
        assert "| updated | 1 |\n| unknown | 1 |\n| unchanged | 1 |" in told
    cases = ET.parse(shell.home / "report.xml").getroot().findall("*/testcase")
    assert [case.get("name") for case in cases] == ["u2 (row 2)", "u3"]
    assert cases[1].find("error") is not None
    assert [case.get("line") for case in cases] == ["3", "1"]


def test_quiet_and_fields(shell: Shell) -> None:
    with FaultyServer() as server:
        there = shell.configured(server)
        (shell.home / FILE).write_text(rows("u1:A"))
        ran = there.run(*SYNC, "--new-state", "-q", "--dry-run", "-o", "tsv")
        assert (ran.out, ran.err) == ('create\tu1\t\t{"name":"A"}\t\t1\n', "")
        ran = there.run(*SYNC, "--new-state", "-q")
        assert (ran.code, ran.out, ran.err) == (0, "", "")
        (shell.home / FILE).write_text("key,name\n")
        ran = there.run(*SYNC, "-o", "tsv", "--fields", "key,outcome,row")
        assert (ran.code, ran.out) == (0, "u1\tkept\t\n")


PLANNED = [
    ("update", "u1", {"name": "new"}, None, 1),
    ("create", "u3", {"name": "C"}, None, 2),
    ("keep", "batou", {}, "not created by this sync", None),
    ("delete", "u2", {}, None, None),
]


def test_a_dry_run_shows_what_would_be_sent(shell: Shell) -> None:
    with FaultyServer() as server:
        there = shell.configured(server)
        (shell.home / FILE).write_text(rows("u1:A u2:B batou:Batou"))
        assert there.run(*SYNC, "--hub", "section9", "--new-state").code == 0
        (shell.home / FILE).write_text(rows("u1:new u3:C"))
        args = (*SYNC, "--hub", "section9", "--delete", "--dry-run")
        planned = json.loads(there.run(*args, "-o", "json").out)
        table = there.run(*args).out.splitlines()
    assert [(*each.values(),) for each in planned] == [
        (action, key, "section9", changes, reason, row)
        for action, key, changes, reason, row in PLANNED
    ]
    assert table[1].split() == ["update", "u1", '{"name":"new"}']


def test_a_dry_run_of_rooms_shows_the_new_values(shell: Shell) -> None:
    columns = "room,archived,hub_user,attributes"
    with FaultyServer(model=clinic()) as server:
        there = shell.configured(server)
        (shell.home / "rooms.csv").write_text(f'{columns}\nr1,no,batou,"{{""w"": 1}}"\n')
        args = ("rooms", "sync", "--from", "rooms.csv")
        assert there.run(*args, "--new-state", "-q").code == 0
        (shell.home / "rooms.csv").write_text(f'{columns}\nr1,no,,"{{""w"": 2}}"\n')
        (planned,) = json.loads(there.run(*args, "--dry-run", "-o", "json").out)
    assert planned["changes"] == {"attributes": {"w": 2}, "hub_user": None}
    assert planned["hub"] == "_"
