"""Command lines that a message suggests: they can be pasted, and mean the same backend."""

from collections.abc import Sequence

PROGRAM = "kabelwerk"


def suggest(options: Sequence[str], *words: str) -> str:
    """Return a command line to paste, in quotes for a sentence.

    Args:
        options: the options of this run that decide on the backend, see `Settings.options`.
        words: the command, and its own options.
    """
    import shlex

    line = shlex.join([PROGRAM, *words, *options])
    return f"`{line}`" if "'" in line else f"'{line}'"
