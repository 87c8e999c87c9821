"""Escaping of foreign text: the only place that makes it safe to display."""

import re
from enum import StrEnum

# C0, DEL and C1 control characters; bidirectional marks; line and paragraph separators;
# interlinear annotations; the byte order mark; lone surrogates
_UNSAFE = (
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ufff9-\ufffb"
    "\ud800-\udfff]"
)
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
    r"""Return `text` with every control character escaped.

    ESC becomes `\x1b`, a line break `\n`, a bidirectional mark `\u202e`.
    """
    return re.sub(_UNSAFE, _escape, text)


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
    character = match.group()
    code = ord(character)
    return _SHORT.get(character) or (f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}")  # noqa: PLR2004 - from here on, more than two hex digits
