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
from .backend import open_client
from .console import Console, Listing
from .exit_codes import bug_after
from .options import KeyOption, SettingOption, setting_options
from .output import UnknownField, check_fields
from .settings import EXACT_KEY, FIELDS, Settings, from_environment

if TYPE_CHECKING:
    from .api.client import Attempted

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
        self.params += setting_options()

    def format_help_text(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the examples below the text."""
        super().format_help_text(ctx, formatter)
        if self.examples:
            with formatter.section("Examples"):
                formatter.write_text("\b\n" + "\n".join(self.examples))

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the command's own options and the common ones apart."""
        common = [param for param in self.get_params(ctx) if isinstance(param, SettingOption)]
        own = [param for param in self.get_params(ctx) if param not in common]
        for title, params in (("Options", own), ("Common options", common)):
            rows = [row for param in params if (row := param.get_help_record(ctx))]
            if rows:
                with formatter.section(title):
                    formatter.write_dl(rows)
        if isinstance(self, click.Group):
            self.format_commands(ctx, formatter)


class Group(Described, click.Group):
    """A group of commands."""


Action = Callable[[Settings, Console], None]
"""What a command that makes no call does, once there are settings."""


class ActionCommand(Described):
    """A command whose function returns an `Action`, which is done."""

    def invoke(self, ctx: click.Context) -> None:
        """Do what the function returns."""
        action: Action = super().invoke(ctx)
        settings = from_environment(ctx.obj)
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
        if destructive:
            self.params.append(
                click.Option(["--yes"], is_flag=True, help="Do not ask.", expose_value=True)
            )

    def invoke(self, ctx: click.Context) -> None:
        """Send the call that the function returns, and show the answer."""
        settings = from_environment(ctx.obj)
        asked = self.destructive and not ctx.params.pop("yes")
        _check_white_space(self, ctx, settings)
        call: Call | Ensure = super().invoke(ctx)
        _check_fields(settings, self.record)
        console = Console(settings)
        with open_client(settings, observe=lambda attempted: _tell(console, attempted)) as client:
            if asked:
                console.confirm(f"Delete {call.subject}?")
            with bug_after(f"Whether {call.subject} was {call.deed} is unknown.", UNKNOWN):
                outcome = client.send(call)
        for note in outcome.notes:
            console.note(note)
        what = f"{call.subject[:1].upper()}{call.subject[1:]} was {call.deed}."
        if self.record:
            listing = Listing(self.record, [outcome.record], SUMMARIES[self.record], single=True)
            with bug_after(what, outcome.report):
                console.show(listing, what, outcome.report)
        else:
            console.tell(what)


UNKNOWN = Report(applied=Applied.UNKNOWN, safe_to_rerun=False)


def _tell(console: Console, attempted: "Attempted") -> None:
    if attempted.pause is not None:
        reason = attempted.verdict.reason
        pause = f"{attempted.pause:.1f} s"
        console.note(f"Try {attempted.number}: {reason}; trying again in {pause}.")


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
