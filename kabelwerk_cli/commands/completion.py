"""`kabelwerk completion`: scripts for shell completion."""

import click
from click.shell_completion import get_completion_class

from kabelwerk_cli.command import ActionCommand
from kabelwerk_cli.terminal.options import OneOf
from kabelwerk_cli.terminal.session import Session

# click's own script inserts a value as it is, so that TAB and Enter would run a profile's name
BASH = """\
%(complete_func)s() {
    local IFS=$'\\n' type value
    while IFS=',' read -r type value; do
        case $type in
            dir) compopt -o dirnames ;;
            file) compopt -o default ;;
            plain)
                printf -v value %%q "$value"
                COMPREPLY+=("$value")
                ;;
        esac
    done < <(env COMP_WORDS="${COMP_WORDS[*]}" COMP_CWORD="$COMP_CWORD" \\
        %(complete_var)s=bash_complete "$1")
}

complete -o nosort -F %(complete_func)s %(prog_name)s
"""
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
    completer = kind(root, {}, "kabelwerk", "_KABELWERK_COMPLETE")
    if shell == "bash":
        return (BASH % completer.source_vars()).strip()
    return completer.source().strip()
