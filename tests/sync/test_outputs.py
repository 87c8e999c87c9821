"""What a sync prints and writes besides its records: tables, a report, a workflow's summary."""

import xml.etree.ElementTree as ET

from tests.batch.story import well
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
        assert (ran.out, ran.err) == ("create\tu1\t\tname\t1\n", "")
        ran = there.run(*SYNC, "--new-state", "-q")
        assert (ran.code, ran.out, ran.err) == (0, "", "")
        (shell.home / FILE).write_text("key,name\n")
        ran = there.run(*SYNC, "-o", "tsv", "--fields", "key,outcome,row")
        assert (ran.code, ran.out) == (0, "u1\tkept\t\n")
