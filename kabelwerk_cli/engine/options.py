"""The options that batches and syncs share, as a typed value."""

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from kabelwerk_cli.rows.template import Template


class BatchOptions(NamedTuple):
    """How a command's calls are sent; each field is an option."""

    from_file: str | None
    """The file of rows; None for a single call."""
    dry_run: bool
    yes: bool
    concurrency: int
    rate: float | None
    """The most rows per second."""
    max_failures: int | None
    skip_invalid: bool
    rejects: str | None
    limit: int | None = None
    """The most rows that this run attempts."""
    restart: bool = False
    journal: str | None = None
    mapping: tuple[tuple[str, str], ...] = ()
    """Pairs of a command's column and the file's column that it is read from."""
    ignore_columns: tuple[str, ...] = ()
    """Lists of the file's columns to ignore, separated by commas."""
    encoding: str | None = None
    sheet: str | None = None
    skip_lines: int = 0
    """How many lines above the header to skip."""
    hidden_rows: str | None = None
    """`skip` or `include` the hidden rows of a workbook; None to refuse them."""
    report: str | None = None
    summary: str | None = None
    """The file for the summary of the run."""
    resume: bool = False
    send_changed: bool = False
    resend_unknown: tuple[str, ...] = ()
    """The rooms whose messages of unknown outcome are sent again; `ALL` for every room."""
    mark_posted: tuple[str, ...] = ()
    """The rooms whose messages are marked as posted; likewise."""
    allow: tuple[str, ...] = ()
    """The names of the safety stops that do not stop this run, see `Stop`."""
    template: "Template | None" = None
    """The text of each message, to be filled in from the row's columns."""


ALL = ""
"""Means every room, for options that take rooms."""
