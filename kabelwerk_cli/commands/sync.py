"""`kabelwerk users sync` and `kabelwerk rooms sync`: make users or rooms match a file.

They are not beside the other commands of their groups, which would have to import what syncs need.
"""

from typing import Any

import click

from kabelwerk_cli.cli.options import room_hub_option
from kabelwerk_cli.cli.sync_command import SyncCommand
from kabelwerk_cli.operations import calls
from kabelwerk_cli.operations.call import Call
from kabelwerk_cli.operations.calls import ABSENT
from kabelwerk_cli.operations.models import Room, User
from kabelwerk_cli.rows.columns import (
    ARCHIVED,
    ATTRIBUTES,
    HUB_USER,
    NAME,
    ROOM,
    ROOM_HUB,
    USER_KEY,
)


@click.command(
    "sync",
    cls=SyncCommand,
    columns=(USER_KEY, NAME),
    record=User,
    delete=calls.delete_user,
    examples=[
        "kabelwerk users sync --from staff.csv --hub section9 --new-state",
        "kabelwerk users sync --from staff.csv --hub section9 --dry-run",
        "kabelwerk users sync --from staff.csv --hub section9 --delete --yes",
    ],
)
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
    columns=(ROOM, ROOM_HUB, ARCHIVED, ATTRIBUTES, HUB_USER),
    record=Room,
    blanks={"attributes": {}, "hub_user": ""},
    examples=[
        "kabelwerk rooms sync --from rooms.csv --new-state",
        "kabelwerk rooms sync --from rooms.csv --dry-run",
        "kabelwerk rooms sync --from rooms.csv --full",
    ],
)
@room_hub_option
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
