"""Guessing an encoding from a handful of letters."""

# ruff: noqa: RUF001 - the letters are meant to be those of other alphabets

import pytest

from kabelwerk_cli.tabular.alphabets import likely_encoding

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
    ),
    "cp1250": ("u1;Łukasz Żółć", "u1;Jiří Dvořák", "u1;Božena Němcová"),
    "iso-8859-2": ("u1;Łukasz Żółć\nu2;Grażyna Wiśniewska",),
    "cp850": ("u1;Jürgen", "u1;Ökonom Übel ÄRZTE", "u1;Hélène Lefèvre\nu2;François Côté"),
    "mac-roman": ("u1;Jürgen Müller\nu2;Käthe Weiß", "u1;Hélène Lefèvre\nu2;François Côté"),
    "cp1251": ("u1;Иван Петров\nu2;Мария Сидорова",),
    "koi8-r": ("u1;Иван Петров\nu2;Мария Сидорова",),
    "cp1253": ("u1;Γιώργος Παπαδόπουλος",),
    "cp1254": ("u1;Çağrı Şahin\nu2;İbrahim Yıldız",),
    "utf-16-le": ("u1;Jürgen",),
    "utf-16-be": ("u1;Jürgen",),
}


@pytest.mark.parametrize("encoding", TEXTS)
def test_the_likely_encoding_is_that_of_the_text(encoding: str) -> None:
    for text in TEXTS[encoding]:
        assert likely_encoding(f"key;name\r\n{text}\r\n".encode(encoding)) == encoding, text


def test_nothing_is_likely_of_what_is_no_text() -> None:
    assert likely_encoding(bytes(range(1, 256))) is None
