"""Cells of workbooks: what a person sees in them, and what has lost its meaning."""

import datetime as dt
import math
import re
from enum import StrEnum
from typing import NamedTuple

KEYS = frozenset({"key", "room", "user", "hub", "hub_user"})
"""The columns that hold keys."""
CELL_LIMIT = 1024 * 1024
"""The longest text of a cell, in characters."""
COLUMNS, ROWS = 16_384, 1_048_576
"""The size of a sheet."""
EXACT = 1e15
"""Spreadsheets keep 15 digits of a number."""
LAST_DAY = 2_958_465
"""The 31st of December 9999, as a number of days."""
A_DAY = 24 * 3600
BUILT_IN = {
    9: "0%",
    10: "0.00%",
    14: "yyyy-mm-dd",
    15: "d-mmm-yy",
    16: "d-mmm",
    17: "mmm-yy",
    18: "h:mm",
    19: "h:mm:ss",
    20: "h:mm",
    21: "h:mm:ss",
    22: "yyyy-mm-dd h:mm",
    45: "mm:ss",
    46: "[h]:mm:ss",
    47: "mm:ss",
    **dict.fromkeys((*range(27, 32), 36, *range(50, 55), 57, 58), "yyyy-mm-dd"),
    **dict.fromkeys((32, 33, 34, 35, 55, 56), "h:mm:ss"),
}
"""Number formats that a file does not spell out; of other numbers, the plain number is used."""
_ERRORS = """
#NULL! #DIV/0! #VALUE! #REF! #NAME? #NUM! #N/A #GETTING_DATA #SPILL! #CALC! #FIELD! #BLOCKED!
#CONNECT! #BUSY! #UNKNOWN! #EXTERNAL! #PYTHON!
#NV #BEZUG! #WERT! #ZAHL! #ÜBERLAUF! #KALK! #FELD! #BLOCKIERT!
#NUL! #VALEUR! #NOM? #NOMBRE! #PROPAGATION! #EPARS! #CALCUL! #CHAMP!
#N/D #¡REF! #¡VALOR! #¿NOMBRE? #¡DIV/0! #¡NULO! #¡NUM! #¡DESBORDAMIENTO! #¡CALC! #NULO! #NOME? #NÚM!
#VALOR! #RIF! #VALORE! #NULLO! #ESPANSIONE! #DESPEJAR!
#N/B #VERW! #WAARDE! #NAAM? #DEEL/0! #LEEG! #GETAL! #OVERLOOP!
#N/D! #ADR! #ARG! #NAZWA? #DZIEL/0! #ZERO! #LICZBA! #ROZLANIE!
#I/T #REFERENCE! #VÆRDI! #NAVN? #DIVISION/0! #VERDI!
#SAKNAS! #REFERENS! #VÄRDEFEL! #NAMN? #SKÄRNING! #OGILTIGT!
#PUUTTUU! #VIITTAUS! #ARVO! #NIMI? #JAKO/0! #TYHJÄ! #LUKU!
#NENÍ_K_DISPOZICI #ODKAZ! #HODNOTA! #NÁZEV? #DĚLENÍ_NULOU! #ČÍSLO!
#HIÁNYZIK #HIV! #ÉRTÉK! #NÉV? #ZÉRÓOSZTÓ! #NULLA! #SZÁM!
#YOK #BAŞV! #DEĞER! #AD? #SAYI/0! #BOŞ! #SAYI!
#Н/Д #ССЫЛКА! #ЗНАЧ! #ИМЯ? #ДЕЛ/0! #ПУСТО! #ЧИСЛО!
"""  # noqa: RUF001 - the letters of other alphabets are intended
ERRORS = frozenset(_ERRORS.split())
"""The errors of spreadsheets in several languages, as an export writes them."""
_NOT_SHOWN = re.compile(r"(Err|Error|Fehler):5\d\d|###+")
"""Errors of LibreOffice that have a number, and what it exports of a column that is too narrow."""
SUSPECT = frozenset("#EF")
"""What an error begins with."""
AFTER_SUSPECT = "G"
"""No error is at or after this, in the order of code points."""


