"""A file that is edited, grown, cut or removed while it is checked and sent.

Each row is longer than what is read of a file at once: what follows is not read before its turn.
"""

import io
import resource
import stat
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faultserver import FaultyServer
from tests.pseudo_terminal import Terminal
from tests.shell import Shell

from .story import (
    FILE,
    JOURNAL,
    ONE_BY_ONE,
    POST,
    POST_ASKING,
    clinic,
    meanwhile,
    outcomes_of,
    posted,
    rows,
    well,
)

LONG = 20_000
WHOLE = "r1:a r2:b r3:c r4:d r5:e"
Change = Callable[[Path], object]


def rewrite(text: str) -> Change:
    """Write other rows into the file."""
    return lambda path: path.write_text(rows(text, padding=LONG))


def replace(text: str) -> Change:
    """Put another file under the name, as editors do."""

    def change(path: Path) -> None:
        new = path.with_suffix(".new")
        new.write_text(rows(text, padding=LONG))
        new.replace(path)

    return change


def extend(more: str) -> Change:
    """Write more at the end."""

    def change(path: Path) -> None:
        with path.open("a") as file:
            file.write(more)

    return change


def cut(size: int) -> Change:
    """Leave some of the file."""

    def change(path: Path) -> None:
        with path.open("r+b") as file:
            file.truncate(size)

    return change


def remove(path: Path) -> None:
    """Take the file away."""
    path.unlink()


def rewrite_in_place(path: Path) -> None:
    """Make it another file of the same size."""
    path.write_text(path.read_text().replace("e", "E"))


CHANGES: dict[str, Change] = {
    "a later row is changed": rewrite("r1:a r2:b r3:c r4:d r5:X"),
    "an earlier row is changed": rewrite("r1:X r2:b r3:c r4:d r5:e"),
    "a row is put in": rewrite("r1:a r2:b r3:c X:x r4:d r5:e"),
    "rows change places": rewrite("r1:a r2:b r3:c r5:e r4:d"),
    "the size stays the same": rewrite_in_place,
    "rows are cut off": cut(len(rows("r1:a r2:b r3:c", padding=LONG))),
    "a row is cut": cut(3 * LONG + 12_000),
    "all is cut off": cut(0),
    "rows are added": extend("kusanagi,x\n"),
    "a quote is added": extend('"'),
    "another file takes its name": replace("r1:x r2:y"),
    "the file is removed": remove,
    "a folder takes its name": lambda path: (path.unlink(), path.mkdir()),
}


def test_every_row_is_longer_than_what_is_read_at_once() -> None:
    assert io.DEFAULT_BUFFER_SIZE < LONG


@pytest.mark.parametrize("name", CHANGES)
def test_a_file_that_changes_while_it_is_sent(shell: Shell, name: str) -> None:
    """What was checked is sent, to its end."""
    path, model = shell.home / FILE, clinic()
    path.write_text(rows(WHOLE, padding=LONG))
    script = (well(1), meanwhile(lambda: CHANGES[name](path)))
    with FaultyServer(script, model=model) as server:
        ran = shell.configured(server).run(*POST, "--from", FILE, *ONE_BY_ONE, "-o", "jsonl")
    assert (ran.code, "Stopped" in ran.err) == (0, False), ran.err
    assert posted(model) == WHOLE.split()
    assert outcomes_of(ran.out) == dict.fromkeys(range(1, 6), "done")


@pytest.mark.parametrize("name", CHANGES)
@pytest.mark.parametrize("output", ["table", "jsonl"])
def test_a_file_that_changes_before_it_is_sent(shell: Shell, name: str, output: str) -> None:
    """Nothing is sent while it is being written; one that is gone was complete."""
    path = shell.home / FILE
    path.write_text(rows(WHOLE, padding=LONG))
    with FaultyServer(model=clinic()) as server:
        there = shell.configured(server)
        command = (*POST_ASKING, "--from", FILE, *ONE_BY_ONE, "-o", output)
        with Terminal(there, *command) as asked:
            asked.wait_for("Type 5 to continue: ")
            CHANGES[name](path)
            asked.type("5\n")
            code = asked.end()
    sent = len(server.requests)
    if name == "the file is removed":
        assert (code, sent) == (0, 5)
    else:
        assert (code, sent) == (2, 0), asked.screen
        assert f"'{FILE}' is being written" in asked.screen
        assert "Nothing was sent." in asked.screen or output == "jsonl"
        assert not (shell.home / JOURNAL).exists()


