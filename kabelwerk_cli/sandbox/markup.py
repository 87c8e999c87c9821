"""The text of a message as the backend returns it: escaped, and as HTML.

It supports paragraphs, line breaks, `*em*`, `_em_`, `**strong**`, `__strong__`,
`[label](https://...)` and bare links; everything else is text (reference: wire-protocol, Bodies).
The text is read once, so that no input takes long.
"""

import re

_ESCAPES = str.maketrans({"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&#39;"})
_PARAGRAPHS = re.compile(r"\n[ \t]*(?:\n[ \t]*)+")
_TOKEN = re.compile(
    r"\[(?P<label>[^\[\]\n]+)\]\((?P<target>https?://[^\s()<>\"]+)\)"
    r"|(?P<link>https?://[^\s<>\"]*[^\s<>\".,;:!?)*_'])"
    r"|(?P<mark>\*\*|\*|__|_)"
)
_TAGS = {"*": "em", "_": "em", "**": "strong", "__": "strong"}


def escape(text: str) -> str:
    """Return `text` with HTML's special characters escaped."""
    return text.translate(_ESCAPES)


def to_html(text: str) -> str:
    """Return `text` as HTML with only the elements of the markup."""
    normal = text.replace("\r\n", "\n").strip("\n")
    return "".join(f"<p>{_inline(part)}</p>" for part in _PARAGRAPHS.split(normal))


def _inline(text: str) -> str:
    pieces: list[str] = []
    opened: dict[str, int] = {}  # mark: its index in pieces, in the order in which they were opened
    end = 0
    for match in _TOKEN.finditer(text):
        pieces.append(_literal(text[end : match.start()]))
        end = match.end()
        if mark := match["mark"]:
            _place_mark(mark, match, pieces, opened)
        else:
            target = match["target"] or match["link"]
            label = match["label"] or target
            pieces.append(f'<a href="{escape(target)}">{escape(label)}</a>')
    pieces.append(_literal(text[end:]))
    return "".join(pieces)


def _place_mark(mark: str, match: re.Match[str], pieces: list[str], opened: dict[str, int]) -> None:
    """Let `mark` close an element, open one, or be text."""
    before = match.string[match.start() - 1 : match.start()]
    after = match.string[match.end() : match.end() + 1]
    inside_word = mark[0] == "_" and before.isalnum() and after.isalnum()
    if mark in opened and before and not before.isspace() and not inside_word:
        tag = _TAGS[mark]
        while opened:
            last, place = opened.popitem()
            if last == mark:  # marks opened since are text
                pieces[place] = f"<{tag}>"
                pieces.append(f"</{tag}>")
                return
    if mark not in opened and after and not after.isspace() and not inside_word:
        opened[mark] = len(pieces)
    pieces.append(mark)


def _literal(text: str) -> str:
    return escape(text).replace("\n", "<br>")
