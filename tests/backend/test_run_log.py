"""What a run leaves behind: its lines in the log file, and its summary."""

import contextlib
import json
import os
import signal
import stat
import subprocess
import time
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from prometheus_client.parser import text_string_to_metric_families

from kabelwerk_cli.backend.run_log import hide_texts, without_texts
from tests.batch.story import FILE, POST, clinic, rows
from tests.faultserver import FAULTS, FaultyServer, Step
from tests.operations import COMMANDS
from tests.shell import TOKEN, Ran, Shell

USERS = "key,name"
CREATE = ("users", "create", "--from", FILE)
SYNC = ("users", "sync", "--from", FILE)
LOG = ("--log-file", "log")


def schema_of(shell: Shell, name: str) -> jsonschema.Draft202012Validator:
    return jsonschema.Draft202012Validator(json.loads(shell.run("schema", name).out))


def lines(shell: Shell) -> list[dict[str, Any]]:
    """Return the lines of the log, each as its schema describes it."""
    described = schema_of(shell, "log")
    found = [json.loads(line) for line in (shell.home / "log").read_text().splitlines()]
    for line in found:
        described.validate(line)
    return found


def summary(shell: Shell, name: str = "run.json") -> Any:
    """Return the summary, as its schema describes it."""
    found = json.loads((shell.home / name).read_text())
    schema_of(shell, "summary").validate(found)
    return found


def test_a_call_has_a_start_an_end_and_its_requests(shell: Shell) -> None:
    with FaultyServer([Step(FAULTS["status-503"], times=1)]) as server:
        there = shell.configured(server)
        assert there.run(*COMMANDS["create"], *LOG).code == 0
        assert there.run(*COMMANDS["create"], *LOG).code == 6
    first, second = lines(shell)[:4], lines(shell)[4:]
    assert [line["event"] for line in first] == ["start", "request", "request", "end"]
    assert len({line["run"] for line in first}) == len({line["run"] for line in second}) == 1
    assert first[0]["run"] != second[0]["run"]
    assert first[1]["key"] == "motoko"
    assert first[0]["url"] == server.url.removesuffix("/api")
    assert (first[3]["exit_code"], first[3]["error"]) == (0, None)
    assert first[3]["counts"] == {"created": 1}
    assert "key has already been taken" in second[1]["reason"]
    assert second[2]["exit_code"] == 6
    assert second[2]["error"]["type"] == "ValidationError"


@pytest.mark.parametrize("token", [TOKEN, "another"])
def test_login_and_doctor_are_recorded_as_well(shell: Shell, token: str) -> None:
    (shell.home / "token").write_text(token)
    with FaultyServer(token=TOKEN) as server:
        for command in ("login", "doctor"):
            given = ("--url", server.url, "--token-file", "token")
            code = shell.run(command, *given, *LOG).code
            start, request, end = lines(shell)[-3:]
            events = [line["event"] for line in (start, request, end)]
            assert events == ["start", "request", "end"]
            assert start["run"] == request["run"] == end["run"]
            assert code == end["exit_code"] == (0 if token == TOKEN else 4)
    assert token not in (shell.home / "log").read_text()


def test_a_batch_has_its_numbers_and_each_row_its_key(shell: Shell) -> None:
    (shell.home / FILE).write_text(rows("u1:a r1:b u2:c", USERS))
    with FaultyServer(model=clinic()) as server:
        assert shell.configured(server).run(*CREATE, *LOG, "--profile", "x").code == 3
        assert shell.configured(server).run(*CREATE, *LOG).code == 10
    found = lines(shell)
    assert {line["key"]: line["outcome"] for line in found if line["event"] == "request"} == {
        "u1": "created",
        "r1": "failed",
        "u2": "created",
    }
    assert found[0]["file"] == FILE
    assert found[-1]["counts"] == {"rows": 3, "created": 2, "failed": 1}
    assert found[-1]["exit_code"] == 10
    assert found[-1]["error"]["type"] == "BatchFailed"


