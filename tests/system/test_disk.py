"""What is on the disk before a request goes out, as the kernel sees it."""

import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.faultserver import FAULTS, FaultyServer, Step
from tests.model.model import Model
from tests.model.state import populated
from tests.shell import EXECUTABLE, Shell

CALLS = "pwrite64,write,fsync,fdatasync,link,linkat,rename,sendto"
LINE = re.compile(r"(?P<pid>\d+) +(?P<call>\w+)\((?P<rest>.*)$")
RESUMED = re.compile(r"(?P<pid>\d+) +<\.\.\. (?P<call>\w+) resumed>")
POST = ("messages", "post", "--user", "batou", "--room", "kusanagi", "--yes", "--from", "rows.csv")


class Event(NamedTuple):
    """A system call that has ended."""

    call: str
    rest: str
    """Its arguments; a descriptor has its path behind it."""


@pytest.fixture
def traced(shell: Shell) -> Iterator[tuple[Shell, FaultyServer]]:
    """Return a shell with a file of three messages, of which the server rejects the second."""
    (shell.home / "rows.csv").write_text("text\none\ntwo\nthree\n")
    (shell.home / "trace").mkdir()
    with FaultyServer() as server:
        yield shell.configured(server), server


def trace(shell: Shell, *args: str) -> list[Event]:
    """Run the program, and return its calls in the order in which they ended."""
    output = shell.home / "trace" / "calls"
    strace = ["strace", "-f", "-y", "-s", "200", "-e", f"trace={CALLS}", "-o", str(output)]
    subprocess.run(
        [*strace, str(EXECUTABLE), *args],
        env=shell.environment,
        cwd=shell.home,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=True,
    )
    return list(events(output))


def events(output: Path) -> Iterator[Event]:
    unfinished: dict[str, Event] = {}
    for line in output.read_text(errors="replace").splitlines():
        if resumed := RESUMED.match(line):
            event = unfinished.pop(resumed["pid"])
            if event.call != "sendto":
                yield event
        elif found := LINE.match(line):
            event = Event(found["call"], found["rest"])
            if event.rest.endswith("<unfinished ...>"):
                unfinished[found["pid"]] = event
                if event.call == "sendto":
                    yield event  # a request is out as soon as it is begun
            else:
                yield event


def place(calls: list[Event], call: str, *parts: str, after: int = -1) -> int:
    """Return where the first call of some kind is, whose arguments have some parts."""
    return next(
        number
        for number, event in enumerate(calls)
        if number > after
        and re.fullmatch(call, event.call)
        and all(part in event.rest for part in parts)
    )


def test_an_intent_is_on_the_disk_before_its_request(
    traced: tuple[Shell, FaultyServer],
) -> None:
    shell, server = traced
    calls = trace(shell, *POST, "--concurrency", "1")
    assert len(server.model.messages) == 3
    written = synced = 0
    requests = 0
    for event in calls:
        if ".kabelwerk-journal>" in event.rest:
            written += event.call == "pwrite64"
            if event.call in {"fsync", "fdatasync"}:
                written, synced = 0, synced + 1
        if event.call == "sendto" and "POST /api/hubs" in event.rest:
            requests += 1
            assert not written, f"request {requests} went out before the journal was synced"
            assert synced, f"request {requests} went out, and no intent was synced"
            synced = 0
    assert requests == 3


def test_the_name_of_a_journal_is_on_the_disk_before_the_first_request(
    traced: tuple[Shell, FaultyServer],
) -> None:
    shell, _ = traced
    calls = trace(shell, *POST)
    named = place(calls, "link|linkat|rename", "rows.csv.kabelwerk-journal")
    synced = place(calls, "fsync", f"<{shell.home}>", after=named)
    assert synced < place(calls, "sendto", "POST /api/hubs")


def test_rejects_are_on_the_disk_before_the_journal_has_them(
    traced: tuple[Shell, FaultyServer],
) -> None:
    shell, server = traced
    server.follow([Step(FAULTS["status-422"], times=1)])
    calls = trace(shell, *POST, "--concurrency", "1", "--rejects", "rejects.csv")
    content = place(calls, "fsync", ".rejects.csv.")
    marked = place(calls, "pwrite64", ".kabelwerk-journal", after=content)
    committed = place(calls, "fsync|fdatasync", ".kabelwerk-journal>", after=marked)
    named = place(calls, "rename", "rejects.csv", after=content)
    synced = place(calls, "fsync", f"<{shell.home}>", after=named)
    noted = place(calls, "pwrite64", ".kabelwerk-journal>", after=named)
    assert content < marked < committed < named < synced < noted


@pytest.mark.parametrize("moment", ["enter", "exit"])
def test_a_run_killed_while_it_hands_over(shell: Shell, moment: str) -> None:
    """A run that is killed before the rejects file has its name leaves that to the next one."""
    (shell.home / "rows.csv").write_text("room,text\nold0,one\nold1,two\n")
    post = (
        "messages",
        "post",
        "--user",
        "batou",
        "--yes",
        "--concurrency",
        "1",
        "--resume",
        "--from",
    )
    rejects = shell.home / "rejects.csv"
    script = [Step(FAULTS["status-422"], times=1)]
    with FaultyServer(script, model=Model(populated(2))) as server:
        there = shell.configured(server)
        inject = ["-e", "trace=rename", "-e", f"inject=rename:delay_{moment}=20000000"]
        process = there.launch(
            *["-f", *inject, str(EXECUTABLE), *post, "rows.csv", "--rejects", rejects.name],
            program="strace",
            start_new_session=True,
        )
        while not (rejects.exists() if moment == "exit" else spooled(shell.home)):
            time.sleep(0.02)
        time.sleep(0.5)
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        assert rejects.exists() == (moment == "exit")
        if moment == "exit":
            assert there.run(*post, rejects.name).code == 0
        again = there.run(*post, "rows.csv", "-o", "jsonl", "--rejects", rejects.name)
        assert again.code == 0
        outcomes = [json.loads(line)["outcome"] for line in again.out.splitlines()]
        assert "handed over" in outcomes
        if moment == "enter":
            assert there.run(*post, rejects.name).code == 0
        assert sorted(message.text for message in server.model.messages) == ["one", "two"]
    assert not spooled(shell.home)


def spooled(home: Path) -> bool:
    """Whether a rejects file is complete that has not its name yet."""
    return any(path.stat().st_size for path in home.glob(".rejects.csv.*"))
