"""The options of a batch: those on the command line, and the typed value they become."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import click

from kabelwerk_cli.engine.options import ALL, BatchOptions
from kabelwerk_cli.errors import Stop
from kabelwerk_cli.files import read_text, without_newline

from .options import BatchOption, FileType, Number, OneOf, RunOption, claim_stdin, is_given

if TYPE_CHECKING:
    from kabelwerk_cli.rows.template import Template


class TemplateType(FileType):
    """A text with placeholders, or `@FILE`."""

    name = "template"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> "Template":
        """Return the template."""
        from kabelwerk_cli.rows.template import Template, parse_template

        if isinstance(value, Template):
            return value
        text: str = value
        try:
            if value == "@-":
                claim_stdin(ctx, "--template")
            if value.startswith("@"):
                text = without_newline(read_text(value[1:]))
            return parse_template(text)
        except ValueError as error:
            self.fail(str(error), param, ctx)


class Pair(click.ParamType[tuple[str, str]]):
    """A name and a column of a file."""

    name = "pair"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[str, str]:
        """Split the value at the first `=`."""
        name, separator, column = value.partition("=")
        if not separator:
            self.fail(f"'{value}' is not NAME=COLUMN, such as name=Patientenname", param, ctx)
        return name, column


def _only_one(ctx: click.Context, param: click.Parameter, values: tuple[str, ...]) -> str | None:
    """Refuse a second file, which would silently replace the first."""
    if len(values) > 1:
        raise click.BadParameter("can be used only once; it names one file.", ctx, param)
    return values[0] if values else None


DRY_RUN = RunOption(
    ["--dry-run"], is_flag=True, help="Print the request as a curl command; send nothing."
)
YES = RunOption(["--yes"], is_flag=True, help="Do not ask for confirmation.")
YES_FOR_BATCHES = RunOption(
    ["--yes"], is_flag=True, help="Do not prompt; required for batches in a protected profile."
)
YES_FOR_MESSAGES = RunOption(
    ["--yes"], is_flag=True, help="Do not prompt; without a terminal, required with --from."
)
BATCH_OPTIONS: tuple[click.Option, ...] = (
    RunOption(
        ["--from", "from_file"],
        type=FileType(),
        multiple=True,
        callback=_only_one,
        metavar="FILE",
        is_eager=True,
        help="Read rows from FILE (CSV, TSV, JSON Lines or a workbook; '-' for stdin).",
    ),
    BatchOption(
        ["--map", "mapping"],
        type=Pair(),
        multiple=True,
        metavar="NAME=COLUMN",
        help="Read NAME from the column COLUMN of the file; repeatable.",
    ),
    BatchOption(
        ["--ignore-columns"],
        multiple=True,
        metavar="NAMES",
        help="Ignore these columns, separated by commas ('*' for all unknown ones).",
    ),
    BatchOption(
        ["--encoding"],
        metavar="NAME",
        help="Encoding of a text file, such as cp1252. [default: utf-8]",
    ),
    BatchOption(
        ["--sheet"],
        metavar="NAME",
        help="Sheet to read from a workbook. [default: the first visible one]",
    ),
    BatchOption(
        ["--hidden-rows"],
        type=OneOf(("skip", "include")),
        metavar="skip|include",
        help="Skip or include the hidden and filtered rows of a workbook; required if it has any.",
    ),
    BatchOption(
        ["--skip-lines"],
        type=click.IntRange(0),
        default=0,
        metavar="N",
        show_default=True,
        help="Skip N lines above the header, such as a title.",
    ),
    BatchOption(
        ["--concurrency"],
        type=click.IntRange(1, 256),
        default=8,
        metavar="N",
        show_default=True,
        help="Send up to N rows at the same time, at most 256.",
    ),
    BatchOption(
        ["--rate"],
        type=Number(min=0, min_open=True),
        metavar="N",
        help="Start at most N rows per second. [default: no limit]",
    ),
    BatchOption(
        ["--max-failures"],
        type=click.IntRange(0),
        metavar="N",
        help="Stop after more than N failed rows. [default: no limit]",
    ),
    BatchOption(
        ["--limit"],
        type=click.IntRange(1),
        metavar="N",
        help="Send only the first N rows that are left. [default: no limit]",
    ),
    BatchOption(["--skip-invalid"], is_flag=True, help="Skip invalid rows."),
    BatchOption(["--restart"], is_flag=True, help="Discard the journal and start over."),
    BatchOption(
        ["--rejects"],
        type=FileType(),
        metavar="FILE",
        help="Write invalid and rejected rows to FILE, with the reason for each.",
    ),
    BatchOption(
        ["--report"],
        type=FileType(),
        metavar="FILE",
        help="Write a JUnit XML report to FILE, with one test case per row.",
    ),
    BatchOption(
        ["--summary"],
        type=FileType(),
        metavar="FILE",
        help="Write how the run ended to FILE: JSON, or Prometheus text if it ends in .prom.",
    ),
    BatchOption(
        ["--journal"],
        type=FileType(),
        metavar="FILE",
        help="Record progress in FILE. [default: the input's name plus .kabelwerk-journal]",
    ),
)


def allow_option(stops: Sequence[Stop], topic: str = "batches") -> click.Option:
    """Return the option that names safety stops which do not stop a run."""
    return BatchOption(
        ["--allow"],
        topic=topic,
        type=OneOf([stop.value for stop in stops]),
        multiple=True,
        metavar="NAME",
        help=f"Ignore a safety stop ({', '.join(stops)}); repeatable.",
    )


ALLOW = allow_option([Stop.DAMAGED_KEYS])
MESSAGE_OPTIONS: tuple[click.Option, ...] = (
    allow_option([Stop.DUPLICATES, Stop.POSTED, Stop.DAMAGED_KEYS], topic="mailings"),
    RunOption(
        ["--template"],
        topic="mailings",
        type=TemplateType(),
        metavar="TEXT|@FILE",
        help="Text of each message; {{column}} and {{column|default}} are filled in.",
    ),
    BatchOption(
        ["--resume"],
        topic="mailings",
        is_flag=True,
        help="Send the rows that a finished mailing has not sent.",
    ),
    BatchOption(
        ["--send-changed"],
        topic="mailings",
        is_flag=True,
        help="Also post rows that were changed after their message was posted.",
    ),
    BatchOption(
        ["--resend-unknown"],
        topic="mailings",
        is_flag=False,
        flag_value=ALL,
        multiple=True,
        metavar="[=ROOM]",
        help="Resend messages whose outcome is unknown: all, or those to ROOM; repeatable.",
    ),
    BatchOption(
        ["--mark-posted"],
        topic="mailings",
        is_flag=False,
        flag_value=ALL,
        multiple=True,
        metavar="[=ROOM]",
        help="Mark messages whose outcome is unknown as posted: all, or those to ROOM; repeatable.",
    ),
)


def take_options(ctx: click.Context) -> BatchOptions:
    """Remove the options of a batch from a command's parameters, and return them.

    Raises:
        click.UsageError: there are options but no file, or two that contradict each other.
    """
    names = [name for name in BatchOptions._fields if name in ctx.params]
    options = BatchOptions(**{name: ctx.params.pop(name) for name in names})
    if options.from_file is None:
        _refuse_without_file(ctx)
    elif options.from_file == "-":
        claim_stdin(ctx, "--from")
    if options.restart and options.resume:
        raise click.UsageError("--restart and --resume cannot be used together.", ctx)
    return options


def explicit(ctx: click.Context) -> dict[str, str]:
    """Return which of the command's own parameters were given on the command line, and how."""
    given = {
        getattr(param, "value_of", param.name): param.opts[0]
        for param in ctx.command.params
        if is_given(ctx, param.name)
    }
    return {name: option for name, option in given.items() if name in ctx.params}


def _refuse_without_file(ctx: click.Context) -> None:
    for option in (*BATCH_OPTIONS, ALLOW, *MESSAGE_OPTIONS):
        if is_given(ctx, option.name):
            raise click.UsageError(f"{option.opts[0]} requires --from FILE.", ctx)


def options_for(*, destructive: bool, repeatable: bool) -> tuple[click.Option, ...]:
    """Return the options of a command that sends calls."""
    yes = YES if destructive else YES_FOR_BATCHES
    if not (destructive or repeatable):
        yes = YES_FOR_MESSAGES
    return (*BATCH_OPTIONS, *((ALLOW,) if repeatable else MESSAGE_OPTIONS), DRY_RUN, yes)