def test_texts_and_secrets_are_not_recorded(shell: Shell) -> None:
    (shell.home / "letter").write_text("Dear all")
    with FaultyServer(model=clinic()) as server:
        there = shell.configured(server)
        for line in (COMMANDS["message"], COMMANDS["create"]):
            there.run(*line, *LOG)
        there.run("rooms", "update", "--room", "r1", "--attributes", '{"ward": "secret"}', *LOG)
    text = (shell.home / "log").read_text()
    for private in ("Where are you", "Motoko", "secret", TOKEN):
        assert private not in text
    assert "messages post" in text
    taken = (*CREATE[:2], "--key", "motoko", "--name", "A taken name", *LOG)
    with FaultyServer() as server:
        ran = [shell.configured(server).run(*taken) for _ in range(2)][1]
    assert "users ensure --key motoko --name 'A taken name'" in ran.err
    end = lines(shell)[-1]["error"]["message"]
    assert f"users ensure --key motoko --name ... {' '.join(LOG)}" in end
    line = ("users", "create", "--name=a b")
    assert hide_texts("Use `kabelwerk users ensure '--name=a b'`.", line).endswith("--name=...`.")
    texts = ["--text", "@batou", "--name=@c", "--template", "@f", "--attributes=@g"]
    assert " ".join(without_texts(texts)) == ("--text ... --name=... --template @f --attributes=@g")
    masked = without_texts(["--text", "a", "--name=b c", "--template", "@f", "--text", "--text"])
    assert list(masked) == ["--text", "...", "--name=...", "--template", "@f", "--text", "..."]


class Case:
    """How a run ends, and the command that ends like this."""

    def __init__(self, code: int, line: tuple[str, ...], file: str | None, *faults: Step) -> None:
        self.code = code
        self.line = line
        self.file = file
        self.faults = faults


ENDS = {
    "all done": Case(0, CREATE, rows("u1:a u2:b", USERS)),
    "rejected rows": Case(10, CREATE, rows("u1:a r1:b", USERS)),
    "invalid rows": Case(2, CREATE, "key,name\na,A\nb\n"),
    "no file": Case(2, CREATE, None),
    "no state": Case(2, SYNC, rows("u1:a", USERS)),
    "a token that expired": Case(4, CREATE, rows("u1:a", USERS), Step(FAULTS["status-401"])),
    "a dead server": Case(
        7,
        (*CREATE, "--retries", "0"),
        rows(" ".join(f"u{n}:a" for n in range(20)), USERS),
        Step(FAULTS["refuse"]),
    ),
    "no such profile": Case(3, (*CREATE, "--profile", "nobody"), rows("u1:a", USERS)),
    "an unknown message": Case(
        9, (*POST, "--from", FILE), rows("r1:a"), Step(FAULTS["reset-after-reading"])
    ),
}


EARLY = ("no file", "no state", "no such profile")
"""Ends before the file is read."""


@pytest.mark.parametrize("name", ENDS)
@pytest.mark.parametrize("output", ["table", "json"])
def test_every_end_leaves_a_summary(shell: Shell, name: str, output: str) -> None:
    case = ENDS[name]
    if case.file is not None:
        (shell.home / FILE).write_text(case.file)
    with FaultyServer(case.faults, model=clinic()) as server:
        line = (*case.line, "--summary", "run.json", *LOG, "-o", output)
        ran = shell.configured(server).run(*line)
        prom = shell.configured(server).run(*case.line, "--summary", "run.prom")
    assert ran.code == case.code, ran
    found = summary(shell)
    assert found["exit_code"] == case.code
    assert (found["error"] or {}).get("exit_code", 0) == case.code
    assert found["file"] == FILE
    assert found["started"] <= found["ended"]
    counts = found["counts"]
    assert counts["rows"] == (0 if name in EARLY else (case.file or "").count("\n") - 1)
    assert sum(counts.values()) == 2 * counts["rows"]  # each has one outcome
    end = lines(shell)[-1]
    assert (end["event"], end["counts"], end["error"]) == ("end", counts, found["error"])
    if output == "json" and ran.code:
        assert json.loads(ran.err.splitlines()[-1])["error"] == found["error"]
    samples = prometheus(shell.home / "run.prom")
    assert samples["kabelwerk_run_exit_code"] == prom.code
    assert [path.name for path in shell.home.glob(".run.*")] == []


