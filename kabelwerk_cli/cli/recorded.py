"""The session of a command that sends, whose start and end are recorded."""

import contextlib
from typing import TYPE_CHECKING

import click

from kabelwerk_cli.config.settings import LOG_FILE
from kabelwerk_cli.errors import ConfigurationError, Refused
from kabelwerk_cli.terminal.session import ARGUMENTS, Session, open_session, run_record_of

if TYPE_CHECKING:
    from kabelwerk_cli.backend.run_log import RunLog


def open_recorded_session(ctx: click.Context, *, profile_may_be_missing: bool = False) -> Session:
    """Return the session of a command, and record its start and end if that is asked for.

    The summary is written however the run ends, also if its settings cannot be read, and so is a
    log file that the command line names.

    Args:
        ctx: the command's context.
        profile_may_be_missing: accept a configuration or profile that does not exist yet.

    Raises:
        ConfigurationError: a variable or the configuration cannot be read.
        Refused: the log file or the summary cannot be used.
    """
    if ctx.params.get("dry_run"):
        return open_session(ctx)
    summary, named = ctx.params.get("summary"), ctx.obj.get(LOG_FILE.name)
    log = _run_log(ctx, summary) if summary or named else None
    try:
        session = open_session(ctx, profile_may_be_missing=profile_may_be_missing)
    except ConfigurationError:
        if log and named:
            with contextlib.suppress(Refused):  # what is wrong with the settings comes first
                log.open(named)
        raise
    if log is None and session.settings[LOG_FILE]:
        log = _run_log(ctx, None)
    if log:
        log.start(session)
    return session


def _run_log(ctx: click.Context, summary: str | None) -> "RunLog":
    # most commands are not recorded
    from kabelwerk_cli.backend.run_log import RunLog, Started
    from kabelwerk_cli.backend.summary_file import SummaryFile

    file, others = ctx.params.get("from_file"), _others(ctx)
    started = Started(ctx.command_path, ctx.meta[ARGUMENTS], file, others)
    return RunLog(run_record_of(ctx), started, SummaryFile(summary) if summary else None)


def _others(ctx: click.Context) -> dict[str, str]:
    """Return the files that a run reads or writes by option, given or not."""
    names = {"--from": "from_file", "--rejects": "rejects", "--report": "report"}
    names |= {"--summary": "summary", "--journal": "journal", "--state": "state"}
    given = {option: ctx.params.get(name) for option, name in names.items()}
    if file := given["--from"]:
        # a run with a file, which needs it in any case
        from kabelwerk_cli.journal.file import JOURNAL, STATE

        given["--journal"] = given["--journal"] or str(JOURNAL.beside(file))
        given["--state"] = given["--state"] or str(STATE.beside(file))
    return {option: path for option, path in given.items() if path and path != "-"}
