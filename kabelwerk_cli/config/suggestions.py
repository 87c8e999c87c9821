"""Command lines that a message suggests: they can be pasted, and mean the same backend."""

import re
from collections.abc import Iterator, Sequence

from .settings import CARRIED, PROFILE

PROGRAM = "kabelwerk"
LONGEST_LINE = 1000
"""The longest command line that is printed to be copied, in characters."""
WITHOUT_BACKEND = frozenset({"--version", "help", "journal", "sandbox"})
"""What begins a command for which the options of a backend mean nothing."""


def suggest(options: Sequence[str], *words: str) -> str:
    """Return a command line to paste, in quotes for a sentence.

    Args:
        options: the options of this run that decide on the backend, see `Settings.options`.
        words: the command, and its own options.
    """
    import shlex

    line = shlex.join([PROGRAM, *words, *options])
    return f"`{line}`" if "'" in line else f"'{line}'"


def profile_option(name: str) -> str:
    """Return the option that selects a profile, to paste."""
    import shlex

    return f"{PROFILE.option} {shlex.quote(name)}"


def suggest_ensure(line: Sequence[str], options: Sequence[str]) -> str:
    """Return the command line to paste that updates the users whom `users create` finds existing.

    Args:
        line: the words of the run's own command line.
        options: those of them that decide on the backend.
    """
    suggestion = suggest((), *_with_ensure(line))
    if "users ensure" in suggestion and len(suggestion) <= LONGEST_LINE:
        return suggestion
    return suggest(options, "users", "ensure")


def _with_ensure(line: Sequence[str]) -> Iterator[str]:
    before = ""
    for word in line:
        yield "ensure" if (before, word) == ("users", "create") else word
        before = word


def with_options(text: str, line: Sequence[str]) -> str:
    """Return a text whose suggested commands mean the same backend as a command line.

    Args:
        text: names commands in quotes.
        line: the words of a command line, which may be wrong.
    """
    options = carried(line)

    def suggested(found: re.Match[str]) -> str:
        words = found[1].split()
        return suggest(() if words[0] in WITHOUT_BACKEND else options, *words)

    return re.sub(rf"'{PROGRAM} ([^']+)'", suggested, text)


def carried(line: Sequence[str]) -> tuple[str, ...]:
    """Return the options of a command line that decide on the backend, as far as it can be read.

    Args:
        line: the words of a command line that may be wrong.
    """
    found: list[str] = []
    words = iter(line)
    for word in words:
        name, equals, value = word.partition("=")
        for setting in CARRIED:
            if name == setting.option and setting.metavar:
                value = value if equals else next(words, "")
                # a user and a password may be part of an address
                found += [name, value] if value and "@" not in value else []
            elif word == setting.option:
                found.append(word)
    return tuple(found)
