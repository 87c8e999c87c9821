"""The session: settings, console and book of one run."""

from typing import NamedTuple

import click

from kabelwerk_cli.api.errors import ConfigurationError
from kabelwerk_cli.config.resolve import Settings, from_environment, without_sources

from .book import Book
from .console import Console

ARGUMENTS = f"{__name__}.arguments"
"""Where a context's `meta` has the words of the command line, without the program."""


class Session(NamedTuple):
    """One run of one command: its settings, its console, and the book of what it changed."""

    settings: Settings
    console: Console
    book: Book


def open_session(ctx: click.Context, *, profile_may_be_missing: bool = False) -> Session:
    """Return the session for the options given on the command line.

    Args:
        ctx: the command's context.
        profile_may_be_missing: accept a configuration or profile that does not exist yet.

    Raises:
        ConfigurationError: a variable or the configuration cannot be read.
    """
    settings = from_environment(ctx.obj, profile_may_be_missing=profile_may_be_missing)
    return _session(ctx, settings)


def open_lenient_session(ctx: click.Context) -> Session:
    """Return a session even if the configuration cannot be read, for commands that work without."""
    try:
        return open_session(ctx)
    except ConfigurationError:
        return _session(ctx, without_sources(ctx.obj))


def _session(ctx: click.Context, settings: Settings) -> Session:
    book = book_of(ctx)
    return Session(settings, Console(settings, book), book)


def book_of(ctx: click.Context) -> Book:
    """Return the book of the run that `ctx` belongs to."""
    book: Book = ctx.meta.setdefault(__name__, Book())
    return book