class Kind(StrEnum):
    """Why a cell is more, or less, than its text."""

    DATE = "date"
    TRUTH = "truth"
    LONG = "long"
    """A number of more digits than a spreadsheet keeps."""
    ERROR = "error"
    UNKNOWN = "unknown"
    """A formula without a stored value, or with one that is a placeholder."""
    COVERED = "covered"
    """Under another cell that it is merged with."""


_AS_TEXT = "format the column as text and enter it again"
_LOST = {
    Kind.ERROR: "holds the error %.40s",
    Kind.UNKNOWN: "holds a formula that was not calculated%.0s; open the file in a spreadsheet "
    "program and save it again",
    Kind.COVERED: "is covered by a merged cell%.0s; split the merged cells",
}
_NO_KEY = {
    Kind.DATE: f"holds a date (%.40s), which is not a key; {_AS_TEXT}",
    Kind.TRUTH: f"holds a truth value (%.40s), which is not a key; {_AS_TEXT}",
    Kind.LONG: f"holds a number of more than 15 digits (%.40s), of which spreadsheets keep 15; "
    f"{_AS_TEXT}",
}


class Cell(NamedTuple):
    """A workbook's cell that is not simply the text in it."""

    sheet: str
    """The name of its sheet."""
    column: int
    """0 for the first one."""
    text: str
    """What a person sees in it, as far as that is known."""
    kind: Kind


class SheetPart(NamedTuple):
    """A sheet of a workbook."""

    name: str
    is_visible: bool
    has_cells: bool = True
    """Whether it is no chart, dialog or macro sheet."""
    part: str = ""
    """Where in the archive it is."""


class Merge(NamedTuple):
    """A rectangle of merged cells; rows from 1, columns from 0, both ends included."""

    first_row: int
    last_row: int
    first_column: int
    last_column: int


class SheetRow(NamedTuple):
    """A row of a sheet."""

    number: int
    """1 for the first one."""
    hidden: bool
    cells: list[str | Cell]

    @property
    def is_blank(self) -> bool:
        """Whether a person sees nothing in it; an error is something."""
        first = next(filter(None, self.cells), "")
        return not first or all(not cell or is_only_covered(cell) for cell in self.cells)


class Format(NamedTuple):
    """What a number format makes of a number."""

    zeros: str = ""
    """The digits and other characters of a format of zeros, such as `000-00`."""
    is_date: bool = False
    is_time: bool = False
    is_elapsed: bool = False
    percent: str = ""
    """What follows a percentage: `%`, perhaps after a blank."""


def meaning(cell: object, name: str, line: int) -> object:
    """Return what a column that is used gets from a cell: text, or a JSON value.

    Args:
        cell: the cell.
        name: the command's name of the column.
        line: the cell's row in a sheet, from 1.

    Raises:
        ValueError: the cell has lost its meaning, or is no key.
    """
    if isinstance(cell, Cell):
        problem = _LOST.get(cell.kind) or (_NO_KEY.get(cell.kind) if name in KEYS else None)
        if problem:
            raise ValueError(
                f"cell {place_of(cell.sheet, line, cell.column)} {problem % cell.text}"
            )
        return cell.text
    if isinstance(cell, str) and is_error(cell):
        raise ValueError(f"'{cell}' is an error of a spreadsheet; correct the cell")
    return cell


def is_only_covered(cell: str | Cell) -> bool:
    """Tell whether a cell is empty, and covered by another one that it is merged with."""
    return isinstance(cell, Cell) and cell.kind is Kind.COVERED and not cell.text


def is_error(text: str) -> bool:
    """Tell whether a text is exactly an error of a spreadsheet."""
    return text[:1] in SUSPECT and (text in ERRORS or bool(_NOT_SHOWN.fullmatch(text)))


def place_of(sheet: str, row: int, column: int) -> str:
    """Return the name of a cell, as formulas write it.

    Args:
        sheet: the name of its sheet.
        row: its row, from 1.
        column: its column, from 0.
    """
    letters, left = "", column + 1
    while left:
        left, letter = divmod(left - 1, 26)
        letters = chr(ord("A") + letter) + letters
    quoted = sheet if sheet.isidentifier() else "'{}'".format(sheet.replace("'", "''"))
    return f"{quoted}!{letters}{row}"


