"""The report of a batch as JUnit XML, and what GitHub Actions shows of it."""

import contextlib
import json
import os
import re
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
from junitparser import Error, Failure, JUnitXml, Skipped, TestCase, TestSuite

from kabelwerk_cli.errors import InvalidRow
from kabelwerk_cli.journal.fate import Fate
from kabelwerk_cli.reporting.junit import Clocks, JUnitReport
from kabelwerk_cli.reporting.reporter import Subject
from kabelwerk_cli.reporting.result import Result
from kabelwerk_cli.rows.row import Place
from kabelwerk_cli.terminal.error_report import problem
from tests.batch.story import FILE, JOURNAL, POST, UPDATE, busy, clinic, lost, rows, well
from tests.faultserver import FAULTS, HANG, FaultyServer, Step, invalid
from tests.shell import TOKEN, Shell

CREATE = ("users", "create", "--from", FILE, "--concurrency", "1", "--report", "r.xml")
KINDS = {Failure: "failure", Error: "error", Skipped: "skipped"}
HOSTILE = [
    "]]>", "<b>&amp;\"'", "\x00\x01\x1b[31m", "\ud800", "\ufffe\uffff", "\u202e\u2028", "a\r\nb",
    "<!--", "%0A::error::x", "]]>\x0b",
]  # fmt: skip


def suite_of(path: Path) -> TestSuite:
    (suite,) = JUnitXml.fromfile(str(path))
    cases = [*suite]
    counted = [kind_of(case) for case in cases]
    assert suite.tests == len(cases)
    assert (suite.failures, suite.errors, suite.skipped) == tuple(
        counted.count(kind) for kind in KINDS.values()
    )
    return suite


def kind_of(case: TestCase) -> str:
    return KINDS[type(case.result[0])] if case.result else ""


def told(path: Path) -> list[tuple[str, str, str, str]]:
    """Name, file, line and kind of each test case, in the order of the file."""
    cases = [
        (case.name, case._elem.get("file"), case._elem.get("line"), kind_of(case))
        for case in suite_of(path)
    ]
    return sorted(cases, key=lambda case: int(case[2]))


def test_a_case_for_each_row(shell: Shell) -> None:
    (shell.home / FILE).write_text(rows("r1:a r2:b r2:c r4:d", "room,text"))
    report = shell.home / "r.xml"
    post = (*POST, "--from", FILE, "--report", report.name, "--concurrency", "1")
    script = [well(1), lost(applied=False), Step(FAULTS["status-404"], times=1)]
    with FaultyServer(script, model=clinic()) as server:
        there = shell.configured(server)
        assert there.run(*post).code == 9
        first = told(report)
        suite = suite_of(report)
        assert there.run(*post, "--mark-posted").code == 0
    assert first == [
        ("r1 (row 1)", FILE, "2", ""),
        ("r2 (row 2)", FILE, "3", "error"),
        ("r2 (row 3)", FILE, "4", "skipped"),
        ("r4 (row 4)", FILE, "5", "failure"),
    ]
    assert [kind for *_, kind in told(report)] == [""] * 4
    assert suite.name == f"messages post --from {FILE}"
    assert re.fullmatch(r"20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d", suite.timestamp)
    assert suite.time >= 0
    assert {case.classname for case in suite} == {"messages post"}
    (failure,) = (case.result[0] for case in suite if kind_of(case) == "failure")
    assert failure.type == "DoesNotExist"
    assert "has no room in this hub" in failure.message
    assert TOKEN not in report.read_text()
    assert [path.name for path in shell.home.glob(".r.xml*")] == []


def test_invalid_rows_are_failures_also_if_nothing_is_sent(shell: Shell) -> None:
    (shell.home / FILE).write_text("key,name\na,A\nb,B,x\nc,C\n")
    report = shell.home / "r.xml"
    with FaultyServer() as server:
        there = shell.configured(server)
        assert there.run(*CREATE).code == 2
        assert server.attempts == []
        assert [kind for *_, kind in told(report)] == ["skipped", "failure", "skipped"]
        assert "the row has 3 cells" in report.read_text().lower()
        assert there.run(*CREATE, "--skip-invalid", "--rejects", "x.csv").code == 0
        assert [kind for *_, kind in told(report)] == ["", "failure", ""]
        again = there.run(*CREATE, "--skip-invalid", "--rejects", "x.csv")
        assert again.code == 0
        assert [kind for *_, kind in told(report)] == ["", "skipped", ""]


