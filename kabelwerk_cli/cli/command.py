"""What surrounds every command: sending, batching, rendering.

A command's own function is pure: from its options to a `Call`. The rest is written once, here.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from kabelwerk_cli import errors
from kabelwerk_cli.config.resolve import Settings
from kabelwerk_cli.config.settings import EXACT_KEY, OUTPUT, TOKEN_FILE
from kabelwerk_cli.config.suggestions import suggest_ensure
from kabelwerk_cli.config.token import advise_on_token
from kabelwerk_cli.engine.options import BatchOptions
from kabelwerk_cli.operations.arguments import check_key, check_plain
from kabelwerk_cli.operations.call import Call
from kabelwerk_cli.operations.models import EnsuredUser, Message, Room, User
from kabelwerk_cli.output import Format
from kabelwerk_cli.rows.columns import Kind
from kabelwerk_cli.terminal.console import Console, Listing
from kabelwerk_cli.terminal.session import ARGUMENTS, Session, open_session

from .batch_options import explicit, options_for, take_options
from .described import Described
from .options import ColumnOption, FileValueOption, check_required, claim_stdin
from .recorded import open_recorded_session

if TYPE_CHECKING:
    from kabelwerk_cli.delivery.outcomes import Success


# What a table shows of a record unless --fields says otherwise.
SUMMARIES: dict[type, Sequence[str]] = {
    User: ("id", "key", "name"),
    EnsuredUser: ("id", "key", "name", "outcome"),
    Room: ("id", "user.key", "archived", "hub_user.key", "attributes"),
    Message: ("id", "room_id", "user.key", "inserted_at", "text"),
}


class ActionCommand(Described):
    """A command that makes no call of its own: its function gets the session and does the work.

    Args:
        makes_profile: whether the profile named may not exist yet.
        sends: whether it sends requests, so that its start and end are recorded.
        needs_settings: whether to read the environment and the configuration.
        shows: the types of the records that it lists, by the argument that asks for them; an empty
            one if it takes none.
    """

    def __init__(
        self,
        *args: Any,
        makes_profile: bool = False,
        sends: bool = False,
        needs_settings: bool = True,
        shows: Mapping[str, type] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.makes_profile = makes_profile
        self.sends = sends
        self.needs_settings = needs_settings
        self.shows = shows or {}

    def results(self) -> dict[str, Any]:
        """Return the type of what `-o json` prints, by the argument that asks for it."""
        from kabelwerk_cli.output.schema import list_of

        return {argument: list_of(kind) for argument, kind in self.shows.items()}

    def invoke(self, ctx: click.Context) -> None:
        """Run the function."""
        may_be_missing = self.makes_profile
        if self.sends:
            session = open_recorded_session(ctx, profile_may_be_missing=may_be_missing)
        else:
            session = open_session(
                ctx, needs_settings=self.needs_settings, profile_may_be_missing=may_be_missing
            )
        ctx.invoke(self.callback, session, **ctx.params)  # type: ignore[arg-type]


class CallCommand(Described):
    """A command whose function returns a `Call`, which is sent, and whose answer is shown.

    Args:
        record: the type of the record that is shown.
        destructive: whether to ask before sending.
        repeatable: whether doing it twice is the same as doing it once, see `Call`.
    """

    topics: tuple[str, ...] = ("batches", "options")

    def __init__(
        self,
        *args: Any,
        record: type,
        destructive: bool = False,
        repeatable: bool = True,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.record = record
        self.destructive = destructive
        self.repeatable = repeatable
        if not repeatable:
            self.topics = ("mailings", *self.topics)
        self.params += options_for(destructive=destructive, repeatable=repeatable)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Parse the arguments; some options set the value of another one."""
        rest = super().parse_args(ctx, args)
        check_required(ctx)
        for param in self.params:
            if isinstance(param, FileValueOption):
                param.move_value(ctx)
        return rest

    def results(self) -> dict[str, Any]:
        """Return the type of what `-o json` prints, see `ActionCommand`."""
        return {"": self.record}

    def invoke(self, ctx: click.Context) -> None:
        """Send the call that the function returns, or one for each row of a file."""
        session = open_recorded_session(ctx)
        options = take_options(ctx)
        session.console.check_fields(self._shown(session, options))
        if session.settings[TOKEN_FILE] == "-":
            claim_stdin(ctx, TOKEN_FILE.option)
        check_keys(self, ctx, session.settings)
        if options.from_file is not None:
            self._run_batch(ctx, session, options, options.from_file)
            return
        call = self._call(ctx)
        if options.dry_run:
            _preview(session, call)
            return
        if self.destructive:
            from kabelwerk_cli.backend.backends import backend_and_profile
            from kabelwerk_cli.terminal.confirm import confirm

            where = backend_and_profile(session.settings)
            confirm(session, f"Delete {call.subject} at {where}?", yes=options.yes)
        try:
            success = _send(session, call)
        except errors.KabelwerkError as error:
            unknown = error.report.applied is errors.Applied.UNKNOWN
            session.run_record.counts = {"unknown" if unknown else "failed": 1}
            if advice := _advice(error, session, call, ctx.meta[ARGUMENTS]):
                raise error.with_advice(advice) from error
            raise
        self._show(session.console, call, success)

    def _call(self, ctx: click.Context) -> Call[Any]:
        try:
            call: Call[Any] = super().invoke(ctx)
        except errors.Refused as error:
            raise click.UsageError(str(error), ctx) from None
        return call

    def _shown(self, session: Session, options: BatchOptions) -> type:
        """Return the type of the records that are shown."""
        if options.dry_run and session.settings[OUTPUT] in {Format.JSON, Format.JSONL}:
            from kabelwerk_cli.backend.dry_run import Preview

            return Preview
        if options.from_file is None:
            return self.record
        from kabelwerk_cli.reporting.result import batch_record

        kind: type = batch_record(self.record)
        return kind

    def _run_batch(
        self, ctx: click.Context, session: Session, options: BatchOptions, file: str
    ) -> None:
        # SQLite, csv and what else a batch needs
        from kabelwerk_cli.batch.batch import Batch
        from kabelwerk_cli.batch.run import run_batch
        from kabelwerk_cli.rows.reader import RowReader

        name = " ".join(ctx.command_path.split()[1:])
        exact_key = session.settings[EXACT_KEY]
        assert self.callback  # noqa: S101 - for the types
        reader = RowReader(
            [param.column for param in self.params if isinstance(param, ColumnOption)],
            self.callback,
            ctx.params,
            explicit(ctx),
            exact_key=exact_key,
            mapping=options.mapping,
            ignored=options.ignore_columns,
            template=options.template,
        )
        run_batch(
            Batch(
                name,
                ctx.meta[ARGUMENTS],
                file,
                reader,
                record=self.record,
                destructive=self.destructive,
                repeatable=self.repeatable,
                options=options,
                session=session,
            )
        )

    def _show(self, console: Console, call: Call[Any], success: "Success[Any]") -> None:
        if success.unused:
            from kabelwerk_cli.delivery.outcomes import ignored
            from kabelwerk_cli.words import capitalized

            console.warn(ignored(capitalized(call.subject), success.unused))
        if console.is_quiet:
            return
        for note in success.notes:
            console.note(note)
        summary = SUMMARIES.get(self.record)
        console.show(Listing(self.record, [success.record], summary, single=True))


