"""Files as people have them: each gets in with the options that its error names, or is refused."""

import datetime as dt
import json
import re
import shlex
from typing import NamedTuple

import pytest

from tests.faultserver import FaultyServer
from tests.pseudo_terminal import Terminal
from tests.shell import Shell

from .workbooks import ODS, ods, xlsx, zipped

CREATE = ("users", "create")
JARGON = re.compile(r"codec|surrogate|traceback|delimiter|byte 0x|strict|None|\[\]", re.I)
DAY = dt.date(2026, 3, 1)
NINE_THIRTY = dt.datetime(2026, 3, 1, 9, 30)


class File(NamedTuple):
    """A file that gets in.

    Attributes:
        name: what it is called.
        content: what is in it.
        users: the users that come of it.
        options: those that its errors name, one after the other.
        says: what is noted on the way.
    """

    name: str
    content: bytes
    users: dict[str, str]
    options: str = ""
    says: str = ""


FILES = {
    "Excel, German": File(
        "patienten.csv",
        "Key;Name\r\nu1;Jürgen Groß\r\nu2;Käthe Öttl\r\n".encode("cp1252"),
        {"u1": "Jürgen Groß", "u2": "Käthe Öttl"},
        "--encoding cp1252",
    ),
    "Excel, German, one umlaut at the end": File(
        "patienten.csv",
        ("key;name\r\n" + "".join(f"u{n};N{n}\r\n" for n in range(2000)) + "z;Ü\r\n").encode(
            "cp1252"
        ),
        {**{f"u{n}": f"N{n}" for n in range(2000)}, "z": "Ü"},
        "--encoding cp1252",
    ),
    "Excel, German, columns of its own": File(
        "export.csv",
        "Schlüssel;Patientenname\r\nu1;Jürgen\r\n".encode("cp1252"),
        {"u1": "Jürgen"},
        "--encoding cp1252 --map name=Patientenname --map key=Schlüssel",
    ),
    "Excel, French": File(
        "patients.csv",
        "key;nom\r\nu1;Hélène Lefèvre\r\nu2;François Côté, 5 €\r\n".encode("cp1252"),
        {"u1": "Hélène Lefèvre", "u2": "François Côté, 5 €"},
        "--encoding cp1252 --map name=nom",
    ),
    "Excel, with a sep line": File(
        "sep.csv", b"sep=;\r\nkey;name\r\nu1;Last, First\r\n", {"u1": "Last, First"}
    ),
    "Excel, with a sep line of a comma": File(
        "sep.csv", b'"sep=,"\r\nkey,name\r\nu1;x,A;B;C\r\n', {"u1;x": "A;B;C"}
    ),
    "Excel, with a sep line of a tab": File("sep.txt", b"SEP=\t\nkey\tname\nu\tA\n", {"u": "A"}),
    "Excel, Unicode text": File(
        "unicode.txt", "key\tname\r\nu1\tJürgen\r\n".encode("utf-16"), {"u1": "Jürgen"}
    ),
    "Excel, CSV UTF-8": File("utf8.csv", "\ufeffkey;name\r\nu1;Ä\r\n".encode(), {"u1": "Ä"}),
    "Excel, rows and columns that were once used": File(
        "blank.csv",
        b"key;name;hub;;\r\nu1;A;;;\r\nu2;B;section9;;\r\n;;;;\r\n;;;;\r\n",
        {"u1": "A", "u2": "B"},
    ),
    "LibreOffice": File(
        "calc.csv", '"key","name"\n"u1","Müller, ""Jo"" A."\n'.encode(), {"u1": 'Müller, "Jo" A.'}
    ),
    "pipes": File("pipes.txt", b"key|name\nu1|A; B, C\n", {"u1": "A; B, C"}),
    "psql, \\copy ... csv header": File(
        "psql.csv", b'key,name,hub\nu1,A,section9\nu2,"B ""b""",\n', {"u1": "A", "u2": 'B "b"'}
    ),
    "R, write.csv": File(
        "r.csv", b'"","key","name"\n"1","u1","A"\n', {"u1": "A"}, "--ignore-columns '\"\"'"
    ),
    "pandas, to_csv": File(
        "pandas.csv",
        b',key,name\n0,u1,A\n1,u2,"B, C"\n',
        {"u1": "A", "u2": "B, C"},
        "--ignore-columns '\"\"'",
    ),
    "a header that somebody typed": File("typed.csv", b" Key,Name ,HUB\nu1,A,\n", {"u1": "A"}),
    "further columns": File(
        "wide.csv",
        b"key,birthday,name,ward\nu1,1999-01-01,A,3\n",
        {"u1": "A"},
        "--ignore-columns birthday,ward",
    ),
    "further columns, with commas": File(
        "wide.csv",
        b'key;name;"ward, floor"\nu1;A;3\n',
        {"u1": "A"},
        """--ignore-columns '"ward, floor"'""",
    ),
    "many further columns": File(
        "wide.csv", b"key,name,a,b,c,d,e,f\nu1,A,1,2,3,4,5,6\n", {"u1": "A"}, "--ignore-columns '*'"
    ),
    "a typing error": File("typed.csv", b"key,nmae\nu1,A\n", {"u1": "A"}, "--map name=nmae"),
    "commas in names": File(
        "commas.csv", b"key;name\nu1;Last, First, Dr.\n", {"u1": "Last, First, Dr."}
    ),
    "keys without their zeros": File(
        "keys.csv",
        b"key,name\n00123,A\n124,B\n125,C\n1,D\n99999,E\n7,F\n",
        {"00123": "A", "124": "B", "125": "C", "1": "D", "99999": "E", "7": "F"},
        says="4 keys may have lost leading zeros in a spreadsheet, as other keys begin with a zero:"
        " '124' (line 3), '125' (line 4), '1' (line 5) and others.",
    ),
    "macOS": File(
        "mac.csv",
        "key,name\ru1,Jürgen\ru2,Käthe\r".encode("mac-roman"),
        {"u1": "Jürgen", "u2": "Käthe"},
        "--encoding mac-roman",
    ),
    "Polish": File(
        "pl.csv",
        "key;name\r\nu1;Łukasz Żółć\r\nu2;Grażyna Wiśniewska\r\n".encode("cp1250"),
        {"u1": "Łukasz Żółć", "u2": "Grażyna Wiśniewska"},
        "--encoding cp1250",
    ),
    "Czech": File(
        "cs.csv",
        "key;name\r\nu1;Jiří Dvořák\r\nu2;Božena Němcová\r\n".encode("cp1250"),
        {"u1": "Jiří Dvořák", "u2": "Božena Němcová"},
        "--encoding cp1250",
    ),
    "DOS": File(
        "dos.csv",
        "key;name\r\nu1;Jürgen Weiß\r\n".encode("cp850"),
        {"u1": "Jürgen Weiß"},
        "--encoding cp850",
    ),
    "UTF-16 without a mark": File(
        "u.csv",
        "key;name\r\nu1;Jürgen\r\n".encode("utf-16-le"),
        {"u1": "Jürgen"},
    ),
    "UTF-32 without a mark": File(
        "u.csv", "key;name\r\nu1;Иван\r\n".encode("utf-32-be"), {"u1": "Иван"}
    ),
    "Japanese, with escape sequences": File(
        "jis.csv",
        "key,name\nu1,山田太郎\n".encode("iso-2022-jp"),
        {"u1": "山田太郎"},
        "--encoding iso-2022-jp",
    ),
    "Korean, with escape sequences": File(
        "kr.csv",
        "key,name\nu1,김철수\n".encode("iso-2022-kr"),
        {"u1": "김철수"},
        "--encoding iso-2022-kr",
    ),
    "Chinese, with escape sequences": File(
        "hz.csv", "key,name\nu1,王小明\n".encode("hz"), {"u1": "王小明"}, "--encoding hz"
    ),
    "JSON Lines": File(
        "users.jsonl",
        b'{"Key": "u1", "NAME": "A"}\n{"name": "B", "key ": "u2"}\n',
        {"u1": "A", "u2": "B"},
    ),
    "JSON Lines, further names": File(
        "users.jsonl",
        b'{"key": "u1", "name": "A", "Ward": 3}\n',
        {"u1": "A"},
        "--ignore-columns Ward",
    ),
    "a workbook": File(
        "users.xlsx",
        xlsx(
            Staff=[
                ["Key", "Name", "Since", None],
                [4711, 'Jürgen, "Jo"', DAY, None],
                [None, None, None, None],
                ["007", DAY, None, None],
                ["u3", NINE_THIRTY, NINE_THIRTY],
                [0.1, True, DAY],
                [123456789012345, 1e6, DAY],
            ]
        ),
        {
            "4711": 'Jürgen, "Jo"',
            "007": "2026-03-01",
            "u3": "2026-03-01T09:30:00",
            "0.1": "true",
            "123456789012345": "1000000",
        },
        "--ignore-columns Since",
    ),
    "a workbook of LibreOffice": File(
        "users.ods",
        ods(Tabelle1=[["key", "Patientenname"], [4711, "Jürgen"], ["y", DAY], ["x", 2.5]]),
        {"4711": "Jürgen", "y": "2026-03-01", "x": "2.5"},
        "--map name=Patientenname",
    ),
    "a workbook under another name": File(
        "users.csv", xlsx(A=[["key", "name"], ["u1", "A"]], B=[["x"]]), {"u1": "A"}
    ),
    "keys with several rows": File(
        "twice.csv",
        b"key,name,hub\nu1,A,\nu2,B,\nu1,A,\nu2,C,\nu1,D,\n",
        {"u1": "A", "u2": "B"},
        says="2 keys appear more than once with different values, first 'u1' (lines 2 and 6).",
    ),
}


