"""What a cell means: each kind of cell in each kind of column, in batches, syncs and templates."""

import datetime as dt
import json
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import pytest

from kabelwerk_cli.cli.root import kabelwerk
from kabelwerk_cli.cli.tree import walk
from kabelwerk_cli.tabular.file import RowFile
from kabelwerk_cli.workbooks.cells import (
    ERRORS,
    Cell,
    Format,
    Kind,
    formatted,
    meaning,
    place_of,
    read_format,
)
from tests.faultserver import FaultyServer
from tests.shell import Shell

from .workbooks import Written, ods, xlsx

DAY = dt.date(2026, 3, 1)
ODS_ERROR = Written(
    '<table:table-cell table:formula="of:=NA()" office:value-type="string" '
    'office:string-value="" calcext:value-type="error"><text:p>#N/A</text:p></table:table-cell>'
)
ODS_COVERED = Written("<table:covered-table-cell/>")
ODS_TRUTH = Written(
    '<table:table-cell office:value-type="boolean" office:boolean-value="true"><text:p>'
    "TRUE</text:p></table:table-cell>"
)
ODS_LONG = Written(
    '<table:table-cell office:value-type="float" office:value="1234567890123456">'
    "<text:p>1234567890123456</text:p></table:table-cell>"
)


class CellKind(NamedTuple):
    """A kind of cell.

    Attributes:
        excel: the cell in a workbook of Excel.
        office: the cell in a spreadsheet of LibreOffice.
        says: what is said about it.
        fits: whether it may be in columns that hold no keys.
        text: the cell in a text file, if an export has it.
    """

    excel: object
    office: object
    says: str
    fits: bool = False
    text: str = ""


KINDS = {
    # merged with the cell above it
    "covered": CellKind("x", ODS_COVERED, "is covered by a merged cell"),
    "error": CellKind(
        Written('<c r="{place}" t="e"><f>NA()</f><v>#N/A</v></c>'),
        ODS_ERROR,
        "holds the error #N/A",
        text="#N/A",
    ),
    "localized error": CellKind(
        Written('<c r="{place}" t="e"><v>#REF!</v></c>'),
        Written(
            '<table:table-cell table:formula="of:=x" office:value-type="float" office:value="0">'
            "<text:p>#BEZUG!</text:p></table:table-cell>"
        ),
        "holds the error #",
        text="#BEZUG!",
    ),
    "formula without a value": CellKind(
        Written('<c r="{place}"><f>A1</f><v></v></c>'),
        Written('<table:table-cell table:formula="of:=[.A1]"/>'),
        "holds a formula that was not calculated",
    ),
    "date": CellKind(DAY, DAY, "holds a date (2026-03-01), which is not a key", fits=True),
    "truth value": CellKind(
        excel=True, office=ODS_TRUTH, says="holds a truth value (true)", fits=True
    ),
    "long number": CellKind(
        1234567890123456, ODS_LONG, "holds a number of more than 15 digits", fits=True
    ),
}


class Target(NamedTuple):
    """A column of a command."""

    command: str
    columns: str
    column: str
    is_key: bool
    takes_text: bool


USER = "key,name,hub"
ROOM = "room,hub,archived,attributes,hub_user"
MESSAGE = "room,hub,user,text"
KEYS, TEXTS = {"key", "room", "user", "hub", "hub_user"}, {"name", "text"}
TARGETS = [
    Target(command, columns, column, is_key=column in KEYS, takes_text=column in TEXTS)
    for command, columns in (
        ("users create", USER),
        ("users ensure", USER),
        ("users update", "key,name"),
        ("users delete --yes", "key,ignore_not_found"),
        ("users sync --new-state", "key,name"),
        ("rooms update", f"{ROOM},unassign"),
        ("rooms sync --new-state", ROOM),
        ("messages post --yes", MESSAGE),
        ("messages post --yes --template {{name}}", "room,user,name"),
    )
    for column in columns.split(",")
]
USUAL = {
    "key": "batou",
    "name": "Batou",
    "hub": "section9",
    "room": "kusanagi",
    "hub_user": "batou",
    "user": "batou",
    "attributes": '{"a": 1}',
    "archived": "yes",
    "unassign": "",
    "ignore_not_found": "no",
    "text": "Hello",
}


