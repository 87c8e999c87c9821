"""Errors as a sentence for people and as an object for scripts."""

from collections.abc import Mapping, Sequence
from typing import Annotated, NamedTuple

import click

from kabelwerk_cli import errors
from kabelwerk_cli.config.resolve import Settings
from kabelwerk_cli.config.settings import OUTPUT, option_of
from kabelwerk_cli.errors import Applied, Failed, NotSent, Refused, Report, SafetyStop, Summed
from kabelwerk_cli.output import Color, Format, as_json, shortened, visible
from kabelwerk_cli.words import with_stop

from .console import colors_errors, write_stderr, write_stderr_json
from .exit_codes import ERROR_TYPES, ExitCode, describe_bug, error_type, exit_code
from .run_record import NOTHING_SENT, RunRecord

PROGRAM = "kabelwerk"
LONGEST_MESSAGE = 2000
"""Characters of an error for people."""


class Problem(NamedTuple):
    """The error object in JSON output and in the records of a batch."""

    type: Annotated[str, ("enum", ERROR_TYPES)]
    message: str
    status: int | None
    fields: Mapping[str, Sequence[str]]
    applied: Applied
    safe_to_rerun: bool
    attempts: int
    request_id: str | None
    exit_code: ExitCode
    stop: errors.Stop | None = None
    """The name of the safety stop; None for other errors."""


class ErrorLine(NamedTuple):
    """The last line of stderr of a run that failed, with -o json or jsonl."""

    error: Problem


def problem(
    error: BaseException, run_record: RunRecord = NOTHING_SENT, command: str = PROGRAM
) -> Problem:
    """Return the error object for an error that ended a run or a row of a batch.

    Args:
        error: the error.
        run_record: what was changed; errors of the API have their own report instead.
        command: the name of the command that ended, for errors of its usage.
    """
    report = _report(error, run_record)
    return Problem(
        type=error_type(error),
        message=_message(error, run_record, command),
        status=report.status,
        fields=error.fields if isinstance(error, errors.ValidationError) else {},
        applied=report.applied,
        safe_to_rerun=report.safe_to_rerun,
        attempts=report.attempts,
        request_id=report.request_id,
        exit_code=exit_code(error, report.applied),
        stop=error.stop if isinstance(error, SafetyStop) else None,
    )


def read_problem(text: str | None) -> Problem | None:
    """Return a problem that was stored as JSON; None if there is none."""
    import json

    return Problem(**json.loads(text)) if text else None


def show_error(
    error: BaseException, run_record: RunRecord, settings: Settings, command: str = PROGRAM
) -> None:
    """Write an error that ended a run as one line to stderr.

    Args:
        error: the error.
        run_record: what was changed.
        settings: the format and whether to use color.
        command: the name of the command, see `problem`.
    """
    ended = problem(error, run_record, command)
    if settings[OUTPUT] in {Format.JSON, Format.JSONL}:
        write_stderr_json(as_json(ErrorLine(ended)))
    else:
        # a server may send a text of any length; JSON output has all of it
        message = shortened(visible(ended.message), LONGEST_MESSAGE)
        write_stderr(message, "Error:", Color.RED if colors_errors(settings) else None)


def _report(error: BaseException, run_record: RunRecord) -> Report:
    """Return the run's report; an error of the API that agrees with it knows more."""
    told = run_record.report()
    own: Report | None = getattr(error, "report", None)
    return own if own and (run_record.nothing_sent or own.applied is told.applied) else told


def _message(error: BaseException, run_record: RunRecord, command: str) -> str:
    if isinstance(error, errors.InvalidInput) and error.field:
        return f"{option_of(error.field)} {error.error_message}. {run_record.sentence()}"
    if isinstance(error, (errors.KabelwerkError, errors.Interrupted)):
        # its text includes what was changed, unless it was raised beside what is recorded
        agrees = _report(error, run_record) is error.report
        return str(error) if agrees else f"{error} {run_record.sentence()}"
    if isinstance(error, (NotSent, Summed)):
        return str(error)
    if isinstance(error, (click.ClickException, Refused)):
        return _usage(error, run_record, command)
    if isinstance(error, KeyboardInterrupt):
        return f"Interrupted. {run_record.sentence()}"
    said = str(error) if isinstance(error, Failed) else describe_bug(error)
    return f"{said} {run_record.sentence()}"


def _usage(error: click.ClickException | Refused, run_record: RunRecord, command: str) -> str:
    if isinstance(error, Refused):
        said = f"{with_stop(str(error))} {run_record.sentence()}"
    else:
        # some of click's messages have line breaks
        said = with_stop(" ".join(error.format_message().split()))
        if isinstance(error, click.UsageError) and error.ctx:
            command = error.ctx.command_path
    return f"{said} See '{command} --help'."
