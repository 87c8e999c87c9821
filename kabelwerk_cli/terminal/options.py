"""Options: the common ones, made from the table of settings, and the kinds that commands share."""

from collections.abc import Mapping
from typing import Any

import click
from click.shell_completion import CompletionItem

from kabelwerk_cli.config.files import read_text
from kabelwerk_cli.config.parsers import did_you_mean
from kabelwerk_cli.config.settings import CONFIG, PROFILE, SETTINGS, Rank, Setting, profile_names


class SettingOption(click.Option):
    """The option of one setting; it may stand before and after the subcommand.

    Its value goes into the context's object, which root, group and command share, so that the
    last one given wins wherever it stands.
    """

    def __init__(self, setting: Setting[Any]) -> None:
        self.setting = setting
        names = [setting.option, setting.name] + ([setting.short] if setting.short else [])
        kind: dict[str, Any] = {"metavar": setting.metavar, "type": SettingType(setting)}
        if setting.metavar is None:
            kind = {"count": True} if setting.counted else {"is_flag": True}
        super().__init__(names, help=_help(setting), expose_value=False, callback=_remember, **kind)


def _help(setting: Setting[Any]) -> str:
    return f"{setting.help} [default: {setting.default}]" if setting.default else setting.help


class SettingType(click.ParamType[Any]):
    """Reads an option's value the way the environment's is read."""

    def __init__(self, setting: Setting[Any]) -> None:
        self.name = setting.name
        self._setting = setting

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Return the parsed value; a wrong one is a usage error."""
        try:
            return self._setting.parse(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Return what a TAB offers: files, profiles, or the few values there are."""
        del param
        if self._setting.names_file:
            return [CompletionItem(incomplete, type="file")]
        known = self._setting.choices
        if self._setting is PROFILE:
            known = profile_names(ctx.obj.get(CONFIG.name))
        return [CompletionItem(value) for value in known if value.startswith(incomplete)]


def _remember(ctx: click.Context, param: click.Parameter, value: object) -> None:
    if ctx.get_parameter_source(param.name or "") is click.core.ParameterSource.COMMANDLINE:
        ctx.obj[param.name] = value


COMMON_OPTIONS: tuple[click.Parameter, ...] = tuple(
    SettingOption(setting) for setting in SETTINGS if Rank.OPTION in setting.sources
)
"""The common options, one object each for all commands: there are some hundred places for them."""


class AroundOption(click.Option):
    """An option of a call's command that is not the call's own."""


class BatchOption(AroundOption):
    """An option of how a file's rows are sent."""


class ColumnOption(click.Option):
    """An option of a call, which may also be a column of a batch's file."""

    def handle_parse_result(
        self, ctx: click.Context, opts: Mapping[str, Any], args: list[str]
    ) -> tuple[Any, list[str]]:
        """Take the value; where it is missing, a batch's file may have it."""
        try:
            return super().handle_parse_result(ctx, opts, args)
        except click.MissingParameter:
            # before parsing has ended, an option that was not given has a value of click's own
            if not isinstance(ctx.params.get("from_file"), str):
                raise
            ctx.params[self.name or ""] = None
            return None, args


class KeyOption(ColumnOption):
    """The option of a key or slug. What a key may be, `calls.check_key` knows."""


room_option = click.option(
    "--room", cls=KeyOption, required=True, help="The key of the end user whose room it is."
)
room_hub_option = click.option(
    "--hub",
    cls=KeyOption,
    default="_",
    help="The slug of the room's hub; not needed with a single hub.",
)


class OneOf(click.Choice[str]):
    """One of a few words."""

    def get_invalid_choice_message(self, value: Any, ctx: click.Context | None) -> str:
        """Return what is wrong, and what may have been meant."""
        meant = did_you_mean(str(value), tuple(self.choices))
        return f"{super().get_invalid_choice_message(value, ctx)}{meant}"


def claim_stdin(ctx: click.Context | None, option: str) -> None:
    """Note who reads standard input: a second reader would get nothing, or the other's secret.

    Raises:
        click.UsageError: another option reads it already.
    """
    reader = ctx.meta.setdefault(f"{__name__}.stdin", option) if ctx else option
    if reader != option:
        raise click.UsageError(f"{reader} and {option} cannot both read standard input.", ctx)


class FileType(click.ParamType[Any]):
    """A type whose values are, or may be, files."""

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """Offer files."""
        del ctx, param
        return [CompletionItem(incomplete, type="file")]


class TextFile(FileType):
    """A file, or `-` for standard input, whose text is the value."""

    name = "file"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the file's text."""
        if value == "-":
            claim_stdin(ctx, param.opts[0] if param else "")
        try:
            return read_text(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


class JsonObject(FileType):
    """A JSON object: itself, `@FILE`, or `-` for standard input."""

    name = "json"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> dict[str, Any]:
        """Return the object."""
        import json

        try:
            text = value
            if value in {"-", "@-"}:
                claim_stdin(ctx, param.opts[0] if param else "")
            if value == "-" or value.startswith("@"):
                text = read_text(value.removeprefix("@"))
            given = json.loads(text, parse_constant=_refuse_constant)
        except json.JSONDecodeError as error:
            self.fail(f"is not JSON: {error}", param, ctx)
        except RecursionError:
            self.fail("is nested too deeply", param, ctx)
        except ValueError as error:
            self.fail(str(error), param, ctx)
        if not isinstance(given, dict):
            self.fail("is JSON, but not an object such as '{\"age\": 42}'", param, ctx)
        return given


def _refuse_constant(name: str) -> None:
    raise ValueError(f"{name} is not JSON")
