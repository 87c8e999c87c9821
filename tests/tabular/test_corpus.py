"""Workbooks of openpyxl, LibreOffice and by hand: each is read as it is meant, or told in a line.

`make_corpus.py` wrote those of openpyxl and LibreOffice.
"""

# ruff: noqa: E501 - XML is easier to read unbroken

import io
import json
import subprocess
import sys
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest

from kabelwerk_cli.errors import BadFile
from kabelwerk_cli.tabular.file import RowFile
from kabelwerk_cli.workbooks.archive import MEMBER_LIMIT
from kabelwerk_cli.workbooks.cells import Cell

from .make_corpus import CORPUS
from .workbooks import MAIN, ODS, ODS_NAMES, Written, ods, xlsx, zipped

LONG = ("long:1.23456789012346E+15", "A")
DATES = [
    ("u0", "date:2026-03-01"),
    ("u1", "date:2026-03-01T09:30:00"),
    ("u2", "date:09:30:00"),
    ("u3", "date:36:00:00"),
    ("u4", "truth:true"),
    ("u5", "12.5"),
    ("u6", "50%"),
]
CALCULATED = [
    ("u1", "A"),
    ("error:#N/A", "error:#DIV/0!"),
    ("u3", "error:#N/A"),
    ("u4", ""),
    ("2", "error:#NAME?"),
]
UNKNOWN = ("unknown:", "unknown:")
AB = [("u1", "A"), ("u2", "B")]
MEANT: dict[str, list[tuple[str, ...]] | str] = {
    "plain": [("u1", "Jürgen Groß"), ("4711", "李小龍 🦊"), ("u3", " x\ny\tz ")],
    # LibreOffice drops the tab
    "libreoffice-plain.ods": [("u1", "Jürgen Groß"), ("4711", "李小龍 🦊"), ("u3", " x\nyz ")],
    "libreoffice-plain.fods": "is an HTML or XML page",
    "libreoffice-plain.xls": "is an old Excel workbook",
    "zeros": [("00123", "00000"), ("004", "000"), ("1234567", "00000"), ("000-012", "000\\-000")],
    "formulas": CALCULATED,
    "openpyxl-formulas.xlsx": [UNKNOWN, UNKNOWN, ("u3", "unknown:"), ("u4", "unknown:"), UNKNOWN],
    "dates": DATES,
    # an .ods has a date's time whether it is shown or not
    "libreoffice-dates.ods": [("u0", "date:2026-03-01T09:30:00"), *DATES[1:]],
    "long_numbers": [
        ("491701234567", "A"),
        ("123456789012345", "A"),
        LONG,
        ("0.1", "A"),
        ("-5", "A"),
    ],
    "merged": [("u1", "A", "3"), ("u2", "B", "covered:"), ("u3", "covered:", "4")],
    "hidden": "has a hidden row (3)",
    "decorated": AB,
    "far_away": [("u1", "A"), "cell Sheet!XFD1048576 is in no column of the header"],
    "indented": AB,
    "sheets": AB[:1],
    "openpyxl-charts.xlsx": AB,
    # LibreOffice makes a sheet with a picture of the sheet that is a chart
    "charts": "Sheet 'Picture' of 'x' is empty. Its first row must name the columns. To read another sheet,",
}


def read(path: Path, **options: str) -> list[tuple[str, ...] | str] | str:
    """Return the cells of a file's rows, each with its kind, or what is wrong with it."""
    try:
        with RowFile(str(path), **options) as file:
            return [
                raw.problem
                or tuple(f"{c.kind}:{c.text}" if isinstance(c, Cell) else c for c in raw.cells)
                for raw in file
            ]
    except BadFile as error:
        return str(error).replace(str(path), "x")


@pytest.mark.parametrize("name", sorted(path.name for path in CORPUS.iterdir()))
def test_a_workbook_of_a_program_is_read_as_it_is_meant(name: str) -> None:
    kind = name.partition("-")[2].partition(".")[0]
    if kind == "wide":
        assert read(CORPUS / name) == [("u1", "A", *map(str, range(200)))]
        return
    meant, found = MEANT.get(name, MEANT.get(kind)), read(CORPUS / name)
    if isinstance(meant, str):
        assert isinstance(found, str)
        assert meant in found
    else:
        assert found == meant