def options_in(err: str) -> list[str]:
    """Return the options that an error says to use, and the encoding that it shows first."""
    found = re.search(r"Use (--.*?)\.( Nothing|$)|with (--encoding [\w-]+)", err, re.MULTILINE)
    return shlex.split(found[1] or found[3]) if found else []


@pytest.mark.parametrize("kind", FILES)
def test_a_file_gets_in_with_the_options_that_its_errors_name(shell: Shell, kind: str) -> None:
    file = FILES[kind]
    (shell.home / file.name).write_bytes(file.content)
    options: list[str] = []
    with FaultyServer() as server:
        run = shell.configured(server).run
        before = set(server.model.users)
        while (ran := run(*CREATE, "--from", file.name, *options)).code == 2:
            assert server.attempts == []
            assert ran.err.count("\n") <= 3
            assert not JARGON.search(ran.err), ran.err
            added = options_in(ran.err)
            assert added, ran.err
            options += added
        users = {k: u.name for k, u in server.model.users.items() if k not in before}
    assert options == shlex.split(file.options), ran.err
    assert ran.code in {0, 10}, ran.err
    assert users == file.users
    assert file.says in ran.err
    assert (len(ran.err.splitlines()) > 1) is bool(file.says), ran.err


def test_utf_8_is_not_read_as_something_else_without_a_warning(shell: Shell) -> None:
    (shell.home / "x").write_text("key,name\nu1,Jürgen\n")
    with FaultyServer() as server:
        run = shell.configured(server).run
        ran = run(*CREATE, "--from", "x", "--encoding", "cp1252", "--dry-run")
        says = "Warning: 'x' is valid UTF-8, but is read as cp1252. Leave out --encoding"
        assert (ran.code, says in ran.err) == (0, True)
        # a byte order mark outranks the option, and ASCII is the same in both
        for start in ("\ufeffkey,name\nu1,Jürgen\n", "key,name\nu1,J\n"):
            (shell.home / "x").write_text(start)
            ran = run(*CREATE, "--from", "x", "--encoding", "cp1252", "--dry-run")
            assert (ran.code, "Warning" in ran.err) == (0, False)


