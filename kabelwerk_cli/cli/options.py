"""Common options, generated from the table of settings, and option types that commands share."""

import os
import stat
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, TypeVar

import click

from kabelwerk_cli.config.parsers import did_you_mean
from kabelwerk_cli.config.resolve import profile_names
from kabelwerk_cli.config.settings import CONFIG, PROFILE, SETTINGS, Rank, Setting, option_of
from kabelwerk_cli.files import read_text, without_newline
from kabelwerk_cli.output import visible
from kabelwerk_cli.rows.columns import ROOM, ROOM_HUB, Column, Kind

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

F = TypeVar("F", bound=Callable[..., Any])


class SettingOption(click.Option):
    """The option of one setting, accepted before and after the subcommand.

    `remember_settings` moves the value to the context's object, which root, group and command
    share, so the last one given wins regardless of its position.
    """

    def __init__(self, setting: Setting[Any]) -> None:
        self.setting = setting
        names = [setting.option, setting.name] + ([setting.short] if setting.short else [])
        kind: dict[str, Any] = {"metavar": setting.metavar, "type": SettingType(setting)}
        if setting.metavar is None:
            kind = {"count": True} if setting.counted else {"is_flag": True}
        super().__init__(names, help=_help(setting), **kind)


def _help(setting: Setting[Any]) -> str:
    default = setting.default
    shown = f"{default:g}" if isinstance(default, float) else default
    return f"{setting.help} [default: {shown}]" if default else setting.help


class SettingType(click.ParamType[Any]):
    """Parses an option's value like that of the environment variable."""

    def __init__(self, setting: Setting[Any]) -> None:
        self.name = setting.name
        self._setting = setting

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the parsed value; an invalid one is a usage error."""
        try:
            return self._setting.parse(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> "list[CompletionItem]":
        """Complete files, profiles or the setting's choices."""
        from .completion import file_names, starting_with

        del param
        if self._setting.names_file:
            return file_names(incomplete)
        known = self._setting.choices
        if self._setting is PROFILE:
            # a shell takes a line break for the end of a name
            names = profile_names(ctx.obj.get(CONFIG.name))
            known = tuple(name for name in names if name == visible(name))
        return starting_with(incomplete, known)


COMMON_OPTIONS: tuple[click.Parameter, ...] = tuple(
    SettingOption(setting) for setting in SETTINGS if Rank.OPTION in setting.sources
)
"""The common options. All commands share these objects, which saves time at startup."""


def is_given(ctx: click.Context, name: str | None) -> bool:
    """Return whether a parameter was given on the command line."""
    return ctx.get_parameter_source(name or "") is click.core.ParameterSource.COMMANDLINE


def remember_settings(ctx: click.Context) -> None:
    """Move the common options from a command's parameters to the context's object, if given."""
    for setting in SETTINGS:
        if is_given(ctx, setting.name) and setting.name in ctx.params:  # not there if it is invalid
            ctx.obj[setting.name] = ctx.params[setting.name]
        ctx.params.pop(setting.name, None)


