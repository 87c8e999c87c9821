"""Man pages, generated from the command tree."""

import re
from collections.abc import Iterator
from pathlib import Path

import click

from kabelwerk_cli import __version__
from kabelwerk_cli.terminal import help_topics
from kabelwerk_cli.terminal.described import walk
from kabelwerk_cli.terminal.options import SettingOption

SECTION = "1"
FILES = """\
~/.config/kabelwerk/config.toml
    Profiles. The path depends on the platform, $XDG_CONFIG_HOME and --config.
~/.config/kabelwerk/tokens/
    API tokens stored by 'kabelwerk login' if there is no keyring.
~/.local/share/kabelwerk/sandbox.db
    Users, rooms and messages in the sandbox.
"""


def pages(root: click.Group) -> dict[str, str]:
    """Return the content of each page by its file name."""
    paths = list(walk(root, (root.name or "",)))
    return {f"{'-'.join(path)}.{SECTION}": page(command, path, paths) for command, path in paths}


def page(
    command: click.Command,
    path: tuple[str, ...],
    paths: list[tuple[click.Command, tuple[str, ...]]],
) -> str:
    """Return the page of one command."""
    context = context_of(command, path)
    title = "-".join(path)
    own = [param for param in command.params if not isinstance(param, SettingOption)]
    common = [param for param in command.params if isinstance(param, SettingOption)]
    lines = [
        f'.TH "{title.upper()}" {SECTION} "{released()}" "kabelwerk {__version__}" "Kabelwerk"',
        ".SH NAME",
        f"{escaped(title)} \\- {escaped(summary(command))}",
        ".SH SYNOPSIS",
        *paragraph(" ".join(["kabelwerk", *path[1:], *command.collect_usage_pieces(context)])),
        ".SH DESCRIPTION",
        *description(command),
        ".SH EXAMPLES",
        *verbatim("\n".join(getattr(command, "examples", ()))),
    ]
    if topic := getattr(command, "topic", ""):
        lines += [".SH NOTES", *verbatim(help_topics.TOPICS[topic]())]
    if isinstance(command, click.Group):
        lines += [".SH COMMANDS", *commands(command)]
    lines += options("OPTIONS", [*own, command.get_help_option(context)], context)
    lines += options("COMMON OPTIONS", common, context)
    lines += [
        ".SH EXIT STATUS",
        *verbatim(help_topics.exit_codes()),
        ".SH ENVIRONMENT",
        *verbatim(help_topics.environment()),
        ".SH FILES",
        *verbatim(FILES),
        ".SH SEE ALSO",
        *see_also(path, [other for _, other in paths]),
    ]
    return "\n".join(lines) + "\n"


def released() -> str:
    """Return the release date of this version, from the changelog."""
    log = (Path(__file__).parent.parent / "CHANGELOG.md").read_text(encoding="utf-8")
    match = re.search(rf"^## \[{re.escape(__version__)}\] - (.*)$", log, flags=re.MULTILINE)
    if not match:
        raise ValueError(f"CHANGELOG.md has no release date for {__version__}")
    return match[1]


def context_of(command: click.Command, path: tuple[str, ...]) -> click.Context:
    """Return a context for rendering a command's help."""
    return click.Context(command, info_name=" ".join(path), obj={})


def summary(command: click.Command) -> str:
    """Return the first paragraph of a command's help without its final period."""
    first = (command.help or "").split("\n\n")[0]
    return " ".join(first.split()).removesuffix(".")


def description(command: click.Command) -> Iterator[str]:
    """Yield the paragraphs of a command's help."""
    for number, text in enumerate((command.help or "").split("\n\n")):
        if number:
            yield ".PP"
        yield from paragraph(text)


def commands(group: click.Group) -> Iterator[str]:
    """Yield the subcommands of a group with their summaries."""
    for name, child in sorted(group.commands.items()):
        yield from (".TP", f"\\fB{escaped(name)}\\fR", *paragraph(summary(child)))


def options(
    title: str, params: list[click.Parameter | None], context: click.Context
) -> Iterator[str]:
    """Yield a section of options, if there are any; arguments are in the synopsis."""
    records = [
        record
        for param in params
        if isinstance(param, click.Option) and (record := param.get_help_record(context))
    ]
    if records:
        yield f".SH {title}"
    for names, text in records:
        yield from (".TP", f"\\fB{escaped(names)}\\fR", *paragraph(text))


def see_also(path: tuple[str, ...], others: list[tuple[str, ...]]) -> Iterator[str]:
    """Yield references to the parent, sibling and child pages."""
    near = [
        other
        for other in others
        if other != path
        and (other[:-1] == path or other == path[: len(other)] or other[:-1] == path[:-1])
    ]
    yield ",\n".join(f"\\fB{escaped('-'.join(other))}\\fR(1)" for other in near)


def paragraph(text: str) -> list[str]:
    """Return filled text."""
    return [escaped(" ".join(text.split()))]


def verbatim(text: str) -> list[str]:
    """Return text with its line breaks kept."""
    return [".nf", *(escaped(line) for line in text.rstrip().splitlines()), ".fi"]


def escaped(text: str) -> str:
    """Return text with roff's special characters escaped."""
    safe = text.replace("\\", "\\e").replace("-", "\\-").replace("~", "\\(ti").replace("^", "\\(ha")
    return f"\\&{safe}" if safe.startswith((".", "'")) else safe
