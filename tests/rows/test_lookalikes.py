"""Which keys look alike: to a person, or once a spreadsheet has had one of them."""

import contextlib
import itertools
import random
import sqlite3
import unicodedata

import pytest

from kabelwerk_cli.rows.lookalikes import digits_kept, forms, is_rounded, may_be_rounded

ALIKE = {
    "letter case": ("Motoko", "MOTOKO", "motoko"),
    "sharp s": ("straße", "STRASSE", "Strasse"),
    "dotless i": ("ı", "I"),  # noqa: RUF001
    "normal form": ("jürgen", "ju\u0308rgen", "JU\u0308RGEN"),
    "compatibility": ("ﬁn", "fin"),
    "full width": ("１２３", "123"),  # noqa: RUF001
    "Hangul": ("한국", unicodedata.normalize("NFD", "한국")),
    "invisible": ("r1", "r1\u200b", "r\u00ad1", "\ufeffr1", "r1\u2060", "r1\ufe0f", "\u3164r1"),
    "blanks": ("anna lee", " anna lee", "anna  lee ", "anna\u00a0lee", "anna\tlee"),
    "leading zeros": ("00123", "123", "0123"),
    "zero": ("0", "000", "0.0"),
    "a trailing .0": ("123", "123.0", "123,00", "00123.0"),
    "a plus": ("+491701234567", "491701234567"),
    "rounded": ("491701234567", "4.91701E+11", "4,91701E+11", "4,9E+11", "5e+11"),
    "rounded half up": ("125000000000", "1,25E+11", "1,3E+11"),
    "written out": ("12E4", "120000", "1,20E+05"),
    "an apostrophe": ("'00123", "00123", "'123"),
    "dashes": ("ward-3", "ward–3", "ward\u20113", "WARD−3"),  # noqa: RUF001
    "an apostrophe within": ("o'brien", "O’Brien", "OʼBRIEN"),  # noqa: RUF001
    "letters of another alphabet": ("MOTOKO", "МОТОКО", "ΜΟΤΟΚΟ", "motoko", "mоtokо"),  # noqa: RUF001
    "a letter of another alphabet": ("a.b@c.example", "а.b@c.example", "a.b@с.example"),  # noqa: RUF001
    "a formula": ('="00123"', "00123", "123"),
}
DIFFERENT = [
    ("Иванов", "Иванова"),
    ("вера", "вена"),
    ("a-1", "a1"),
    ("r01", "r1"),
    ("123", "124"),
    ("123", "1230"),
    ("1.5", "15"),
    ("491701234567", "4,91702E+11"),
    ("491701234567", "4,91701E+12"),
    ("a.0", "a"),
    ("jürgen", "jurgen"),
    ("anna", "anne"),
    ("-5", "5"),
    ("1e999", "1"),
    ("1e-3", "0"),
]


def look_alike(one: str, other: str) -> bool:
    """Tell whether two keys have a form in common, however much the one of them is rounded."""
    digits = [count for key in (one, other) if (count := digits_kept(key))]
    return not {*forms(one, digits)}.isdisjoint(forms(other, digits))


@pytest.mark.parametrize("keys", ALIKE.values(), ids=ALIKE)
def test_what_looks_alike(keys: tuple[str, ...]) -> None:
    for one, other in itertools.permutations(keys, 2):
        assert look_alike(one, other), (one, other)


@pytest.mark.parametrize(("one", "other"), DIFFERENT)
def test_what_does_not(one: str, other: str) -> None:
    assert not look_alike(one, other)
    assert not look_alike(other, one)


def test_each_damage_to_each_key() -> None:
    choose = random.Random(7)
    for number in range(2000):
        key = choose.choice([letters, digits])(choose)
        for damaged in damages(key):
            assert look_alike(key, damaged), (number, key, damaged)


def letters(choose: random.Random) -> str:
    """A key of letters of several scripts."""
    return "".join(choose.choice("abzßäöéñőžıİæøçş한あжйΣςώ ") for _ in range(8)).strip() or "x"  # noqa: RUF001


def digits(choose: random.Random) -> str:
    """A key of digits, perhaps with zeros in front."""
    return "".join(choose.choice("0123456789") for _ in range(choose.randint(1, 15)))


def damages(key: str) -> list[str]:
    """What happens to keys."""
    found = [key.upper(), key.lower(), f" {key}\u00a0", f"{key[:1]}\u200b{key[1:]}", f"'{key}"]
    found += [unicodedata.normalize(form, key) for form in ("NFC", "NFD", "NFKC", "NFKD")]
    if key.isdigit() and key.isascii():
        found += [key.lstrip("0") or "0", f"{key}.0", f'="{key}"', f"{int(key):.5E}"]
    return found


def test_numbers_that_a_spreadsheet_has_rounded() -> None:
    assert [digits_kept(key) for key in ("4,91701E+11", "5E+11", "0,5E+3", "12", "E+11")] == [
        6,
        1,
        1,
        0,
        0,
    ]
    rounded = ("1,23457E+11", "4.9e+11", "5E+11", "4.91701234567E11", "5.0E11")
    others = ("12E4", "E+11", "a1E+11", "1E+1a", "1E+", "123", "1.2e", "12.3E4x", "1a2e3")
    assert all(map(is_rounded, rounded))
    assert not any(map(is_rounded, others))
    with contextlib.closing(sqlite3.connect("")) as db:
        for key in (*rounded, *others):
            (found,) = db.execute(
                f"SELECT {may_be_rounded('key')} FROM (SELECT ? AS key)", [key]
            ).fetchone()
            assert found >= is_rounded(key)


def test_any_text_has_a_form() -> None:
    for key in ("", "'", '=""', "9" * 5000, "1e999", "0e0", "\ud800", "+", "0" * 5000, "1,e+5"):
        assert list(forms(key, (1, 15)))
