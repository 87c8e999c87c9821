"""The sandbox as a backend: its database file, calls in this process, and serving it."""

import contextlib
import random
import shlex
import time
from collections.abc import Sequence
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

from kabelwerk_cli.api.errors import ConfigurationError, Interrupted
from kabelwerk_cli.api.wire import Answer, Attempt, Failure, Request
from kabelwerk_cli.config.resolve import Settings
from kabelwerk_cli.config.settings import SANDBOX, TOKEN_VARIABLE, URL
from kabelwerk_cli.terminal.console import Listing
from kabelwerk_cli.terminal.session import Session

if TYPE_CHECKING:
    from kabelwerk_cli.sandbox.adapter import App
    from kabelwerk_cli.sandbox.store import Store

SCHEME = "sandbox:"
ROOM_SUMMARY = ("id", "hub", "user.key", "archived", "hub_user.key", "attributes")
MESSAGE_SUMMARY = ("id", "hub", "room", "user.key", "inserted_at", "text")
ANY_TOKEN = "sandbox"  # noqa: S105 - an example, if any token is accepted


def sandbox_path(settings: Settings) -> Path | None:
    """Return the database file if the settings choose the sandbox, else None.

    Raises:
        ConfigurationError: both the sandbox and a URL are chosen, and neither overrides the other.
    """
    url = settings[URL]
    if url and url.startswith(SCHEME):
        path = unquote(url.removeprefix(SCHEME).removeprefix("//"))
        return Path(path) if path else default_sandbox_path()
    if not settings[SANDBOX]:
        return None
    if url and settings.rank(URL) >= settings.rank(SANDBOX):
        raise ConfigurationError(
            f"Cannot use both the sandbox ({settings.origin(SANDBOX)}) and '{url}' "
            f"({settings.origin(URL)}). Remove one of them."
        )
    return default_sandbox_path()


def default_sandbox_path() -> Path:
    """Return the database file to use if none is named."""
    import platformdirs

    return platformdirs.user_data_path("kabelwerk") / "sandbox.db"


def chosen_path(settings: Settings, db: str | None) -> Path:
    """Return the database file for the commands of the group `sandbox`."""
    if db is not None:
        return Path(db)
    url = settings[URL] or ""
    path = sandbox_path(settings) if url.startswith(SCHEME) else None
    return path or default_sandbox_path()


def open_store(path: Path, **how: Any) -> "Store":
    """Open the sandbox's database; see `Store` for what else it takes.

    Raises:
        ConfigurationError: it cannot be opened, or is not a sandbox database.
    """
    from kabelwerk_cli.sandbox.store import Store, StoreError

    try:
        return Store(path, **how)
    except StoreError as error:
        raise ConfigurationError(str(error)) from error


def open_transport(path: Path, patience: float) -> "SandboxTransport":
    """Return a transport to the sandbox in this process.

    Args:
        path: its database.
        patience: how long to wait where another process keeps it locked, in seconds.

    Raises:
        ConfigurationError: the database cannot be opened, or a module is not installed.
    """
    try:
        from kabelwerk_cli.sandbox.app import create_app
    except ImportError as error:
        raise _not_installed(error) from None
    store = open_store(path, patience=patience)
    return SandboxTransport(create_app(store), store)


class SandboxTransport:
    """Carries requests to the sandbox in this process."""

    def __init__(self, app: "App", store: "Store") -> None:
        self._app = app
        self._store = store

    def carry(self, request: Request, attempt: Attempt) -> Answer:
        """Pass `request` to the app and return the answer; see `wire.Transport`."""
        from kabelwerk_cli.sandbox import adapter
        from kabelwerk_cli.sandbox.store import Locked

        try:
            self._store.wait_until_unlocked(attempt.left())
        except (Locked, TimeoutError):
            raise Failure("the sandbox is locked by another process", timed_out=True) from None
        attempt.sent = True
        status, answered, body = adapter.send(
            self._app, request.method, f"/api{request.path}", request.headers, request.body
        )
        headers = {name.lower(): value for name, value in answered}
        return Answer(status, HTTPStatus(status).phrase, headers, body)

    def close(self) -> None:
        """Close the database."""
        self._store.close()


def serve(
    session: Session,
    *,
    db: str | None,
    port: int,
    hubs: Sequence[str],
    rooms: str,
    token: str | None,
    latency: float,
    faults: Sequence[tuple[int, float]],
) -> None:
    """Serve the sandbox until a signal arrives, and print `export` lines for its clients.

    Args:
        session: has the settings, and the console to print to.
        db: the database file; None for the default one.
        port: the port; 0 for any free one.
        hubs: the slugs of hubs to create.
        rooms: `auto` to give a new end user a room in every hub, or `manual`.
        token: the only API token to accept; None to accept any.
        latency: seconds before each answer.
        faults: HTTP statuses to answer at random, each with its probability from 0 to 1.

    Raises:
        ConfigurationError: it cannot be served.
        Interrupted: a signal arrived.
    """
    try:
        from kabelwerk_cli.sandbox import app, server
    except ImportError as error:
        raise _not_installed(error) from None

    path = chosen_path(session.settings, db)
    store = open_store(path, hubs=hubs, rooms_by_hand=rooms == "manual")
    mischief = app.Mischief(time.sleep, random.random, latency, faults)
    try:
        server.serve(
            app.create_app(store, token=token, mischief=mischief),
            port=port,
            on_ready=lambda url: session.console.print(_exports(url, token or ANY_TOKEN)),
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
        session.console.check_fields(listing.record_type)
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
        f"The module {error.name} is not installed. Install 'kabelwerk-cli[sandbox]'."
    )
