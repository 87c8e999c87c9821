"""Man pages of the commands (section 1) and of the help topics (section 7)."""

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import click

from kabelwerk_cli import __version__
from kabelwerk_cli.cli.described import Described
from kabelwerk_cli.cli.help_topics import TOPICS, UNCHANGED
from kabelwerk_cli.cli.options import COMMON_OPTIONS, SettingOption
from kabelwerk_cli.cli.tree import walk
from kabelwerk_cli.commands.help import topic_options
from kabelwerk_cli.commands.topics import sections, variables
from kabelwerk_cli.terminal.exit_codes import ExitCode

ROOT = ("kabelwerk",)
ABOUT = """
Creates, updates and deletes users, updates rooms and posts messages, one at a time or from a file.
The API cannot read data; Kabelwerk's apps show what is on a backend.

To start, store a URL and an API token with 'kabelwerk login', or use --sandbox, a backend on this
machine that needs neither. 'kabelwerk doctor' checks the setup.
"""
FILES = {
    "~/.config/kabelwerk/config.toml": (
        "Profiles. The path depends on the platform, $XDG_CONFIG_HOME and --config."
    ),
    "~/.config/kabelwerk/tokens/": (
        "API tokens stored by 'kabelwerk login' if there is no keyring."
    ),
    "~/.local/share/kabelwerk/sandbox.db": "Users, rooms and messages in the sandbox.",
}
Params = Iterable[click.Parameter | None]


def pages(root: click.Group) -> dict[str, str]:
    """Return the content of each page by its path in the folder of all man pages."""
    made = {}
    for command, path in walk(root, ROOT):
        made[f"man1/{'-'.join(path)}.1"] = command_page(command, path, root)
    for name in TOPICS:
        made[f"man7/kabelwerk-{name}.7"] = topic_page(name, root)
    return made


def command_page(command: click.Command, path: tuple[str, ...], root: click.Group) -> str:
    """Return the page of a command; that of the root explains what all commands share."""
    if not isinstance(command, Described):
        raise TypeError(f"{path} has no examples")
    context = click.Context(command, info_name=path[-1], obj={}, **root.context_settings)
    own = [param for param in command.params if not isinstance(param, SettingOption)]
    own.append(command.get_help_option(context))
    usage = " ".join((*path, *command.collect_usage_pieces(context)))
    lines = [*head("-".join(path), 1, summary(command)), ".SH SYNOPSIS", paragraph(usage)]
    lines += [".SH DESCRIPTION", *filled(command.help or "")]
    if path == ROOT:
        lines += [".PP", *filled(ABOUT)]
    if isinstance(command, click.Group):
        children = sorted(command.commands.items())
        lines += [".SH COMMANDS", *tagged((name, summary(child)) for name, child in children)]
    if path == ROOT:
        lines += [".SH OPTIONS", *options((*own, *COMMON_OPTIONS), context), *shared()]
    else:
        lines += [".SH OPTIONS", *options(own, context)]
        lines += [".PP", f"All commands also accept the common options in {page('kabelwerk')}."]
        lines += [".SH EXIT STATUS", paragraph("0 on success. The other exit codes are listed in")]
        lines += [f"{page('kabelwerk-exit-codes', 7)}."]
    lines += [".SH EXAMPLES", *verbatim("\n".join(command.examples))]
    topics = dict.fromkeys((*command.topics, "exit-codes"))
    pages = [*near(path, root), *(page(f"kabelwerk-{name}", 7) for name in topics)]
    return text_of([*lines, *see_also(pages)])


def topic_page(name: str, root: click.Group) -> str:
    """Return the page of a help topic."""
    context = click.Context(root, obj={})
    lines = [*head(f"kabelwerk-{name}", 7, TOPICS[name]), ".SH DESCRIPTION"]
    for title, text in sections(name):
        lines += [f".SS {escaped(title)}"] if title else []
        lines += verbatim(text)
    for title, params in topic_options(name, root):
        lines += [f".SH {title.upper()}", *options(params, context)]
    leaves = [
        page("-".join(path))
        for command, path in walk(root, ROOT)
        if path != ROOT and name in getattr(command, "topics", ()) and name != "options"
    ]
    return text_of([*lines, *see_also([page("kabelwerk"), *leaves])])


def head(title: str, section: int, about: str) -> list[str]:
    """Return the title line and the name."""
    return [
        f'.TH "{title.upper()}" "{section}" "{released()}" "kabelwerk {__version__}" "Kabelwerk"',
        ".nh",  # no hyphens, which would break names of commands and options
        ".ad l",
        ".SH NAME",
        f"{escaped(title)} \\- {escaped(about)}",
    ]


def shared() -> list[str]:
    """Return the sections on what is the same for all commands."""
    return [
        ".SH ENVIRONMENT",
        *tagged(variables()),
        ".SH FILES",
        *tagged(FILES.items()),
        ".SH EXIT STATUS",
        *tagged((str(code.value), code.meaning) for code in ExitCode),
        ".PP",
        paragraph(UNCHANGED),
    ]


def released() -> str:
    """Return the release date of this version, from the changelog."""
    log = (Path(__file__).parent.parent / "CHANGELOG.md").read_text(encoding="utf-8")
    match = re.search(rf"^## \[{re.escape(__version__)}\] - (.*)$", log, flags=re.MULTILINE)
    if not match:
        raise ValueError(f"CHANGELOG.md has no release date for {__version__}")
    return match[1]


def summary(command: click.Command) -> str:
    """Return the first paragraph of a command's help without its final period."""
    first = (command.help or "").split("\n\n")[0]
    return " ".join(first.split()).removesuffix(".")


def filled(text: str) -> Iterator[str]:
    """Yield paragraphs, which empty lines separate."""
    for number, part in enumerate(text.split("\n\n")):
        if number:
            yield ".PP"
        yield paragraph(part)


def options(params: Params, context: click.Context) -> Iterator[str]:
    """Yield options; arguments are in the synopsis."""
    found = (param for param in params if isinstance(param, click.Option))
    return tagged(record for param in found if (record := param.get_help_record(context)))


def tagged(rows: Iterable[tuple[str, str]]) -> Iterator[str]:
    """Yield terms with their explanations."""
    for term, text in rows:
        yield from (".TP", f"\\fB{escaped(term)}\\fR", paragraph(text))


def near(path: tuple[str, ...], root: click.Group) -> list[str]:
    """Return references to the parent, sibling and child commands."""
    return [
        page("-".join(other))
        for _, other in walk(root, ROOT)
        if other != path and (other[:-1] in {path, path[:-1]} or other == path[: len(other)])
    ]


def page(name: str, section: int = 1) -> str:
    """Return a reference to a page."""
    return f"\\fB{escaped(name)}\\fR({section})"


def see_also(pages: Sequence[str]) -> list[str]:
    """Return the last section."""
    return [".SH SEE ALSO", ",\n".join(pages)]


def paragraph(text: str) -> str:
    """Return filled text."""
    return escaped(" ".join(text.split()))


def verbatim(text: str) -> list[str]:
    """Return text with its line breaks kept."""
    return [".nf", *(escaped(line) for line in text.rstrip().splitlines()), ".fi"]


def escaped(text: str) -> str:
    """Return text with roff's special characters escaped."""
    safe = text.replace("\\", "\\e").replace("-", "\\-").replace("~", "\\(ti").replace("^", "\\(ha")
    return f"\\&{safe}" if safe.startswith((".", "'")) else safe


def text_of(lines: Iterable[str]) -> str:
    """Return a page."""
    return "\n".join(lines) + "\n"
