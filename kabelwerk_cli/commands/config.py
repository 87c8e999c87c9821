"""`kabelwerk login`, `logout` and `config show`: where settings are kept."""

import click

from kabelwerk_cli.command import Action, ActionCommand, Group


@click.command(
    cls=ActionCommand,
    makes_profile=True,
    examples=[
        "kabelwerk login",
        "kabelwerk login --profile staging --url https://staging.kabelwerk.example",
        "kabelwerk login --url https://kabelwerk.example --token-file -",
    ],
)
def login() -> Action:
    """Check a URL and an API token, and keep them in a profile.

    Asks for what is not given. The token goes into the system's keyring where there is one, else
    into a file that only you can read.
    """
    from kabelwerk_cli import login as module  # noqa: PLC0415 - a help text does without it

    return module.login


@click.command(
    cls=ActionCommand, examples=["kabelwerk logout", "kabelwerk logout --profile staging"]
)
def logout() -> Action:
    """Forget the API token of a profile."""
    from kabelwerk_cli import login  # noqa: PLC0415 - a help text does without it

    return login.logout


@click.group(cls=Group, examples=["kabelwerk config show"])
def config() -> None:
    """Look at the settings."""


@config.command(
    cls=ActionCommand, examples=["kabelwerk config show", "kabelwerk config show -o json"]
)
def show() -> Action:
    """Show each setting, its value, and where it came from."""
    from kabelwerk_cli import overview  # noqa: PLC0415 - a help text does without it

    return overview.show