TABLE = [["key", "name"], ["u1", "A"]]
PLAIN = xlsx(S=TABLE)
DAMAGED = "'x' is damaged. Open it in a spreadsheet program and save it again."
SHEET = "xl/worksheets/sheet0.xml"


def changed(content: bytes, **replaced: str) -> bytes:
    """Return a workbook with parts replaced; `sheet` is its first sheet, `book` the list of them."""
    names = {"sheet": SHEET, "book": "xl/workbook.xml", "rels": "xl/_rels/workbook.xml.rels"}
    new = {names.get(name, name): text for name, text in replaced.items()}
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = {name: archive.read(name).decode() for name in archive.namelist()}
    return zipped({name: text for name, text in (members | new).items() if text != "-"})


def renamed(content: bytes, rename: Callable[[str], str]) -> bytes:
    """Return an archive whose members have other names."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        members = {rename(name): archive.read(name).decode() for name in archive.namelist()}
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in members.items():
            info = zipfile.ZipInfo("x")
            info.filename = name
            archive.writestr(info, text)
    return made.getvalue()


def sheet(rows: str, after: str = "", head: str = "") -> bytes:
    """Return a workbook with a sheet of these rows below the header."""
    header = '<row r="1"><c t="str"><v>key</v></c><c t="str"><v>name</v></c></row>'
    data = f"<sheetData>{header}{rows}</sheetData>"
    return changed(PLAIN, sheet=f'{head}<worksheet xmlns="{MAIN}">{data}{after}</worksheet>')


def spreadsheet(rows: str, head: str = "") -> bytes:
    """Return an OpenDocument spreadsheet with a sheet of these rows below the header."""
    header = "".join(
        f"<table:table-cell><text:p>{name}</text:p></table:table-cell>" for name in ("key", "name")
    )
    header = header.replace("cell>", 'cell office:value-type="string">', 1).replace(
        "</table:table-cell><table:table-cell>",
        '</table:table-cell><table:table-cell office:value-type="string">',
    )
    table = f'<table:table table:name="S"><table:table-row>{header}</table:table-row>{rows}</table:table>'
    return zipped(
        {
            "mimetype": ODS,
            "content.xml": f"{head}<office:document-content {ODS_NAMES}><office:body>"
            f"<office:spreadsheet>{table}</office:spreadsheet></office:body>"
            "</office:document-content>",
        }
    )


def patched(content: bytes) -> bytes:
    """Return an archive whose table of contents says that a member is huge."""
    at = content.rindex(b"PK\x01\x02", 0, content.rindex(SHEET.encode()))
    size = (MEMBER_LIMIT + 1).to_bytes(4, "little")
    return content[: at + 24] + size + content[at + 28 :]


def text_cell(text: str) -> str:
    return f'<c t="str"><v>{text}</v></c>'


def row(*texts: str, attributes: str = "") -> str:
    return f"<row {attributes}>{''.join(map(text_cell, texts))}</row>"


TEXT = '<table:table-cell office:value-type="string"><text:p>{}</text:p></table:table-cell>'
U1, A = TEXT.format("u1"), TEXT.format("A")
BOMB = (
    '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa">'
    + "".join(
        f'<!ENTITY {b} "{f"&{a};" * 10}">' for a, b in zip("abcdefgh", "bcdefghi", strict=True)
    )
    + "]>"
)
BY_HAND: dict[str, tuple[bytes, object]] = {
    "as it should be": (PLAIN, AB[:1]),
    "backslashes": (renamed(PLAIN, lambda name: name.replace("/", "\\")), AB[:1]),
    "capitals": (renamed(PLAIN, str.upper), AB[:1]),
    "slashes in front": (renamed(PLAIN, lambda name: f"/{name}"), AB[:1]),
    "absolute targets": (
        changed(
            PLAIN,
            rels=(
                '<Relationships><Relationship Id="r0" Type="a/worksheet" '
                f'Target="/{SHEET}"/></Relationships>'
            ),
        ),
        AB[:1],
    ),
    "prefixed names": (
        changed(
            PLAIN,
            sheet=(
                f'<x:worksheet xmlns:x="{MAIN}"><x:sheetData><x:row><x:c t="str"><x:v>key</x:v></x:c>'
                "</x:row><x:row><x:c><x:v>7</x:v></x:c></x:row></x:sheetData></x:worksheet>"
            ),
        ),
        [("7",)],
    ),
    "no references": (sheet(row("u1", "A")), AB[:1]),
    "gaps": (sheet('<row r="9"><c r="B9"><v>1</v></c></row>'), [("", "1")]),
    "rich text": (
        sheet(
            '<row><c t="inlineStr"><is><r><t>u</t></r><r><t>1</t></r><rPh><t>x</t></rPh></is></c>'
            '<c t="inlineStr"><is><t>A</t></is></c></row>'
        ),
        AB[:1],
    ),
    "escaped characters": (
        sheet(row("u_x000D_1", "_x005F_x_xD83E__xDD8A_")),
        [("u\r1", "_x\ud83e\udd8a")],
    ),
    "a style that is not there": (sheet('<row><c s="99"><v>7</v></c></row>'), [("7", "")]),
    "days from 1904": (
        changed(
            xlsx(S=[["key", "name"], ["u1", Written('<c r="{place}" s="1"><v>0</v></c>')]]),
            book=(
                f'<workbook xmlns="{MAIN}" xmlns:r="r"><workbookPr date1904="1"/><sheets>'
                '<sheet name="S" r:id="r0"/></sheets></workbook>'
            ),
        ),
        [("u1", "date:1904-01-01")],
    ),
    "a date before all": (
        xlsx(S=[["key", "name"], ["u1", Written('<c r="{place}" s="1"><v>-1</v></c>')]]),
        [("u1", "error:########")],
    ),
    "formulas that the program that wrote them left to others": (
        changed(
            xlsx(
                S=[["key", "name"], [Written('<c r="{place}"><f>"u"&amp;1</f><v>0</v></c>'), "A"]]
            ),
            book=(
                f'<workbook xmlns="{MAIN}" xmlns:r="r"><sheets><sheet name="S" r:id="r0"/></sheets>'
                '<calcPr calcId="124519" fullCalcOnLoad="1"/></workbook>'
            ),
        ),
        [("unknown:", "A")],
    ),
    "strict names": (
        changed(
            PLAIN,
            sheet=(
                '<worksheet xmlns="http://purl.oclc.org/ooxml/spreadsheetml/main"><sheetData>'
                '<row r="1"><c r="A1" t="str"><v>key</v></c><c r="B1" t="str"><v>name</v></c></row>'
                '<row r="2"><c r="A2" t="e"><v>#N/A</v></c><c r="B2" t="d"><v>2026-03-01T00:00:00.000</v></c>'
                '</row><row r="3"><c r="A3" t="b"><v>1</v></c><c r="B3" t="d"><v>2026-03-01T09:30:00Z</v></c></row>'
                "</sheetData></worksheet>"
            ),
            rels=(
                '<Relationships><Relationship Id="r0" Target="worksheets/sheet0.xml" Type="'
                'http://purl.oclc.org/ooxml/officeDocument/relationships/worksheet"/></Relationships>'
            ),
        ),
        [("error:#N/A", "date:2026-03-01"), ("truth:true", "date:2026-03-01T09:30:00")],
    ),
    "a row of zero height": (sheet(row("u1", "A", attributes='ht="0"')), "has a hidden row (2)"),
    "merged as a whole": (
        sheet(row("u1", "A"), '<mergeCells><mergeCell ref="A2:XFD1048576"/></mergeCells>'),
        [("u1", "covered:A")],
    ),
    "a macro sheet": (
        changed(
            xlsx(Macro=[["x"]], S=TABLE),
            rels=(
                '<Relationships><Relationship Id="r0" Type="x/xlMacrosheet" Target="macrosheets/s.xml"/>'
                '<Relationship Id="r1" Type="x/worksheet" Target="worksheets/sheet1.xml"/></Relationships>'
            ),
        ),
        AB[:1],
    ),
    "only a chart": (
        changed(
            PLAIN,
            rels='<Relationships><Relationship Id="r0" Type="x/chartsheet" Target="c.xml"/></Relationships>',
        ),
        "'x' has no visible sheet with cells.",
    ),
    "no sheets": (
        changed(PLAIN, book=f'<workbook xmlns="{MAIN}"><sheets/></workbook>'),
        "no visible sheet",
    ),
    "a part that is not there": (changed(PLAIN, **{SHEET: "-"}), "no visible sheet"),
    "no relations": (changed(PLAIN, rels="-"), DAMAGED),
    "cut": (PLAIN[: len(PLAIN) // 2], DAMAGED),
    "cut at the end": (PLAIN[:-5], DAMAGED),
    "no members": (zipped({}), "is not a text file"),
    "a sheet that is cut": (changed(PLAIN, sheet="<worksheet><sheetData><row>"), DAMAGED),
    "a shared text that is not there": (sheet('<row><c t="s"><v>9</v></c></row>'), DAMAGED),
    "a shared text of no number": (sheet('<row><c t="s"><v>-1</v></c></row>'), DAMAGED),
    "a number that is none": (sheet("<row><c><v>x</v></c></row>"), DAMAGED),
    "an unknown type": (sheet('<row><c t="z"><v>x</v></c></row>'), DAMAGED),
    "rows out of order": (sheet('<row r="9"/><row r="3"/>'), DAMAGED),
    "cells out of order": (sheet('<row><c r="B2"/><c r="A2"/></row>'), DAMAGED),
    "a row beyond the end": (sheet('<row r="1048577"/>'), DAMAGED),
    "a column beyond the end": (sheet('<row><c r="XFE2"><v>1</v></c></row>'), DAMAGED),
    "a reference that is none": (sheet('<row><c r="2B"><v>1</v></c></row>'), DAMAGED),
    "a merge that is none": (sheet("", '<mergeCells><mergeCell ref="x"/></mergeCells>'), DAMAGED),
    "a document type": (sheet(row("&i;"), head=BOMB), DAMAGED),
    "deep nesting": (sheet("<a>" * 100_000 + "</a>" * 100_000), DAMAGED),
    "a long tag": (sheet(f'<row x="{"x" * 10_000_000}"/>'), DAMAGED),
    "many names": (sheet("".join(f"<a{n}/>" for n in range(20_000))), DAMAGED),
    "a long cell": (sheet(row("x" * 10_000_000)), DAMAGED),
    "many empty rows": (sheet('<row r="1048000"/>' + "<row/>" * 1000), DAMAGED),
    "a huge member": (patched(PLAIN), "'x' is too large: extracted, it has over 1 GiB."),
    "rows that are repeated": (
        spreadsheet(f'<table:table-row table:number-rows-repeated="2">{U1}{A}</table:table-row>'),
        [*AB[:1], *AB[:1]],
    ),
    "blank rows up to the end": (
        spreadsheet(
            f"<table:table-row>{U1}{A}</table:table-row>"
            '<table:table-row table:number-rows-repeated="1048574"><table:table-cell '
            'table:number-columns-repeated="16384"/></table:table-row>'
        ),
        AB[:1],
    ),
    "rows repeated beyond the end": (
        spreadsheet(
            f'<table:table-row table:number-rows-repeated="99999999">{U1}</table:table-row>'
        ),
        DAMAGED,
    ),
    "cells repeated beyond the end": (
        spreadsheet(
            "<table:table-row>"
            + A.replace(
                "<table:table-cell", '<table:table-cell table:number-columns-repeated="9999999"'
            )
            + "</table:table-row>"
        ),
        DAMAGED,
    ),
    "a comment and spaces": (
        spreadsheet(
            "<table:table-row>"
            + TEXT.format('u<text:s text:c="2"/>1<text:line-break/><text:tab/>x')
            + TEXT.format(
                "A</text:p><office:annotation><text:p>no</text:p></office:annotation><text:p>b"
            )
            + "</table:table-row>"
        ),
        [("u  1\n\tx", "A\nb")],
    ),
    "a reading aid beside a text": (
        spreadsheet(
            f"<table:table-row>{TEXT.format('<text:ruby><text:ruby-base>u1</text:ruby-base><text:ruby-text>x</text:ruby-text></text:ruby>')}{A}</table:table-row>"
        ),
        AB[:1],
    ),
    "a table in a cell": (
        spreadsheet(
            f"<table:table-row>{U1}<table:table-cell office:value-type='string'><text:p>A</text:p>"
            f"<table:table table:name='S'><table:table-row>{U1}</table:table-row></table:table>"
            "</table:table-cell></table:table-row>"
        ),
        AB[:1],
    ),
    "two sheets of the same name": (
        spreadsheet(
            f"<table:table-row>{U1}{A}</table:table-row></table:table><table:table "
            f"table:name='S'><table:table-row>{U1}{A}</table:table-row>"
        ),
        AB[:1],
    ),
    "a number in a format of zeros and dashes": (
        spreadsheet(
            "".join(
                f"<table:table-row>{U1}<table:table-cell office:value-type='float' office:value='{value}'>"
                f"<text:p>{shown}</text:p></table:table-cell></table:table-row>"
                for value, shown in (
                    ("12345", "012-345"),
                    ("123456", "123-456"),
                    ("12345", "12 345"),
                    ("0.5", "1/2"),
                    ("-123", "(123)"),
                )
            )
        ),
        [("u1", text) for text in ("012-345", "123-456", "12345", "0.5", "-123")],
    ),
    "a document type in .ods": (spreadsheet("", head=BOMB), DAMAGED),
    "a time": (
        spreadsheet(
            f'<table:table-row>{U1}<table:table-cell office:value-type="time" '
            'office:time-value="PT09H30M00S"/></table:table-row>'
        ),
        [("u1", "date:09:30:00")],
    ),
    "a date with a time that is zero": (
        spreadsheet(
            f'<table:table-row>{U1}<table:table-cell office:value-type="date" '
            'office:date-value="1850-02-03T00:00:00.000"/></table:table-row>'
        ),
        [("u1", "date:1850-02-03")],
    ),
    "a type that .ods has not": (
        spreadsheet('<table:table-row><table:table-cell office:value-type="z"/></table:table-row>'),
        DAMAGED,
    ),
    "an .ods whose content is not there": (zipped({"mimetype": ODS}), DAMAGED),
    "a protected .ods": (ods(protected=True, A=[["key"]]), "is protected with a password"),
}


@pytest.mark.parametrize("kind", BY_HAND)
def test_a_workbook_made_by_hand_is_read_or_told_in_a_line(kind: str, tmp_path: Path) -> None:
    content, meant = BY_HAND[kind]
    path = tmp_path / "x"
    path.write_bytes(content)
    found = read(path)
    if isinstance(meant, str):
        assert isinstance(found, str)
        assert meant in found
        assert "\n" not in found
    else:
        assert found == meant


def test_there_are_many_of_them() -> None:
    assert len(list(CORPUS.iterdir())) + len(BY_HAND) >= 60


MEASURE = """
import json, re, sys
from pathlib import Path
from kabelwerk_cli.errors import BadFile
from kabelwerk_cli.tabular.file import RowFile
for path in sys.argv[1:]:
    try:
        with RowFile(path) as file:
            rows = sum(1 for _ in file)
    except BadFile:
        rows = None