LONG = "".join(f"u{n},N\n" for n in range(2, 4000))
OLE = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(504)
QUOTE = (
    'a quoted cell is not closed. Add a quotation mark (") at the end of the cell, or remove the '
    "one at its start."
)
BOOK = xlsx(Staff=[["key", "name"]], Old=[["key", "name"], ["u1", "A"]])
REFUSED = {
    "open quote": (f'key,name\n{LONG}u,"A\n{LONG}', "", f"Line 4000 of 'x': {QUOTE}"),
    "open quote before others": (
        f'key,name\n{LONG}u,"A\nv,"B"\n',
        "",
        f"Line 4000 of 'x': {QUOTE}",
    ),
    "open quote after many lines": (
        'key,name\nu,"a\nb\nc"\nv,"A\n' + "x,y\n" * 300_000,
        "",
        f"Line 5 of 'x': {QUOTE}",
    ),
    "open quote in the header": ('key,"name\nu,A\n', "", f"Line 1 of 'x': {QUOTE}"),
    "quote within": (
        'sep=,\nkey,name\nu,"A" B\n',
        "",
        (
            "Line 3 of 'x': there is text after the closing quotation mark (\") of a cell, if only "
            'a space. Inside a quoted cell, double each quotation mark ("").'
        ),
    ),
    "long cell": (
        "key,name\nu," + "x" * 1_100_000 + "\n",
        "",
        "Line 2 of 'x': a cell is longer than 1048576 characters.",
    ),
    "HTML": (
        "\n<!DOCTYPE html>\n<html><table><tr><td>key</td></tr></table></html>",
        "",
        (
            "'x' is an HTML or XML page, not a table. Open it in a spreadsheet program and "
            "save it as CSV."
        ),
    ),
    "old Excel": (
        OLE,
        "",
        (
            "'x' is an old Excel workbook (.xls). Save it as .xlsx, or save the sheet as CSV "
            "(in Excel: CSV UTF-8)."
        ),
    ),
    "protected Excel": (
        OLE + "EncryptedPackage".encode("utf-16-le"),
        "",
        "'x' is protected with a password. Save a copy without one.",
    ),
    "protected spreadsheet": (
        ods(protected=True, A=[["key"]]),
        "",
        "'x' is protected with a password. Save a copy without one.",
    ),
    "damaged": (
        BOOK[: len(BOOK) // 2],
        "",
        "'x' is damaged. Open it in a spreadsheet program and save it again.",
    ),
    "damaged within": (
        zipped({"xl/workbook.xml": "<workbook><sheets>"}),
        "",
        "'x' is damaged. Open it in a spreadsheet program and save it again.",
    ),
    "cut within": (
        zipped({"mimetype": ODS, "META-INF/manifest.xml": "", "content.xml": "<a><b"}),
        "",
        "'x' is damaged. Open it in a spreadsheet program and save it again.",
    ),
    "empty sheet": (
        xlsx(A=[]),
        "",
        "Sheet 'A' of 'x' is empty. Its first row must name the columns.",
    ),
    "empty sheet before others": (
        xlsx(A=[], B=[["key"]], C=[]),
        "",
        (
            "Sheet 'A' of 'x' is empty. Its first row must name the columns. To read another "
            "sheet, use --sheet with 'B', 'C'."
        ),
    ),
    "a cover sheet, as Numbers writes it": (
        xlsx(Summary=[["Exported"], ["x"]], Table=[["key", "name"], ["u1", "A"]]),
        "",
        (
            "There are no columns 'key', 'name', and column 'Exported' is unknown; known: key, "
            "name, hub. Use --map key=COLUMN --map name=COLUMN --ignore-columns '*'. To read "
            "another sheet, use --sheet with 'Table'."
        ),
    ),
    "binary Excel": (
        zipped({"xl/workbook.bin": ""}),
        "",
        (
            "'x' is a binary Excel workbook (.xlsb). Save it as .xlsx, or save the sheet as CSV "
            "(in Excel: CSV UTF-8)."
        ),
    ),
    "Numbers": (
        zipped({"Index/Document.iwa": "", "Metadata/Properties.plist": ""}),
        "",
        (
            "'x' is a document of Numbers or another iWork program. Export it as CSV: File > "
            "Export To > CSV."
        ),
    ),
    "hidden rows of a text": (
        "key,name\n",
        "--hidden-rows skip",
        "--hidden-rows is for workbooks; 'x' is a text file.",
    ),
    "no such sheet": (BOOK, "--sheet New", "'x' has no sheet 'New'; it has 'Staff', 'Old'."),
    "sheet of a text": (
        "key,name\n",
        "--sheet Old",
        "--sheet is for workbooks; 'x' is a text file.",
    ),
    "encoding of a workbook": (
        BOOK,
        "--encoding cp1252",
        "--encoding is for text files; 'x' is an Excel workbook.",
    ),
    "zip": (
        zipped({"word/document.xml": ""}),
        "",
        "'x' is a zip archive, not a table. Extract the table first.",
    ),
    "PDF": ("%PDF-1.7\n", "", "'x' is a PDF document, not a table. Export the table as CSV."),
    "gzip": (
        b"\x1f\x8b\x08",
        "",
        "'x' is a gzip file, not a table. Extract it first: gunzip -c FILE.gz > FILE.",
    ),
    "binary": (bytes(range(1, 7)) + bytes(2), "", "'x' is not a text file."),
    "one bad character": (
        "key,name\nu1,Ä\nu2,ö\nu3,".encode() + b"\xe4\n",
        "",
        "Line 4 of 'x' is not valid UTF-8, although the rest is. Correct that line.",
    ),
    "no known encoding": (
        b"key,name\nu1," + bytes(range(128, 256)) + b"\n",
        "",
        "'x' is not UTF-8 (line 2). Save it as UTF-8, or use --encoding NAME.",
    ),
    "another encoding": (
        "key,name\nu1,Jürgen\nu2,Käthe\n".encode("cp850"),
        "--encoding cp1252",
        (
            "Line 2 of 'x' is not valid cp1252. Line 3 reads 'u2,Käthe' with --encoding cp850, "
            "'u2,Kãthe' with --encoding cp860, 'u2,KÑthe' with --encoding mac-roman. Use the one "
            "that is right, or save the file as UTF-8."
        ),
    ),
    "escape sequences": (
        "key,name\nu1,A\nu2,山田\n".encode("iso-2022-jp"),
        "",
        (
            "'x' has escape sequences. Line 3 reads 'u2,山田' with --encoding iso-2022-jp. Use "
            "that if it is right, or save the file as UTF-8. To read it as it is, use "
            "--encoding utf-8."
        ),
    ),
    "another encoding of UTF-8": (
        "key,name\nu1,\u0141\u0142\u0181\n",
        "--encoding cp1252",
        (
            "Line 2 of 'x' is not valid cp1252. Line 2 reads 'u1,\u0141\u0142\u0181' with "
            "--encoding utf-8. Use that if it is right, or save the file as UTF-8."
        ),
    ),
    "another encoding of UTF-16": (
        "key,name\nu1,A\n".encode("utf-16-le"),
        "--encoding cp1252",
        "'x' is utf-16-le. Leave out --encoding, or use --encoding utf-16-le.",
    ),
    "cut in the middle": (
        "key,name\r\nu1,A\r\n".encode("utf-16")[:-1],
        "",
        "Line 2 of 'x' is not valid utf-16-le (line 2). Save it as UTF-8, or use --encoding NAME.",
    ),
    "encoding that does not exist": (
        "key,name\n",
        "--encoding cp12520",
        "--encoding: there is no encoding 'cp12520'. Use cp1252, for example.",
    ),
    "encoding of no text": (
        "key,name\n",
        "--encoding base64",
        "--encoding: there is no encoding 'base64'. Use cp1252, for example.",
    ),
    "title": (
        "Patients in March;;\nkey;name;\nu1;A;\n",
        "",
        "The columns are named in line 2. Use --skip-lines 1 to skip what is above it.",
    ),
    "title with another delimiter": (
        "Patients, March\n\nBirthday;Key;NAME\n1.1.70;u1;A\n",
        "",
        "The columns are named in line 3. Use --skip-lines 2 to skip what is above it.",
    ),
    "two names": (
        "key,name,nom\nu,A,B\n",
        "--map name=nom",
        (
            "'name' would be read from two columns, 'name' and 'nom'. Use --ignore-columns name to "
            "leave that one out."
        ),
    ),
    "the same column twice": (
        "key,name,Name\nu,A,B\n",
        "",
        "The column 'Name' appears twice. Remove one of them.",
    ),
    "a column and an option": (
        "key,name,Hub\nu,A,section9\n",
        "--hub section9",
        (
            "'Hub' is a column, and --hub sets it for every row. Leave out the option, or "
            "use --ignore-columns Hub."
        ),
    ),
    "map of no column": (
        "key,nom\nu,A\n",
        "--map name=nox",
        "--map name=nox: the file has no column 'nox'; it has 'key', 'nom'.",
    ),
    "map of no name in JSON": (
        '{"key": "u", "name": "A"}\n',
        "--map hub=ward",
        "--map hub=ward: no row has 'ward'.",
    ),
    "map to nothing": (
        "key,nom\nu,A\n",
        "--map nom=nom",
        "--map: this command has no column 'nom'; it has key, name, hub.",
    ),
    "map twice": (
        "key,nom\nu,A\n",
        "--map name=nom --map Name=key",
        "--map can be used only once for a column of the command.",
    ),
    "map of nothing": (
        "key,nom\nu,A\n",
        "--map name",
        "Invalid value for '--map': 'name' is not NAME=COLUMN, such as name=Patientenname.",
    ),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_what_does_not_get_in_is_refused_in_a_line(shell: Shell, kind: str) -> None:
    content, options, error = REFUSED[kind]
    (shell.home / "x").write_bytes(content if isinstance(content, bytes) else content.encode())
    with FaultyServer() as server:
        ran = shell.configured(server).run(*CREATE, "--from", "x", *options.split())
        assert server.attempts == []
    assert ran.code == 2
    (line,) = ran.err.splitlines()
    said = line.removesuffix(" See 'kabelwerk users create --help'.")
    assert said.removesuffix(" Nothing was sent.") == f"Error: {error}"
    assert not JARGON.search(error)


def test_a_workbook_from_a_pipe_and_one_of_its_sheets(shell: Shell) -> None:
    with FaultyServer() as server:
        run = shell.configured(server).run
        ran = run(*CREATE, "--from", "-", "--sheet", "Old", "--journal", "j", stdin=BOOK)
        assert ran.code == 0
        assert server.model.users["u1"].name == "A"


def test_a_workbook_that_changes_before_it_is_sent(shell: Shell) -> None:
    path = shell.home / "gone.xlsx"
    path.write_bytes(xlsx(A=[["key"], ["kusanagi"], ["batou"]]))
    with FaultyServer() as server:
        there = shell.configured(server)
        with Terminal(there, "users", "delete", "--from", path.name, "--concurrency", "1") as asked:
            asked.wait_for("Type 2 to continue: ")
            path.write_bytes(xlsx(A=[["key"], ["kusanagi"], ["kusanagi"]]))
            asked.type("2\n")
            assert asked.end() == 2
        assert "'gone.xlsx' is being written" in asked.screen
        assert "Nothing was sent." in asked.screen
        assert {"batou", "kusanagi"} <= set(server.model.users)


KEY = "Key: must not be '.' or '..'."
REJECTS = {
    "cp1252": (
        "sep=;\r\nKey;Name;Error\r\n..;Jürgen;old\r\nu1;Ä;\r\n".encode("cp1252"),
        ("--encoding", "cp1252"),
        f"Key;Name;error\n..;Jürgen;{KEY}\n".encode("cp1252"),
    ),
    "utf-16": (
        "key\tname\n..\tß\nu1\tÄ\n".encode("utf-16"),
        (),
        f"key\tname\terror\n..\tß\t{KEY}\n".encode("utf-16"),
    ),
    "workbook": (
        xlsx(A=[["key", "name"], ["..", DAY], ["u1", "Ä"]]),
        (),
        f"\ufeffkey,name,error\n..,2026-03-01,{KEY}\n".encode(),
    ),
    "json": (
        '{"Key": "..", "name": "ß", "Error": "old"}\n{"key": "u1", "name": "Ä"}\n'.encode("utf-16"),
        (),
        '{"Key": "..", "name": "\\u00df", "error": "KEY"}\n'.replace("KEY", KEY).encode("utf-16"),
    ),
}


@pytest.mark.parametrize("kind", REJECTS)
def test_rejects_have_the_format_of_the_input(shell: Shell, kind: str) -> None:
    content, options, rejects = REJECTS[kind]
    (shell.home / "x").write_bytes(content)
    command = (*CREATE, *options, "--skip-invalid")
    with FaultyServer() as server:
        run = shell.configured(server).run
        assert run(*command, "--from", "x", "--rejects", "r").code == 0
        assert server.model.users["u1"].name == "Ä"
        assert (shell.home / "r").read_bytes() == rejects
        ran = run(*CREATE, *options, "--from", "r")
    assert ran.code == 2
    assert "key: must not be '.' or '..'." in ran.err


def test_lines_are_those_of_the_file(shell: Shell) -> None:
    files = {
        "sep.csv": b"sep=;\r\n\r\nkey;name\r\nu1;A\r\n;;\r\n..;B\r\n",
        "rows.xlsx": xlsx(
            A=[[], [None, "key", "name"], [], [], [None, "u1", "A"], [None, "..", "B"]]
        ),
    }
    for name, content in files.items():
        (shell.home / name).write_bytes(content)
        ran = shell.configured("http://127.0.0.1:9").run(*CREATE, "--from", name)
        assert ran.code == 2
        assert ran.err.startswith("Line 6 (row 2): key: must not be '.'"), ran.err


def test_notes_on_keys_are_json_where_all_notes_are(shell: Shell) -> None:
    (shell.home / "x").write_text("key,name\n01,Z\n9,A\n9,B\n")
    with FaultyServer() as server:
        run = shell.configured(server).run
        ran = run("users", "ensure", "--from", "x", "-o", "jsonl")
        notes = [json.loads(line) for line in ran.err.splitlines()]
        assert [list(note) for note in notes[:2]] == [["note"], ["note"]]
        assert "lost leading zeros" in notes[0]["note"]
        assert "(lines 3 and 4)" in notes[1]["note"]
        assert "lost leading zeros" in run("users", "ensure", "--from", "x", "-q").err


def test_several_messages_to_a_room_are_no_surprise(shell: Shell) -> None:
    (shell.home / "x").write_text("room,text\nkusanagi,a\nkusanagi,b\n")
    with FaultyServer() as server:
        ran = shell.configured(server).run(
            "messages", "post", "--yes", "--user", "batou", "--from", "x", "-o", "jsonl"
        )
    assert (ran.code, "more than once" in ran.err) == (0, False)


def test_a_room_in_two_hubs_is_two_rooms(shell: Shell) -> None:
    rows = "hub,room,archived\nsection9,r1,yes\nward,r1,no\nward,r2,yes\nward,r2,no\n"
    (shell.home / "x").write_text(rows)
    ran = shell.configured("http://127.0.0.1:9").run("rooms", "update", "--from", "x", "--dry-run")
    assert ran.err.startswith(
        "Warning: 1 key appears more than once with different values, first 'r2' (lines 4 and 5)."
    )
