"""`kabelwerk rooms`: update rooms."""

from typing import Any

import click

from kabelwerk_cli.cli.command import CallCommand
from kabelwerk_cli.cli.described import Group
from kabelwerk_cli.cli.options import column_option, room_hub_option, room_option
from kabelwerk_cli.cli.tree import Commands
from kabelwerk_cli.errors import Refused
from kabelwerk_cli.operations import calls
from kabelwerk_cli.operations.call import Call
from kabelwerk_cli.operations.calls import ABSENT
from kabelwerk_cli.operations.models import Room
from kabelwerk_cli.rows.columns import ARCHIVED, ATTRIBUTES, HUB_USER, UNASSIGN


@click.group(
    cls=Group,
    commands=Commands({"sync": "sync.rooms"}),
    examples=["kabelwerk rooms update --room kusanagi --archived"],
)
def rooms() -> None:
    """Update and sync rooms."""


@rooms.command(
    cls=CallCommand,
    record=Room,
    examples=[
        "kabelwerk rooms update --room kusanagi --archived",
        "kabelwerk rooms update --room kusanagi --attributes '{\"ward\": 9}'",
        "kabelwerk rooms update --room kusanagi --hub section9 --hub-user batou",
        "kabelwerk rooms update --room kusanagi --unassign",
    ],
)
@room_option
@room_hub_option
@column_option(ARCHIVED, "Archive or unarchive the room.", negatable=True)
@column_option(
    ATTRIBUTES,
    "Replace all attributes of the room; a JSON object, @FILE, or '-' for stdin.",
    metavar="JSON",
)
@column_option(HUB_USER, "Assign the room to the hub user with this key.", metavar="KEY")
@column_option(UNASSIGN, "Remove the hub user from the room.")
def update(
    *,
    room: str,
    hub: str,
    archived: bool | None,
    attributes: dict[str, Any] | None,
    hub_user: str | None,
    unassign: bool,
) -> Call[Room]:
    """Archive a room, assign it to a hub user, or set its attributes."""
    if hub_user is not None and unassign:
        raise Refused("--hub-user and --unassign cannot be used together.")
    if archived is None and attributes is None and hub_user is None and not unassign:
        raise Refused(
            "There is nothing to change. Use --archived, --no-archived, --attributes, --hub-user "
            "or --unassign."
        )
    return calls.update_room(
        hub=hub,
        room=room,
        archived=ABSENT if archived is None else archived,
        attributes=ABSENT if attributes is None else attributes,
        hub_user=hub_user if hub_user is not None or unassign else ABSENT,
    )