def prometheus(path: Path) -> dict[str, float]:
    """Return the samples of a file in Prometheus' format: of each outcome by its name."""
    families = text_string_to_metric_families(path.read_text())
    return {
        sample.labels.get("outcome", sample.name): sample.value
        for family in families
        for sample in family.samples
    }


def test_the_numbers(shell: Shell) -> None:
    (shell.home / FILE).write_text(rows("u1:a r1:b u2:c", USERS))
    args = ("--summary", "run.json", "--profile", "clinic")
    with FaultyServer(model=clinic()) as server:
        there = shell.configured(server)
        (shell.home / "token").write_text(TOKEN)
        login = ("login", "--url", server.url, "--token-file", "token", *args[2:])
        assert shell.run(*login).code == 0
        began = time.time()
        assert there.run(*CREATE, *args).code == 10
        assert there.run(*CREATE, "--summary", "run.prom").code == 10
    found = summary(shell)
    assert found["counts"] == {"rows": 3, "created": 2, "failed": 1}
    assert found["profile"] == "clinic"
    assert found["command"] == f"kabelwerk users create --from {FILE} {' '.join(args)}"
    samples = prometheus(shell.home / "run.prom")
    assert samples["kabelwerk_run_rows"] == 3
    assert (samples["done"], samples["failed"], samples["created"]) == (2, 1, 0)
    assert began - 1 <= samples["kabelwerk_run_end_timestamp_seconds"] <= time.time() + 1


@pytest.mark.parametrize("signals", [1, 2])
def test_an_interrupted_run_leaves_a_summary(shell: Shell, signals: int) -> None:
    (shell.home / FILE).write_text(rows(" ".join(f"u{n}:N" for n in range(500)), USERS))
    args = (*CREATE, "--concurrency", "1", "--rate", "100", "--summary", "run.json", *LOG)
    with FaultyServer() as server:
        process = shell.configured(server).start(*args)
        while len(server.requests) < 5:
            assert process.poll() is None
            time.sleep(0.01)
        for _ in range(signals):
            process.send_signal(signal.SIGTERM)
            with contextlib.suppress(subprocess.TimeoutExpired):
                process.wait(0.1)
        process.communicate(timeout=60)
    assert process.returncode == 143
    found, end = summary(shell), lines(shell)[-1]
    assert found["exit_code"] == end["exit_code"] == 143
    assert found["error"]["type"] == "Interrupted"
    counts = found["counts"]
    assert counts == end["counts"]
    assert counts["rows"] == 500
    assert counts["created"] >= 4  # all but the one in flight
    if signals == 1:
        assert counts["created"] + counts["not attempted"] == 500


def test_a_safety_stop_leaves_a_summary(shell: Shell) -> None:
    (shell.home / FILE).write_text(rows("r1:a"))
    line = (*POST, "--from", FILE, "--summary", "run.json")
    with FaultyServer(model=clinic()) as server:
        there = shell.configured(server)
        assert there.run(*line).code == 0
        first = summary(shell)
        assert there.run(*line).code == 11
    second = summary(shell)
    assert first["counts"] == {"rows": 1, "posted": 1}
    assert (second["exit_code"], second["error"]["stop"]) == (11, "finished")
    assert second["counts"] == {"rows": 1, "not attempted": 1}
    assert first["run"] != second["run"]


def test_names_are_foreign_text_in_prometheus_too(shell: Shell) -> None:
    name = 'a"b\\c\nd\x1b{}.csv'
    (shell.home / name).write_text(rows("u1:a", USERS))
    with FaultyServer() as server:
        ran = shell.configured(server).run(
            "users", "create", "--from", name, "--summary", "run.prom"
        )
    assert ran.code == 0
    families = text_string_to_metric_families((shell.home / "run.prom").read_text())
    files = {sample.labels["file"] for family in families for sample in family.samples}
    assert files == {'a"b\\c\\nd\\x1b{}.csv'}


