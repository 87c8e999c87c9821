"""`kabelwerk users sync` and `kabelwerk rooms sync`: make users or rooms match a file.

They are not beside the other commands of their groups, which would have to import what syncs need.
"""

from typing import Any

import click

from kabelwerk_cli.cli.options import (
    ColumnOption,
    JsonObject,
    KeyOption,
    room_hub_option,
    room_option,
)
from kabelwerk_cli.cli.sync_command import SyncCommand
from kabelwerk_cli.operations import calls
from kabelwerk_cli.operations.call import Call
from kabelwerk_cli.operations.calls import ABSENT
from kabelwerk_cli.operations.models import Room, User


@click.command(
    "sync",
    cls=SyncCommand,
    record=User,
    delete=calls.delete_user,
    examples=[
        "kabelwerk users sync --from staff.csv --hub section9 --new-state",
        "kabelwerk users sync --from staff.csv --hub section9 --dry-run",
        "kabelwerk users sync --from staff.csv --hub section9 --delete --yes",
    ],
)
@click.option("--key", cls=KeyOption, required=True)
@click.option("--name", cls=ColumnOption, required=True)
@click.option("--hub", metavar="SLUG", help="Create hub users in this hub, not end users.")
def users(*, key: str, name: str, hub: str | None) -> Call[User]:
    """Create, update and delete users so that they match a file.

    The file has the columns key and name. Sends only what differs from what the backend last
    acknowledged; see 'kabelwerk help sync'.
    """
    return calls.ensure_user(key=key, name=name, hub=hub).swapped()


@click.command(
    "sync",
    cls=SyncCommand,
    record=Room,
    blanks={"attributes": {}, "hub_user": ""},
    shared=("hub",),
    examples=[
        "kabelwerk rooms sync --from rooms.csv --new-state",
        "kabelwerk rooms sync --from rooms.csv --dry-run",
        "kabelwerk rooms sync --from rooms.csv --full",
    ],
)
@room_option
@room_hub_option
@click.option("--archived", cls=ColumnOption, is_flag=True, default=None)
@click.option("--attributes", cls=ColumnOption, type=JsonObject())
@click.option("--hub-user", cls=KeyOption)
def rooms(
    *,
    room: str,
    hub: str,
    archived: bool | None,
    attributes: dict[str, Any] | None,
    hub_user: str | None,
) -> Call[Room]:
    """Update rooms so that they match a file.

    The file has the column room, optionally hub, and any of archived, attributes and hub_user. An
    empty hub_user unassigns the room; empty attributes mean {}. Sends only what differs from what
    the backend last acknowledged; see 'kabelwerk help sync'.
    """
    return calls.update_room(
        hub=hub,
        room=room,
        archived=ABSENT if archived is None else archived,
        attributes=ABSENT if attributes is None else attributes,
        hub_user=ABSENT if hub_user is None else hub_user or None,
    )
