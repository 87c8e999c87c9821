"""`kabelwerk users`: create, update and delete users."""

from typing import Any

import click

from kabelwerk_cli.cli.command import CallCommand
from kabelwerk_cli.cli.described import Group
from kabelwerk_cli.cli.options import column_option
from kabelwerk_cli.cli.tree import Commands
from kabelwerk_cli.operations import calls
from kabelwerk_cli.operations.call import Call
from kabelwerk_cli.operations.models import DeletedUser, EnsuredUser, User
from kabelwerk_cli.rows.columns import IGNORE_NOT_FOUND, NAME, USER_HUB, USER_KEY

_key = column_option(USER_KEY, "Your unique ID for the user.", metavar="KEY")


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
@column_option(NAME, "Name of the user.", metavar="NAME")
@column_option(USER_HUB, "Create a hub user in this hub.", metavar="SLUG")
def create(*, key: str, name: str, hub: str | None) -> Call[User]:
    """Create a user."""
    return calls.create_user(key=key, name=name, hub=hub)


@users.command(
    cls=CallCommand,
    record=User,
    examples=["kabelwerk users update --key kusanagi --name 'Motoko Kusanagi'"],
)
@_key
@column_option(NAME, "New name of the user.", metavar="NAME")
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
@column_option(IGNORE_NOT_FOUND, "Succeed even if the user does not exist.")
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
@column_option(NAME, "Name of the user.", metavar="NAME")
@column_option(
    USER_HUB, "If the user does not exist, create a hub user in this hub.", metavar="SLUG"
)
def ensure(*, key: str, name: str, hub: str | None) -> Call[EnsuredUser]:
    """Create a user, or update the user with this key. Safe to run repeatedly."""
    return calls.ensure_user(key=key, name=name, hub=hub)
