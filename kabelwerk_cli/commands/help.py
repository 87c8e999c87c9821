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
@click.argument("topic", type=OneOf(list(topics.TOPICS)))
def help_command(*, topic: str) -> Action:
    """Explain exit codes, the environment, batches or output formats."""

    def explain(_: Settings, console: Console) -> None:
        console.print(topics.TOPICS[topic]())

    return explain
