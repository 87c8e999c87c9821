"""What happens around every command: common options, help, sending, rendering.

A command's own function is pure: from its options to a `Call`, or to an `Action`. The rest is
written once, here.
"""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import click

from .api.calls import Call, Ensure
from .api.errors import Applied, InvalidInput, Report
from .api.models import EnsuredUser, Message, Room, User
from .config.settings import EXACT_KEY, FIELDS, PROFILE, PROTECTED, TOKEN_FILE, Rank, Settings
from .output import UnknownField, check_fields
from .terminal.console import Console, Listing
from .terminal.exit_codes import Cancelled, bug_after
from .terminal.options import (
    COMMON_OPTIONS,
    AroundOption,
    BatchOption,
    FileType,
    KeyOption,
    SettingOption,
    claim_stdin,
)
from .terminal.session import Session, open_session

if TYPE_CHECKING:
    from .api.outcomes import Outcome

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

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the arguments; of an option of another command, say whose it is."""
        try:
            return super().parse_args(ctx, args)
        except click.NoSuchOption as error:
            raise _owned_elsewhere(error.option_name, ctx) or error from None

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
        batch = [param for param in self.get_params(ctx) if isinstance(param, BatchOption)]
        own = [param for param in self.get_params(ctx) if param not in [*common, *batch]]
        for title, params in (
            ("Options", own),
            ("Batch options", batch),
            ("Common options", common),
        ):
            rows = [row for param in params if (row := param.get_help_record(ctx))]
            if rows:
                with formatter.section(title):
                    formatter.write_dl(rows)


class Group(Described, click.Group):
    """A group of commands."""


def walk(
    command: click.Command, path: tuple[str, ...]
) -> Iterator[tuple[click.Command, tuple[str, ...]]]:
    """Yield each command with its path, groups before what is in them."""
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
    message = f"'{option}' is no option of '{ctx.command_path}', but of {', '.join(owners)}."
    return click.UsageError(message, ctx)


class ActionCommand(Described):
    """A command that makes no call of its own: its function gets the session and does the work.

    Args:
        makes_profile: whether the profile named may not exist yet.
    """

    def __init__(self, *args: Any, makes_profile: bool = False, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.makes_profile = makes_profile

    def invoke(self, ctx: click.Context) -> None:
        """Run the function."""
        session = open_session(ctx.obj, profile_may_be_missing=self.makes_profile)
        ctx.invoke(self.callback, session, **ctx.params)  # type: ignore[arg-type]


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
        self.params += [_DRY_RUN, _YES if destructive else _YES_FOR_BATCHES, *BATCH_OPTIONS]

    def invoke(self, ctx: click.Context) -> None:
        """Send the call that the function returns, and show the answer."""
        session = open_session(ctx.obj)
        settings = session.settings
        around = {param.name: ctx.params.pop(param.name or "") for param in self._around()}
        _check_fields(settings, self.record)
        if around["from_file"] == "-":
            claim_stdin(ctx, "--from")
        if settings[TOKEN_FILE] == "-":
            claim_stdin(ctx, TOKEN_FILE.option)
        if around["from_file"]:
            self._run_batch(ctx, session, around)
            return
        _refuse_batch_options(ctx)
        _check_white_space(self, ctx, settings)
        operation: Call | Ensure = super().invoke(ctx)
        if around["dry_run"]:
            _preview(session, operation)
            return
        if self.destructive:
            question = f"Delete {operation.subject}?"
            _ask_leave(session, question, yes=around["yes"])
        self._show(session.console, operation, _send(session, operation))

    def _around(self) -> list[click.Parameter]:
        """Return the options that are not those of the call."""
        return [param for param in self.params if isinstance(param, AroundOption)]

    def _run_batch(self, ctx: click.Context, session: Session, around: dict[Any, Any]) -> None:
        # SQLite, csv and what else a batch needs
        from .batch.run import Batch, Request, run_batch
        from .batch.runner import Plan

        explicit = [
            name
            for name in ctx.params
            if ctx.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE
        ]
        name = " ".join(ctx.command_path.split()[1:])
        batch = Batch(self, name, ctx.params, explicit, self.record, session)
        plan = Plan(
            around["concurrency"], around["rate"], around["max_failures"], around["resend_unknown"]
        )
        request = Request(
            file=around["from_file"],
            plan=plan,
            skip_invalid=around["skip_invalid"],
            restart=around["restart"],
            dry_run=around["dry_run"],
            journal=around["journal"],
            rejects=around["rejects"],
        )

        def ask_leave(rows: int) -> None:
            if self.destructive:
                question = f"Delete {rows} users?"
                _ask_leave(session, question, yes=around["yes"], answer=str(rows))
            elif session.settings[PROTECTED]:
                _ask_leave(session, "", yes=around["yes"])

        try:
            run_batch(batch, request, ask_leave)
        except click.UsageError as error:
            error.ctx = error.ctx or ctx
            raise

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
_DRY_RUN = AroundOption(
    ["--dry-run"], is_flag=True, help="Show the request as a curl command, and send nothing."
)
_YES = AroundOption(["--yes"], is_flag=True, help="Do not ask.")
_YES_FOR_BATCHES = BatchOption(
    ["--yes"], is_flag=True, help="Do not ask; needed for batches in a protected profile."
)
BATCH_OPTIONS: tuple[click.Option, ...] = (
    BatchOption(
        ["--from", "from_file"],
        type=FileType(),
        metavar="FILE",
        is_eager=True,
        help="Make a call for each row of FILE (CSV, TSV, JSON Lines; '-': standard input).",
    ),
    BatchOption(
        ["--concurrency"], type=click.IntRange(1, 256), default=8, help="Calls side by side."
    ),
    BatchOption(
        ["--rate"], type=click.FloatRange(min=0, min_open=True), help="Rows a second, at most."
    ),
    BatchOption(["--max-failures"], type=click.IntRange(0), help="Stop after more than these."),
    BatchOption(["--skip-invalid"], is_flag=True, help="Go on without rows that are not fit."),
    BatchOption(["--restart"], is_flag=True, help="Forget what the journal knows."),
    BatchOption(
        ["--resend-unknown"],
        is_flag=True,
        help="Post messages again of which nobody knows whether they were posted.",
    ),
    BatchOption(
        ["--rejects"],
        type=FileType(),
        metavar="FILE",
        help="Write the rows that were not done, to be corrected and run again.",
    ),
    BatchOption(
        ["--journal"],
        type=FileType(),
        metavar="FILE",
        help="Where to remember what is done [default: the file's name and .kabelwerk-journal].",
    ),
)


def _refuse_batch_options(ctx: click.Context) -> None:
    for option in BATCH_OPTIONS:
        source = ctx.get_parameter_source(option.name or "")
        if source is click.core.ParameterSource.COMMANDLINE:
            raise click.UsageError(f"{option.opts[0]} needs --from FILE.", ctx)


def _send(session: Session, operation: Call | Ensure) -> "Outcome":
    # a help text does without what sends
    from .backend.client import open_client
    from .backend.request_log import observer
    from .config.token import loose_file

    settings, console = session
    if settings.profile.loose:
        path = settings.profile.path
        console.note(f"Others may write the configuration '{path}'; run: chmod go-w '{path}'")
    if token_file := loose_file(settings):
        console.note(f"Others may read the token in '{token_file}'; run: chmod 600 '{token_file}'")
    with (
        open_client(settings, observer(session)) as client,
        bug_after(f"Whether {operation.subject} was {operation.deed} is unknown.", UNKNOWN),
    ):
        return client.send(operation)


def _preview(session: Session, operation: Call | Ensure) -> None:
    from .backend.dry_run import previews, show_previews

    show_previews(session, previews(operation, session.settings))


def _ask_leave(session: Session, question: str, *, yes: bool, answer: str = "y") -> None:
    """Ask for leave unless it was given; a protected profile has to be named besides.

    Raises:
        Cancelled: it was not given.
    """
    settings, console = session
    profile = settings.profile.name
    if settings[PROTECTED] and not (yes and settings.rank(PROFILE) is Rank.OPTION):
        raise Cancelled(
            f"The profile '{profile}' is protected: say --yes --profile {profile} for this. "
            "Nothing was sent."
        )
    if not yes:
        console.confirm(question, answer)


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
