"""`kabelwerk completion`: scripts for shell completion."""

import click
from click.shell_completion import ShellComplete, get_completion_class

from kabelwerk_cli.command import ActionCommand
from kabelwerk_cli.terminal.options import OneOf
from kabelwerk_cli.terminal.session import Session

SHELLS = ("bash", "zsh", "fish")


@click.command(
    cls=ActionCommand,
    needs_settings=False,
    examples=[
        'eval "$(kabelwerk completion bash)"',
        "kabelwerk completion zsh > _kabelwerk",
        "kabelwerk completion fish > kabelwerk.fish",
    ],
)
@click.argument("shell", type=OneOf(SHELLS))
@click.pass_context
def completion(ctx: click.Context, session: Session, *, shell: str) -> None:
    """Print the shell completion script for bash, zsh or fish."""
    session.console.print(completion_script(ctx.find_root().command, shell))


def completion_script(root: click.Command, shell: str) -> str:
    """Return the script for `bash`, `zsh` or `fish`, which calls kabelwerk at each TAB."""
    kind = get_completion_class(shell)
    if kind is None:
        raise ValueError(f"click does not support the shell {shell}")
    # not the class's own source(): for bash, it starts bash to check its version
    return ShellComplete.source(kind(root, {}, "kabelwerk", "_KABELWERK_COMPLETE")).strip()
