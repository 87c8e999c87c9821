"""Guesses the encoding of a text from its letters beyond ASCII.

General detectors compare letter frequencies, which requires long texts. A list of names has few
such letters, and charset_normalizer takes a list with "Jürgen" in it for cp1250. This module tries
each encoding that European spreadsheets and databases write, and chooses the one whose letters fit
the alphabet of a language best.
"""

import itertools

_ALPHABETS = {
    "cp1252": (
        "äöüß",
        "àâæçéèêëîïôœùû",
        "áéíñóúü",
        "àèéìòù",
        "áâãàçéêíóôõú",
        "åäöæøéü",
        "éëïöüè",
    ),
    "cp850": ("äöüß", "àâçéèêëîïôùû", "áéíñóúü", "àèéìòù", "åäöæøé"),
    "mac-roman": ("äöüß", "àâæçéèêëîïôœùû", "áéíñóúü", "àèéìòù", "åäöæøé"),
    "cp1250": ("ąćęłńóśźż", "áčďéěíňóřšťúůýž", "áäčďéíĺľňóôŕšťúýž", "áéíóöőúüű", "čćđšž", "ăâîşţ"),
    "iso-8859-2": ("ąćęłńóśźż", "áčďéěíňóřšťúůýž", "áäčďéíĺľňóôŕšťúýž", "áéíóöőúüű", "čćđšž"),
    "cp1254": ("çğıöşüİ",),
    "cp852": ("ąćęłńóśźż", "áčďéěíňóřšťúůýž", "áéíóöőúüű"),
    "cp1253": ("αάβγδεέζηήθιίϊκλμνξοόπρστυύϋφχψωώς",),
    "cp1251": ("абвгдеёжзийклмнопрстуфхцчшщъыьэюяіїєґ",),
    "koi8-r": ("абвгдеёжзийклмнопрстуфхцчшщъыьэюя",),
}
"""The letters beyond ASCII of the languages written in each encoding; if several encodings fit
equally well, the first is chosen."""
_SIGNS = "„“”‚‘’–—…€«»°§\xa0"  # noqa: RUF001 - not commas and quotation marks of ASCII
"""Characters that are used in any language."""
_MIXED = 0.9
"""The weight of a text whose letters come from several languages of an encoding."""
_LATIN = "\u024f"
"""The last Latin letter."""
_FEW = 8
"""Samples up to this length say nothing about UTF-16."""
_ENOUGH = 0.7
"""The share of letters that must fit."""


def likely_encoding(sample: bytes) -> str | None:
    """Return the encoding of a part of a text that is not UTF-8; None if none is likely."""
    if len(sample) > _FEW and sample.count(0) > len(sample) // 4:
        return "utf-16-le" if sample[1::2].count(0) > sample[::2].count(0) else "utf-16-be"
    scores = {encoding: _score(sample, encoding) for encoding in _ALPHABETS}
    best = max(scores, key=lambda encoding: scores[encoding])
    return best if scores[best] >= _ENOUGH else None


def _score(sample: bytes, encoding: str) -> float:
    """Return the share of the characters beyond ASCII that fit one language."""
    try:
        text = sample.decode(encoding)
    except UnicodeDecodeError:
        return 0
    pairs = list(itertools.pairwise(f" {text}"))
    beyond = [(before, it) for before, it in pairs if it > "\x7f"]
    alphabets = _ALPHABETS[encoding]
    weights = {"".join(alphabets): _MIXED, **dict.fromkeys(alphabets, 1.0)}
    return max(
        weight * sum(_fits(before, it, alphabet) for before, it in beyond) / max(len(beyond), 1)
        for alphabet, weight in weights.items()
    )


def _fits(before: str, it: str, alphabet: str) -> bool:
    """Tell whether a character is likely to follow another one in a language."""
    if it in _SIGNS:
        return True
    wrong_case = it.isupper() and before.islower()
    other_script = it > _LATIN and before.isascii() and before.isalpha()
    return (it in alphabet or it.lower() in alphabet) and not wrong_case and not other_script
