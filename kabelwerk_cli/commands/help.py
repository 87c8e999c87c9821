"""`kabelwerk help`: the topics that no single command's help has room for."""

import click

from kabelwerk_cli import topics
from kabelwerk_cli.command import Action, ActionCommand
from kabelwerk_cli.console import Console
from kabelwerk_cli.options import OneOf
from kabelwerk_cli.settings import Settings


@click.command(
    "help",
    cls=ActionCommand,
    examples=[f"kabelwerk help {topic}" for topic in topics.TOPICS],
)
@click.argument("topic", type=OneOf(list(topics.TOPICS)), required=False)
def help_command(*, topic: str | None) -> Action:
    """Explain exit codes, environment, batches, formats."""

    def explain(_: Settings, console: Console) -> None:
        if topic is None:
            console.print("\n".join(f"kabelwerk help {known}" for known in topics.TOPICS))
        else:
            console.print(topics.TOPICS[topic]())

    return explain
