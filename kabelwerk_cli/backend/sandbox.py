"""The sandbox as a backend: where its file is, calls inside this process, and serving it."""

import contextlib
import random
import shlex
import time
from collections.abc import Sequence
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote

from kabelwerk_cli.api.errors import ConfigurationError, Interrupted
from kabelwerk_cli.api.wire import Answer, Attempt, Request
from kabelwerk_cli.config.resolve import Settings
from kabelwerk_cli.config.settings import SANDBOX, TOKEN_VARIABLE, URL
from kabelwerk_cli.terminal.console import Listing
from kabelwerk_cli.terminal.session import Session

if TYPE_CHECKING:
    from kabelwerk_cli.sandbox.adapter import InProcess
    from kabelwerk_cli.sandbox.store import Store

SCHEME = "sandbox:"
ROOM_SUMMARY = ("id", "hub", "user.key", "archived", "hub_user.key", "attributes")
MESSAGE_SUMMARY = ("id", "hub", "room", "user.key", "inserted_at", "text")
ANY_TOKEN = "sandbox"  # noqa: S105 - what is shown where any token is accepted


def sandbox_path(settings: Settings) -> Path | None:
    """Return the sandbox's file where the settings choose the sandbox, else None.

    Raises:
        ConfigurationError: the sandbox and an address are chosen both, with the same force.
    """
    url = settings[URL]
    if url and url.startswith(SCHEME):
        path = unquote(url.removeprefix(SCHEME).removeprefix("//"))
        return Path(path) if path else default_sandbox_path()
    if not settings[SANDBOX]:
        return None
    if url and settings.rank(URL) >= settings.rank(SANDBOX):
        raise ConfigurationError(
            f"The sandbox ({settings.origin(SANDBOX)}) and '{url}' ({settings.origin(URL)}) are "
            "chosen both; leave one of them out."
        )
    return default_sandbox_path()


def default_sandbox_path() -> Path:
    """Return where the sandbox keeps its data unless another file is named."""
    import platformdirs

    return platformdirs.user_data_path("kabelwerk") / "sandbox.db"


def chosen_path(settings: Settings, db: str | None) -> Path:
    """Return the sandbox's file for the commands that are about the sandbox itself."""
    if db is not None:
        return Path(db)
    url = settings[URL] or ""
    path = sandbox_path(settings) if url.startswith(SCHEME) else None
    return path or default_sandbox_path()


def open_store(path: Path, *, hubs: Sequence[str] = (), rooms_by_hand: bool = False) -> "Store":
    """Open the sandbox's database.

    Raises:
        ConfigurationError: it cannot be opened, or is not one.
    """
    from kabelwerk_cli.sandbox.store import Store, StoreError

    try:
        return Store(path, hubs=hubs, rooms_by_hand=rooms_by_hand)
    except StoreError as error:
        raise ConfigurationError(str(error)) from error


def open_transport(path: Path) -> "SandboxTransport":
    """Return the way to the sandbox inside this process.

    Raises:
        ConfigurationError: its database cannot be opened, or its libraries are not installed.
    """
    try:
        from kabelwerk_cli.sandbox.adapter import InProcess
        from kabelwerk_cli.sandbox.app import create_app
    except ImportError as error:
        raise _not_installed(error) from None
    store = open_store(path)
    return SandboxTransport(InProcess(create_app(store)), store)


class SandboxTransport:
    """Carries requests to the sandbox inside this process."""

    def __init__(self, adapter: "InProcess", store: "Store") -> None:
        self._adapter = adapter
        self._store = store

    def carry(self, request: Request, attempt: Attempt) -> Answer:
        """Hand `request` over and return the answer; see `wire.Transport`."""
        attempt.sent = True
        status, headers, body = self._adapter.send(
            request.method, f"/api{request.path}", request.headers, request.body
        )
        return Answer(
            status,
            HTTPStatus(status).phrase,
            {name.lower(): value for name, value in headers},
            body,
        )

    def close(self) -> None:
        """Close the database."""
        self._store.close()


class Service(NamedTuple):
    """How `sandbox serve` serves."""

    port: int
    hubs: Sequence[str]
    rooms_by_hand: bool
    token: str | None
    latency: float
    """Seconds before each answer."""
    faults: Sequence[tuple[int, float]]
    """Statuses that are answered at random, and how often, from 0 to 1."""


def serve(session: Session, service: Service, db: str | None) -> None:
    """Serve the sandbox until a signal comes, and print the lines that point a client to it.

    Args:
        session: where to print the lines.
        service: how to serve it.
        db: its file, None for the default one.

    Raises:
        ConfigurationError: it cannot be served.
        Interrupted: the signal came.
    """
    try:
        from kabelwerk_cli.sandbox import app, server
    except ImportError as error:
        raise _not_installed(error) from None

    path = chosen_path(session.settings, db)
    store = open_store(path, hubs=service.hubs, rooms_by_hand=service.rooms_by_hand)
    faults = [app.Fault(status, probability) for status, probability in service.faults]
    mischief = app.Mischief(time.sleep, random.random, service.latency, faults)
    try:
        server.serve(
            app.create_app(store, token=service.token, mischief=mischief),
            port=service.port,
            on_ready=lambda url: session.console.print(_exports(url, service.token or ANY_TOKEN)),
        )
    except server.ServerError as error:
        raise ConfigurationError(str(error)) from error
    except KeyboardInterrupt as signal:
        raise Interrupted("The sandbox has stopped.") from signal
    finally:
        store.close()


def show(session: Session, what: str, db: str | None) -> None:
    """Show the sandbox's `users`, `rooms` or `messages`."""
    from kabelwerk_cli.sandbox import tables

    with contextlib.closing(open_store(chosen_path(session.settings, db))) as store:
        listing = {
            "users": lambda: Listing(tables.User, store.users()),
            "rooms": lambda: Listing(tables.Room, store.rooms(), ROOM_SUMMARY),
            "messages": lambda: Listing(tables.Message, store.messages(), MESSAGE_SUMMARY),
        }[what]()
        session.console.show(listing)


def reset(session: Session, db: str | None) -> None:
    """Empty the sandbox."""
    with contextlib.closing(open_store(chosen_path(session.settings, db))) as store:
        store.reset()
    session.console.tell("The sandbox is empty.")


def _exports(url: str, token: str) -> str:
    return f"export KABELWERK_URL={url}\nexport {TOKEN_VARIABLE}={shlex.quote(token)}"


def _not_installed(error: ImportError) -> ConfigurationError:
    return ConfigurationError(
        f"The sandbox needs the module {error.name}; install 'kabelwerk-cli[sandbox]'."
    )
