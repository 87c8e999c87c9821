"""`kabelwerk schema`: the JSON Schemas of results and errors."""

import functools
import operator
from typing import Any

import click

from kabelwerk_cli.command import ActionCommand, CallCommand
from kabelwerk_cli.config.parsers import did_you_mean
from kabelwerk_cli.terminal.described import walk
from kabelwerk_cli.terminal.error_report import ErrorLine
from kabelwerk_cli.terminal.session import Session


@click.command(
    cls=ActionCommand,
    needs_settings=False,
    examples=[
        "kabelwerk schema",
        "kabelwerk schema users create",
        "kabelwerk schema batch",
        "kabelwerk schema error > error.schema.json",
    ],
)
@click.argument("words", nargs=-1, metavar="[COMMAND... | batch | plan | dry-run | error]")
@click.pass_context
def schema(ctx: click.Context, session: Session, *, words: tuple[str, ...]) -> None:
    """Print the JSON Schema of a result or an error.

    COMMAND stands for the document that it prints with -o json; if that is an array, -o jsonl
    prints its items. 'batch' is a record of a command with --from, 'plan' a record of a sync with
    --dry-run, 'dry-run' a request of any other command with --dry-run, and 'error' the last line of
    stderr. The schemas are those of whole records: --fields selects from them.

    Without arguments, print the name of each schema on a line, such as 'users create'.
    """
    known = _results(ctx.find_root().command)
    if not words:
        session.console.print("\n".join(known))
        return
    name = " ".join(words)
    if name not in known:
        meant = did_you_mean(name, tuple(known))
        raise click.UsageError(f"There is no schema '{name}'.{meant}", ctx)
    # imported when there is one to print
    import json

    from kabelwerk_cli.output.schema import schema as schema_of

    session.console.print(json.dumps(schema_of(f"kabelwerk {name}", known[name]), indent=2))


def _results(root: click.Command) -> dict[str, Any]:
    """Return the type of everything that is printed as JSON, by name."""
    from kabelwerk_cli.backend.dry_run import Preview
    from kabelwerk_cli.batch.records import batch_record
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
    return {**found, "batch": rows, "plan": PlannedChange, "dry-run": Preview, "error": ErrorLine}
