"""Makes the workbooks that LibreOffice and openpyxl write, for `test_corpus.py`.

    .venv/bin/python -m tests.tabular.make_corpus

It needs LibreOffice (Debian: libreoffice-calc-nogui), which is too large for each run of the tests,
so what it wrote is kept in `tests/tabular/corpus`.
"""

import datetime as dt
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import openpyxl
from openpyxl.comments import Comment
from openpyxl.styles import Font
from openpyxl.worksheet.datavalidation import DataValidation
from openpyxl.worksheet.table import Table
from openpyxl.worksheet.worksheet import Worksheet

CORPUS = Path(__file__).with_name("corpus")
FORMATS = ("xlsx", "ods", "fods", "xls")
DAY = dt.datetime(2026, 3, 1, 9, 30)


def plain(sheet: Worksheet) -> None:
    """Text, numbers and blanks."""
    sheet.append(["key", "name"])
    sheet.append(["u1", "Jürgen Groß"])
    sheet.append([4711, "李小龍 🦊"])
    sheet.append([])
    sheet.append(["u3", " x\ny\tz "])


def zeros(sheet: Worksheet) -> None:
    """Numbers in formats of zeros."""
    sheet.append(["key", "name"])
    for number, code in ((123, "00000"), (4, "000"), (1234567, "00000"), (12, "000\\-000")):
        sheet.append([number, code])
        sheet.cell(sheet.max_row, 1).number_format = code


def formulas(sheet: Worksheet) -> None:
    """Formulas and their errors; LibreOffice calculates them, openpyxl stores no value."""
    sheet.append(["key", "name"])
    sheet.append(['="u"&1', '=UPPER("a")'])
    sheet.append(["=NA()", "=1/0"])
    sheet.append(["u3", "=VLOOKUP(9,A1:B2,2,FALSE)"])
    sheet.append(["u4", '=""'])
    sheet.append(["=1+1", "=NOSUCH(1)"])


def dates(sheet: Worksheet) -> None:
    """Dates, times, truth values, currencies and per cent."""
    sheet.append(["key", "name"])
    for number, (value, code) in enumerate(
        (
            (DAY, "DD.MM.YYYY"),
            (DAY, "YYYY-MM-DD HH:MM"),
            (dt.time(9, 30), "HH:MM"),
            (dt.timedelta(hours=36), "[HH]:MM"),
            (True, "General"),
            (12.5, "#,##0.00 [$€-407]"),
            (0.5, "0%"),
        )
    ):
        sheet.append([f"u{number}", value])
        sheet.cell(sheet.max_row, 2).number_format = code


def long_numbers(sheet: Worksheet) -> None:
    """Numbers at the limit of what a spreadsheet keeps."""
    sheet.append(["key", "name"])
    for number in (491701234567, 123456789012345, 1234567890123456, 0.1, -5):
        sheet.append([number, "A"])


def merged(sheet: Worksheet) -> None:
    """A title over two columns, and merged rows."""
    sheet.append(["key", "name", "ward"])
    sheet.append(["u1", "A", 3])
    sheet.append(["u2", "B", None])
    sheet.append(["u3", None, 4])
    sheet.merge_cells("C2:C3")
    sheet.merge_cells("A4:B4")


def hidden(sheet: Worksheet) -> None:
    """A hidden row, and one that a filter hides."""
    for row in (["key", "name"], ["u1", "A"], ["u2", "B"], ["u3", "C"]):
        sheet.append(row)
    sheet.auto_filter.ref = "A1:B4"
    sheet.auto_filter.add_filter_column(1, ["A", "C"])
    sheet.row_dimensions[3].hidden = True


def decorated(sheet: Worksheet) -> None:
    """Comments, links, a table, a list of choices, fonts, frozen panes, wide columns."""
    for row in (["key", "name"], ["u1", "A"], ["u2", "B"]):
        sheet.append(row)
    sheet["A2"].comment = Comment("a comment", "x")
    sheet["B2"].hyperlink = "https://example.org/"
    sheet["B3"].font = Font(bold=True)
    sheet.add_table(Table(displayName="People", ref="A1:B3"))
    choices = DataValidation(type="list", formula1='"A,B"')
    choices.add("B2:B3")
    sheet.add_data_validation(choices)
    sheet.freeze_panes = "A2"
    sheet.column_dimensions["A"].width = 60


def far_away(sheet: Worksheet) -> None:
    """A cell at the very end of the sheet."""
    for row in (["key", "name"], ["u1", "A"]):
        sheet.append(row)
    sheet.cell(1_048_576, 16_384, "x")


def indented(sheet: Worksheet) -> None:
    """A table that begins in another row and column."""
    for number, row in enumerate((["key", "name"], ["u1", "A"], ["u2", "B"])):
        for column, value in enumerate(row):
            sheet.cell(5 + number, 3 + column, value)


def sheets(sheet: Worksheet) -> None:
    """Several sheets: a hidden one, an empty one, and the one that is meant."""
    sheet.append(["key", "name"])
    sheet.append(["old", "A"])
    sheet.sheet_state = "hidden"
    book = sheet.parent
    second = book.create_sheet("Staff")
    second.append(["key", "name"])
    second.append(["u1", "A"])
    book.create_sheet("Blank")
    book.active = 1


def charts(sheet: Worksheet) -> None:
    """A sheet that is a chart."""
    from openpyxl.chart import BarChart, Reference

    for row in (["key", "name"], ["u1", "A"], ["u2", "B"]):
        sheet.append(row)
    chart = BarChart()
    chart.add_data(Reference(sheet, min_col=1, min_row=2, max_row=3))
    sheet.parent.create_chartsheet("Picture", 0).add_chart(chart)


def wide(sheet: Worksheet) -> None:
    """Many columns, and cells that only have a format."""
    sheet.append(["key", "name", *(f"c{number}" for number in range(200))])
    sheet.append(["u1", "A", *range(200)])
    for number in range(3, 300):
        sheet.cell(number, 1).number_format = "00000"


KINDS: tuple[Callable[[Worksheet], None], ...] = (
    plain,
    zeros,
    formulas,
    dates,
    long_numbers,
    merged,
    hidden,
    decorated,
    far_away,
    indented,
    sheets,
    charts,
    wide,
)


def main() -> None:
    """Write the corpus."""
    CORPUS.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as profile:
        for kind in KINDS:
            book = openpyxl.Workbook()
            kind(book.active)
            made = CORPUS / f"openpyxl-{kind.__name__}.xlsx"
            book.save(made)
            for name in FORMATS:
                convert(made, name, profile)


def convert(made: Path, name: str, profile: str) -> None:
    """Let LibreOffice write a workbook in a format."""
    with tempfile.TemporaryDirectory() as folder:
        command = ["soffice", f"-env:UserInstallation=file://{profile}", "--headless"]
        command += ["--convert-to", name, "--outdir", folder, str(made)]
        subprocess.run(command, check=True, capture_output=True, timeout=120)
        (written,) = Path(folder).iterdir()
        target = CORPUS / f"libreoffice-{made.stem.partition('-')[2]}.{name}"
        target.write_bytes(written.read_bytes())


if __name__ == "__main__":
    main()
