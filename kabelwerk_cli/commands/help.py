"""`kabelwerk help`: topics that concern more than one command."""

import click

from kabelwerk_cli.command import ActionCommand
from kabelwerk_cli.terminal.help_topics import TOPICS
from kabelwerk_cli.terminal.options import OneOf
from kabelwerk_cli.terminal.session import Session


@click.command(
    "help",
    cls=ActionCommand,
    needs_settings=False,
    examples=[f"kabelwerk help {topic}" for topic in TOPICS],
)
@click.argument("topic", type=OneOf(list(TOPICS)), required=False)
def help_command(session: Session, *, topic: str | None) -> None:
    """Explain exit codes, environment variables, batches, syncs or output formats."""
    if topic is None:
        session.console.print("\n".join(f"kabelwerk help {known}" for known in TOPICS))
    else:
        session.console.print(TOPICS[topic]())
