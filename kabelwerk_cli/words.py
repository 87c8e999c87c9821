"""Sentences and their parts, as all messages write them."""

ELLIPSIS = "…"


def shorten(text: str, limit: int) -> str:
    """Return `text`, cut to at most `limit` characters; a cut text ends with an ellipsis."""
    return text if len(text) <= limit else text[: limit - len(ELLIPSIS)] + ELLIPSIS


def with_stop(text: str) -> str:
    """Return `text` with a full stop, unless it ends with a mark of its own."""
    text = text.rstrip()
    return text if text.endswith((".", "!", "?", "?)", ELLIPSIS)) else f"{text}."


def sentence(clause: str) -> str:
    """Return a clause as a sentence: with a capital, and a full stop."""
    return with_stop(capitalized(clause))


def capitalized(text: str) -> str:
    """Return `text` as the start of a sentence; the rest stays as it is."""
    return text[:1].upper() + text[1:]


def count_of(number: int, noun: str) -> str:
    """Return a number with its noun: `1 row`, `2 rows`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