def _send(session: Session, call: Call[Any]) -> "Success[Any]":
    from kabelwerk_cli.backend.connect import COMMAND, open_sender, tell_about_files
    from kabelwerk_cli.backend.request_log import observer
    from kabelwerk_cli.delivery.history import History

    tell_about_files(session)
    with open_sender(session.settings, observer(session), tools=COMMAND) as sender:
        history = History()
        session.run_record.open(history)
        success = sender.send(call, history)
    session.run_record.counts = {success.effect: 1}
    return success


def _advice(
    error: errors.KabelwerkError, session: Session, call: Call[Any], line: Sequence[str]
) -> str:
    """Return what to do about an error, as far as the command line and the settings say that."""
    from kabelwerk_cli.delivery.server_messages import says_taken

    settings = session.settings
    if isinstance(error, errors.AuthenticationError):
        return advise_on_token(settings)
    taken = isinstance(error, errors.ValidationError) and says_taken(error.fields)
    # an `ensure` has done what this would tell to do
    if taken and call.creates_user and call.otherwise is None:
        return f"To update a user who exists, use {suggest_ensure(line, settings.options())}."
    return ""


def _preview(session: Session, call: Call[Any]) -> None:
    from kabelwerk_cli.backend.dry_run import conditions, show_previews

    for condition in conditions(call):
        session.console.note(condition)
    show_previews(session, [call], single=True)


def check_keys(command: click.Command, ctx: click.Context, settings: Settings) -> None:
    """Refuse keys that a person may mistake for others, usually left by a careless script."""
    if settings[EXACT_KEY]:
        return
    for param in command.params:
        if isinstance(param, ColumnOption) and param.column.kind is Kind.KEY:
            name = param.column.name
            if (value := ctx.params.get(name)) is not None:
                check_plain(name, check_key(name, value))
