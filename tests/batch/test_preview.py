"""What a batch shows before it sends: the confirmation of messages, and --dry-run."""

import json

import pytest

from tests.batch.story import FILE, JOURNAL, POST, clinic, posted, rows
from tests.faultserver import FAULTS, HONEST, FaultyServer, Step
from tests.pseudo_terminal import Terminal
from tests.shell import Shell

BATCH = (*POST, "--from", FILE, "--concurrency", "1", "--retries", "0")


@pytest.mark.parametrize(
    ("options", "number", "shown"),
    [
        (
            (),
            5,
            ["To r1 from batou: a", "To r2 from batou: b", "To r3 from batou: c", "... and 2 more"],
        ),
        (("--limit", "2"), 2, ["To r1 from batou: a", "To r2 from batou: b"]),
    ],
)
def test_messages_are_confirmed_by_their_number(
    shell: Shell, options: tuple[str, ...], number: int, shown: list[str]
) -> None:
    (shell.home / FILE).write_text(rows("r1:a r2:b r3:c r4:d r5:e"))
    model = clinic()
    with FaultyServer(model=model) as server:
        there = shell.configured(server)
        for answer in ("y", "", str(number + 1)):
            with Terminal(there, *BATCH, *options) as terminal:
                terminal.wait_for(
                    f"Post {number} messages at {server.url}? Type {number} to continue:"
                )
                assert terminal.plain.splitlines()[: len(shown)] == shown
                terminal.type(f"{answer}\n")
                assert terminal.end() == 2
                assert "Nothing was sent" in terminal.plain
        assert server.requests == []
        assert not (shell.home / JOURNAL).exists()
        with Terminal(there, *BATCH, *options) as terminal:
            terminal.wait_for("to continue:")
            terminal.type(f"{number}\n")
            assert terminal.end() == 0
        assert len(posted(model)) == number
        # the rest of the file
        with Terminal(there, *BATCH) as terminal:
            if number == 2:
                terminal.wait_for("Post 3 messages")
                terminal.type("3\n")
            terminal.end()
        assert len(posted(model)) == 5


def test_only_people_are_asked(shell: Shell) -> None:
    model = clinic()
    with FaultyServer(model=model) as server:
        there = shell.configured(server)
        (shell.home / FILE).write_text(rows("r1:a"))
        assert there.run(*BATCH).code == 0
        for option in ("--yes", "--no-input"):
            (shell.home / FILE).write_text(rows(f"r1:{option}"))
            with Terminal(there, *BATCH, "--restart", option) as terminal:
                assert terminal.end() == 0
                assert "to continue" not in terminal.plain
        assert posted(model) == ["r1:a", "r1:--yes", "r1:--no-input"]


def test_a_dry_run_shows_what_the_run_would_send(shell: Shell) -> None:
    model = clinic()
    faults = [Step(HONEST, times=1), Step(FAULTS["status-503"], times=1)]
    with FaultyServer(faults, model=model) as server:
        there = shell.configured(server)
        (shell.home / FILE).write_text(rows("r1:a r2:b"))
        there.run(*BATCH, "--max-failures", "0")  # r1 is done, r2 is unknown
        journal = (shell.home / JOURNAL).read_bytes()
        (shell.home / FILE).write_text(rows("r1:a r2:b r3:c r4:d r5:e r1:f"))
        sent = len(server.requests)

        def bodies(*options: str) -> list[str]:
            ran = there.run(*BATCH, "--dry-run", "-o", "jsonl", *options)
            assert ran.code == 0
            return [json.loads(line)["body"]["text"] for line in ran.out.splitlines()]

        assert bodies() == ["c", "d", "e", "f"]
        assert bodies("--limit", "1") == ["c"]
        assert bodies("--resend-unknown") == ["b", "c", "d", "e", "f"]
        plain = there.run(*BATCH, "--dry-run")
        assert plain.out.count("curl") == 3
        assert plain.err == "4 of 6 rows would be sent. The first 3:\n"
        (only,) = json.loads(there.run(*BATCH, "--dry-run", "--limit", "1", "-o", "json").out)
        assert only["body"] == {"text": "c", "user": "batou"}
        assert (shell.home / JOURNAL).read_bytes() == journal
        assert len(server.requests) == sent
        # what the real run would refuse
        (shell.home / "rejects.csv").write_text("room\n")
        assert there.run(*BATCH, "--dry-run", "--rejects", "rejects.csv").code == 2
        assert (shell.home / "rejects.csv").read_text() == "room\n"
        there.run(*BATCH, "--mark-posted")
        assert there.run(*BATCH, "--dry-run").code == 11  # the mailing is finished
