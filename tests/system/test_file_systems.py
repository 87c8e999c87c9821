"""Journals and states on file systems that lack links, locks, space, or permission to write."""

import errno
import json
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faultserver import HANG, FaultyServer, Step
from tests.model.model import Model
from tests.model.state import populated
from tests.shell import Shell

SOURCE = Path(__file__).with_name("poor_file_system.c")
POST = ("messages", "post", "--user", "batou", "--yes", "--from", "rows.csv")
SYNC = ("users", "sync", "--new-state", "--yes", "--from", "staff.csv")
KINDS = {POST: ("journal", "rows.csv"), SYNC: ("state", "staff.csv")}


@pytest.fixture(scope="session")
def library(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What makes file systems poor."""
    made = tmp_path_factory.mktemp("shim") / "poor.so"
    subprocess.run(["gcc", "-shared", "-fPIC", "-O1", "-o", made, SOURCE, "-ldl"], check=True)
    return made


@pytest.fixture
def there(shell: Shell) -> Iterator[tuple[Shell, FaultyServer]]:
    """A shell with a file of messages and one of users."""
    rows = "".join(f"old{n},Visit {n}\n" for n in range(10))
    (shell.home / "rows.csv").write_text(f"room,text\n{rows}")
    users = "".join(f"new{n},Name {n}\n" for n in range(10))
    (shell.home / "staff.csv").write_text(f"key,name\n{users}")
    with FaultyServer(model=Model(populated(10))) as server:
        yield shell.configured(server), server


@pytest.mark.parametrize("lacks", ["links", "links,renames", "folder-sync"])
@pytest.mark.parametrize("command", KINDS)
def test_without_links(
    there: tuple[Shell, FaultyServer], library: Path, command: tuple[str, ...], lacks: str
) -> None:
    shell, server = there
    noun, name = KINDS[command]
    poor = shell.with_(LD_PRELOAD=str(library), LACKS=lacks)
    assert poor.execute(*command).code == 0
    assert len(server.requests) == 10
    kept = shell.home / f"{name}.kabelwerk-{noun}"
    assert kept.stat().st_mode & 0o777 == 0o600
    again = poor.execute(*[word for word in command if word != "--new-state"])
    assert again.code == (11 if command == POST else 0)
    assert len(server.requests) == 10
    assert {path.name for path in shell.home.iterdir()} == {"rows.csv", "staff.csv", kept.name}


@pytest.mark.parametrize("number", [errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS])
@pytest.mark.parametrize("command", KINDS)
def test_without_locks(
    there: tuple[Shell, FaultyServer], library: Path, command: tuple[str, ...], number: int
) -> None:
    shell, server = there
    noun, _ = KINDS[command]
    poor = shell.with_(LD_PRELOAD=str(library), LACKS="locks", LOCK_ERROR=str(number))
    ran = poor.execute(*command)
    assert ran.code == 3
    assert "its file system has no locks" in ran.err
    assert f"Use --{noun} FILE to keep it on a local disk." in ran.err
    assert server.requests == []


@pytest.mark.parametrize("command", KINDS)
def test_in_a_folder_that_cannot_be_written(
    there: tuple[Shell, FaultyServer], library: Path, command: tuple[str, ...]
) -> None:
    shell, server = there
    noun, _ = KINDS[command]
    poor = shell.with_(LD_PRELOAD=str(library), LACKS="permission", FOLDER=str(shell.home))
    ran = poor.execute(*command)
    assert ran.code == 3
    assert "Permission denied" in ran.err
    assert f"use --{noun} FILE" in ran.err
    assert server.requests == []
    (shell.home / "elsewhere").mkdir()
    assert poor.execute(*command, f"--{noun}", "elsewhere/kept").code == 0
    assert len(server.requests) == 10


@pytest.mark.parametrize("room", [0, 20_000, 40_000])
@pytest.mark.parametrize("command", KINDS)
def test_on_a_full_disk(
    there: tuple[Shell, FaultyServer], library: Path, command: tuple[str, ...], room: int
) -> None:
    shell, server = there
    noun, name = KINDS[command]
    poor = shell.with_(LD_PRELOAD=str(library), LACKS="space", WRITES=str(room))
    ran = poor.execute(*command, "--concurrency", "1")
    assert "No space left on device" in ran.err
    if server.requests:
        assert f"the {noun} cannot be written: No space left on device" in ran.err
        assert ran.code in {9, 10}
    else:
        assert ran.code == 3
    is_there = (shell.home / f"{name}.kabelwerk-{noun}").exists()
    again = shell.execute(*(word for word in command if word != "--new-state" or not is_there))
    assert again.code in {0, 9}
    texts = [message.text for message in server.model.messages]
    assert len(texts) == len(set(texts))


def test_the_process_that_uses_a_journal_is_named(there: tuple[Shell, FaultyServer]) -> None:
    shell, server = there
    server.follow([Step(HANG, times=1)])
    for command in KINDS:
        done = len(server.requests)
        with shell.start(*command) as first:
            while len(server.requests) == done:
                assert first.poll() is None
            ran = shell.run(*command, "-o", "json")
            dry = shell.run(*command, "--dry-run")
            first.kill()
            first.communicate(timeout=60)
        error = json.loads(ran.err.splitlines()[-1])["error"]
        assert (error["type"], error["exit_code"], error["applied"]) == ("InUse", 3, "no")
        assert re.search(rf"in use by another process \({first.pid}, \w+\)", error["message"])
        assert dry.code == 3
        assert f"({first.pid}, " in dry.err
        server.follow([Step(HANG, times=1)])
