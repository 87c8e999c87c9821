"""`kabelwerk sandbox`: a Kabelwerk backend on your own machine."""

import click

from kabelwerk_cli.command import Group


@click.group(cls=Group)
def sandbox() -> None:
    """Run a Kabelwerk backend on this machine."""
