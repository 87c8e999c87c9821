"""The root command, and the only place where errors become messages and exit codes."""

import contextlib
import errno
import itertools
import sys
from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from kabelwerk_cli import __version__
from kabelwerk_cli.config.resolve import for_errors, typed_line
from kabelwerk_cli.config.settings import CONFIG, NO_COLOR, OUTPUT, PROFILE
from kabelwerk_cli.errors import OutputLost
from kabelwerk_cli.terminal.error_report import PROGRAM, problem, show_error
from kabelwerk_cli.terminal.exit_codes import ExitCode, exit_code
from kabelwerk_cli.terminal.run_record import NOTHING_SENT, RunRecord
from kabelwerk_cli.terminal.session import ARGUMENTS, COMMAND, run_record_of
from kabelwerk_cli.terminal.signals import (
    HungUp,
    Terminated,
    ignore_signals,
    raised_signal,
)

from .described import Group
from .tree import Commands

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

WRITE_ERRORS = frozenset(
    {errno.EBADF, errno.EDQUOT, errno.EFBIG, errno.EIO, errno.ENOSPC, errno.EPIPE}
)

COMMANDS = {
    "users": ("users.users", "Create, update, delete and sync users."),
    "rooms": ("rooms.rooms", "Update and sync rooms."),
    "messages": ("messages.messages", "Post messages."),
    "journal": ("journal.journal", "Show what became of the rows of a file."),
    "sandbox": ("sandbox.sandbox", "Run a Kabelwerk backend on this machine to try things out."),
    "config": ("config.config", "Show the configuration."),
    "login": ("config.login", "Check a URL and an API token, and store them in a profile."),
    "logout": ("config.logout", "Remove the API token of a profile."),
    "doctor": ("doctor.doctor", "Check the settings, the network, TLS, the API and the token."),
    "schema": ("schema.schema", "Print the JSON Schema of a result or an error."),
    "completion": (
        "completion.completion",
        "Print the shell completion script for bash, zsh or fish.",
    ),
    "help": (
        "help.help_command",
        "Show the help of a command, or explain a topic.",
    ),
}
"""Where each command is, see `Commands`, and its summary."""


class Root(Group):
    """The root group. Errors are handled here, so click's test runner sees the real exit codes."""

    topics = ("options", "batches", "mailings", "sync", "formats", "exit-codes", "environment")

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the summaries of the commands, importing none of them."""
        with formatter.section("Commands"):
            formatter.write_dl([(name, COMMANDS[name][1]) for name in self.list_commands(ctx)])

    def format_epilog(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the exit codes."""
        from .help_topics import exit_code_line

        del ctx
        formatter.write_paragraph()
        with formatter.indentation():
            formatter.write_text(exit_code_line())

    def main(self, *args: Any, **extra: Any) -> Any:
        """Run the command line, or complete it if a shell asks for that."""
        if typed_line():
            from . import completion

            completion.register()
        return super().main(*args, **extra)

    def shell_complete(self, ctx: click.Context, incomplete: str) -> "list[CompletionItem]":
        """Complete commands and options, importing no command."""
        from click.shell_completion import CompletionItem

        names = [name for name in self.list_commands(ctx) if name.startswith(incomplete)]
        items = [CompletionItem(name, help=COMMANDS[name][1]) for name in names]
        return items + click.Command.shell_complete(self, ctx, incomplete)

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **extra: Any,
    ) -> click.Context:
        """Parse the options given before the subcommand."""
        given: dict[str, Any] = {}
        argv = tuple(args)
        with _boundary(given, argv, NOTHING_SENT, {}):
            context = super().make_context(info_name, args, parent, obj=given, **extra)
        context.meta[ARGUMENTS] = argv
        return context

    def invoke(self, ctx: click.Context) -> Any:
        """Run the subcommand."""
        with _boundary(ctx.obj, ctx.meta[ARGUMENTS], run_record_of(ctx), ctx.meta):
            result = super().invoke(ctx)
            ignore_signals()
            run_record_of(ctx).end(None)
        return result


