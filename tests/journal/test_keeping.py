"""A journal or state that another program deletes or replaces while a run writes to it."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.batch.story import FILE, JOURNAL, POST, clinic, posted, rows, well
from tests.faultserver import Exchange, Fault, FaultyServer, Outcome, Step
from tests.shell import Shell

ALONE = ("--concurrency", "1")
EVERYTHING = "r1:a r2:b r3:c r4:d r5:e"


def replace_by_copy(path: Path) -> None:
    shutil.copy(path, path.with_name("copy"))
    path.with_name("copy").rename(path)


def replace_by_other(path: Path) -> None:
    path.with_name("other").write_text("mine\n")
    path.with_name("other").rename(path)


def move_away(path: Path) -> None:
    path.rename(path.with_name("elsewhere"))


def during_a_request(do: Callable[[Path], None], path: Path) -> Step:
    """Do something to a file between a request and its answer."""

    def act(exchange: Exchange) -> bool:
        do(path)
        return exchange.send_honest()

    return Step(Fault("do", act, Outcome.DONE), times=1)


@pytest.mark.parametrize("do", [Path.unlink, move_away])
def test_a_mailing_whose_journal_is_deleted(shell: Shell, do: Callable[[Path], None]) -> None:
    model = clinic()
    (shell.home / FILE).write_text(rows(EVERYTHING))
    journal = shell.home / JOURNAL
    with FaultyServer([well(1), during_a_request(do, journal)], model=model) as server:
        there = shell.configured(server)
        ran = there.run(*POST, "--from", FILE, *ALONE)
        assert ran.code == 10
        assert "it was deleted or replaced during the run. It has been written again" in ran.err
        assert posted(model) == ["r1:a", "r2:b"]
        assert journal.stat().st_mode & 0o777 == 0o600
        again = there.run(*POST, "--from", FILE)
        assert (again.code, "2 done by earlier runs" in again.err) == (0, True), again.err
        assert sorted(posted(model)) == EVERYTHING.split()


@pytest.mark.parametrize("do", [replace_by_copy, replace_by_other])
def test_a_mailing_whose_journal_is_replaced(shell: Shell, do: Callable[[Path], None]) -> None:
    """Nothing is written over; what the run did is beside it, where the next run finds it."""
    model = clinic()
    (shell.home / FILE).write_text(rows(EVERYTHING))
    journal, saved = shell.home / JOURNAL, shell.home / f"{JOURNAL}.saved"
    with FaultyServer([well(1), during_a_request(do, journal)], model=model) as server:
        there = shell.configured(server)
        ran = there.run(*POST, "--from", FILE, *ALONE)
        assert ran.code == 10
        assert f"What this run did is in '{saved.name}': move that to '{JOURNAL}'." in ran.err
        again = there.run(*POST, "--from", FILE)
        assert again.code == (3 if do is replace_by_other else 9)  # not sent is what is in doubt
        assert len(set(posted(model))) == len(posted(model))
        if do is replace_by_other:
            assert journal.read_text() == "mine\n"
            saved.rename(journal)
            assert there.run(*POST, "--from", FILE).code == 0
            assert sorted(posted(model)) == EVERYTHING.split()


@pytest.mark.parametrize(
    ("command", "name"),
    [(("users", "update"), JOURNAL), (("users", "sync", "--new-state"), f"{FILE}.kabelwerk-state")],
)
def test_what_is_put_in_its_place_at_the_end_stays(
    shell: Shell, command: tuple[str, ...], name: str
) -> None:
    """An import deletes its own journal only, and no success hides that a state is elsewhere."""
    (shell.home / FILE).write_text("key,name\nkusanagi,Motoko\n")
    path = shell.home / name
    with FaultyServer([during_a_request(replace_by_other, path)]) as server:
        ran = shell.configured(server).run(*command, "--from", FILE)
    assert ran.code == 10
    assert f"What this run did is in '{name}.saved'" in ran.err
    assert path.read_text() == "mine\n"
