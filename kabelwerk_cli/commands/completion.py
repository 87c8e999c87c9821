"""`kabelwerk completion`: scripts for shell completion."""

import click

from kabelwerk_cli.cli.command import ActionCommand
from kabelwerk_cli.cli.completion import SCRIPTS, how_to_install
from kabelwerk_cli.cli.options import OneOf
from kabelwerk_cli.terminal.session import Session


@click.command(
    cls=ActionCommand,
    needs_settings=False,
    examples=[
        'eval "$(kabelwerk completion bash)"',
        'eval "$(kabelwerk completion zsh)"',
        "kabelwerk completion fish > ~/.config/fish/completions/kabelwerk.fish",
    ],
)
@click.argument("shell", type=OneOf(list(SCRIPTS)))
def completion(session: Session, *, shell: str) -> None:
    """Print the shell completion script for bash, zsh or fish."""
    session.console.print(SCRIPTS[shell].rstrip())
    if session.console.is_shown:
        session.console.note(how_to_install(shell))
