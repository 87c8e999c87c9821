"""`kabelwerk doctor`: is everything in place?"""

import click

from kabelwerk_cli.command import Action, ActionCommand


@click.command(
    cls=ActionCommand,
    examples=["kabelwerk doctor", "kabelwerk doctor --profile staging -o json"],
)
def doctor() -> Action:
    """Check settings, network, TLS, the API and the token.

    Changes nothing. Ends with the exit code of the first check that failed.
    """
    from kabelwerk_cli import checks  # noqa: PLC0415 - a help text does without it

    return checks.doctor
