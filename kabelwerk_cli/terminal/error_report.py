"""What can end a run besides the API's errors, and how any end is told to people and scripts."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import click

from kabelwerk_cli.api.errors import (
    BEFORE_SENDING,
    Applied,
    Interrupted,
    InvalidInput,
    KabelwerkError,
    Report,
    ValidationError,
)
from kabelwerk_cli.output import Format, as_json, compact, visible

from .exit_codes import ExitCode, Failed, describe_bug, exit_code


class Problem(NamedTuple):
    """The error object of JSON output and of a batch's rows."""

    type: str
    message: str
    status: int | None
    fields: Mapping[str, Sequence[str]]
    applied: Applied
    safe_to_rerun: bool
    attempts: int
    request_id: str | None
    exit_code: int


def problem(error: BaseException) -> Problem:
    """Describe what ended a run, or a batch's row."""
    report = _report(error)
    return Problem(
        type=_type(error),
        message=_message(error),
        status=report.status,
        fields=error.fields if isinstance(error, ValidationError) else {},
        applied=report.applied,
        safe_to_rerun=report.safe_to_rerun,
        attempts=report.attempts,
        request_id=report.request_id,
        exit_code=exit_code(error),
    )


def line(ended: Problem, output: Format) -> str:
    """Return the one line that tells of a problem, for standard error."""
    if output in {Format.JSON, Format.JSONL}:
        return compact({"error": as_json(ended)})
    return f"Error: {visible(ended.message)}"


def _report(error: BaseException) -> Report:
    if isinstance(error, (KabelwerkError, Interrupted, Failed)):
        return error.report
    return BEFORE_SENDING


def _type(error: BaseException) -> str:
    if isinstance(error, click.ClickException):
        return "UsageError"
    if exit_code(error) is ExitCode.BUG:
        return "Bug"
    return "Interrupted" if isinstance(error, KeyboardInterrupt) else type(error).__name__


def _message(error: BaseException) -> str:
    if isinstance(error, InvalidInput) and error.field:
        return f"--{error.field.replace('_', '-')} {error.error_message}. Nothing was sent."
    if isinstance(error, click.ClickException):
        return _usage(error)
    if isinstance(error, KeyboardInterrupt) and not isinstance(error, Interrupted):
        return "Interrupted. Nothing was sent."
    if exit_code(error) is ExitCode.BUG and not isinstance(error, Failed):
        return f"{describe_bug(error)} Nothing was sent."
    return str(error)


def _usage(error: click.ClickException) -> str:
    # click breaks some messages over lines
    message = " ".join(error.format_message().split())
    context = error.ctx if isinstance(error, click.UsageError) else None
    path = context.command_path if context else "kabelwerk"
    stop = "" if message.endswith((".", "?", "?)")) else "."
    return f"{message}{stop} See '{path} --help'."