def table(target: Target, cells: Iterable[object]) -> list[list[object]]:
    """Return a header, a row as it should be, and a row for each cell of a column."""
    names = target.columns.split(",")
    odd = [[cell if name == target.column else USUAL[name] for name in names] for cell in cells]
    return [list(names), [USUAL[name] for name in names], *odd]


def test_every_kind_and_every_column_is_in_the_table(tmp_path: Path) -> None:
    for content in (
        xlsx(merged="A2:A3", Staff=table(TARGETS[0], (kind.excel for kind in KINDS.values()))),
        ods(Staff=table(TARGETS[0], (kind.office for kind in KINDS.values()))),
    ):
        (tmp_path / "x").write_bytes(content)
        with RowFile(str(tmp_path / "x")) as file:
            cells = [cell for row in file for cell in row.cells]
        assert {cell.kind for cell in cells if isinstance(cell, Cell)} == set(Kind)
    commands = {
        " ".join(path): {each.name for each in getattr(command, "columns", command.params)}
        for command, path in walk(kabelwerk, ())
        if any("--from" in parameter.opts for parameter in command.params)
    }
    found = {(" ".join(target.command.split()[:2]), target.column) for target in TARGETS}
    assert {command for command, _ in found} == commands.keys()
    for command, names in commands.items():
        assert {column for place, column in found if place == command} >= names & USUAL.keys()


@pytest.mark.parametrize("target", TARGETS, ids=lambda t: f"{t.command} {t.column}")
def test_what_lost_its_meaning_makes_the_row_invalid_and_names_the_cell(
    shell: Shell, target: Target
) -> None:
    letter = chr(ord("A") + target.columns.split(",").index(target.column))
    kinds = [kind for kind in KINDS.values() if target.is_key or not kind.fits]
    files = {
        "x.xlsx": xlsx(
            merged=f"{letter}2:{letter}3", Staff=table(target, (kind.excel for kind in kinds))
        ),
        "x.ods": ods(Staff=table(target, (kind.office for kind in kinds))),
    }
    with FaultyServer() as server:
        run = shell.configured(server).run
        for name, content in files.items():
            (shell.home / name).write_bytes(content)
            ran = run(*target.command.split(), "--from", name)
            assert (ran.code, ran.out) == (2, ""), ran
            said = ran.err.splitlines()
            assert len(said) == len(kinds) + 1
            for line, (text, kind) in enumerate(zip(said, kinds, strict=False), start=3):
                assert text.startswith(f"Line {line} (row {line - 1}): {target.column}: ")
                assert f"cell Staff!{letter}{line} {kind.says}" in text
        texts = [kind.text for kind in kinds if kind.text]
        lines = ["|".join(map(str, row)) for row in table(target, texts)]
        (shell.home / "x.csv").write_text("\n".join(lines) + "\n")
        ran = run(*target.command.split(), "--from", "x.csv")
        assert (ran.code, ran.out) == (2, ""), ran
        said = f"{len(texts)} rows invalid: {target.column}: '…' is an error of a spreadsheet"
        assert ran.err.startswith(said)
        assert [line[: len("  line 3")] for line in ran.err.splitlines()[1:3]] == [
            "  line 3",
            "  line 4",
        ]
        assert server.attempts == []


@pytest.mark.parametrize(
    "target",
    [t for t in TARGETS if t.takes_text and "sync" not in t.command],
    ids=lambda t: f"{t.command} {t.column}",
)
def test_what_has_a_text_is_that_text_where_no_key_is_wanted(shell: Shell, target: Target) -> None:
    kinds = [kind for kind in KINDS.values() if kind.fits]
    files = {
        "x.xlsx": xlsx(Staff=table(target, (kind.excel for kind in kinds))),
        "x.ods": ods(Staff=table(target, (kind.office for kind in kinds))),
    }
    words = ("--sandbox", *target.command.split(), "--dry-run", "-o", "jsonl", "--from")
    for name, content in files.items():
        (shell.home / name).write_bytes(content)
        ran = shell.run(*words, name)
        assert ran.code == 0, ran
        _, *rows = ran.out.splitlines()
        for row, text in zip(rows, ("2026-03-01", "true", "1.23456789012346E+15"), strict=True):
            assert f'"{text}"' in row


