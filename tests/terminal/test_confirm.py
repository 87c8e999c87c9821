"""Confirmation of deletions, and in protected profiles."""

import pytest

from tests.faultserver import FaultyServer
from tests.operations import OPERATIONS, Operation
from tests.pseudo_terminal import Terminal
from tests.shell import TOKEN, Shell


def test_deletion_in_a_protected_profile(shell: Shell) -> None:
    with FaultyServer() as server:
        shell.write_profile(url=server.url, protected=True)
        secret = shell.with_(KABELWERK_API_TOKEN=TOKEN)
        delete = ("users", "delete", "--key", "kusanagi")
        for args in ((), ("--yes",), ("--profile", "default")):
            ran = secret.run(*delete, *args)
            assert ran.code == 2
            assert "--yes --profile default" in ran.err
        assert secret.with_(KABELWERK_PROFILE="default").run(*delete, "--yes").code == 2
        assert server.requests == []
        assert secret.run(*delete, "--yes", "--profile", "default").code == 0
        assert "kusanagi" not in server.model.users


@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=str)
def test_a_batch_in_a_protected_profile(shell: Shell, operation: Operation) -> None:
    with FaultyServer() as server:
        shell.write_profile(url=server.url, protected=True)
        secret = shell.with_(KABELWERK_API_TOKEN=TOKEN)
        (shell.home / "rows.jsonl").write_text(operation.rows(1))
        batch = (*operation.command, "--from", "rows.jsonl")
        for args in ((), ("--yes",), ("--profile", "default")):
            ran = secret.run(*batch, *args)
            assert ran.code == 2
            assert "--yes --profile default" in ran.err
        assert server.requests == []
        secret.run(*batch, "--yes", "--profile", "default")
        assert len(server.requests) >= 1


def test_each_confirmation_names_the_address_and_the_profile(shell: Shell) -> None:
    (shell.home / "users.csv").write_text("key,name\nkusanagi,Motoko\n")
    (shell.home / "keys.csv").write_text("key\nkusanagi\n")
    (shell.home / "rooms.csv").write_text("room,archived\nkusanagi,true\n")
    message = ("messages", "post", "--user", "batou", "--text", "x", "--from", "keys.csv")
    with FaultyServer() as server:
        shell.write_profile(url=server.url)
        for command in (
            ("users", "delete", "--key", "kusanagi"),
            ("users", "delete", "--from", "keys.csv"),
            (*message, "--map", "room=key"),
            ("users", "sync", "--from", "users.csv", "--new-state"),
            ("rooms", "sync", "--from", "rooms.csv", "--new-state"),
        ):
            secret = shell.with_(KABELWERK_API_TOKEN=TOKEN)
            with Terminal(secret, *command, size=(24, 200)) as terminal:
                terminal.wait_for(f"at {server.url} (profile 'default')? ")
                terminal.type("no\n")
                assert terminal.end() == 2
        assert server.requests == []


def test_deletion_asks_on_a_terminal(shell: Shell) -> None:
    with FaultyServer() as server:
        secret = shell.configured(server)
        delete = ("users", "delete", "--key", "kusanagi")
        for answer, code in (("n\n", 2), ("\n", 2), ("\x04", 2), ("\x03", 130)):
            with Terminal(secret, *delete) as terminal:
                terminal.wait_for_prompt(f"Delete user 'kusanagi' at {server.url}? [y/N] ")
                terminal.type(answer)
                assert terminal.end() == code
                assert "Nothing was sent" in terminal.plain
        with Terminal(secret, *delete, "--no-input") as terminal:
            assert terminal.end() == 2
            assert "Prompts are disabled (option --no-input). Use --yes" in terminal.plain
        assert "without a terminal. Use --yes" in secret.run(*delete).err
        assert server.requests == []
        with Terminal(secret, *delete) as terminal:
            terminal.wait_for("[y/N] ")
            terminal.type("y\n")
            assert terminal.end() == 0
            assert "deleted" in terminal.plain
        assert "kusanagi" not in server.model.users
