"""The one place where foreign text is made safe to look at."""

import functools
import re

# C0, DEL and C1; marks that change the direction of what follows; line and paragraph separators;
# interlinear annotations; the byte order mark; surrogates that no other half goes with
_UNSAFE = (
    "[\x00-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff\ufff9-\ufffb"
    "\ud800-\udfff]"
)
_SHORT = {"\t": "\\t", "\n": "\\n", "\r": "\\r"}


def visible(text: str) -> str:
    r"""Return `text` with every character written out that would do something instead of show.

    An ESC becomes `\x1b`, a line break `\n`, a bidirectional mark `\u202e`.
    """
    return _compiled().sub(_escape, text)


@functools.cache
def _compiled() -> re.Pattern[str]:
    return re.compile(_UNSAFE)  # not while importing: a help text does without it


def _escape(match: re.Match[str]) -> str:
    character = match.group()
    code = ord(character)
    return _SHORT.get(character) or (f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}")  # noqa: PLR2004 - the last code with two digits
