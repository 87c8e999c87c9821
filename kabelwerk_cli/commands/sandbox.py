"""`kabelwerk sandbox`: a Kabelwerk backend on your own machine."""

import re
from typing import Any

import click

from kabelwerk_cli.command import ActionCommand, Group
from kabelwerk_cli.terminal.options import OneOf
from kabelwerk_cli.terminal.session import Session

_db = click.option("--db", type=click.Path(), metavar="FILE", help="The sandbox's database file.")


class FaultType(click.ParamType[tuple[int, float]]):
    """A status and how often it is answered, as in `503:0.05`."""

    name = "fault"

    def convert(
        self, value: Any, param: click.Parameter | None, ctx: click.Context | None
    ) -> tuple[int, float]:
        """Return the status and the probability."""
        match = re.fullmatch(r"([45][0-9]{2}):(0|1|[01]?\.[0-9]+)", value)
        if not match or float(match[2]) > 1:
            self.fail(f"'{value}' is not a status and a probability, as in 503:0.05", param, ctx)
        return int(match[1]), float(match[2])


@click.group(
    cls=Group,
    examples=[
        "kabelwerk sandbox serve",
        "kabelwerk sandbox show users",
    ],
)
def sandbox() -> None:
    """Try things out on a backend on this machine."""


@sandbox.command(
    cls=ActionCommand,
    examples=[
        "kabelwerk sandbox serve",
        "kabelwerk sandbox serve --port 8420 --db demo.db --hub section9 --token try-me",
        "kabelwerk sandbox serve --latency 0.05 --fault 503:0.05 --fault 429:0.1",
    ],
)
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="[default: a free one]")
@_db
@click.option("--hub", "hubs", multiple=True, metavar="SLUG", help="A hub; may be repeated.")
@click.option("--token", help="Accept only this token.")
@click.option(
    "--rooms",
    type=OneOf(["auto", "manual"]),
    default="auto",
    help="Whether a new end user gets a room in every hub; on the real backend the app does that.",
)
@click.option("--latency", type=click.FloatRange(0, 60), default=0.0, help="Seconds per answer.")
@click.option(
    "--fault",
    "faults",
    type=FaultType(),
    multiple=True,
    metavar="STATUS:PROBABILITY",
    help="Answer with this status, so often (0 to 1), instead of acting; may be repeated.",
)
def serve(session: Session, *, db: str | None, rooms: str, **service: Any) -> None:
    """Serve the sandbox over HTTP, to this machine only, until Ctrl-C.

    Prints the `export` lines that point kabelwerk, or the official SDK, to it.
    """
    from kabelwerk_cli.backend.sandbox import Service
    from kabelwerk_cli.backend.sandbox import serve as serve_sandbox

    serve_sandbox(session, Service(rooms_by_hand=rooms == "manual", **service), db)


@sandbox.command(
    cls=ActionCommand,
    examples=["kabelwerk sandbox show users", "kabelwerk sandbox show messages -o jsonl"],
)
@click.argument("what", type=OneOf(["users", "rooms", "messages"]))
@_db
def show(session: Session, *, what: str, db: str | None) -> None:
    """Show the users, rooms or messages in the sandbox."""
    from kabelwerk_cli.backend.sandbox import show as show_sandbox

    show_sandbox(session, what, db)


@sandbox.command(cls=ActionCommand, examples=["kabelwerk sandbox reset"])
@_db
def reset(session: Session, *, db: str | None) -> None:
    """Delete all users, rooms and messages in the sandbox; its hubs stay."""
    from kabelwerk_cli.backend.sandbox import reset as reset_sandbox

    reset_sandbox(session, db)
