"""`kabelwerk journal`: what journals and states record."""

import click

from kabelwerk_cli.cli.command import ActionCommand
from kabelwerk_cli.cli.described import Group
from kabelwerk_cli.journal.record import OF_JOURNALS, JournalRow
from kabelwerk_cli.terminal.session import Session


@click.group(cls=Group, examples=["kabelwerk journal show visits.csv"])
def journal() -> None:
    """Show what became of the rows of a file."""


@journal.command(
    cls=ActionCommand,
    shows={"": JournalRow},
    examples=[
        "kabelwerk journal show visits.csv",
        "kabelwerk journal show visits.csv -o csv --fields key,outcome,cause",
        "kabelwerk journal show staff.csv.kabelwerk-state -o jsonl",
    ],
)
@click.argument("file", metavar="FILE", type=click.Path())
def show(session: Session, *, file: str) -> None:
    """Show what a batch's journal or a sync's state records about each row.

    FILE is the input of the batch or sync, or the journal or state itself. stderr says what it
    belongs to, which version wrote it, and whether it is finished. For each user of a state, the
    records say how they came into it, and whether --delete may delete them.

    Reads only, and from a copy. While a run is writing to the file, the exit code is 3.
    """
    from kabelwerk_cli.journal.file import STATE
    from kabelwerk_cli.journal.reading import locate, opened
    from kabelwerk_cli.terminal.console import Listing

    session.console.check_fields(JournalRow)
    with opened(*locate(file)) as found:
        session.console.note(found.description)
        summary = None if found.kind is STATE else OF_JOURNALS
        session.console.show(Listing(JournalRow, found.rows, summary=summary, live=True))
