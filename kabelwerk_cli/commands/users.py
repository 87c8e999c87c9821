"""`kabelwerk users`: create, update and delete users."""

from typing import Any

import click

from kabelwerk_cli.cli.command import CallCommand
from kabelwerk_cli.cli.described import Group
from kabelwerk_cli.cli.options import ColumnOption, KeyOption
from kabelwerk_cli.cli.tree import Commands
from kabelwerk_cli.operations import calls
from kabelwerk_cli.operations.call import Call
from kabelwerk_cli.operations.models import DeletedUser, EnsuredUser, User

_key = click.option(
    "--key", cls=KeyOption, required=True, metavar="KEY", help="Your unique ID for the user."
)


@click.group(
    cls=Group,
    commands=Commands({"sync": "sync.users"}),
    examples=[
        "kabelwerk users create --key kusanagi --name Motoko",
        "kabelwerk users delete --key kusanagi --yes",
    ],
)
def users() -> None:
    """Create, update, delete and sync users."""


@users.command(
    cls=CallCommand,
    record=User,
    examples=[
        "kabelwerk users create --key kusanagi --name Motoko",
        "kabelwerk users create --key batou --name Batou --hub section9",
        "kabelwerk users create --from users.csv",
        "id=$(kabelwerk users create --key kusanagi --name Motoko -o tsv --fields id)",
    ],
)
@_key
@click.option("--name", cls=ColumnOption, required=True, metavar="NAME", help="Name of the user.")
@click.option("--hub", cls=KeyOption, metavar="SLUG", help="Create a hub user in this hub.")
def create(*, key: str, name: str, hub: str | None) -> Call[User]:
    """Create a user."""
    return calls.create_user(key=key, name=name, hub=hub)


@users.command(
    cls=CallCommand,
    record=User,
    examples=["kabelwerk users update --key kusanagi --name 'Motoko Kusanagi'"],
)
@_key
@click.option(
    "--name", cls=ColumnOption, required=True, metavar="NAME", help="New name of the user."
)
def update(*, key: str, name: str) -> Call[User]:
    """Update a user's name."""
    return calls.update_user(key=key, name=name)


@users.command(
    cls=CallCommand,
    record=DeletedUser,
    destructive=True,
    examples=[
        "kabelwerk users delete --key kusanagi",
        "kabelwerk users delete --key kusanagi --yes",
    ],
)
@_key
@click.option(
    "--ignore-not-found",
    cls=ColumnOption,
    is_flag=True,
    help="Succeed even if the user does not exist.",
)
def delete(*, key: str, ignore_not_found: bool) -> Call[DeletedUser]:
    """Delete a user.

    Asks for confirmation; without a terminal, --yes is required.
    """
    call: Call[Any] = calls.delete_user(key=key)
    return call._replace(
        absence_suffices=ignore_not_found, complete=lambda _, outcome: DeletedUser(key, outcome)
    )


@users.command(
    cls=CallCommand,
    record=EnsuredUser,
    examples=[
        "kabelwerk users ensure --key kusanagi --name Motoko",
        "kabelwerk users ensure --key kusanagi --name Motoko -o tsv --fields outcome",
    ],
)
@_key
@click.option("--name", cls=ColumnOption, required=True, metavar="NAME", help="Name of the user.")
@click.option(
    "--hub",
    cls=KeyOption,
    metavar="SLUG",
    help="If the user does not exist, create a hub user in this hub.",
)
def ensure(*, key: str, name: str, hub: str | None) -> Call[EnsuredUser]:
    """Create a user, or update the user with this key. Safe to run repeatedly."""
    return calls.ensure_user(key=key, name=name, hub=hub)