def test_columns_that_are_not_used_may_hold_anything(shell: Shell) -> None:
    odd = [kind.excel for kind in KINDS.values()]
    header = ["key", "name", *(f"c{number}" for number in range(len(odd)))]
    book = xlsx(merged="H2:H3", Staff=[header, ["u1", "A", *odd], ["u2", "B", *odd]])
    (shell.home / "x.xlsx").write_bytes(book)
    with FaultyServer() as server:
        run = shell.configured(server).run
        ran = run("users", "create", "--from", "x.xlsx", "--ignore-columns", "*")
        assert ran.code == 0, ran.err
        assert {"u1", "u2"} <= set(server.model.users)
        (shell.home / "y.csv").write_text("key,name,ward\nu3,C,#N/A\n")
        assert run("users", "create", "--from", "y.csv", "--ignore-columns", "ward").code == 0


def test_a_covered_cell_is_not_an_empty_one(shell: Shell) -> None:
    files = {
        "x.xlsx": xlsx(
            merged="A2:A3", Staff=[["room", "hub_user"], ["kusanagi", "batou"], [None, "togusa"]]
        ),
        "y.xlsx": xlsx(merged="A2:B2", Staff=[["room", "hub_user"], ["kusanagi"]]),
        "x.ods": ods(Staff=[["room", "hub_user"], ["kusanagi", ODS_COVERED]]),
    }
    for name, content in files.items():
        (shell.home / name).write_bytes(content)
        place = "A3" if name == "x.xlsx" else "B2"
        for command in ("update", "sync"):
            options = ["--new-state"] * (command == "sync")
            ran = shell.run("--sandbox", "rooms", command, *options, "--from", name)
            assert ran.code == 2
            assert f"cell Staff!{place} is covered by a merged cell" in ran.err


def test_a_row_that_is_only_covered_is_a_part_of_the_row_above(shell: Shell) -> None:
    book = xlsx(merged="A2:B3", Staff=[["key"], ["u1"], [], ["u2"]])
    (shell.home / "x.xlsx").write_bytes(book)
    ran = shell.run("--sandbox", "users", "delete", "--from", "x.xlsx", "--dry-run", "-o", "jsonl")
    assert (ran.code, len(ran.out.splitlines())) == (0, 2), ran


def test_a_sync_neither_unassigns_nor_deletes_because_of_errors(shell: Shell) -> None:
    failed = KINDS["error"].excel
    yes = ("--yes", "-q")
    with FaultyServer() as server:
        run = shell.configured(server).run

        def sync(command: str, *rows: list[object], options: tuple[str, ...] = ()) -> int:
            (shell.home / f"{command}.xlsx").write_bytes(xlsx(A=list(rows)))
            return run(command, "sync", "--from", f"{command}.xlsx", *yes, *options).code

        head: list[object] = ["room", "hub_user", "attributes"]
        given: list[object] = ["kusanagi", "batou", '{"a":1}']
        assert sync("rooms", head, given, options=("--new-state",)) == 0
        before = server.model.rooms["section9", "kusanagi"]
        assert sync("rooms", head, ["kusanagi", failed, failed]) == 2
        assert server.model.rooms["section9", "kusanagi"] == before

        users: list[list[object]] = [["key", "name"], *([f"u{n}", f"N{n}"] for n in range(4))]
        assert sync("users", *users, options=("--new-state",)) == 0
        lost: list[list[object]] = [*users[:3], [failed, failed], [failed, failed]]
        assert sync("users", *lost, options=("--delete",)) == 2
        assert {"u0", "u1", "u2", "u3"} <= set(server.model.users)
        # nor if invalid rows are skipped: they may be about those who are missing
        assert sync("users", *lost, options=("--delete", "--skip-invalid")) in {2, 11}
        assert {"u0", "u1", "u2", "u3"} <= set(server.model.users)


