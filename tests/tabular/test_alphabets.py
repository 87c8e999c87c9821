"""Ranking the encodings that a list of names may have."""

# ruff: noqa: RUF001 - the letters are meant to be those of other alphabets

import pytest

from kabelwerk_cli.tabular.alphabets import likely_encodings
from tests.tabular.name_lists import LOCALES, OWN, ranks

TEXTS = {
    "cp1252": (
        "u1;Jürgen",
        "Schlüssel;name",
        "u1;GROß;MÜLLER",
        "u1;André",
        "u1;Íñigo Muñoz",
        "u1;Åsa Öberg\nu2;Søren Kjær",
        "u1;Jürgen Lefèvre\nu2;Zoë Muñoz\nu3;Björn Åkesson",
        "u1;Sie zahlen „nur“ 5 € für die Prüfung",
        "u1;Guðrún Jónsdóttir",
        "u1;costs £5",
    ),
    "cp1250": ("u1;Łukasz Żółć", "u1;Jiří Dvořák", "u1;Božena Němcová"),
    "iso-8859-2": ("u1;Łukasz Żółć\nu2;Grażyna Wiśniewska",),
    "cp850": (
        "u1;Jürgen",
        "u1;Ökonom Übel ÄRZTE",
        "u1;Hélène Lefèvre\nu2;François Côté",
        "u1;Matti Hämäläinen",
    ),
    "mac-roman": ("u1;Jürgen Müller\nu2;Käthe Weiß", "u1;Hélène Lefèvre\nu2;François Côté"),
    "cp1251": ("u1;Иван Петров\nu2;Мария Сидорова",),
    "koi8-r": ("u1;Иван Петров\nu2;Мария Сидорова",),
    "iso-8859-5": ("u1;Иван Петров\nu2;Мария Сидорова",),
    "cp1253": ("u1;Γιώργος Παπαδόπουλος",),
    "cp1254": ("u1;Çağrı Şahin\nu2;İbrahim Yıldız",),
    "cp1255": ("u1;יוסי כהן\nu2;משה לוי",),
    "cp1256": ("u1;محمد علي\nu2;فاطمة حسن",),
    "cp932": ("u1;山田 太郎\nu2;佐藤 花子",),
    "gb18030": ("u1;王小明\nu2;张伟\nu3;李娜",),
}


@pytest.mark.parametrize("encoding", TEXTS)
def test_the_most_likely_encoding_is_that_of_the_text(encoding: str) -> None:
    for text in TEXTS[encoding]:
        sample = f"key;name\r\n{text}\r\n".encode(encoding)
        first, *_ = likely_encodings(sample)
        assert sample.decode(first) == sample.decode(encoding), text


def test_nothing_is_likely_of_what_is_no_text() -> None:
    assert likely_encodings(bytes(range(1, 256))) == []


def test_a_long_text_is_ranked_by_its_start() -> None:
    assert likely_encodings("u1;Иван Петров\n".encode("cp1251") * 2000)[0] == "cp1251"


def test_the_right_encoding_is_among_those_shown() -> None:
    """More lists are made by `python -m tests.tabular.name_lists`."""
    assert len({locale[:2] for locale in LOCALES | OWN}) >= 40
    found = [rank for _, rank in ranks(1, seed=1)]
    assert sum(rank is not None for rank in found) >= 0.95 * len(found)
    assert sum(rank == 0 for rank in found) >= 0.75 * len(found)
