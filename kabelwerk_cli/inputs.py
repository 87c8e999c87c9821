"""Reading what the user hands over in files: texts, attributes, tokens."""

import sys

LIMIT = 1024 * 1024
"""The longest file that is read into memory, in bytes; a request may not be longer either."""


def read_bytes(name: str) -> bytes:
    """Return what stands in the file `name`, or comes from standard input for `-`.

    Raises:
        ValueError: it cannot be read or is too long, in a sentence.
    """
    try:
        if name == "-":
            if sys.stdin is None:
                raise ValueError("standard input is closed")
            content = sys.stdin.buffer.read(LIMIT + 1)
        else:
            with open(name, "rb") as file:  # noqa: PTH123 - pathlib takes long to import
                content = file.read(LIMIT + 1)
    except OSError as error:
        raise ValueError(f"'{name}' cannot be read: {error.strerror or error}") from None
    if len(content) > LIMIT:
        raise ValueError(f"'{name}' is longer than {LIMIT} bytes")
    return content


def read_text(name: str) -> str:
    """Return the text in the file `name`, or from standard input for `-`; it must be UTF-8.

    Raises:
        ValueError: it cannot be read, is too long, or is not UTF-8, in a sentence.
    """
    try:
        return read_bytes(name).decode()
    except UnicodeDecodeError as error:
        raise ValueError(f"'{name}' is not valid UTF-8 (byte {error.start + 1})") from None
