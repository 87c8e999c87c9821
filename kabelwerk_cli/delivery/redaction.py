"""Makes text from a server safe to repeat: removes the token, and limits the length.

The token is removed first: in a shortened text, a part of it could no longer be found.
"""

import functools
import json
import re
from collections.abc import Mapping
from typing import Any

UNICODE_ESCAPE = r"\\u([0-9a-fA-F]{4})"
SPECIAL_IN_HTML = frozenset("&<>\"'")
MASK = "[token]"
SHORTEST_SECRET = 4
"""Shorter tokens are not masked, because they are parts of common words."""


class Redaction:
    """Replaces the token wherever a server repeated it.

    Args:
        token: the API token; empty if there is none.
    """

    def __init__(self, token: str = "") -> None:
        forms = {token, *_in_html(token)}
        self._forms = sorted(forms, key=len, reverse=True)
        self._token = token
        if len(token) < SHORTEST_SECRET:
            self._forms = []

    def __call__(self, value: Any) -> Any:
        """Return decoded JSON, or a text, without the token; names of objects are searched too."""
        if isinstance(value, str):
            for form in self._forms:
                value = value.replace(form, MASK)
            return self._in_url.sub(MASK, value) if self._forms and "%" in value else value
        if isinstance(value, Mapping):
            return {self(name): self(child) for name, child in value.items()}
        if isinstance(value, list):
            return [self(child) for child in value]
        return value

    @functools.cached_property
    def _in_url(self) -> re.Pattern[str]:
        """A pattern of the token in a URL, in which any character may be percent-encoded."""
        forms = (f"(?:{re.escape(c)}|%(?i:{ord(c):02x}))" for c in self._token)
        return re.compile("".join(forms))

    def of_body(self, body: bytes) -> str:
        """Return a body as text, without the token."""
        text: str = self(body.decode(errors="backslashreplace"))
        if not self._forms or "\\" not in text:
            return text
        # JSON may spell each character as an escape
        try:
            given = json.loads(text)
            redacted = self(given)
        except (ValueError, RecursionError):
            plain = re.sub(UNICODE_ESCAPE, lambda found: chr(int(found[1], 16)), text)
            redacted = self(plain)
            return text if redacted == plain else redacted
        return text if redacted == given else json.dumps(redacted)


def _in_html(token: str) -> set[str]:
    """Return the ways to write a token in HTML."""
    if not SPECIAL_IN_HTML.intersection(token):
        return {token}
    import html  # whose tables take longer to load than most of what a call does

    whole = html.escape(token)
    # the numbers are the same character
    return {whole, whole.replace("&#x27;", "&#39;"), html.escape(token, quote=False)}
