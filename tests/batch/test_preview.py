"""What a batch shows before it sends: the confirmation of messages, and --dry-run."""

import json

import pytest

from tests.batch.story import FILE, JOURNAL, clinic, posted, rows
from tests.faultserver import FAULTS, HONEST, FaultyServer, Step
from tests.pseudo_terminal import Terminal
from tests.shell import TOKEN, Shell

POST = ("messages", "post", "--user", "batou")
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


def test_what_another_run_posts_before_it_is_confirmed(shell: Shell) -> None:
    model = clinic()
    (shell.home / FILE).write_text(rows("r1:a r2:b"))
    (shell.home / "copy.csv").write_text(rows("r2:b r3:c"))
    with FaultyServer(model=model) as server:
        there = shell.configured(server)
        with Terminal(there, *BATCH) as terminal:
            terminal.wait_for("to continue:")
            assert there.run(*POST, "--from", "copy.csv", "--yes").code == 0
            terminal.type("2\n")
            assert terminal.end() == 11
            assert "1 message was posted before (line 3)" in terminal.plain
    assert posted(model) == ["r2:b", "r3:c"]


def test_only_people_are_asked(shell: Shell) -> None:
    model = clinic()
    with FaultyServer(model=model) as server:
        there = shell.configured(server)
        (shell.home / FILE).write_text(rows("r1:a"))
        ran = there.run(*BATCH)
        assert (ran.code, "without a terminal. Use --yes to confirm" in ran.err) == (2, True)
        with Terminal(there, *BATCH, "--no-input") as terminal:
            assert terminal.end() == 2
            assert "Use --yes to confirm" in terminal.plain
        assert (server.requests, (shell.home / JOURNAL).exists()) == ([], False)
        with Terminal(there, *BATCH, "--yes") as terminal:
            assert terminal.end() == 0
            assert "to continue" not in terminal.plain
        assert there.run(*BATCH, "--resume").code == 0  # there is nothing to confirm
        assert posted(model) == ["r1:a"]


def test_a_protected_profile_asks_people_about_everything_from_a_file(shell: Shell) -> None:
    model = clinic()
    with FaultyServer(model=model) as server:
        shell.write_profile(url=server.url, protected=True)
        there = shell.with_(KABELWERK_API_TOKEN=TOKEN)
        (shell.home / FILE).write_text(rows("r1:a r2:b"))
        with Terminal(there, *BATCH, size=(24, 200)) as terminal:
            assert terminal.end() == 2
            assert "Use --profile default to confirm" in terminal.plain
        there = there.with_(KABELWERK_CONFIG=str(shell.home / ".config/kabelwerk/config.toml"))
        named = ("--profile", "default")
        with Terminal(there, *BATCH, *named, size=(24, 200)) as terminal:
            terminal.wait_for("(profile 'default')? Type 2 to continue:")
            assert "To r1 from batou: a" in terminal.plain
            terminal.type("2\n")
            assert terminal.end() == 0
        (shell.home / "users.csv").write_text("key,name\nr1,A\nr2,B\nr3,C\nr4,D\n")
        update = ("users", "update", "--from", "users.csv", *named)
        assert there.run(*update).code == 2
        for answer, code in (("n", 2), ("y", 0)):
            with Terminal(there, *update, size=(24, 200)) as terminal:
                terminal.wait_for("Send 4 rows with 'users update' at")
                terminal.wait_for("[y/N]")
                assert "User 'r3'\r\n... and 1 more" in terminal.plain
                terminal.type(f"{answer}\n")
                assert terminal.end() == code
        assert posted(model) == ["r1:a", "r2:b"]
        assert model.users["r4"].name == "D"


def test_a_dry_run_shows_what_the_run_would_send(shell: Shell) -> None:
    model = clinic()
    faults = [Step(HONEST, times=1), Step(FAULTS["status-503"], times=1)]
    with FaultyServer(faults, model=model) as server:
        there = shell.configured(server)
        (shell.home / FILE).write_text(rows("r1:a r2:b"))
        there.run(*BATCH, "--yes", "--max-failures", "0")  # r1 is done, r2 is unknown
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
        there.run(*BATCH, "--yes", "--mark-posted")
        assert there.run(*BATCH, "--dry-run").code == 11  # the mailing is finished