@contextlib.contextmanager
def _boundary(
    given: Mapping[str, Any], argv: Sequence[str], run_record: RunRecord, meta: Mapping[str, Any]
) -> Iterator[None]:
    """Turn any error into one line on stderr and an exit code."""

    def end(error: BaseException) -> click.exceptions.Exit:
        code = _report(error, given, argv, run_record, meta.get(COMMAND, PROGRAM))
        ignore_signals()
        return click.exceptions.Exit(code)

    try:
        try:
            yield
        except (click.exceptions.Exit, click.exceptions.Abort):
            ignore_signals()
            raise
        except Exception as error:
            raise end(error) from error
    # only the first signal raises, so it is reported even if it arrives while an error is
    except KeyboardInterrupt as signal:
        raise end(signal) from signal


def report_interrupt(signal: KeyboardInterrupt) -> ExitCode:
    """Report a signal that arrived before a command was run, and return the exit code."""
    return _report(signal, {}, sys.argv[1:], NOTHING_SENT)


def _report(
    error: BaseException,
    given: Mapping[str, Any],
    argv: Sequence[str],
    run_record: RunRecord,
    command: str = PROGRAM,
) -> ExitCode:
    error = _wrapped_signal(error) or _lost_signal(error) or error
    ended = _lost_output(error) or error
    run_record.end(ended)  # its warnings come before the error
    if not _is_silent(error, run_record):
        show_error(ended, run_record, for_errors({**_asked_format(argv), **given}), command)
    return exit_code(ended, problem(ended, run_record).applied)


def _is_silent(error: BaseException, run_record: RunRecord) -> bool:
    """Tell whether the exit code says all there is to say."""
    if type(error) in {KeyboardInterrupt, Terminated, HungUp}:
        return run_record.result_printed
    # a reader that closes the pipe early, such as `head`, needs no message if nothing was sent
    return isinstance(error, BrokenPipeError) and run_record.nothing_sent


def _wrapped_signal(error: BaseException) -> BaseException | None:
    """Return the signal that arrived while a class was created, which Python 3.11 wraps."""
    wrapped = isinstance(error, RuntimeError) and isinstance(error.__cause__, KeyboardInterrupt)
    return error.__cause__ if wrapped else None


def _lost_signal(error: BaseException) -> BaseException | None:
    """Return the signal in whose place Python raised this error; see `raised_signal`."""
    if exit_code(error) is not ExitCode.BUG:
        return None
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, KeyboardInterrupt):
            return None  # it is not lost: the bug is in what was done about it
        cause = cause.__context__
    return raised_signal()


def _lost_output(error: BaseException) -> OutputLost | None:
    """Return `OutputLost` for an error of writing to stdout, wherever it was raised."""
    if isinstance(error, OSError) and error.errno in WRITE_ERRORS:
        return OutputLost(f"Cannot write to standard output: {error.strerror}.")
    return None


def _asked_format(argv: Sequence[str]) -> dict[str, Any]:
    """Return what decides on format and color, even if parsing failed before it was reached."""
    asked: dict[str, Any] = {NO_COLOR.name: True} if NO_COLOR.option in argv else {}
    for word, following in itertools.pairwise([*argv, ""]):
        for setting in (OUTPUT, CONFIG, PROFILE):
            for start in filter(None, (setting.option, setting.short)):
                value = following if word == start else word.removeprefix(start).removeprefix("=")
                if word.startswith(start) and value:
                    with contextlib.suppress(ValueError):
                        asked[setting.name] = setting.parse(value)
    return asked


@click.group(
    cls=Root,
    commands=Commands({name: place for name, (place, _) in COMMANDS.items()}),
    context_settings={"help_option_names": ["-h", "--help"]},
    examples=[
        "kabelwerk users create --key kusanagi --name Motoko",
        "kabelwerk messages post --room kusanagi --user batou --text 'Hello'",
        "kabelwerk --sandbox users create --key kusanagi --name Motoko",
    ],
)
@click.version_option(__version__, prog_name="kabelwerk")
def kabelwerk() -> None:
    """Administer Kabelwerk, the chat service for digital health."""