peak = re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]
print(json.dumps([rows, int(peak)]))
"""


def measured(*paths: Path) -> tuple[int | None, int]:
    """Return how many rows the last file has, and the most memory that reading took, in MiB."""
    command = [sys.executable, "-c", MEASURE, *map(str, paths)]
    ran = subprocess.run(command, capture_output=True, check=True, timeout=300)
    rows, peak = json.loads(ran.stdout)
    return rows, peak // 1024


def test_no_workbook_takes_much_memory(tmp_path: Path) -> None:
    paths = list(CORPUS.iterdir())
    for number, (content, _) in enumerate(BY_HAND.values()):
        paths.append(tmp_path / str(number))
        paths[-1].write_bytes(content)
    assert measured(*paths)[1] < 300


@pytest.mark.parametrize("kind", ["xlsx", "ods"])
def test_a_long_workbook_is_read_in_flat_memory(kind: str, tmp_path: Path) -> None:
    count = 30_000
    if kind == "xlsx":
        rows = "".join(f"{row(f'u{n}', f'Name {n}')}" for n in range(count))
        content = sheet(rows)
    else:
        rows = "".join(
            f"<table:table-row>{TEXT.format(f'u{n}')}{TEXT.format(f'Name {n}')}</table:table-row>"
            for n in range(count)
        )
        content = spreadsheet(rows)
    (tmp_path / "x").write_bytes(content)
    found, peak = measured(tmp_path / "x")
    assert found == count
    assert peak < 30
