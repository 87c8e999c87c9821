"""What happens around every command: common options, help, sending, rendering.

A command's own function is pure: from its options to a `Call`, or to an `Action`. The rest is
written once, here.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import click

from .api.calls import Call, Ensure
from .api.errors import Applied, InvalidInput, Report
from .api.models import EnsuredUser, Message, Room, User
from .console import Console, Listing
from .exit_codes import Cancelled, bug_after
from .options import COMMON_OPTIONS, KeyOption, SettingOption
from .output import Format, UnknownField, check_fields
from .settings import (
    EXACT_KEY,
    FIELDS,
    OUTPUT,
    PROFILE,
    PROTECTED,
    Rank,
    Settings,
    from_environment,
)

if TYPE_CHECKING:
    from .api.conclusions import Outcome

# What a table shows of a record unless --fields says otherwise.
SUMMARIES: dict[type, Sequence[str]] = {
    User: ("id", "key", "name"),
    EnsuredUser: ("id", "key", "name", "outcome"),
    Room: ("id", "user.key", "archived", "hub_user.key", "attributes"),
    Message: ("id", "room_id", "user.key", "inserted_at", "text"),
}


class Described(click.Command):
    """A command or group with examples and the common options.

    Args:
        examples: command lines, shown first in the help.
    """

    def __init__(self, *args: Any, examples: Sequence[str] = (), **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.examples = tuple(examples)
        self.params += COMMON_OPTIONS

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
        common = [param for param in self.get_params(ctx) if isinstance(param, SettingOption)]
        own = [param for param in self.get_params(ctx) if param not in common]
        for title, params in (("Options", own), ("Common options", common)):
            rows = [row for param in params if (row := param.get_help_record(ctx))]
            if rows:
                with formatter.section(title):
                    formatter.write_dl(rows)


class Group(Described, click.Group):
    """A group of commands."""


Action = Callable[[Settings, Console], None]
"""What a command that makes no call does, once there are settings."""


class ActionCommand(Described):
    """A command whose function returns an `Action`, which is done.

    Args:
        makes_profile: whether the profile that is named may be missing so far.
    """

    def __init__(self, *args: Any, makes_profile: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.makes_profile = makes_profile

    def invoke(self, ctx: click.Context) -> None:
        """Do what the function returns."""
        action: Action = super().invoke(ctx)
        settings = from_environment(ctx.obj, profile_may_be_missing=self.makes_profile)
        action(settings, Console(settings))


class CallCommand(Described):
    """A command whose function returns a `Call`, which is sent, and whose answer is shown.

    Args:
        record: the type of the answer's object, None where there is none.
        destructive: whether to ask before sending.
    """

    def __init__(
        self, *args: Any, record: type | None, destructive: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        self.record = record
        self.destructive = destructive
        self.params.append(_DRY_RUN)
        if destructive:
            self.params.append(_YES)

    def invoke(self, ctx: click.Context) -> None:
        """Send the call that the function returns, and show the answer."""
        settings = from_environment(ctx.obj)
        dry_run = ctx.params.pop("dry_run")
        yes = ctx.params.pop("yes", False)
        _check_white_space(self, ctx, settings)
        operation: Call | Ensure = super().invoke(ctx)
        _check_fields(settings, self.record)
        console = Console(settings)
        if dry_run:
            _preview(console, settings, operation)
            return
        if self.destructive:
            _ask_leave(console, settings, f"Delete {operation.subject}?", yes=yes)
        self._show(console, operation, _send(console, settings, operation))

    def _show(self, console: Console, operation: Call | Ensure, outcome: "Outcome") -> None:
        if console.is_quiet:
            return
        for note in outcome.notes:
            console.note(note)
        what = f"{operation.subject[:1].upper()}{operation.subject[1:]} was {operation.deed}."
        if self.record is None:
            console.tell(what)
            return
        summary = SUMMARIES.get(self.record)
        listing = Listing(self.record, [outcome.record], summary, single=True)
        with bug_after(what, outcome.report):
            console.show(listing, what, outcome.report)


UNKNOWN = Report(applied=Applied.UNKNOWN, safe_to_rerun=False)
_DRY_RUN = click.Option(
    ["--dry-run"], is_flag=True, help="Show the request as a curl command, and send nothing."
)
_YES = click.Option(["--yes"], is_flag=True, help="Do not ask.")


def _send(console: Console, settings: Settings, operation: Call | Ensure) -> "Outcome":
    # a help text does without what sends
    from .backend import open_client  # noqa: PLC0415
    from .credentials import loose_file  # noqa: PLC0415
    from .observers import observer  # noqa: PLC0415

    if settings.profile.loose:
        path = settings.profile.path
        console.note(f"Others may write the configuration '{path}'; run: chmod go-w '{path}'")
    if token_file := loose_file(settings):
        console.note(f"Others may read the token in '{token_file}'; run: chmod 600 '{token_file}'")
    with (
        open_client(settings, observer(settings, console)) as client,
        bug_after(f"Whether {operation.subject} was {operation.deed} is unknown.", UNKNOWN),
    ):
        return client.send(operation)


def _preview(console: Console, settings: Settings, operation: Call | Ensure) -> None:
    from .preview import Preview, previews  # noqa: PLC0415

    requests = previews(operation, settings)
    if settings[OUTPUT] in {Format.JSON, Format.JSONL}:
        console.show(Listing(Preview, requests, single=len(requests) == 1))
    else:
        console.print("\n".join(request.as_curl() for request in requests))


def _ask_leave(console: Console, settings: Settings, question: str, *, yes: bool) -> None:
    """Ask for leave unless it was given; a protected profile has to be named besides.

    Raises:
        Cancelled: it was not given.
    """
    profile = settings.profile.name
    if settings[PROTECTED] and not (yes and settings.rank(PROFILE) is Rank.OPTION):
        raise Cancelled(
            f"The profile '{profile}' is protected: say --yes --profile {profile} for this. "
            "Nothing was sent."
        )
    if not yes:
        console.confirm(question)


def _check_white_space(command: click.Command, ctx: click.Context, settings: Settings) -> None:
    """Refuse keys that begin or end with white space, mostly the trace of a careless script."""
    if settings[EXACT_KEY]:
        return
    for param in command.params:
        value = ctx.params.get(param.name or "")
        if isinstance(param, KeyOption) and value is not None and value != value.strip():
            message = "begins or ends with white space; if it really does, say --exact-key"
            raise InvalidInput(param.name or "", message)


def _check_fields(settings: Settings, record: type | None) -> None:
    fields = settings[FIELDS]
    if record:
        try:
            check_fields(record, fields)
        except UnknownField as error:
            raise click.UsageError(f"--fields: {error}") from None