def create(shell: Shell, *args: str, content: str = rows("u1:a", USERS)) -> tuple[Ran, int]:
    """Run a batch; return how it ended, and how many requests it sent."""
    (shell.home / FILE).write_text(content)
    with FaultyServer() as server:
        ran = shell.configured(server).run(*CREATE, *args)
        return ran, len(server.requests)


def test_the_mode_is_the_umasks_and_links_stay(shell: Shell) -> None:
    (shell.home / "run.json").symlink_to("real.json")
    (shell.home / FILE).write_text(rows("u1:a", USERS))
    before = os.umask(0o027)
    try:
        with FaultyServer() as server:
            process = shell.configured(server).launch(*CREATE, "--summary", "run.json")
            process.communicate(timeout=60)
    finally:
        os.umask(before)
    assert process.returncode == 0
    assert stat.S_IMODE((shell.home / "real.json").stat().st_mode) == 0o640
    assert (shell.home / "run.json").is_symlink()


def test_a_dry_run_leaves_nothing(shell: Shell) -> None:
    ran, sent = create(shell, "--dry-run", "--summary", "run.json", *LOG)
    assert (ran.code, sent) == (0, 0)
    assert {path.name for path in shell.home.iterdir()} == {FILE}


@pytest.mark.parametrize("output", ["table", "json"])
@pytest.mark.parametrize("args", [("--summary", "no/run.json"), ("--log-file", "no/log")])
def test_one_that_cannot_be_written_is_a_warning(
    shell: Shell, args: tuple[str, ...], output: str
) -> None:
    ran, sent = create(shell, *args, "-q", "-o", output)
    assert (ran.code, sent) == (0, 1)
    what = "summary" if args[0] == "--summary" else "log file"
    said = f"Cannot write {what} '{args[1]}': No such file or directory."
    if output == "json":
        assert json.loads(ran.err) == {"note": said}
    else:
        assert ran.err == f"Warning: {said}\n"


@pytest.mark.parametrize("kind", ["folder", "pipe"])
@pytest.mark.parametrize("option", ["--summary", "--log-file"])
def test_another_kind_of_file_is_refused(shell: Shell, option: str, kind: str) -> None:
    path = shell.home / "there"
    path.mkdir() if kind == "folder" else os.mkfifo(path)
    ran, sent = create(shell, option, "there")
    assert (ran.code, sent) == (2, 0)
    assert "'there'" in ran.err


def test_nothing_but_a_summary_is_replaced(shell: Shell) -> None:
    ran, sent = create(shell, "--summary", FILE)
    assert (ran.code, sent) == (2, 0)
    assert "is not the summary of a run" in ran.err
    assert (shell.home / FILE).read_text() == rows("u1:a", USERS)
    ran, sent = create(shell, "--summary", "new.json", "--rejects", "new.json")
    assert (ran.code, sent) == (2, 0)
    assert "name the same file" in ran.err


@pytest.mark.parametrize(
    "name", [FILE, f"{FILE}.kabelwerk-journal", f"{FILE}.kabelwerk-state", "rejects.csv", "r.json"]
)
def test_nothing_is_appended_to_another_file_of_the_run(shell: Shell, name: str) -> None:
    (shell.home / name).write_text('{"run":""}')
    content = rows("u1:a", USERS) if name == FILE else '{"run":""}'
    more = ("--rejects", "rejects.csv", "--summary", "r.json")
    ran, sent = create(shell, "--log-file", name, *more)
    assert (ran.code, sent) == (2, 0)
    assert "name the same file" in ran.err
    if name != "r.json":  # which says how the run ended
        assert (shell.home / name).read_text() == content
    assert '"event"' not in (shell.home / name).read_text()


def test_a_log_may_be_a_device(shell: Shell) -> None:
    ran, sent = create(shell, "--log-file", "/dev/null")
    assert (ran.code, sent) == (0, 1)
