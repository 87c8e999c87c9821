"""Escaping of foreign text: the only place that makes it safe to display."""

import re
from enum import StrEnum

_CONTROLS = "\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff"
"""C0, DEL and C1 control characters; line and paragraph separators; lone surrogates."""
_FORMATS = (
    "\xad\u0600-\u0605\u061c\u06dd\u070f\u0890\u0891\u08e2\u180e\u200b-\u200f\u202a-\u202e"
    "\u2060-\u2064\u2066-\u206f\ufeff\ufff9-\ufffb\U000110bd\U000110cd\U00013430-\U0001343f"
    "\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0001\U000e0020-\U000e007f"
)
"""Unicode's category Cf: most are invisible, and some change the direction of a text."""
_PICTURE = (
    "[\xa9\xae\u203c\u2049\u2122\u2139\u2190-\u21ff\u2300-\u27bf\u2900-\u297f\u2b00-\u2bff"
    "\u3030\u303d\u3297\u3299\U0001f000-\U0001faff][\ufe0f\U0001f3fb-\U0001f3ff]?"
)
# emoji of several pictures hold joiners, and the flags of regions hold tags
_EMOJI = f"{_PICTURE}(?:\u200d{_PICTURE})+|\U0001f3f4[\U000e0030-\U000e007a]{{3,6}}\U000e007f"
_UNSAFE = f"(?P<emoji>{_EMOJI})|[{_CONTROLS}{_FORMATS}]"
_COMMAND = r"^\s*:(?=:)|##(?=\[)"
_COMMAND_IN_JSON = r":(?=:)|##(?=\[)"
_SHORT = {"\t": "\\t", "\n": "\\n", "\r": "\\r"}


class Color(StrEnum):
    """A color of our own, as the parameter of an escape sequence."""

    BOLD = "1"
    RED = "1;31"
    GREEN = "32"
    YELLOW = "33"


def painted(text: str, color: Color | None) -> str:
    """Return `text`, which must be escaped already, in a color; None leaves it as it is."""
    return f"\x1b[{color}m{text}\x1b[0m" if color and text else text


def visible(text: str) -> str:
    r"""Return `text` with every control and format character escaped, but for those of emoji.

    ESC becomes `\x1b`, a line break `\n`, a bidirectional mark `\u202e`.
    """
    return text if text.isascii() and text.isprintable() else re.sub(_UNSAFE, _escape, text)


def visible_key(key: str) -> str:
    r"""Return a key for people: also escaped is what is not in the Unicode normal form NFC.

    Two keys that look alike are two users: an umlaut of two characters becomes `u\u0308`.
    """
    if key.isascii():
        return visible(key)
    import unicodedata

    if unicodedata.is_normalized("NFC", key):
        return visible(key)
    return "".join(_escaped(char) if _may_change(char) else visible(char) for char in key)


def _may_change(char: str) -> bool:
    """Tell whether NFC may replace a character, alone or together with the one before it."""
    import unicodedata

    is_vowel_or_final = "\u1161" <= char <= "\u1175" or "\u11a8" <= char <= "\u11c2"  # of Hangul
    return (
        unicodedata.combining(char) > 0
        or is_vowel_or_final
        or not unicodedata.is_normalized("NFC", char)
    )


def shortened(text: str, limit: int) -> str:
    """Return `text`, or its start and end if it has more than `limit` characters.

    An error begins with what was changed, and ends with what to do.
    """
    if len(text) <= limit:
        return text
    tail = limit // 4
    return f"{text[: limit - tail - 1]}…{text[-tail:]}"


def without_commands(text: str, *, json: bool = False) -> str:
    r"""Return `text` in which GitHub Actions finds no workflow command.

    Its runner obeys `::command::` at a line's start, after blanks, and `##[command]` anywhere in a
    line. One character of either is escaped: as `\x3a` in a line for people, as `\u003a` in JSON.

    Args:
        text: one line for people, or a JSON document.
        json: whether it is JSON.
    """
    pattern, escape = (_COMMAND_IN_JSON, "\\u00") if json else (_COMMAND, "\\x")
    return re.sub(pattern, lambda found: f"{found[0][:-1]}{escape}{ord(found[0][-1]):02x}", text)


def _escape(match: re.Match[str]) -> str:
    return match["emoji"] or _escaped(match[0])


def _escaped(char: str) -> str:
    code = ord(char)
    if code > 0xFFFF:  # noqa: PLR2004 - from here on, more than four hex digits
        return f"\\U{code:08x}"
    return _SHORT.get(char) or (f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}")  # noqa: PLR2004 - from here on, more than two
