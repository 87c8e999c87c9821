"""Decides whether two keys look alike to a person, or after a spreadsheet has had them.

This is the only place that knows: the checks of a file, its warnings and the sync ask it.

Keys are compared by their forms. The first form of a key leaves out everything that a person cannot
see and a spreadsheet changes: letter case, the Unicode normal form, invisible characters, blanks,
the kinds of dashes and quotation marks, letters of other alphabets that look the same, and around
numbers leading zeros, a plus and a trailing `.0`. A spreadsheet also rounds long
numbers, as in `4,91701E+11`: that key looks like every number that is rounded to it, so each number
has one more form for each number of digits that is asked for.
"""

import re
import unicodedata
from collections.abc import Collection, Iterator
from decimal import ROUND_HALF_EVEN, ROUND_HALF_UP, Context, Decimal

_FORMULA = re.compile(r'="(.*)"', re.DOTALL)
_WHOLE = re.compile(r"\+?0*([0-9]+)(?:[.,]0*)?")
_SCIENTIFIC = re.compile(r"\+?0*([0-9]+)(?:[.,]([0-9]*))?e([+-]?)([0-9]{1,3})")
_ROUNDED = re.compile(r"[0-9]+(?:[.,][0-9]+)?[Ee]\+[0-9]+|[0-9][.,][0-9]+[Ee][0-9]+")
_LONGEST_POWER = 400
"""The highest power of ten that is written out: a spreadsheet knows none above 308."""
# what Unicode calls ignorable and does not count among the format characters: fillers, joiners and
# variation selectors
_IGNORABLE = frozenset(
    map(chr, (0x34F, 0x115F, 0x1160, 0x17B4, 0x17B5, 0x3164, 0xFFA0, *range(0x180B, 0x1810)))
) | frozenset(map(chr, (*range(0xFE00, 0xFE10), *range(0xE0100, 0xE01F0))))

_TWINS = (
    # in lower case; of the Greek letters, the capitals look the same
    str.maketrans("авекмнорстухіјѕԁһӏԛԝ", "abekmhopctyxijsdhlqw")
    | str.maketrans("αβεζηικμνορτυχ", "abezhikmnoptyx")
    # what programs that write text make of a hyphen and of quotation marks
    | dict.fromkeys(map(ord, "‐‒–—―−"), "-")  # noqa: RUF001
    | dict.fromkeys(map(ord, "‘’‚‛′ʼ"), "'")  # noqa: RUF001
    | dict.fromkeys(map(ord, "“”„‟«»"), '"')
)
"""Characters that look like one of ASCII."""


def forms(key: str, digits: Collection[int] = ()) -> Iterator[str]:
    """Yield the forms of a key: two keys look alike if they have one in common.

    Args:
        key: the key.
        digits: to how many digits numbers are rounded among the keys that it is compared with.
    """
    plain = _plain(key)
    number = _number(plain)
    if number is None:
        yield plain
        return
    yield str(number)
    own = digits_kept(key)
    for count in {*digits, own} if own else digits:
        yield from {f"{count} digits: {rounded}" for rounded in _rounded(number, count)}


def digits_kept(key: str) -> int:
    """Return the number of digits that a spreadsheet has kept of a number; 0 for other keys."""
    found = _SCIENTIFIC.fullmatch(_plain(key))
    return len((found[1] + (found[2] or "")).lstrip("0")) if found else 0


def is_rounded(key: str) -> bool:
    """Tell whether a key looks like a number that a spreadsheet has rounded.

    It is `4,91701E+11` there, and `4.91701E11` in what programs in Java export.
    """
    return _ROUNDED.fullmatch(key) is not None


def may_be_rounded(column: str) -> str:
    """Return a condition in SQL that is true for every key that `is_rounded`, and few others."""
    return f"({column} GLOB '[0-9]*[Ee]+[0-9]*' OR {column} GLOB '[0-9][.,]*[Ee][0-9]*')"


def _plain(key: str) -> str:
    """Return a key without what a person cannot see in it."""
    if not key.isascii():
        key = unicodedata.normalize("NFKD", key).upper()
        key = "".join(character for character in key if not _is_invisible(character))
        key = unicodedata.normalize("NFKC", key)
    key = "".join(key.casefold().split())
    if not key.isascii():
        key = key.translate(_TWINS)
    if found := _FORMULA.fullmatch(key):
        key = found[1]
    return key.removeprefix("'")


def _is_invisible(character: str) -> bool:
    return unicodedata.category(character) == "Cf" or character in _IGNORABLE


def _number(plain: str) -> int | None:
    """Return the whole number that a spreadsheet takes a key for; None if it is another key."""
    if found := _WHOLE.fullmatch(plain):
        return int(found[1]) if len(found[1]) <= _LONGEST_POWER else None
    found = _SCIENTIFIC.fullmatch(plain)
    if not found:
        return None
    whole, part, sign, power = found.groups(default="")
    exponent = int(f"{sign}{power}") - len(part)
    if abs(exponent) > _LONGEST_POWER or len(whole + part) > _LONGEST_POWER:
        return None
    scaled = Decimal(whole + part).scaleb(exponent, Context(prec=2 * _LONGEST_POWER))
    return int(scaled) if scaled == scaled.to_integral_value() else None


def _rounded(number: int, digits: int) -> Iterator[Decimal]:
    """Yield a number rounded to some digits, as programs do it that round a half up, or to even."""
    for rounding in (ROUND_HALF_UP, ROUND_HALF_EVEN):
        context = Context(prec=digits, rounding=rounding)
        yield context.create_decimal(number).normalize(context)