def test_a_file_that_grows_while_it_is_checked(shell: Shell) -> None:
    """Then it is what was checked, or nothing is sent."""
    path, model = shell.home / FILE, clinic()
    path.write_text(rows("r1:a r2:b", padding=LONG))
    with FaultyServer(model=model) as server:
        with shell.configured(server).start(*POST, "--from", FILE, "-o", "jsonl") as process:
            for number in range(60):
                with path.open("a") as file:
                    file.write(f"r1,more-{number}\n")
                time.sleep(0.01)
            out, err = process.communicate()
        done = [n for n, outcome in outcomes_of(out.decode()).items() if outcome == "done"]
        assert len(posted(model)) == len(done)
        assert process.returncode == (0 if done else 2), err


@pytest.mark.parametrize("bad", ["ghost:b", ":b"])
def test_rejects_are_the_rows_that_were_checked(shell: Shell, bad: str) -> None:
    """A row that stands in another row's place is not handed over for it."""
    path, model = shell.home / FILE, clinic()
    path.write_text(rows(f"r1:a {bad} r2:c"))
    post = (*POST, "--from", FILE, *ONE_BY_ONE, "-o", "jsonl", "--skip-invalid")
    with FaultyServer(model=model) as server:
        run = shell.configured(server).run
        last = 1 if bad.startswith(":") else 2
        server.follow([well(last), meanwhile(lambda: rewrite("r1:a nobody:X r2:c")(path))])
        ran = run(*post, "--rejects", "rejects.csv")
    assert (ran.code, posted(model)) == (0, ["r1:a", "r2:c"]), ran.err
    assert outcomes_of(ran.out) == {1: "done", 2: "failed", 3: "done"}
    text = (shell.home / "rejects.csv").read_text()
    assert bad.replace(":", ",") in text
    assert "nobody" not in text


def test_where_the_copy_is(shell: Shell) -> None:
    """It has no name, only its owner may read it, and the folder is chosen by TMPDIR."""
    (shell.home / FILE).write_text(rows("r1:a r2:b"))
    folder = shell.home / "tmp"
    folder.mkdir()
    seen: list[tuple[int, str]] = []

    def look() -> None:
        links = Path(f"/proc/{process.pid}/fd").iterdir()
        opened = [(stat.S_IMODE(link.stat().st_mode), str(link.readlink())) for link in links]
        seen.extend((mode, name) for mode, name in opened if name.startswith(f"{folder}/"))
        assert not [*folder.glob("*row*")]

    with FaultyServer([meanwhile(look)], model=clinic()) as server:
        there = shell.configured(server, TMPDIR=str(folder))
        with there.start(*POST, "--from", FILE, *ONE_BY_ONE) as process:
            process.communicate()
        assert process.returncode == 0
    assert seen
    assert {mode for mode, _ in seen} == {0o600}
    assert all(name.endswith("(deleted)") for _, name in seen)


def limit_files() -> None:
    """Let no file be larger than what a full disk has room for."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))


@pytest.mark.parametrize("source", [FILE, "-"])
@pytest.mark.parametrize("why", ["No such file or directory", "File too large"])
def test_a_folder_without_room_for_the_copy(shell: Shell, why: str, source: str) -> None:
    path = shell.home / FILE
    path.write_text(rows(WHOLE, padding=2 * LONG))
    folder = shell.home if why == "File too large" else shell.home / "nowhere"
    with FaultyServer(model=clinic()) as server, path.open("rb") as stdin:
        there = shell.configured(server, TMPDIR=str(folder))
        options = {"preexec_fn": limit_files, "stdin": stdin}
        with there.launch(*POST, "--from", source, **options) as process:
            _, err = process.communicate()
    assert process.returncode == 3
    assert not server.requests
    assert err.decode().startswith(f"Error: Cannot copy the input to a temporary file: {why}. ")
    assert b"Set TMPDIR to a folder" in err
    assert [each.name for each in shell.home.iterdir()] == [FILE]