@pytest.mark.parametrize(
    ("code", "value", "text"),
    [
        ("General", 123, "123"),
        ("0", 123, "123"),
        ("00000", 123, "00123"),
        ("00000", 1234567, "1234567"),
        ("00000", 12.5, "12.5"),
        ("00000", -12, "-12"),
        ("000\\-00", 1234, "012-34"),
        ('"P"0000', 7, "P0007"),
        ('0000" 0"', 7, "0007 0"),
        ("00000;-00000", 7, "00007"),
        ("[Red]000", 7, "007"),
        ("[$-407]000", 7, "007"),
        ("[<100]000;0", 7, "7"),
        ("#,##0", 1234, "1234"),
        ("0.00", 7, "7"),
        ("0%", 0.5, "50%"),
        ("0.00 %", 0.07, "7 %"),
        ("0%", 0.125, "12.5%"),
        ('0.0"%"', 7, "7"),
        ("@", 7, "7"),
        ("yyyy-mm-dd", 46082, "2026-03-01"),
        ("dd.mm.yy", 46082.75, "2026-03-01"),
        ("[$-F800]dddd, mmmm dd, yyyy", 46082, "2026-03-01"),
        ("dd/mm/yyyy hh:mm", 46082.5, "2026-03-01T12:00:00"),
        ("h:mm AM/PM", 0.25, "06:00:00"),
        ("[h]:mm", 1.5, "36:00:00"),
        ("mmm", 46082, "2026-03-01"),
        ("Standard", 7, "7"),
        ("yyyy年m月d日", 46082, "2026-03-01"),
        ("yyyy-mm-ddThh:mm:ss", 46082.5, "2026-03-01T12:00:00"),
        ('yyyy"年"m"月"d"日"', 46082, "2026-03-01"),
        ("[$-409]h:mm AM/PM;@", 0.25, "06:00:00"),
        ("yyyy-mm-dd", 1, "1900-01-01"),
        ("yyyy-mm-dd", 61, "1900-03-01"),
    ],
)
def test_a_number_is_what_a_person_sees_where_that_is_known(
    code: str, value: float, text: str
) -> None:
    assert formatted(float(value), read_format(code))[0] == text


def test_what_a_date_cannot_be() -> None:
    day = Format(is_date=True)
    for value in (-1.0, 3e6, float("inf")):
        assert formatted(value, day)[1] is Kind.ERROR
    assert formatted(0.0, day, from_1904=True) == ("1904-01-01", Kind.DATE)


def test_the_names_of_cells() -> None:
    assert place_of("Staff", 7, 1) == "Staff!B7"
    assert place_of("It's 1", 1048576, 16383) == "'It''s 1'!XFD1048576"
    assert place_of("A", 1, 26) == "A!AA1"


def test_every_error_of_a_spreadsheet_is_known_by_its_whole_text() -> None:
    for error in (*ERRORS, "Err:502", "Fehler:508", "###", "########"):
        with pytest.raises(ValueError, match="error of a spreadsheet"):
            meaning(error, "name", 1)
        for other in (f" {error}", f"{error} ", f"see {error}"):
            assert meaning(other, "name", 1) == other


def test_rejects_of_a_workbook_have_the_texts_of_its_cells(shell: Shell) -> None:
    rows = [["key", "name", "born"], [KINDS["error"].excel, "A", DAY], ["u1", "B", DAY]]
    (shell.home / "x.xlsx").write_bytes(xlsx(A=rows))
    options = ("--ignore-columns", "born", "--skip-invalid", "--rejects", "r.csv", "-o", "jsonl")
    ran = shell.run("--sandbox", "users", "create", "--from", "x.xlsx", *options)
    assert [json.loads(line)["outcome"] for line in ran.out.splitlines()] == ["failed", "created"]
    header, row = Path(shell.home / "r.csv").read_text().splitlines()
    assert header == "\ufeffkey,name,born,error"
    assert row.startswith("#N/A,A,2026-03-01,Key: cell A!A2 holds the error #N/A.")
