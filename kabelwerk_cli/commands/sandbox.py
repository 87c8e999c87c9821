"""`kabelwerk sandbox`: a Kabelwerk backend on your own machine."""

import re
from typing import Any

import click

from kabelwerk_cli.cli.command import ActionCommand
from kabelwerk_cli.cli.described import Group
from kabelwerk_cli.cli.options import Number, OneOf
from kabelwerk_cli.sandbox.faults import Fault
from kabelwerk_cli.sandbox.tables import RECORDS
from kabelwerk_cli.terminal.session import Session

_FAULT = re.compile(
    r"(?:(?P<status>[45][0-9]{2})|(?P<word>reset|timeout)):(?P<probability>0|1|[01]?\.[0-9]+)"
    r"(?(status)(?::Retry-After=(?P<wait>[0-9]{1,5}))?)"
)
_TOO_MANY_REQUESTS = "429"

_db = click.option(
    "--db",
    type=click.Path(),
    metavar="FILE",
    help="Database file. [default: KABELWERK_SANDBOX_DB, or sandbox.db in the user's data folder]",
)
_rooms = click.option(
    "--rooms",
    type=OneOf(["auto", "manual"]),
    default="auto",
    show_default=True,
    help="'auto': each end user gets a room in every hub; 'manual': none, like the real backend.",
)


class TokenType(click.ParamType[str]):
    """An API token that a client can send."""

    name = "token"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        """Return the token."""
        from kabelwerk_cli.network.token import is_visible_ascii

        if not value or not is_visible_ascii(value):
            self.fail("must be visible ASCII characters without spaces", param, ctx)
        return str(value)


class FaultType(click.ParamType[Fault]):
    """A kind of fault and its probability, as in `503:0.05`."""

    name = "fault"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> Fault:
        """Return the fault."""
        match = _FAULT.fullmatch(value)
        if not match or float(match["probability"]) > 1:
            forms = "503:0.05, 429:0.1:Retry-After=2, reset:0.1 or timeout:0.1"
            self.fail(f"'{value}' is not a fault and its probability, such as {forms}", param, ctx)
        status, word, probability, wait = match.groups()
        if status == _TOO_MANY_REQUESTS:
            wait = wait or "1"
        return Fault(
            int(status) if status else word, float(probability), int(wait) if wait else None
        )


@click.group(
    cls=Group,
    examples=[
        "kabelwerk sandbox serve",
        "kabelwerk sandbox show users",
    ],
)
def sandbox() -> None:
    """Run a Kabelwerk backend on this machine to try things out."""


@sandbox.command(
    cls=ActionCommand,
    examples=[
        "kabelwerk sandbox serve",
        "kabelwerk sandbox serve > sandbox.env",
        "kabelwerk sandbox serve --port 8420 --db demo.db --hub section9 --token try-me",
        "kabelwerk sandbox serve --fault 503:0.05 --fault reset:0.1 --seed 7",
    ],
)
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=0,
    metavar="N",
    help="Port to listen on; 0 for any free port.",
    show_default=True,
)
@_db
@click.option(
    "--hub",
    "hubs",
    multiple=True,
    metavar="SLUG",
    help="Hub to create; repeatable. [default: section9]",
)
@click.option(
    "--token",
    type=TokenType(),
    metavar="TOKEN",
    help="The only token to accept. [default: a random one]",
)
@_rooms
@click.option(
    "--latency",
    type=Number(0, 60),
    default=0,
    show_default=True,
    metavar="SECONDS",
    help="Delay before each response.",
)
@click.option(
    "--fault",
    "faults",
    type=FaultType(),
    multiple=True,
    metavar="FAULT:PROBABILITY",
    help="Fail some requests: an HTTP status as in 503:0.05 or 429:0.1:Retry-After=2, reset:0.1 "
    "(the connection is reset) or timeout:0.1 (no answer, for two minutes); repeatable.",
)
@click.option(
    "--seed",
    type=click.IntRange(0),
    metavar="N",
    help="Seed of the faults, to repeat those of another run. [default: a random one]",
)
def serve(session: Session, **options: Any) -> None:
    """Serve the sandbox over HTTP on a loopback address until Ctrl-C.

    Prints `export` lines that point kabelwerk and the official SDK to it, and `sandbox show` and
    `sandbox reset` to its database. The link on stderr opens a page that shows all requests with
    their responses, rooms, chats and users.

    A request that fails with a status changes nothing. One that is reset or times out is applied
    half of the time. The same --seed gives the same sequence of requests the same faults.
    """
    from kabelwerk_cli.backend.sandbox import serve as serve_sandbox

    serve_sandbox(session, **options)


@sandbox.command(
    cls=ActionCommand,
    shows=RECORDS,
    examples=[
        "kabelwerk sandbox show users",
        "kabelwerk sandbox show messages -o jsonl",
        "kabelwerk sandbox show requests --fields at,path,status,request_body -o json",
    ],
)
@click.argument("what", type=OneOf(list(RECORDS)))
@_db
def show(session: Session, *, what: str, db: str | None) -> None:
    """Show the users, rooms, messages or hubs in the sandbox, or the latest requests to it.

    It keeps the last 1,000 requests, with up to 64 KiB of each body and 16 MiB of all, and the API
    token masked. A request shows up within a second.
    """
    from kabelwerk_cli.backend.sandbox import show as show_sandbox

    show_sandbox(session, what, db)


@sandbox.command(
    "add-hub",
    cls=ActionCommand,
    examples=[
        "kabelwerk sandbox add-hub ward-7",
        "kabelwerk sandbox add-hub ward-7 front-desk --db demo.db",
    ],
)
@click.argument("hubs", nargs=-1, required=True, metavar="SLUG...")
@_db
@_rooms
def add_hub(session: Session, *, hubs: tuple[str, ...], db: str | None, rooms: str) -> None:
    """Create hubs in the sandbox, also while it is served. Hubs that exist stay as they are."""
    from kabelwerk_cli.backend.sandbox import add_hubs

    add_hubs(session, hubs, db, rooms=rooms)


@sandbox.command(
    cls=ActionCommand,
    examples=["kabelwerk sandbox reset", "kabelwerk sandbox reset --yes"],
)
@_db
@click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
def reset(session: Session, *, db: str | None, yes: bool) -> None:
    """Delete the sandbox's users, rooms, messages and requests, but not its hubs."""
    from kabelwerk_cli.backend.sandbox import reset as reset_sandbox

    reset_sandbox(session, db, yes=yes)
