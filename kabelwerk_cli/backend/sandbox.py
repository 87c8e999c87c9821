"""The sandbox as a backend: its database file, calls in this process, and serving it."""

import contextlib
import time
from collections.abc import Iterator, Sequence
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING, Any

from kabelwerk_cli.config.resolve import Settings
from kabelwerk_cli.config.settings import MAX_TIME, SANDBOX_DB, TOKEN_VARIABLE, URL
from kabelwerk_cli.config.suggestions import suggest
from kabelwerk_cli.errors import ConfigurationError, Refused
from kabelwerk_cli.network.request import Request
from kabelwerk_cli.network.wire import Answer, Attempt, Failure
from kabelwerk_cli.operations.arguments import check_key
from kabelwerk_cli.terminal.console import Console, Listing
from kabelwerk_cli.terminal.session import Session
from kabelwerk_cli.terminal.signals import pause

from .backends import SCHEME, default_path, named_sandbox

if TYPE_CHECKING:
    from kabelwerk_cli.sandbox.adapter import App
    from kabelwerk_cli.sandbox.faults import Fault
    from kabelwerk_cli.sandbox.recorder import RequestLog
    from kabelwerk_cli.sandbox.store import Store

SUMMARIES = {
    "rooms": ("id", "hub", "user.key", "archived", "hub_user.key", "attributes"),
    "messages": ("id", "hub", "room", "user.key", "inserted_at", "text"),
    "requests": ("at", "method", "path", "status", "duration_ms", "fault"),
}
"""The columns of tables that do not have all."""
TOKEN_BYTES = 20
"""How many random bytes a token has that is made for one run."""
SEED_LIMIT = 1_000_000
"""A random seed is below this."""


def chosen_path(settings: Settings, db: str | None) -> Path:
    """Return the database file for the commands of the group `sandbox`."""
    if db is not None:
        return Path(db)
    url = settings[URL] or ""
    path = named_sandbox(url) if url.startswith(SCHEME) else None
    return path or default_path(settings)


def open_store(path: Path, **how: Any) -> "Store":
    """Open the sandbox's database; see `Store` for what else it takes.

    Raises:
        ConfigurationError: it cannot be opened, or is not a sandbox database.
    """
    from kabelwerk_cli.sandbox.store import Store

    with _store_errors():
        return Store(path, **how)


@contextlib.contextmanager
def _store_errors() -> Iterator[None]:
    from kabelwerk_cli.sandbox.store import StoreError

    try:
        yield
    except StoreError as error:
        raise ConfigurationError(str(error)) from error


@contextlib.contextmanager
def _existing_store(settings: Settings, db: str | None) -> "Iterator[tuple[Path, Store]]":
    """Provide the database for a command that does not create it."""
    from kabelwerk_cli.sandbox.database import as_store_error

    path = chosen_path(settings, db).absolute()
    with _store_errors():
        with as_store_error(path):
            exists = path.exists()
        if not exists:
            raise Refused(
                f"Sandbox database '{path}' does not exist. Name another with --db FILE, or create "
                f"it with {suggest((), 'sandbox', 'serve', '--db', str(path))}."
            )
        with contextlib.closing(open_store(path, patience=settings[MAX_TIME])) as store:
            yield path, store


def open_transport(path: Path, patience: float) -> "SandboxTransport":
    """Return a transport to the sandbox in this process.

    Args:
        path: its database.
        patience: how long to wait while another process has it locked, in seconds.

    Raises:
        ConfigurationError: the database cannot be opened, or a module is not installed.
    """
    try:
        from kabelwerk_cli.sandbox.app import create_app
    except ImportError as error:
        raise _not_installed(error) from None
    from kabelwerk_cli.sandbox.masking import Mask
    from kabelwerk_cli.sandbox.recorder import RequestLog, recorded

    store = open_store(path, patience=patience)
    with _store_errors():
        log = RequestLog(path, Mask())
    return SandboxTransport(recorded(create_app(store), log), store, log)


