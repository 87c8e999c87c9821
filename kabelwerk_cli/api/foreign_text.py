"""Text that a server sent, made fit to be repeated: of a bounded length."""

ELLIPSIS = "…"


def shorten(text: str, limit: int) -> str:
    """Return `text`, cut to at most `limit` characters; a cut text ends with an ellipsis."""
    return text if len(text) <= limit else text[: limit - len(ELLIPSIS)] + ELLIPSIS


def sentence(text: str) -> str:
    """Return `text` with a full stop, unless it ends with a mark of its own."""
    text = text.rstrip()
    return text if text.endswith((".", "!", "?", ELLIPSIS)) else f"{text}."
