"""Commands and groups with examples and the common options, and their help."""

from collections.abc import Callable, Sequence
from typing import Any, NoReturn

import click

from kabelwerk_cli.config.resolve import for_errors
from kabelwerk_cli.config.settings import OUTPUT
from kabelwerk_cli.output import Format
from kabelwerk_cli.terminal.session import COMMAND, open_session

from .options import COMMON_OPTIONS, IN_TOPICS, remember_settings

ARGUMENT_ERRORS = (click.UsageError, click.MissingParameter)
"""The errors, as they are and not subclasses of them, that unexpected arguments may cause."""


class Described(click.Command):
    """A command or group with examples and the common options.

    Args:
        examples: command lines, shown first in the help.
    """

    topics: tuple[str, ...] = ("options",)
    """The help topics that list the rest of its options."""

    def __init__(self, *args: Any, examples: Sequence[str] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if self.help is None and self.callback is not None:
            self.help = _docstring(self.callback)
        self.examples = tuple(examples)
        self.params += COMMON_OPTIONS

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the arguments; for what cannot be parsed, say what to use instead."""
        given = tuple(args)
        ctx.meta[COMMAND] = ctx.command_path
        try:
            return super().parse_args(ctx, args)
        except click.UsageError as error:
            error.ctx = error.ctx or ctx  # click's parser does not set it
            raise _with_hint(error, ctx, given) from None
        finally:
            remember_settings(ctx)

    def get_help_option(self, ctx: click.Context) -> click.Option | None:
        """Return the option `--help`, which uses a pager."""
        option = super().get_help_option(ctx)
        if option:
            option.callback = _show_help_if
        return option

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples below the text."""
        super().format_help_text(ctx, formatter)
        if self.examples:
            with formatter.section("Examples"):
                formatter.write_text("\b\n" + "\n".join(self.examples))

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the command's own options, and which topics explain the others."""
        from .help_topics import TOPICS

        if isinstance(self, click.Group):
            self.format_commands(ctx, formatter)
        # arguments are in the usage
        params = (param for param in self.get_params(ctx) if isinstance(param, click.Option))
        own = [param for param in params if not isinstance(param, IN_TOPICS)]
        with formatter.section("Options"):
            formatter.write_dl([row for param in own if (row := param.get_help_record(ctx))])
        with formatter.section("Learn more"):
            formatter.write_dl(
                [(f"kabelwerk help {name}", f"{TOPICS[name]}.") for name in self.topics]
            )


class Group(Described, click.Group):
    """A group of commands."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the arguments; without any, show the help, unless JSON is expected."""
        if not args and not ctx.resilient_parsing:
            if for_errors(ctx.obj)[OUTPUT] in {Format.JSON, Format.JSONL}:
                raise click.UsageError("Missing command.", ctx)
            show_help(ctx)
        return super().parse_args(ctx, args)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Return the subcommand; for an unknown one, say what to use instead."""
        if self.get_command(ctx, args[0]) is None and not ctx.resilient_parsing:
            from .hints import unknown_command

            raise unknown_command(ctx, args)
        return super().resolve_command(ctx, args)


def _with_hint(
    error: click.UsageError, ctx: click.Context, args: Sequence[str]
) -> click.UsageError:
    """Return the error, or one that says what to use instead."""
    from .hints import unexpected_arguments, unknown_option

    if isinstance(error, click.NoSuchOption):
        return unknown_option(ctx, error.option_name)
    if isinstance(ctx.command, click.Group) or type(error) not in ARGUMENT_ERRORS:
        return error
    return unexpected_arguments(ctx, args) or error


def _docstring(function: Callable[..., Any]) -> str | None:
    """Return the docstring in the source: with PYTHONOPTIMIZE=2, the function has none."""
    import ast
    import inspect
    import textwrap

    (definition,) = ast.parse(textwrap.dedent(inspect.getsource(function))).body
    return ast.get_docstring(definition)  # type: ignore[arg-type]


def show_help(ctx: click.Context) -> NoReturn:
    """Print the help of a command, whatever the settings are, and end the run."""
    open_session(ctx, needs_settings=False).console.page(ctx.get_help())
    ctx.exit()


def _show_help_if(ctx: click.Context, _: click.Parameter, value: bool) -> None:  # noqa: FBT001
    if value and not ctx.resilient_parsing:
        show_help(ctx)
