"""The session: settings, console and record of one run."""

from typing import NamedTuple

import click

from kabelwerk_cli.config.resolve import Settings, from_environment, without_sources

from .console import Console
from .run_record import RunRecord

ARGUMENTS = f"{__name__}.arguments"
"""Where a context's `meta` has the words of the command line, without the program."""

COMMAND = f"{__name__}.command"
"""Where a context's `meta` has the name of the command that runs, such as `kabelwerk users`."""


class Session(NamedTuple):
    """One run of one command: its settings, its console, and the record of what it changed."""

    settings: Settings
    console: Console
    run_record: RunRecord


def open_session(
    ctx: click.Context, *, needs_settings: bool = True, profile_may_be_missing: bool = False
) -> Session:
    """Return the session for the options given on the command line.

    Args:
        ctx: the command's context.
        needs_settings: whether to read the environment and the configuration.
        profile_may_be_missing: accept a configuration or profile that does not exist yet.

    Raises:
        ConfigurationError: a variable or the configuration cannot be read.
    """
    run_record = run_record_of(ctx)
    settings = (
        from_environment(ctx.obj, profile_may_be_missing=profile_may_be_missing)
        if needs_settings
        else without_sources(ctx.obj)
    )
    return Session(settings, Console(settings, run_record), run_record)


def run_record_of(ctx: click.Context) -> RunRecord:
    """Return the record of the run that `ctx` belongs to."""
    run_record: RunRecord = ctx.meta.setdefault(__name__, RunRecord())
    return run_record