def number_text(value: float) -> str:
    """Return a number without a format."""
    return str(int(value)) if value.is_integer() and abs(value) < EXACT else f"{value:.15G}"


def moment_text(value: str) -> str:
    """Return a date, or a date and a time, without parts that are zero."""
    return value.removesuffix("Z").removesuffix(".000").removesuffix("T00:00:00")


def formatted(value: float, form: Format, *, from_1904: bool = False) -> tuple[str, Kind | None]:
    """Return a number as a person sees it, where that does not depend on a language.

    Args:
        value: the number.
        form: its format.
        from_1904: whether days are counted from 1904, as by old versions of Excel for Mac.
    """
    if not math.isfinite(value):
        return "#NUM!", Kind.ERROR
    if form.is_date or form.is_time:
        return _moment(value, form, from_1904=from_1904)
    if form.percent:
        return number_text(value * 100) + form.percent, None
    kind = Kind.LONG if abs(value) >= EXACT else None
    if form.zeros and value >= 0 and value.is_integer() and not kind:
        return _with_zeros(int(value), form.zeros), None
    return number_text(value), kind


def _moment(value: float, form: Format, *, from_1904: bool) -> tuple[str, Kind]:
    seconds = round(value * A_DAY)
    if not 0 <= value <= LAST_DAY:
        return "########", Kind.ERROR  # what spreadsheets show for it
    if form.is_elapsed:
        minutes, second = divmod(seconds, 60)
        return f"{minutes // 60:02}:{minutes % 60:02}:{second:02}", Kind.DATE
    # for Excel, 1900 was a leap year
    before_the_leap_day = value < 60  # noqa: PLR2004
    first = (
        dt.datetime(1904, 1, 1) if from_1904 else dt.datetime(1899, 12, 30 + before_the_leap_day)
    )
    moment = first + dt.timedelta(seconds=seconds)
    if not form.is_date:
        return moment.time().isoformat(), Kind.DATE
    return (moment if form.is_time else moment.date()).isoformat(), Kind.DATE


def _with_zeros(value: int, zeros: str) -> str:
    """Return a number in a format of zeros: its digits take their places from the right."""
    digits = list(str(value).rjust(zeros.count("0"), "0"))
    text = ""
    for character in reversed(zeros):
        text = (digits.pop() if character == "0" else character.replace("\0", "0")) + text
    first = zeros.index("0")
    return text[:first] + "".join(digits) + text[first:]


_OF_DATES = frozenset("dmyhsapegbt")
"""The letters in formats of dates; `Standard`, which is not one, is written by some programs."""
_PERCENT = re.compile(r"[0#?](\s?%)$")
_TOKEN = re.compile(
    r'"(?P<quoted>[^"]*)"|\\(?P<escaped>.)|_.|\*.|\[(?P<bracket>[^\]]*)\]|(?P<char>.)'
)
_COLOR = re.compile(r"(?i)(black|blue|cyan|green|magenta|red|white|yellow|color ?\d+)|\$-[\da-f,]+")


def read_format(code: str) -> Format:
    """Return what a format's code makes of a number that is not negative."""
    kept, zeros, elapsed = "", "", False
    for token in _TOKEN.finditer(code):
        literal, bracket, char = (
            token["quoted"] or token["escaped"],
            token["bracket"],
            token["char"],
        )
        if char == ";":
            break
        if bracket is not None:
            elapsed = elapsed or bracket.lower().strip("hms") == ""
            kept += "" if _COLOR.fullmatch(bracket) else "?"
        elif literal:
            zeros += literal.replace("0", "\0")
        elif char:
            kept += char.lower()
            zeros += char
    if not any(letter in kept for letter in "0#?@") or "general" in kept or elapsed:
        if {char for char in kept if char.isascii() and char.isalpha()} - _OF_DATES:
            return Format()
        is_time = elapsed or "h" in kept or "s" in kept
        is_date = "y" in kept or "d" in kept or ("m" in kept and not is_time)
        if "general" not in kept and (is_date or is_time):
            return Format("", is_date, is_time, elapsed)
    if "%" in kept and (found := _PERCENT.search(zeros)):
        return Format(percent=found[1])
    return Format(zeros) if "0" in kept and not kept.strip("0 -+/():$") else Format()
