"""The exit code is right whatever happens to stdout and stderr."""

import contextlib
import os
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from tests.faultserver import FaultyServer
from tests.model.model import Model
from tests.model.state import populated
from tests.operations import OPERATIONS
from tests.shell import Shell
from tests.streams import without_reader

ROWS = 5
Options = Mapping[str, Any]


@contextlib.contextmanager
def full(stream: str) -> Iterator[Options]:
    with Path("/dev/full").open("wb") as device:
        yield {stream: device}


@contextlib.contextmanager
def closed(stream: str) -> Iterator[Options]:
    number = {"stdout": 1, "stderr": 2}[stream]
    yield {stream: None, "preexec_fn": lambda: os.close(number)}


@contextlib.contextmanager
def unread(stream: str) -> Iterator[Options]:
    with without_reader() as pipe:
        yield {stream: pipe}


def finish(shell: Shell, args: tuple[str, ...], **options: Any) -> tuple[int, bytes, bytes]:
    """Run the program, and return its exit code and what it printed to pipes."""
    # what Python makes of a stream that is closed, it makes at its start
    start = shell.launch if "preexec_fn" in options else shell.start
    process = start(*args, **options)
    out, err = process.communicate(timeout=30)
    assert process.returncode is not None
    return process.returncode, out, err


Unwritable = Callable[[str], contextlib.AbstractContextManager[Options]]
UNWRITABLE: tuple[Unwritable, ...] = (full, closed, unread)


class Command(NamedTuple):
    """A command line, its exit code, and whether it prints something to stdout."""

    args: tuple[str, ...]
    code: int
    prints: bool = True


COMMANDS = {
    "message": Command(OPERATIONS["message"].line, 0),
    "message, verbose": Command((*OPERATIONS["message"].line, "-vv"), 0),
    "delete": Command(OPERATIONS["delete"].line, 0),
    "not found": Command(("users", "update", "--key", "nobody", "--name", "x"), 5, prints=False),
    "finished batch": Command(
        ("messages", "post", "--yes", "--from", "rows.jsonl", "-o", "jsonl"), 0
    ),
    "usage": Command(("users", "create", "--nonsense"), 2, prints=False),
    "no command": Command((), 0),
    "help": Command(("help", "batches"), 0),
    "--help": Command(("users", "create", "--help"), 0),
    "--version": Command(("--version",), 0),
    "completion": Command(("completion", "bash"), 0),
    "config show": Command(("config", "show"), 0),
}


@contextlib.contextmanager
def ready(shell: Shell) -> Iterator[Shell]:
    for journal in shell.home.glob("*-journal*"):
        journal.unlink()
    (shell.home / "rows.jsonl").write_text(OPERATIONS["message"].rows(ROWS))
    with FaultyServer(model=Model(populated(ROWS))) as server:
        yield shell.configured(server)


@pytest.mark.parametrize("unwritable", UNWRITABLE)
@pytest.mark.parametrize("name", COMMANDS)
def test_stderr_that_cannot_be_written(shell: Shell, name: str, unwritable: Unwritable) -> None:
    command = COMMANDS[name]
    with ready(shell) as there:
        expected = there.run(*command.args)
        assert expected.code == command.code, expected
    with ready(shell) as there, unwritable("stderr") as options:
        code, out, _ = finish(there, command.args, **options)
    assert code == command.code
    assert bool(out) == command.prints


@pytest.mark.parametrize("unwritable", UNWRITABLE)
@pytest.mark.parametrize("name", COMMANDS)
def test_stdout_that_cannot_be_written(shell: Shell, name: str, unwritable: Unwritable) -> None:
    command = COMMANDS[name]
    with ready(shell) as there, unwritable("stdout") as options:
        code, _, err = finish(there, command.args, **options)
    assert code == (141 if command.prints else command.code), err
    assert b"Traceback" not in err
    assert b"Exception ignored" not in err
    if name.startswith(("message", "finished batch")):
        assert b"othing was sent" not in err
        assert b"posted" in err or b"done" in err


@pytest.mark.parametrize("unwritable", UNWRITABLE)
def test_neither_can_be_written(shell: Shell, unwritable: Unwritable) -> None:
    with ready(shell) as there, unwritable("stdout") as out, unwritable("stderr") as err:
        options = {**out, **err}
        if unwritable is closed:
            options["preexec_fn"] = lambda: (os.close(1), os.close(2))
        code, _, _ = finish(there, COMMANDS["message"].args, **options)
    assert code == 141