def test_a_run_that_is_refused_as_a_whole_has_a_report(shell: Shell) -> None:
    (shell.home / FILE).write_text(rows("r1:a"))
    post = (*POST, "--from", FILE, "--report", "r.xml")
    with FaultyServer(model=clinic()) as server:
        assert shell.configured(server).run(*post).code == 0
        assert shell.configured(server).run(*post).code == 11
    assert told(shell.home / "r.xml") == [(FILE, FILE, "1", "error")]


def test_a_run_that_is_interrupted_or_stopped_has_a_report(shell: Shell) -> None:
    (shell.home / FILE).write_text(rows(" ".join(f"u{n}:N" for n in range(100)), "key,name"))
    with FaultyServer([well(3), Step(HANG)]) as server:
        process = shell.configured(server).start(*CREATE, "--timeout", "1", "--retries", "0")
        while len(server.requests) < 4:
            pass
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=60)
    assert process.returncode == 130
    kinds = [kind for *_, kind in told(shell.home / "r.xml")]
    assert [kinds.count(kind) for kind in ("", "error", "skipped")] == [3, 1, 96]


def test_a_report_that_cannot_be_made_is_known_before(shell: Shell) -> None:
    (shell.home / FILE).write_text(rows("r1:a"))
    (shell.home / "folder").mkdir()
    os.mkfifo(shell.home / "pipe")
    post = (*POST, "--from", FILE, "--log-file", "log", "--rejects", "rejects", "--report")
    with FaultyServer(model=clinic()) as server:
        there = shell.configured(server)
        for path in (
            "folder",
            "pipe",
            "nowhere/r.xml",
            FILE,
            "log",
            "rejects",
            JOURNAL,
        ):
            ran = there.run(*post, path)
            assert (ran.code, ran.out) == (2, ""), path
            assert "--report" in ran.err or "nowhere/r.xml" in ran.err
        (shell.home / "mine").write_text("mine")
        ran = there.run(*post, "mine")
        assert (ran.code, (shell.home / "mine").read_text()) == (2, "mine")
        assert server.attempts == []
        assert there.run(*post, "r.xml").code == 0


def test_a_report_that_cannot_be_written_in_the_end_is_a_note(shell: Shell) -> None:
    """Its name is taken by a folder while the row is sent."""
    (shell.home / FILE).write_text(rows("a:A", "key,name"))
    report = shell.home / "r.xml"

    def take(exchange: object) -> bool:
        report.mkdir()
        return exchange.send_honest()  # type: ignore[attr-defined,no-any-return]

    from tests.faultserver.fault import Fault, Outcome

    with FaultyServer([Step(Fault("take", take, Outcome.DONE), times=1)]) as server:
        ran = shell.configured(server).run(*CREATE)
    assert ran.code == 0
    assert ran.err.splitlines() == [
        "Warning: Cannot write 'r.xml': Is a directory.",
        "1 row: 1 created.",
    ]
    assert [path.name for path in shell.home.glob(".r.xml*")] == []


def test_hostile_text_arrives_visible(tmp_path: Path) -> None:
    path = tmp_path / "r.xml"
    report = JUnitReport(str(path), Subject("users create", "]]>\x00.csv"), pytest.fail, Clocks())
    for number, text in enumerate(HOSTILE, start=1):
        error = problem(InvalidRow(text))
        report.result(Result(Place(number, number + 1, text), Fate.REJECTED, error=error))
    report.end({})
    suite = suite_of(path)
    assert suite.name == r"users create --from ]]>\x00.csv"
    shown = [case.name.removesuffix(f" (row {n})") for n, case in enumerate(suite, start=1)]
    assert shown == [
        "]]>", "<b>&amp;\"'", r"\x00\x01\x1b[31m", r"\ud800", r"\ufffe\uffff", r"\u202e\u2028",
        r"a\r\nb", "<!--", "%0A::error::x", r"]]>\x0b",
    ]  # fmt: skip
    assert [case.result[0].message for case in suite] == shown


