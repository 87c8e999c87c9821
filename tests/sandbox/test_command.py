"""The sandbox inside the process, through the command line."""

import json
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.shell import Shell

PROCESSES = 100


def test_the_references_examples(shell: Shell) -> None:
    def run(*args: str) -> object:
        ran = shell.run("--sandbox", *args, "-o", "json")
        assert (ran.code, ran.err) == (0, "")
        return json.loads(ran.out)

    user = run("users", "create", "--key", "kusanagi", "--name", "Motoko")
    assert user == {"id": 1, "key": "kusanagi", "name": "Motoko"}
    run("users", "create", "--key", "batou", "--name", "Batou", "--hub", "section9")
    run("users", "update", "--key", "kusanagi", "--name", "Motoko")
    room = ("rooms", "update", "--hub", "section9", "--room", "kusanagi")
    assert run(*room, "--attributes", "{}")["attributes"] == {}
    assert run(*room, "--archived")["archived"] is True
    assert run(*room, "--no-archived")["archived"] is False
    assert run(*room, "--hub-user", "batou")["hub_user"]["key"] == "batou"
    assert run(*room, "--unassign")["hub_user"] is None
    post = ("messages", "post", "--hub", "section9", "--room", "kusanagi", "--user", "batou")
    assert run(*post, "--text", "?")["text"] == "?"
    deleted = run("users", "delete", "--key", "kusanagi", "--yes")
    assert deleted == {"key": "kusanagi", "outcome": "deleted"}


def test_a_file_of_ones_own(shell: Shell, tmp_path: Path) -> None:
    url = f"sandbox://{tmp_path}/my%20own.db"
    own = shell.with_(KABELWERK_URL=url)
    assert own.run("users", "create", "--key", "kusanagi", "--name", "Motoko").code == 0
    assert (tmp_path / "my own.db").exists()
    assert json.loads(own.run("sandbox", "show", "users", "-o", "json").out)[0]["key"] == "kusanagi"
    assert shell.run("sandbox", "show", "users").code == 2  # there is no other
    db = ("--db", str(tmp_path / "my own.db"))
    assert shell.run("sandbox", "reset", *db, "--yes").code == 0
    assert shell.run("sandbox", "show", "users", *db, "-o", "json").out == "[]\n"


def test_it_is_never_chosen_silently(shell: Shell) -> None:
    command = ("users", "create", "--key", "kusanagi", "--name", "Motoko")
    assert shell.run(*command).code == 3
    both = shell.run(*command, "--sandbox", "--url", "https://kabelwerk.example")
    assert both.code == 2
    assert "cannot be combined with --url" in both.err
    both = shell.with_(KABELWERK_URL="https://kabelwerk.example", KABELWERK_SANDBOX="1")
    assert both.run(*command).code == 3
    assert "Cannot use both the sandbox" in both.run(*command).err
    real = shell.with_(KABELWERK_URL="https://kabelwerk.example")
    assert real.run(*command, "--sandbox").code == 0


@pytest.mark.parametrize("what", ["users", "rooms", "messages"])
def test_an_empty_one_has_columns(shell: Shell, what: str) -> None:
    assert shell.run("--sandbox", "users", "delete", "--key", "kusanagi", "--yes").code == 5
    ran = shell.run("sandbox", "show", what, "-o", "csv")
    assert ran.out.startswith("id,")
    assert len(ran.out.splitlines()) == 1


def test_a_damaged_file_is_named(shell: Shell) -> None:
    (shell.home / "bad.db").write_text("nothing of the kind")
    ran = shell.run("sandbox", "show", "users", "--db", "bad.db")
    assert ran.code == 3
    assert "bad.db" in ran.err


@pytest.mark.usefixtures("alone")
def test_many_processes_at_once(shell: Shell) -> None:
    def create(number: int) -> int:
        key = f"user-{number}"
        return shell.run(
            "--sandbox", "users", "create", "--key", key, "--name", "x", timeout=280
        ).code

    with ThreadPoolExecutor(PROCESSES) as pool:
        assert set(pool.map(create, range(PROCESSES))) == {0}
    listed = shell.run("sandbox", "show", "users", "-o", "jsonl").out.splitlines()
    assert {json.loads(line)["key"] for line in listed} == {f"user-{n}" for n in range(PROCESSES)}
    assert len(listed) == PROCESSES


def test_twenty_at_once_ensure_one_user(sandbox: Shell, shell: Shell) -> None:
    codes: list[int] = []

    def ensure() -> None:
        codes.append(sandbox.run("users", "ensure", "--key", "kusanagi", "--name", "Motoko").code)

    threads = [threading.Thread(target=ensure) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert codes == [0] * 20
    listed = shell.run("sandbox", "show", "users", "-o", "jsonl").out.splitlines()
    assert [json.loads(line)["key"] for line in listed] == ["kusanagi"]