class SandboxTransport:
    """Carries requests to the sandbox in this process."""

    def __init__(self, app: "App", store: "Store", log: "RequestLog") -> None:
        self._app = app
        self._store = store
        self._log = log

    def carry(self, request: Request, attempt: Attempt) -> Answer:
        """Pass `request` to the app and return the answer; see `wire.Transport`."""
        from kabelwerk_cli.sandbox import adapter
        from kabelwerk_cli.sandbox.store import Locked, StoreError

        try:
            self._store.wait_until_unlocked(attempt.left())
        except (Locked, TimeoutError):
            raise Failure("the sandbox is locked by another process", timed_out=True) from None
        except StoreError as error:
            cause = str(error.__cause__).rstrip(".")
            raise Failure(f"the sandbox's database cannot be used: {cause}") from error
        attempt.sent = True
        status, answered, body = adapter.send(
            self._app, request.method, f"/api{request.path}", request.headers, request.body
        )
        self._log.write_if_due()
        headers = {name.lower(): value for name, value in answered}
        return Answer(status, HTTPStatus(status).phrase, headers, body)

    def close(self) -> None:
        """Close the database."""
        self._log.close()
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
    faults: "Sequence[Fault]",
    seed: int | None,
) -> None:
    """Serve the sandbox and its page until a signal ends it.

    Prints `export` lines for its clients to stdout, and the link to the page to stderr.

    Args:
        session: has the settings, and the console to print to.
        db: the database file; None for the default one.
        port: the port; 0 for any free one.
        hubs: the slugs of hubs to create.
        rooms: `auto` to give a new end user a room in every hub, or `manual`.
        token: the only API token to accept; None for a random one.
        latency: seconds before each answer.
        faults: what goes wrong at random.
        seed: what the faults depend on; None for a random one.

    Raises:
        ConfigurationError: it cannot be served.
    """
    try:
        import secrets

        from kabelwerk_cli.sandbox import server
        from kabelwerk_cli.sandbox.faults import FaultInjector
        from kabelwerk_cli.sandbox_page.app import site
    except ImportError as error:
        raise _not_installed(error) from None

    path = chosen_path(session.settings, db).absolute()
    _check_text(path)
    for hub in hubs:
        check_key("hub", hub)
    token = token or secrets.token_hex(TOKEN_BYTES)
    injector = FaultInjector(time.sleep, _seed(session.console, seed, faults), latency, faults)
    patience = session.settings[MAX_TIME]
    store = open_store(path, hubs=hubs, manual_rooms=rooms == "manual", patience=patience)
    page_key = secrets.token_urlsafe(TOKEN_BYTES)
    try:
        with site(store, path, token, page_key, injector) as app:
            server.serve(
                app,
                port=port,
                on_ready=lambda url: _announce(session.console, url, page_key, token, path),
                wait=pause,
                on_stop=store.stop_waiting,
            )
    except server.ServerError as error:
        raise ConfigurationError(str(error)) from error
    except KeyboardInterrupt:
        session.console.note("Stopped.")  # as intended: there is no other way to end it
    finally:
        store.close()


def _seed(console: Console, seed: int | None, faults: "Sequence[Fault]") -> int:
    """Return the seed, after a note on a random one, so that a run can be repeated."""
    if seed is None:
        import secrets

        seed = secrets.randbelow(SEED_LIMIT)
        if faults:
            console.note(f"To repeat these faults, use --seed {seed}.")
    return seed


def _check_text(path: Path) -> None:
    try:
        str(path).encode()
    except UnicodeEncodeError:
        raise Refused(f"Cannot print the path '{path}', which is not UTF-8.") from None


def _announce(console: Console, url: str, page_key: str, token: str, path: Path) -> None:
    import shlex

    console.note(f"View the sandbox in a browser: {url}/#{page_key}")
    exports = {"KABELWERK_URL": url, TOKEN_VARIABLE: token, SANDBOX_DB.environment: str(path)}
    console.print("\n".join(f"export {name}={shlex.quote(exports[name])}" for name in exports))
    console.tell(f"Serving sandbox database '{path}' at {url}. Press Ctrl-C to stop.")


def show(session: Session, what: str, db: str | None) -> None:
    """Show the sandbox's records of a kind, one of `RECORDS`."""
    from kabelwerk_cli.sandbox.tables import RECORDS

    with _existing_store(session.settings, db) as (path, store):
        listing = Listing(RECORDS[what], store.read(what), SUMMARIES.get(what))
        session.console.check_fields(listing.record_type)
        session.console.note(f"Reading sandbox database '{path}'.")
        session.console.show(listing)


def add_hubs(session: Session, hubs: Sequence[str], db: str | None, *, rooms: str) -> None:
    """Create hubs, and the database if it is missing.

    Args:
        session: has the settings, and the console to print to.
        hubs: the slugs.
        db: the database file; None for the default one.
        rooms: `auto` to give each end user a room in them, or `manual`.

    Raises:
        ConfigurationError: the database cannot be used.
    """
    for hub in hubs:
        check_key("hub", hub)
    path = chosen_path(session.settings, db).absolute()
    how = {"manual_rooms": rooms == "manual", "patience": session.settings[MAX_TIME]}
    with contextlib.closing(open_store(path, hubs=hubs, **how)) as store, _store_errors():
        known = ", ".join(hub.slug for hub in store.read("hubs"))
    session.console.note(f"Hubs of sandbox database '{path}': {known}")


def reset(session: Session, db: str | None, *, yes: bool) -> None:
    """Empty the sandbox, once it is confirmed."""
    with _existing_store(session.settings, db) as (path, store):
        if not yes:
            session.console.confirm(
                f"Delete all users, rooms, messages and requests in sandbox database '{path}'?"
            )
        store.reset()
    session.console.note(f"Emptied sandbox database '{path}'.")


def _not_installed(error: ImportError) -> ConfigurationError:
    return ConfigurationError(
        f"The module {error.name} is not installed. Install 'kabelwerk-cli[sandbox]'."
    )