def test_times_are_those_of_the_clocks(tmp_path: Path) -> None:
    seconds = iter((10.0, 72.5))
    clocks = Clocks(lambda: next(seconds), lambda: 0.0)
    report = JUnitReport(
        str(tmp_path / "r.xml"), Subject("users create", FILE), pytest.fail, clocks
    )
    report.end({})
    suite = suite_of(tmp_path / "r.xml")
    assert (suite.time, suite.timestamp) == (62.5, "1970-01-01T00:00:00")


@contextlib.contextmanager
def workflow(shell: Shell, summary: str = "summary.md") -> Iterator[Shell]:
    folder = shell.home / "work" / "repository"
    folder.mkdir(parents=True)
    (folder / FILE).write_text("key,name\n" + "".join(f"u{n},N\n" for n in range(1, 31)))
    yield shell.with_(
        GITHUB_ACTIONS="true",
        GITHUB_WORKSPACE=str(folder),
        GITHUB_STEP_SUMMARY=str(shell.home / summary),
    )


IN_WORKSPACE = f"work/repository/{FILE}"


@pytest.mark.parametrize("output", ["table", "jsonl"])
def test_the_first_ten_failures_are_annotations(shell: Shell, output: str) -> None:
    no = invalid("no", {"name": ["no, 50%:\n::error::x ##[group]`<b>`[a](https://x.example)"]})
    update = (*UPDATE, "--from", IN_WORKSPACE, "--concurrency", "1", "-o", output)
    (shell.home / "summary.md").write_text("before\n")
    with FaultyServer([Step(no)]) as server, workflow(shell) as there:
        ran = there.configured(server).run(*update)
    assert ran.code == 10
    annotations = [line for line in ran.err.splitlines() if line.startswith("::")]
    assert [
        re.match(r"::error file=(.*),line=(\d+),title=(.*?)::", line).groups()
        for line in annotations
    ] == [(FILE, str(n + 1), f"users update (row {n})") for n in range(1, 11)]
    assert all("no, 50%25:" in line and line.count("::") >= 2 for line in annotations)
    assert "##[" not in ran.err
    last = ran.err.splitlines()[-1]
    assert json.loads(last)["error"]["exit_code"] == 10 if output == "jsonl" else "Error:" in last
    summary = (shell.home / "summary.md").read_text()
    assert summary.startswith(f"before\n### ` kabelwerk users update --from {IN_WORKSPACE} `\n")
    assert "| failed | 30 |\n" in summary
    items = [line for line in summary.splitlines() if line.startswith("- ")]
    assert len(items) == 10
    # foreign text is code: neither HTML nor a link
    assert all(re.fullmatch(r"- (`+) .*[^`] \1", item) for item in items)


def test_refused_rows_are_annotations(shell: Shell) -> None:
    with FaultyServer() as server, workflow(shell) as there:
        (shell.home / IN_WORKSPACE).write_text("key,name\na,A\nb,B,x\n")
        ran = there.configured(server).run("users", "create", "--from", IN_WORKSPACE)
        stdin = there.configured(server).run(*CREATE[:3], "-", stdin=b"key,name\nb\n")
        assert server.attempts == []
    assert ran.code == 2
    annotation = ran.err.splitlines()[0]
    title = "users create (row 2)"
    assert annotation == (
        f"::error file={FILE},line=3,title={title}::The row has 3 cells instead of 2."
    )
    summary = (shell.home / "summary.md").read_text()
    assert "| invalid | 1 |\n| not attempted | 1 |\n" in summary
    assert stdin.err.startswith("::error title=users create (row 1)::The row has 1 cell")


@pytest.mark.parametrize("summary", ["nowhere/summary.md", "work"])
def test_a_summary_that_cannot_be_written_is_a_note(shell: Shell, summary: str) -> None:
    with FaultyServer([busy(0)]) as server, workflow(shell, summary) as there:
        ran = there.configured(server).run("users", "create", "--from", IN_WORKSPACE)
    assert ran.code == 0
    assert ran.err.startswith("Warning: Cannot write GITHUB_STEP_SUMMARY: ")


def test_nothing_of_it_elsewhere(shell: Shell) -> None:
    with FaultyServer() as server, workflow(shell) as there:
        (shell.home / IN_WORKSPACE).write_text("key,name\na,A,x\n")
        ran = (
            there.without("GITHUB_ACTIONS")
            .configured(server)
            .run("users", "create", "--from", IN_WORKSPACE)
        )
    assert "::" not in ran.err
    assert not (shell.home / "summary.md").exists()