class RunOption(click.Option):
    """An option of a call command that is not a parameter of the call.

    Args:
        topic: the help topic that explains it.
    """

    def __init__(self, *args: Any, topic: str = "batches", **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.topic = topic

    def get_help_extra(self, ctx: click.Context) -> Any:
        """Return the default; the help says in words how large a number may be."""
        extra = super().get_help_extra(ctx)
        extra.pop("range", None)
        return extra


class BatchOption(RunOption):
    """An option that controls how a batch is sent."""


IN_TOPICS = (BatchOption, SettingOption)
"""Options that many commands have: a help topic lists them, not the help of each command."""


class CallOption(click.Option):
    """An option that says what a call is about."""


class ColumnOption(CallOption):
    """The option of a column: what it sets for every row, or for a single call.

    If it is required, the file may have the column instead; `check_required` looks at both.

    Args:
        column: the column.
    """

    def __init__(self, *args: Any, column: Column, **kwargs: Any) -> None:
        super().__init__(*args, default=column.default, **kwargs)
        self.column = column

    def get_help_extra(self, ctx: click.Context) -> Any:
        """Return what click adds to the help."""
        extra = super().get_help_extra(ctx)
        if self.column.required:
            extra["required"] = "required"
        return extra


def column_option(
    column: Column, text: str, *, metavar: str | None = None, negatable: bool = False
) -> Callable[[F], F]:
    """Return a decorator that adds the option of a column to a command.

    Args:
        column: the column.
        text: what the help says.
        metavar: what the value is called; None for a flag.
        negatable: whether there is an option that turns a flag off.
    """
    name = option_of(column.name)
    kind: dict[str, Any] = {"metavar": metavar}
    if column.kind is Kind.FLAG:
        kind = {} if negatable else {"is_flag": True}
    elif column.kind is Kind.OBJECT:
        kind["type"] = JsonObject()
    elif column.default is not None:
        kind["show_default"] = True
    names = f"{name}/--no-{name[2:]}" if negatable else name
    return click.option(names, cls=ColumnOption, column=column, help=text, **kind)


def check_required(ctx: click.Context) -> None:
    """Refuse a command line without a required option, unless a file of rows has its column.

    Raises:
        click.MissingParameter: one is missing.
    """
    if ctx.resilient_parsing or ctx.params.get("from_file") is not None:
        return
    for param in ctx.command.params:
        required = isinstance(param, ColumnOption) and param.column.required
        if required and ctx.params.get(param.name or "") is None:
            hint = "To read rows from standard input, use --from -" if _has_piped_input() else None
            raise click.MissingParameter(hint, ctx=ctx, param=param)


def _has_piped_input() -> bool:
    """Tell whether stdin is a file or a pipe, which may have rows."""
    try:
        mode = os.fstat(0).st_mode
    except OSError:
        return False
    return stat.S_ISREG(mode) or stat.S_ISFIFO(mode)


class FileValueOption(CallOption):
    """Another way to give the value of a column's option.

    Args:
        value_of: the name of that option.
    """

    def __init__(self, *args: Any, value_of: str, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.value_of = value_of

    def move_value(self, ctx: click.Context) -> None:
        """Make its value that of the other option.

        Raises:
            click.UsageError: both have one.
        """
        value = ctx.params.pop(self.name or "", None)
        if value is None:
            return
        if ctx.params[self.value_of] is not None:
            both = f"{option_of(self.value_of)} and {self.opts[0]}"
            raise click.UsageError(f"{both} cannot be used together.", ctx)
        ctx.params[self.value_of] = value


room_option = column_option(ROOM, "Key of the room's end user.", metavar="KEY")
room_hub_option = column_option(
    ROOM_HUB, "Slug of the room's hub; '_' if there is only one hub.", metavar="SLUG"
)


class OneOf(click.Choice[str]):
    """One of a fixed set of words."""

    def get_invalid_choice_message(self, value: Any, ctx: click.Context | None) -> str:
        """Return click's message with a suggestion."""
        meant = did_you_mean(str(value), tuple(self.choices))
        return f"{super().get_invalid_choice_message(value, ctx)}{meant}"


def claim_stdin(ctx: click.Context | None, option: str) -> None:
    """Record which option reads stdin: a second reader would get nothing, or the other's secret.

    Raises:
        click.UsageError: another option already reads it.
    """
    reader = ctx.meta.setdefault(f"{__name__}.stdin", option) if ctx else option
    if reader != option:
        raise click.UsageError(f"{reader} and {option} cannot both read from stdin.", ctx)


class Number(click.FloatRange):
    """A number in a range; unlike click's own, never NaN or infinite."""

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> float:
        """Return the number."""
        number: float = super().convert(value, param, ctx)
        if not -float("inf") < number < float("inf"):
            self.fail(f"'{value}' is not a number", param, ctx)
        return number


class FileType(click.ParamType[Any]):
    """A type whose values are, or can be, files."""

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> "list[CompletionItem]":
        """Complete files."""
        from .completion import file_names

        del ctx, param
        return file_names(incomplete)

    @staticmethod
    def read(name: str, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the text of a file, or of stdin if it is `-`."""
        if name == "-":
            claim_stdin(ctx, param.opts[0] if param else "")
        return read_text(name)


class TextFile(FileType):
    """A file, or `-` for stdin, whose text is the value, without the line break at its end."""

    name = "file"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the file's text."""
        try:
            return without_newline(self.read(value, param, ctx))
        except ValueError as error:
            self.fail(str(error), param, ctx)


class JsonObject(FileType):
    """A JSON object, `@FILE`, or `-` for stdin."""

    name = "json"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> dict[str, Any]:
        """Return the object."""
        from kabelwerk_cli.operations.json_text import read_json

        try:
            is_file = value == "-" or value.startswith("@")
            given = read_json(self.read(value.removeprefix("@"), param, ctx) if is_file else value)
        except ValueError as error:
            self.fail(str(error), param, ctx)
        if not isinstance(given, dict):
            self.fail("not a JSON object such as '{\"age\": 42}'", param, ctx)
        return given
