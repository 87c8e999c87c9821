"""Lists of names in the usual encodings of over forty languages, to measure how often the right one
is among those that an error shows.

    .venv/bin/python -m tests.tabular.name_lists [LISTS_PER_ENCODING] [SEED]
"""

import functools
import random
import sys
import unicodedata
from collections import Counter
from collections.abc import Iterator
from typing import NamedTuple

import faker

from kabelwerk_cli.tabular.alphabets import likely_encodings

WEST = "cp1252 cp850 mac-roman"
CENTRAL = "cp1250 cp852 iso-8859-2"
LOCALES = {
    "ar_SA": "cp1256 iso-8859-6",
    "az_AZ": "cp1254",
    "bg_BG": "cp1251",
    "cs_CZ": CENTRAL,
    "da_DK": "cp1252 cp850 cp865",
    "de_AT": "cp1252",
    "de_CH": WEST,
    "de_DE": WEST,
    "el_GR": "cp1253 iso-8859-7 cp737",
    "ca_ES": "cp1252",
    "es_ES": WEST,
    "es_MX": "cp1252",
    "et_EE": "cp1257 cp775 iso-8859-15",
    "fa_IR": "cp1256",
    "fi_FI": WEST,
    "fr_CA": "cp1252",
    "fr_FR": f"{WEST} iso-8859-15",
    "ga_IE": "cp1252",
    "he_IL": "cp1255 iso-8859-8 cp862",
    "hr_HR": CENTRAL,
    "hu_HU": CENTRAL,
    "is_IS": "cp1252 cp861",
    "it_IT": WEST,
    "ja_JP": "cp932 euc-jp",
    "ko_KR": "cp949",
    "lt_LT": "cp1257 cp775",
    "lv_LV": "cp1257 cp775",
    "mk_MK": "cp1251",
    "nl_NL": "cp1252",
    "no_NO": "cp1252 cp865",
    "pl_PL": CENTRAL,
    "pt_BR": WEST,
    "pt_PT": "cp1252 cp850",
    "ro_RO": "cp1250 iso-8859-16",
    "ru_RU": "cp1251 koi8-r cp866 iso-8859-5 mac-cyrillic",
    "sk_SK": CENTRAL,
    "sl_SI": CENTRAL,
    "sv_SE": WEST,
    "th_TH": "cp874",
    "tr_TR": "cp1254 iso-8859-9 cp857",
    "uk_UA": "cp1251 koi8-u",
    "vi_VN": "cp1258",
    "zh_CN": "gbk",
    "zh_TW": "big5",
}
OWN = {
    # given and family names of languages that faker does not have, or has without their letters
    "bs": (
        "Adnan Amra Emir Lejla Dženan Džana Željko Šejla Edin Jasmina",
        "Hadžić Delić Begić Šabić Đulić Kovačević Suljić Hodžić Bešić Žunić",
        CENTRAL,
    ),
    "mt": (
        "Ġorġ Ġiovanni Żaren Karmenu Ċensa Marija Ħanna Pawlu Ġużeppi Anna",
        "Borġ Camilleri Vella Farruġia Żammit Galea Abela Ċassar Attard Grech",
        "iso-8859-3",
    ),
    "sq": (
        "Arbër Bekim Besë Dritan Fatmir Këngë Liridonë Përparim Valbonë Zamir",
        "Hoxha Çela Gjoka Krasniqi Përmeti Shkodër Çoba Dervishi Leka Bërxulli",
        "cp1252",
    ),
    "sr": (
        "Ђорђе Јелена Милош Љубица Никола Његош Драган Весна Жарко Снежана",
        "Јовановић Петровић Ђорђевић Станковић Живковић Пантић Чолић Њежић Шарић Цвијић",
        "cp1251 iso-8859-5",
    ),
}
NAMES = 500
SIZES = (6, 8, 12, 20, 40)
CEDILLAS = dict(zip(map(ord, "șțȘȚ"), "şţŞŢ", strict=True))
TONES = "\u0300\u0301\u0303\u0309\u0323"


class NameList(NamedTuple):
    """A file of names."""

    locale: str
    encoding: str
    text: str

    @property
    def content(self) -> bytes:
        """The bytes of the file."""
        return self.text.encode(self.encoding)


def name_lists(per_encoding: int, seed: int) -> Iterator[NameList]:
    """Yield lists with at least one letter beyond ASCII."""
    chosen = random.Random(seed)
    own = {language: encodings for language, (*_, encodings) in OWN.items()}
    for locale, encodings in (LOCALES | own).items():
        for encoding in encodings.split():
            names = [name for name in map(written(encoding), pool(locale)) if name]
            telling = [name for name in names if not name.isascii()]
            for _ in range(per_encoding):
                others = chosen.sample(names, chosen.choice(SIZES) - 1)
                some = [*others, chosen.choice(telling)]
                rows = "".join(f"u{number};{name}\r\n" for number, name in enumerate(some))
                yield NameList(locale, encoding, f"key;name\r\n{rows}")


@functools.cache
def pool(locale: str) -> tuple[str, ...]:
    """Return many names of a locale."""
    if locale in OWN:
        given, family, _ = OWN[locale]
        return tuple(f"{one} {other}" for one in given.split() for other in family.split())
    # what faker calls Spanish of Canada is Catalan
    maker = faker.Faker(locale.replace("ca_ES", "es_CA"))
    maker.seed_instance(7)
    return tuple(maker.name() for _ in range(NAMES))


def written(encoding: str):
    """Return a function that returns a name as it is written in an encoding, None if it cannot."""

    def write(name: str) -> str | None:
        name = unicodedata.normalize("NFC", name)
        if encoding == "cp1250":
            name = name.translate(CEDILLAS)
        if encoding == "cp1258":
            name = "".join(map(vietnamese, name))
        try:
            name.encode(encoding)
        except UnicodeEncodeError:
            return None
        return name

    return write


def vietnamese(letter: str) -> str:
    """Return a letter with its tone as a mark of its own, which is how cp1258 has most of them."""
    try:
        letter.encode("cp1258")
    except UnicodeEncodeError:
        parts = unicodedata.normalize("NFD", letter)
        tones = "".join(part for part in parts if part in TONES)
        base = "".join(part for part in parts if part not in TONES)
        return unicodedata.normalize("NFC", base) + tones
    return letter


def ranks(per_encoding: int, seed: int) -> Iterator[tuple[NameList, int | None]]:
    """Yield the place of the right reading of each list, from 0; None if it is not shown."""
    for names in name_lists(per_encoding, seed):
        content = names.content
        readings = [content.decode(name, "replace") for name in likely_encodings(content)[:3]]
        yield names, readings.index(names.text) if names.text in readings else None


def main() -> None:
    """Print how often the right encoding is first, and among those shown."""
    per_encoding, seed = (*map(int, sys.argv[1:]), *(20, 1)[len(sys.argv) - 1 :])
    found = list(ranks(per_encoding, seed))
    first = sum(rank == 0 for _, rank in found)
    shown = sum(rank is not None for _, rank in found)
    print(f"{len(found)} lists: first {first / len(found):.1%}, shown {shown / len(found):.1%}")
    missed = Counter((names.locale, names.encoding) for names, rank in found if rank is None)
    for (locale, encoding), count in missed.most_common():
        print(f"  not shown: {locale} in {encoding}, {count} of {per_encoding}")


if __name__ == "__main__":
    main()
