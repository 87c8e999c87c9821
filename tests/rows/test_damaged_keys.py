"""Keys that a spreadsheet has damaged, in each column that holds keys, in batches and in syncs."""

import json
from typing import NamedTuple

import pytest

from kabelwerk_cli.workbooks.cells import KEYS
from tests.shell import Ran, Shell


class Target(NamedTuple):
    """A column that holds keys."""

    command: str
    columns: str
    column: str

    @property
    def is_sync(self) -> bool:
        return "sync" in self.command


MESSAGE, ROOM = "room,user,hub,text", "room,hub,hub_user"
TARGETS = (
    Target("users create", "key,name,hub", "key"),
    Target("users create", "key,name,hub", "hub"),
    Target("users ensure", "key,name,hub", "hub"),
    Target("users delete --yes", "key", "key"),
    Target("rooms update", ROOM, "room"),
    Target("rooms update", ROOM, "hub"),
    Target("rooms update", ROOM, "hub_user"),
    Target("messages post --yes", MESSAGE, "room"),
    Target("messages post --yes", MESSAGE, "user"),
    Target("messages post --yes", MESSAGE, "hub"),
    Target("users sync --new-state", "key,name", "key"),
    Target("users sync --adopt", "key,name", "key"),
    Target("rooms sync --new-state", ROOM, "room"),
    Target("rooms sync --new-state", ROOM, "hub"),
    Target("rooms sync --new-state", ROOM, "hub_user"),
    Target("rooms sync --adopt", ROOM, "hub_user"),
)
USUAL = {
    **dict.fromkeys(("key", "name", "room", "text"), ("kusanagi", "motoko", "togusa")),
    **dict.fromkeys(("hub", "hub_user", "user"), ("batou", "batou", "batou")),
}


def ran_with(shell: Shell, target: Target, values: tuple[str, ...], *options: str) -> Ran:
    """Try a file of three rows, with these values in the column."""
    names = target.columns.split(",")
    rows = zip(*(values if name == target.column else USUAL[name] for name in names), strict=True)
    lines = "".join(json.dumps(dict(zip(names, row, strict=True))) + "\n" for row in rows)
    (shell.home / "f.jsonl").write_text(lines)
    words = ("--sandbox", *target.command.split(), "--from", "f.jsonl", "--dry-run", *options)
    return shell.run(*words)


def test_each_key_is_in_the_table() -> None:
    assert {target.column for target in TARGETS} == KEYS


@pytest.mark.parametrize("target", TARGETS, ids=lambda t: f"{t.command} {t.column}")
def test_a_damaged_key_stops_the_run_in_each_column(shell: Shell, target: Target) -> None:
    column = "" if target.column in {"key", "room"} else f"{target.column}, "
    damaged = ("00123", "456", "4.91701E+11")
    ran = ran_with(shell, target, damaged)
    assert ran.code == 11, ran.err
    assert f"'4.91701E+11' ({column}line 3)" in ran.err
    assert "--allow damaged-keys" in ran.err
    # lost zeros stop a sync and are a warning elsewhere
    assert ("Warning: 1 key may have lost leading zeros" in ran.err) is not target.is_sync
    assert f"'456' ({column}line 2)" in ran.err
    assert ran_with(shell, target, damaged, "--allow", "damaged-keys").code == 0
    shorter = ran_with(shell, target, (*damaged[:2], "5e+"))
    assert shorter.code == (11 if target.is_sync else 0), shorter.err

    ran = ran_with(shell, target, ("00123", "456123", "1E5"))
    assert (ran.code, "spreadsheet" in ran.err) == (0, False), ran.err


def test_what_an_option_says_is_not_from_a_spreadsheet(shell: Shell) -> None:
    (shell.home / "f.csv").write_text("room\nr1\n")
    update = ("--sandbox", "rooms", "update", "--from", "f.csv", "--dry-run")
    assert shell.run(*update, "--hub-user", "5E+11").code == 0
