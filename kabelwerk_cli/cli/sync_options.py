"""The options of a sync, as click has them."""

import re
from collections.abc import Sequence
from typing import Any

import click

from kabelwerk_cli.engine.options import BatchOptions
from kabelwerk_cli.errors import Stop
from kabelwerk_cli.sync.options import Share, SyncOptions

from .batch_options import BATCH_OPTIONS, allow_option
from .options import FileType, claim_stdin

FOR_BATCHES = frozenset({"limit", "restart", "journal"})
"""The options of batches that a sync does not have."""
_SHARE = re.compile(r"(\d{1,9}(?:\.\d{1,3})?)%|(\d{1,9})")


class ShareType(click.ParamType[Share]):
    """A number, or a percentage such as `10%`."""

    name = "share"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Share:
        """Return the limit."""
        if isinstance(value, Share):
            return value
        found = _SHARE.fullmatch(value.strip())
        if not found:
            self.fail(
                f"'{value}' is not a number such as 20, or a percentage such as 10%", param, ctx
            )
        return Share(None, float(found[1])) if found[1] else Share(int(found[2]), None)


DELETION_OPTIONS = (
    click.Option(["--delete"], is_flag=True, help="Delete users who are no longer in the file."),
    click.Option(
        ["--max-deletions"],
        type=ShareType(),
        metavar="N|N%",
        help="Refuse to delete more than N users, or N% of known users. [default: 10%, at least 5]",
    ),
)
_ALLOW = allow_option([Stop.LOOKALIKES, Stop.DAMAGED_KEYS, Stop.UNTERMINATED])
SYNC_OPTIONS = (
    click.Option(
        ["--max-changes"],
        type=ShareType(),
        metavar="N|N%",
        help="Refuse more than N creations and updates, or more than N% of the known users or "
        "rooms. [default: 50%, at least 20]",
    ),
    click.Option(
        ["--state"],
        type=FileType(),
        metavar="FILE",
        help="Keep the state of the sync in FILE. [default: the input's name plus "
        ".kabelwerk-state]",
    ),
    click.Option(
        ["--new-state"], is_flag=True, help="Create the state; for the first sync of a file."
    ),
    click.Option(
        ["--adopt"],
        is_flag=True,
        help="Add the file's rows to the state as if they had been sent; send nothing.",
    ),
    click.Option(["--full"], is_flag=True, help="Send every row, to undo changes made elsewhere."),
    click.Option(["--dry-run"], is_flag=True, help="Show what would change; send nothing."),
    click.Option(["--yes"], is_flag=True, help="Do not ask for confirmation."),
)


def options_for(*, deletes: bool) -> tuple[click.Option, ...]:
    """Return the options of a sync, including those that it shares with batches."""
    shared = tuple(option for option in BATCH_OPTIONS if option.name not in FOR_BATCHES)
    return (*shared, _ALLOW, *(DELETION_OPTIONS if deletes else ()), *SYNC_OPTIONS)


def take_options(ctx: click.Context) -> tuple[BatchOptions, SyncOptions]:
    """Remove the options of a sync from a command's parameters, and return them.

    Raises:
        click.UsageError: there is no file, or they contradict each other.
    """
    batch, sync = _take(ctx, BatchOptions._fields), _take(ctx, SyncOptions._fields)
    if not batch["from_file"]:
        raise click.UsageError("Missing option '--from FILE'.", ctx)
    if batch["from_file"] == "-":
        claim_stdin(ctx, "--from")
    options = SyncOptions(**sync)
    for name in ("delete", "full"):
        if options.adopt and getattr(options, name):
            raise click.UsageError(f"--adopt sends nothing; leave out --{name}.", ctx)
    return BatchOptions(**batch), options


def _take(ctx: click.Context, names: Sequence[str]) -> dict[str, Any]:
    return {name: ctx.params.pop(name) for name in names if name in ctx.params}
