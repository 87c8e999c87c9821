"""`kabelwerk schema`: the JSON Schemas of results and errors."""

import functools
import operator
from typing import Any, NamedTuple

import click

from kabelwerk_cli.cli.command import ActionCommand, CallCommand
from kabelwerk_cli.cli.tree import walk
from kabelwerk_cli.config.parsers import did_you_mean
from kabelwerk_cli.config.settings import OUTPUT
from kabelwerk_cli.output import Format
from kabelwerk_cli.terminal.console import Listing
from kabelwerk_cli.terminal.error_report import ErrorLine
from kabelwerk_cli.terminal.session import Session


def _next_words(ctx: click.Context, _: click.Parameter, incomplete: str) -> list[str]:
    """Complete the next word of a name."""
    before = ctx.params.get("words") or ()
    names = [tuple(name.split()) for name in _results(ctx.find_root().command)]
    going_on = [name for name in names if name[: len(before)] == before != name]
    found = dict.fromkeys(name[len(before)] for name in going_on)
    return [word for word in found if word.startswith(incomplete)]


class SchemaName(NamedTuple):
    """The name of a schema."""

    name: str


@click.command(
    cls=ActionCommand,
    needs_settings=False,
    shows={"": SchemaName},
    examples=[
        "kabelwerk schema",
        "kabelwerk schema users create",
        "kabelwerk schema batch",
        "kabelwerk schema error > error.schema.json",
    ],
)
@click.argument(
    "words",
    nargs=-1,
    metavar="[COMMAND... | batch | plan | dry-run | summary | log | error]",
    shell_complete=_next_words,
)
@click.pass_context
def schema(ctx: click.Context, session: Session, *, words: tuple[str, ...]) -> None:
    """Print the JSON Schema of a result or an error.

    For a COMMAND, the schema describes the document that -o json prints; if that is an array, -o
    jsonl prints its items, one per line. 'batch' describes a record of a command with --from,
    'plan' a record of a sync with --dry-run, 'dry-run' a request of any other command with
    --dry-run, 'summary' the file of --summary, 'log' a line of the log file, and 'error' the last
    line of stderr after a failure. The schemas describe whole
    records; --fields selects from them.

    Without arguments, print the names of all schemas, one per line.
    """
    known = _results(ctx.find_root().command)
    if not words:
        if session.settings[OUTPUT] is Format.TABLE:
            session.console.print("\n".join(known))
        else:
            session.console.show(Listing(SchemaName, map(SchemaName, known)))
        return
    name = " ".join(words)
    if name not in known:
        meant = did_you_mean(name, tuple(known))
        raise click.UsageError(f"There is no schema '{name}'.{meant}", ctx)
    # imported when there is one to print
    import json

    from kabelwerk_cli.output.schema import schema as schema_of

    indent = None if session.settings[OUTPUT] is Format.JSONL else 2
    session.console.print(json.dumps(schema_of(f"kabelwerk {name}", known[name]), indent=indent))


def _results(root: click.Command) -> dict[str, Any]:
    """Return the type of everything that is printed as JSON, by name."""
    from kabelwerk_cli.backend.dry_run import Preview
    from kabelwerk_cli.backend.log_file import LogLine
    from kabelwerk_cli.backend.summary_file import RunSummary
    from kabelwerk_cli.reporting.result import batch_record
    from kabelwerk_cli.sync.actions import PlannedChange

    found: dict[str, Any] = {}
    records: dict[type, None] = {}
    for command, path in walk(root, ()):
        results = command.results() if hasattr(command, "results") else {}
        for argument, kind in results.items():
            found[" ".join([*path, argument]).rstrip()] = kind
        if isinstance(command, CallCommand):
            records[command.record] = None
    rows = functools.reduce(operator.or_, map(batch_record, records))
    general = {
        "batch": rows,
        "plan": PlannedChange,
        "dry-run": Preview,
        "summary": RunSummary,
        "log": LogLine,
        "error": ErrorLine,
    }
    return found | general
