"""Masking the API token in what is kept and shown of requests."""

import json
import re
from typing import Any

from .markup import escape

MASK = "$KABELWERK_API_TOKEN"
SHORTEST = 4
"""Shorter tokens are not masked, because they are parts of common words."""
_CODED = re.compile(r"\\u00([2-7][0-9a-fA-F])|%([2-7][0-9a-fA-F])|\\(/)")


class Mask:
    """Replaces a token, also one that is escaped for JSON, HTML or a URL.

    Args:
        tokens: what to mask.
    """

    def __init__(self, *tokens: str) -> None:
        self._tokens = tokens
        texts = {form for token in tokens if len(token) >= SHORTEST for form in _forms(token)}
        self.longest = 6 * max(map(len, texts), default=0)
        """How long a token can be that is escaped, in characters; `\\u0041` is the longest."""
        longest_first = sorted(texts, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, longest_first)) or "(?!)")

    def also(self, token: str) -> "Mask":
        """Return a mask that replaces one more token."""
        return self if token in {"", *self._tokens} else Mask(token, *self._tokens)

    def finds(self, text: str) -> bool:
        """Tell whether the token is in a text."""
        return bool(
            self._pattern.search(text)
            or (_CODED.search(text) and self._pattern.search(_CODED.sub(_decoded, text)))
        )

    def __call__(self, text: str) -> str:
        """Return the text without the token."""
        if not self.finds(text):
            return text
        masked = self._pattern.sub(MASK, text)
        return self._pattern.sub(MASK, _CODED.sub(_decoded, text)) if self.finds(masked) else masked

    def values(self, value: Any) -> Any:
        """Return a JSON value without the token in its texts; the names of members stay."""
        if isinstance(value, str):
            return self(value)
        if isinstance(value, dict):
            return {name: self.values(child) for name, child in value.items()}
        return [self.values(child) for child in value] if isinstance(value, list) else value


def _forms(token: str) -> set[str]:
    texts = {token, escape(token)}
    return texts | {json.dumps(text)[1:-1] for text in texts}


def _decoded(match: re.Match[str]) -> str:
    return match[3] or chr(int(match[1] or match[2], 16))
