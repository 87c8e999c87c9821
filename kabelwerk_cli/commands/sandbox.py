"""`kabelwerk sandbox`: a Kabelwerk backend on your own machine."""

import re
from functools import partial
from typing import Any

import click

from kabelwerk_cli.command import Action, ActionCommand, Group
from kabelwerk_cli.options import OneOf

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
def serve(*, db: str | None, rooms: str, **service: Any) -> Action:
    """Serve the sandbox over HTTP, to this machine only, until Ctrl-C.

    Prints the lines that point kabelwerk, or the official SDK, to it.
    """
    from kabelwerk_cli import local  # noqa: PLC0415 - a help text does without it

    chosen = local.Service(rooms_by_hand=rooms == "manual", **service)
    return partial(local.serve, chosen, db)


@sandbox.command(
    cls=ActionCommand,
    examples=["kabelwerk sandbox show users", "kabelwerk sandbox show messages -o jsonl"],
)
@click.argument("what", type=OneOf(["users", "rooms", "messages"]))
@_db
def show(*, what: str, db: str | None) -> Action:
    """Show what is in the sandbox: users, rooms or messages."""
    from kabelwerk_cli import local  # noqa: PLC0415 - likewise

    return partial(local.show, what, db)


@sandbox.command(cls=ActionCommand, examples=["kabelwerk sandbox reset"])
@_db
def reset(*, db: str | None) -> Action:
    """Delete all users, rooms and messages of the sandbox; its hubs stay."""
    from kabelwerk_cli import local  # noqa: PLC0415 - likewise

    return partial(local.reset, db)
