"""`kabelwerk help`: the help of a command, and topics that concern more than one."""

from collections.abc import Sequence

import click
from click.shell_completion import CompletionItem

from kabelwerk_cli.cli.command import ActionCommand
from kabelwerk_cli.cli.completion import starting_with
from kabelwerk_cli.cli.help_topics import TOPICS
from kabelwerk_cli.cli.hints import unknown_command
from kabelwerk_cli.cli.options import COMMON_OPTIONS, CallOption, SettingOption
from kabelwerk_cli.cli.tree import walk
from kabelwerk_cli.terminal.session import Session

from .topics import WIDTH, topic_prose

MAILINGS = "mailings"
"""The topic of options that only messages have."""


class Word(click.ParamType[str]):
    """A word of a command's name, or a topic."""

    name = "word"

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Complete the commands of the group so far, and topics."""
        words: tuple[str, ...] = ctx.params.get(param.name or "") or ()
        command = _find(ctx.find_root(), words).command
        names = [*getattr(command, "commands", ()), *(() if words else TOPICS)]
        return starting_with(incomplete, names)


@click.command(
    "help",
    cls=ActionCommand,
    needs_settings=False,
    examples=[
        "kabelwerk help users create",
        *(f"kabelwerk help {topic}" for topic in TOPICS),
    ],
)
@click.argument("words", nargs=-1, type=Word(), metavar="[COMMAND... | TOPIC]")
@click.pass_context
def help_command(ctx: click.Context, session: Session, *, words: tuple[str, ...]) -> None:
    """Show the help of a command, or explain a topic."""
    root = ctx.find_root()
    if len(words) == 1 and words[0] in TOPICS:
        session.console.page(topic_text(words[0], root.command))
    else:
        session.console.page(_find(root, words).get_help())


def _find(context: click.Context, words: Sequence[str]) -> click.Context:
    """Return a context of the command that the words name.

    Raises:
        click.UsageError: there is no such command.
    """
    for number, word in enumerate(words):
        group = context.command
        command = group.get_command(context, word) if isinstance(group, click.Group) else None
        if command is None:
            raise unknown_command(context, words[number:], () if number else TOPICS)
        context = click.Context(command, info_name=word, parent=context)
    return context


def topic_text(name: str, root: click.Command) -> str:
    """Return the text of a topic with the options that it explains."""
    formatter = click.HelpFormatter(width=WIDTH)
    context = click.Context(root, obj={})
    for title, params in topic_options(name, root):
        with formatter.section(title):
            formatter.write_dl([row for p in params if (row := p.get_help_record(context))])
    return f"{topic_prose(name)}\n\n{formatter.getvalue()}".rstrip()


def topic_options(name: str, root: click.Command) -> list[tuple[str, list[click.Parameter]]]:
    """Return titles and options: those of all commands that name the topic, then the others."""
    if name == "options":
        return [("Options", list(COMMON_OPTIONS))]
    commands = [
        (command, " ".join(path))
        for command, path in walk(root, ())
        if name in getattr(command, "topics", ()) and not isinstance(command, click.Group)
    ]
    owners: dict[str, list[str]] = {}
    found: dict[str, click.Parameter] = {}
    for command, path in commands:
        for param in command.params:
            if isinstance(param, (click.Argument, CallOption, SettingOption)):
                continue
            if (getattr(param, "topic", "") == MAILINGS) is (name == MAILINGS):
                found.setdefault(param.opts[0], param)
                owners.setdefault(param.opts[0], []).append(path)
    groups: dict[str, list[click.Parameter]] = {"Options": []}
    for option, param in found.items():
        some = owners[option]
        title = "Options" if len(some) == len(commands) else f"Options of {' and '.join(some)}"
        groups.setdefault(title, []).append(param)
    return [(title, params) for title, params in groups.items() if params]
