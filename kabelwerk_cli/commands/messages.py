"""`kabelwerk messages`: post messages."""

import click

from kabelwerk_cli.cli.command import CallCommand
from kabelwerk_cli.cli.described import Group
from kabelwerk_cli.cli.options import (
    FileValueOption,
    TextFile,
    column_option,
    room_hub_option,
    room_option,
)
from kabelwerk_cli.errors import Refused
from kabelwerk_cli.operations import calls
from kabelwerk_cli.operations.call import Call
from kabelwerk_cli.operations.models import Message
from kabelwerk_cli.rows.columns import SENDER, TEXT


@click.group(
    cls=Group,
    examples=["kabelwerk messages post --room kusanagi --user batou --text 'Hello'"],
)
def messages() -> None:
    """Post messages."""


@messages.command(
    cls=CallCommand,
    record=Message,
    repeatable=False,
    examples=[
        "kabelwerk messages post --room kusanagi --user batou --text 'Hello'",
        "date | kabelwerk messages post --room kusanagi --user batou --text-file -",
        "kabelwerk messages post --user batou --from visits.csv --template @letter.txt",
    ],
)
@room_option
@column_option(SENDER, "Key of the user who posts.", metavar="KEY")
@room_hub_option
@column_option(TEXT, "Text of the message.", metavar="TEXT")
@click.option(
    "--text-file",
    cls=FileValueOption,
    value_of="text",
    type=TextFile(),
    metavar="FILE",
    help="Read the text from FILE ('-' for stdin); a line break at its end is dropped.",
)
def post(*, room: str, user: str, hub: str, text: str | None) -> Call[Message]:
    """Post a message in a room.

    A message whose outcome is unknown is not sent again.
    """
    if text is None:
        raise Refused("Use either --text or --text-file.")
    return calls.post_message(hub=hub, room=room, user=user, text=text)
