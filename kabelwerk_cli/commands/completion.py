"""`kabelwerk completion`: what makes TAB work."""

import click
from click.shell_completion import ShellComplete, get_completion_class

from kabelwerk_cli.command import Action, ActionCommand
from kabelwerk_cli.console import Console
from kabelwerk_cli.options import OneOf
from kabelwerk_cli.settings import Settings

SHELLS = ("bash", "zsh", "fish")


@click.command(
    cls=ActionCommand,
    examples=[
        'eval "$(kabelwerk completion bash)"',
        "kabelwerk completion zsh > _kabelwerk",
        "kabelwerk completion fish > kabelwerk.fish",
    ],
)
@click.argument("shell", type=OneOf(SHELLS))
@click.pass_context
def completion(ctx: click.Context, *, shell: str) -> Action:
    """Print the script that makes TAB work in a shell."""
    script = completion_script(ctx.find_root().command, shell)

    def show(_: Settings, console: Console) -> None:
        console.print(script)

    return show


def completion_script(root: click.Command, shell: str) -> str:
    """Return the script for `bash`, `zsh` or `fish`, which asks the program itself at each TAB."""
    kind = get_completion_class(shell)
    if kind is None:
        raise ValueError(f"click knows no shell {shell}")
    # not the class's own source(): bash's starts bash to look at its version
    return ShellComplete.source(kind(root, {}, "kabelwerk", "_KABELWERK_COMPLETE")).strip()
