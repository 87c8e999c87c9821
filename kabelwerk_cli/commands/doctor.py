"""`kabelwerk doctor`: check the setup."""

import click

from kabelwerk_cli.backend.checks import Check
from kabelwerk_cli.cli.command import ActionCommand
from kabelwerk_cli.terminal.session import Session


@click.command(
    cls=ActionCommand,
    sends=True,
    shows={"": Check},
    examples=["kabelwerk doctor", "kabelwerk doctor --profile staging -o json"],
)
def doctor(session: Session) -> None:
    """Check the settings, the network, TLS, the API and the token.

    Changes nothing. Exits with the code of the first check that fails.
    """
    from kabelwerk_cli.backend.doctor import doctor as check_all

    check_all(session)
