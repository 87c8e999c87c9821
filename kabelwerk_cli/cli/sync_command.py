"""The sync command: its function turns the columns of a row into a `Call`."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import click

from kabelwerk_cli.config.settings import EXACT_KEY, TOKEN_FILE
from kabelwerk_cli.engine.options import BatchOptions
from kabelwerk_cli.operations.call import Call
from kabelwerk_cli.rows.columns import Column
from kabelwerk_cli.sync.options import SyncOptions
from kabelwerk_cli.terminal.session import ARGUMENTS, Session

from .batch_options import explicit
from .command import check_keys
from .described import Described
from .options import claim_stdin
from .recorded import open_recorded_session
from .sync_options import options_for, take_options

NOUNS = {"key": "user", "room": "room"}


class SyncCommand(Described):
    """A command whose function returns the call for one row: create, otherwise update.

    Args:
        columns: the columns of the file; those that have an option can be set for all rows.
        record: the type of the record in an answer.
        delete: returns the call that deletes a user; None if nothing can be deleted.
        blanks: the value of an empty cell, by column; in other columns, it is invalid.
    """

    topics = ("sync", "options")

    def __init__(
        self,
        *args: Any,
        columns: Sequence[Column],
        record: type,
        delete: Callable[..., Call[None]] | None = None,
        blanks: Mapping[str, Any] | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        self.record = record
        self.delete = delete
        self.blanks = blanks or {}
        self.columns = columns
        self.params += options_for(deletes=delete is not None)

    def results(self) -> dict[str, Any]:
        """Return the type of what `-o json` prints, see `ActionCommand`."""
        from kabelwerk_cli.output.schema import list_of
        from kabelwerk_cli.reporting.result import batch_record

        return {"": list_of(batch_record(self.record))}

    def invoke(self, ctx: click.Context) -> None:
        """Compare the file with the state, and send what differs."""
        session = open_recorded_session(ctx)
        batch, options = take_options(ctx)
        session.console.check_fields(self._shown(batch))
        if session.settings[TOKEN_FILE] == "-":
            claim_stdin(ctx, TOKEN_FILE.option)
        check_keys(self, ctx, session.settings)
        self._run(ctx, session, batch, options)

    def _shown(self, batch: BatchOptions) -> type:
        """Return the type of the records that are shown."""
        from kabelwerk_cli.reporting.result import batch_record
        from kabelwerk_cli.sync.actions import PlannedChange

        kind: type = PlannedChange if batch.dry_run else batch_record(self.record)
        return kind

    def _run(
        self, ctx: click.Context, session: Session, batch: BatchOptions, options: SyncOptions
    ) -> None:
        # these import SQLite, csv and more, so only when a sync runs
        from kabelwerk_cli.rows.reader import SyncRowReader
        from kabelwerk_cli.sync.checking import Sync
        from kabelwerk_cli.sync.run import run_sync
        from kabelwerk_cli.sync.state import new_secret

        params = dict.fromkeys(column.name for column in self.columns) | ctx.params
        exact_key = session.settings[EXACT_KEY]
        assert self.callback  # noqa: S101 - for the types
        reader = SyncRowReader(
            self.columns,
            self.callback,
            params,
            explicit(ctx),
            blanks=self.blanks,
            exact_key=exact_key,
            mapping=batch.mapping,
            ignored=batch.ignore_columns,
        )
        noun = next(noun for name, noun in NOUNS.items() if name in params)
        run_sync(
            Sync(
                " ".join(ctx.command_path.split()[1:]),
                ctx.params["hub"] if "hub" in explicit(ctx) else None,
                noun,
                reader,
                record=self.record,
                creates=self.delete is not None,
                delete=self.delete,
                line=ctx.meta[ARGUMENTS],
                secret=new_secret(),
                batch=batch,
                options=options,
                session=session,
            )
        )
