"""A file that is edited, grown or cut while its rows are sent.

Each row is longer than what is read of a file at once: what follows is not read before its turn.
"""

import io
import re
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.faultserver import FaultyServer
from tests.shell import Shell

from .story import (
    FILE,
    JOURNAL,
    ONE_BY_ONE,
    POST,
    UPDATE,
    busy,
    clinic,
    error_of,
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


FIRST_3 = len(rows("r1:a r2:b r3:c", padding=LONG))
CHANGED, CUT, GROWN = "was changed", "was shortened", "was extended"
CHANGES: dict[str, tuple[Change, int, str]] = {
    "a later row is changed": (rewrite("r1:a r2:b r3:c r4:d r5:X"), 4, CHANGED),
    "a row is put in": (rewrite("r1:a r2:b r3:c X:x r4:d r5:e"), 4, CHANGED),
    "rows change places": (rewrite("r1:a r2:b r3:c r5:e r4:d"), 4, CHANGED),
    "the last row becomes longer": (
        lambda path: path.write_text(rows(WHOLE, padding=LONG)[:-1] + "more\n"),
        4,
        CHANGED,
    ),
    "rows are cut off": (cut(FIRST_3), 3, ""),
    "a row is cut": (cut(FIRST_3 + 12_000), 3, CHANGED),
    "all is cut off": (cut(0), 3, ""),
    "rows are added": (extend("kusanagi,x\n"), 5, GROWN),
    "a part of a row is added": (extend("kusanagi"), 5, ""),
    "a quote is added": (extend('"'), 5, CHANGED),
}
"""For each change how many of the rows may be sent, and what is said."""


def test_every_row_is_longer_than_what_is_read_at_once() -> None:
    assert io.DEFAULT_BUFFER_SIZE < LONG


@pytest.mark.parametrize("name", CHANGES)
def test_a_file_that_changes_while_it_is_sent(shell: Shell, name: str) -> None:
    change, most, says = CHANGES[name]
    path = shell.home / FILE
    path.write_text(rows(WHOLE, padding=LONG))
    script = (well(1), meanwhile(lambda: change(path)))
    model = clinic()
    with FaultyServer(script, model=model) as server:
        run = shell.configured(server).run
        ran = run(*POST, "--from", FILE, *ONE_BY_ONE, "-o", "jsonl")
        outcomes = outcomes_of(ran.out)
        sent = len(posted(model))
        # what was sent is as it was checked, up to the change
        assert posted(model) == WHOLE.split()[:sent]
        assert 2 <= sent <= most
        # each row is told, once; what was not sent is not called done
        assert outcomes == {n: "done" if n <= sent else "not attempted" for n in range(1, 6)}
        assert ran.code == 10
        assert "after it was checked" in ran.err
        assert says in ran.err
        assert error_of(ran.err)["applied"] == "yes"
        # with the rows that were checked the file is sent to its end, and nothing twice
        path.write_text(rows(WHOLE, padding=LONG))
        again = run(*POST, "--from", FILE, *ONE_BY_ONE, "-o", "jsonl", "--resume")
        assert again.code == 0
        assert sorted(posted(model)) == WHOLE.split()
        assert set(outcomes_of(again.out).values()) == {"done"}


UNSEEN = {
    "an earlier row is changed": rewrite("r1:X r2:b r3:c r4:d r5:e"),
    "another file takes its name": replace("r1:x r2:y"),
    "the file is removed": remove,
}


@pytest.mark.parametrize("name", UNSEEN)
def test_a_change_of_what_was_read_already(shell: Shell, name: str) -> None:
    path, model = shell.home / FILE, clinic()
    path.write_text(rows(WHOLE, padding=LONG))
    script = (well(1), meanwhile(lambda: UNSEEN[name](path)))
    with FaultyServer(script, model=model) as server:
        ran = shell.configured(server).run(*POST, "--from", FILE, *ONE_BY_ONE, "-o", "jsonl")
    assert ran.code == 0
    assert posted(model) == WHOLE.split()
    assert outcomes_of(ran.out) == dict.fromkeys(range(1, 6), "done")


@pytest.mark.parametrize("output", ["table", "jsonl"])
def test_rows_done_before_are_counted_behind_a_change(shell: Shell, output: str) -> None:
    """Three rows wait to be sent again, the others are done, and the file is cut meanwhile."""
    path, names = shell.home / FILE, "key,name"
    path.write_text(rows(WHOLE, names, padding=LONG))
    update = (*UPDATE, "--from", FILE, *ONE_BY_ONE, "-o")
    with FaultyServer([busy(3)], model=clinic()) as server:
        run = shell.configured(server).run
        assert run(*update, "jsonl").code == 10
        half = len(rows("r1:a r2:b r3:c", names, padding=LONG))
        server.follow([meanwhile(lambda: cut(half)(path))])
        ran = run(*update, output, "--rate", "10")  # later rows are read after the first is sent
    assert ran.code == 10
    assert "Stopped" in ran.err
    if output == "jsonl":
        outcomes = outcomes_of(ran.out)
        assert sorted(outcomes) == [1, 2, 3, 4, 5]
        assert [outcomes[n] for n in (1, 4, 5)] == ["done"] * 3
    counts = re.search(
        r"5 rows: (?:(\d) updated, )?(\d) done by earlier runs(?:, (\d) not attempted)?\.", ran.err
    )
    assert counts
    assert sum(int(count or 0) for count in counts.groups()) == 5
    assert (shell.home / JOURNAL).exists()


def test_a_change_before_the_first_row(shell: Shell) -> None:
    """The file grows while it is checked: then it is what was checked, or nothing is sent."""
    path, model = shell.home / FILE, clinic()
    path.write_text(rows("r1:a r2:b", padding=LONG))
    with FaultyServer(model=model) as server:
        with shell.configured(server).start(*POST, "--from", FILE, "-o", "jsonl") as process:
            for number in range(60):
                with path.open("a") as file:
                    file.write(f"r1,more-{number}\n")
                time.sleep(0.01)
            out, err = process.communicate()
        rows_told = outcomes_of(out.decode())
        done = [n for n, outcome in rows_told.items() if outcome == "done"]
        assert len(posted(model)) == len(done)
        assert process.returncode in {0, 2, 3, 10}, err
        assert b"bug" not in err


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
        assert (ran.code, posted(model)) == (10, ["r1:a", "r2:c"])
        assert outcomes_of(ran.out) == {1: "done", 2: "failed", 3: "done"}
        assert "changed after it was checked" in ran.err
        assert not (shell.home / "rejects.csv").exists()
        path.write_text(rows(f"r1:a {bad} r2:c"))
        again = run(*post, "--resume", "--rejects", "rejects.csv")
        assert outcomes_of(again.out)[2] == "failed"
        assert bad.replace(":", ",") in (shell.home / "rejects.csv").read_text()
