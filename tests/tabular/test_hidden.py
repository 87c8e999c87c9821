"""Hidden sheets and hidden rows: what a person does not see is not used without being asked."""

import io
import zipfile

from tests.faultserver import FaultyServer
from tests.shell import Shell

from .workbooks import Written, ods, xlsx, zipped

ROWS = [["key", "name"], ["u1", "A"], ["u2", "B"], ["u3", "C"]]
CREATE = ("users", "ensure", "--from", "x.xlsx")
SAYS = "'x.xlsx' has 2 hidden rows, first 3. Use --hidden-rows skip to leave hidden rows out"


def test_hidden_rows_are_refused_until_it_is_said_what_is_meant(shell: Shell) -> None:
    (shell.home / "x.xlsx").write_bytes(xlsx(A=ROWS, hidden=(3, 4, 5)))
    with FaultyServer() as server:
        run = shell.configured(server).run
        ran = run(*CREATE)
        assert (ran.code, SAYS in ran.err) == (2, True), ran.err
        assert server.attempts == []
        assert run(*CREATE, "--hidden-rows", "skip").code == 0
        assert server.model.users.keys() & {"u1", "u2", "u3"} == {"u1"}
        assert run(*CREATE, "--hidden-rows", "include").code == 0
        assert {"u1", "u2", "u3"} <= server.model.users.keys()


def test_hidden_rows_of_a_spreadsheet(shell: Shell) -> None:
    content = ods(A=ROWS)
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = {name: archive.read(name).decode() for name in archive.namelist()}
    before, row, after = members["content.xml"].rpartition("<table:table-row>")
    members["content.xml"] = f'{before}{row[:-1]} table:visibility="filter">{after}'
    (shell.home / "x.ods").write_bytes(zipped(members))
    ran = shell.run("--sandbox", "users", "create", "--from", "x.ods")
    assert (ran.code, "has a hidden row (4)" in ran.err) == (2, True), ran.err


def test_a_hidden_sheet_is_read_only_if_it_is_named(shell: Shell) -> None:
    book = xlsx(
        states=("hidden", "veryHidden", "visible"),
        Old=[["key", "name"], ["old", "A"]],
        Older=[["key", "name"], ["older", "A"]],
        New=[["key", "name"], ["new", "A"]],
    )
    (shell.home / "x.xlsx").write_bytes(book)
    with FaultyServer() as server:
        run = shell.configured(server).run
        assert run(*CREATE).code == 0
        assert server.model.users.keys() & {"old", "older", "new"} == {"new"}
        assert run(*CREATE, "--sheet", "Old").code == 0
        assert server.model.users.keys() & {"old", "older", "new"} == {"new", "old"}
        (shell.home / "x.xlsx").write_bytes(xlsx(states=("hidden",), A=ROWS))
        ran = run(*CREATE)
        says = "'x.xlsx' has no visible sheet with cells. Use --sheet with 'A'."
        assert (ran.code, says in ran.err) == (2, True), ran.err


def test_a_sync_deletes_nobody_whose_row_it_skipped(shell: Shell) -> None:
    sync = ("users", "sync", "--from", "x.xlsx", "--yes")
    with FaultyServer() as server:
        run = shell.configured(server).run
        (shell.home / "x.xlsx").write_bytes(xlsx(A=ROWS))
        assert run(*sync, "--new-state").code == 0
        (shell.home / "x.xlsx").write_bytes(xlsx(A=ROWS[:-1], hidden=(3,)))
        ran = run(*sync, "--delete")
        assert (ran.code, "has a hidden row (3)" in ran.err) == (2, True), ran.err
        assert {"u1", "u2", "u3"} <= server.model.users.keys()
        ran = run(*sync, "--delete", "--hidden-rows", "skip", "--max-deletions", "100%")
        assert ran.code == 0, ran.err
        assert server.model.users.keys() & {"u1", "u2", "u3"} == {"u1", "u2"}


def test_a_hidden_row_whose_key_is_lost_keeps_everybody(shell: Shell) -> None:
    sync = ("users", "sync", "--from", "x.xlsx", "--yes")
    lost = [Written('<c r="{place}" t="e"><v>#N/A</v></c>'), "B"]
    with FaultyServer() as server:
        run = shell.configured(server).run
        (shell.home / "x.xlsx").write_bytes(xlsx(A=ROWS))
        assert run(*sync, "--new-state").code == 0
        (shell.home / "x.xlsx").write_bytes(xlsx(A=[*ROWS[:2], lost], hidden=(3,)))
        ran = run(*sync, "--delete", "--hidden-rows", "skip", "--max-deletions", "100%")
        assert ran.code in {2, 11}, ran.err
        assert {"u1", "u2", "u3"} <= server.model.users.keys()


def test_a_hidden_row_keeps_whose_key_looks_like_its_own_and_is_counted(shell: Shell) -> None:
    sync = ("users", "sync", "--from", "x.xlsx", "--yes")
    with FaultyServer() as server:
        run = shell.configured(server).run
        (shell.home / "x.xlsx").write_bytes(xlsx(A=[*ROWS, ["00123", "D"], ["u5", "E"]]))
        assert run(*sync, "--new-state").code == 0
        hidden = [["U2", "B"], ["123", "D"], [" u3", "C"]]
        (shell.home / "x.xlsx").write_bytes(xlsx(A=[*ROWS[:2], *hidden], hidden=(3, 4, 5)))
        options = ("--delete", "--hidden-rows", "skip", "--max-deletions", "100%")
        ran = run(*sync, *options)
        assert (ran.code, "Skipping 3 hidden rows of 'x.xlsx'." in ran.err) == (0, True), ran.err
        assert server.model.users.keys() & {"u1", "u2", "u3", "00123", "u5"} == {
            "u1",
            "u2",
            "u3",
            "00123",
        }
