"""Commands and groups with examples and the common options, and their help."""

from collections.abc import Iterator, Sequence
from typing import Any

import click

from .options import COMMON_OPTIONS, SECTIONS, remember_settings


class Described(click.Command):
    """A command or group with examples and the common options.

    Args:
        examples: command lines, shown first in the help.
    """

    def __init__(self, *args: Any, examples: Sequence[str] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.examples = tuple(examples)
        self.params += COMMON_OPTIONS

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the arguments; for an option of another command, name that command."""
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            raise _owned_elsewhere(error.option_name, ctx) or error from None
        finally:
            remember_settings(ctx)

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples below the text."""
        super().format_help_text(ctx, formatter)
        if self.examples:
            with formatter.section("Examples"):
                formatter.write_text("\b\n" + "\n".join(self.examples))

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the command's own options and the common ones apart."""
        if isinstance(self, click.Group):
            self.format_commands(ctx, formatter)
        rows_of: dict[str, list[tuple[str, str]]] = {title: [] for title in SECTIONS}
        for param in self.get_params(ctx):
            if row := param.get_help_record(ctx):
                rows_of[getattr(param, "section", SECTIONS[0])].append(row)
        for title, rows in rows_of.items():
            if rows:
                with formatter.section(title):
                    formatter.write_dl(rows)


class Group(Described, click.Group):
    """A group of commands."""


def walk(
    command: click.Command, path: tuple[str, ...]
) -> Iterator[tuple[click.Command, tuple[str, ...]]]:
    """Yield each command with its path, groups before their commands."""
    yield command, path
    if isinstance(command, click.Group):
        for name, child in sorted(command.commands.items()):
            yield from walk(child, (*path, name))


def _owned_elsewhere(option: str, ctx: click.Context) -> click.UsageError | None:
    root = ctx.find_root()
    owners = [
        f"'{' '.join(path)}'"
        for command, path in walk(root.command, (root.info_name or "",))
        if any(option in (*param.opts, *param.secondary_opts) for param in command.params)
    ]
    if not owners:
        return None
    have = "has" if len(owners) == 1 else "have"
    message = f"'{ctx.command_path}' has no option '{option}' ({', '.join(owners)} {have})."
    return click.UsageError(message, ctx)
