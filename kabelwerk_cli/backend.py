"""Which backend a call goes to: one on the network, or the sandbox inside this process."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote

from . import __version__
from .api.address import parse_address
from .api.client import Attempted, Client, Limits
from .api.errors import ConfigurationError
from .api.wire import Answer, Attempt, Request, Transport
from .credentials import read_token
from .settings import (
    ALLOW_INSECURE_HTTP,
    CA_FILE,
    MAX_TIME,
    RETRIES,
    SANDBOX,
    TIMEOUT,
    URL,
    Settings,
)

if TYPE_CHECKING:
    from .sandbox.adapter import InProcess
    from .sandbox.store import Store

USER_AGENT = f"kabelwerk-cli/{__version__}"
SANDBOX_SCHEME = "sandbox:"


class Backend(NamedTuple):
    """How to reach a backend."""

    transport: Transport
    token: str


@contextlib.contextmanager
def open_client(
    settings: Settings, observe: Callable[[Attempted], None] = lambda _: None
) -> Iterator[Client]:
    """Give a client for the backend that the settings name, and close its connections after.

    Args:
        settings: the settings.
        observe: is told of each attempt.

    Raises:
        ConfigurationError: there is no URL or no token, or they are not safe to use.
    """
    path = sandbox_path(settings)
    backend = _network(settings) if path is None else _sandbox(path)
    try:
        yield Client(
            backend.transport,
            token=backend.token,
            user_agent=USER_AGENT,
            limits=Limits(
                timeout=settings[TIMEOUT],
                max_time=settings[MAX_TIME],
                retries=settings[RETRIES],
            ),
            observe=observe,
        )
    finally:
        backend.transport.close()


def sandbox_path(settings: Settings) -> Path | None:
    """Return the sandbox's file where the settings choose the sandbox, else None.

    Raises:
        ConfigurationError: the sandbox and an address are chosen both, with the same force.
    """
    url = settings[URL]
    if url and url.startswith(SANDBOX_SCHEME):
        path = unquote(url.removeprefix(SANDBOX_SCHEME).removeprefix("//"))
        return Path(path) if path else default_sandbox_path(settings)
    if not settings[SANDBOX]:
        return None
    if url and settings.rank(URL) >= settings.rank(SANDBOX):
        raise ConfigurationError(
            f"The sandbox ({settings.origin(SANDBOX)}) and '{url}' ({settings.origin(URL)}) are "
            "chosen both; leave one of them out."
        )
    return default_sandbox_path(settings)


def default_sandbox_path(settings: Settings) -> Path:
    """Return where the sandbox keeps its data unless another file is named."""
    return settings.data_folder() / "sandbox.db"


def open_store(path: Path, hubs: tuple[str, ...] = (), rooms: str = "auto") -> Store:
    """Open the sandbox's database.

    Raises:
        ConfigurationError: it cannot be opened, or is not one.
    """
    from .sandbox.store import Store, StoreError  # noqa: PLC0415 - only the sandbox needs SQLite

    try:
        return Store(path, hubs=hubs, rooms=rooms)
    except StoreError as error:
        raise ConfigurationError(str(error)) from error


class SandboxTransport:
    """Carries requests to the sandbox inside this process."""

    def __init__(self, adapter: InProcess, store: Store) -> None:
        self._adapter = adapter
        self._store = store

    def carry(self, request: Request, attempt: Attempt) -> Answer:
        """Hand `request` over and return the answer; see `wire.Transport`."""
        attempt.sent = True
        status, headers, body = self._adapter.send(
            request.method, f"/api{request.path}", request.headers, request.body
        )
        return Answer(status, "", {name.lower(): value for name, value in headers}, body)

    def close(self) -> None:
        """Close the database."""
        self._store.close()


def _network(settings: Settings) -> Backend:
    url = settings[URL]
    if not url:
        raise ConfigurationError(
            "There is no URL. Set KABELWERK_URL or use --url, or --sandbox to try things out."
        )
    address = parse_address(url, allow_insecure_http=settings[ALLOW_INSECURE_HTTP])
    token = read_token(settings)

    # the one import of requests: a call to the sandbox does without it
    from .api.transport import NetworkTransport, environment_proxies  # noqa: PLC0415

    proxies = environment_proxies(address)
    return Backend(NetworkTransport(address, ca_file=settings[CA_FILE], proxies=proxies), token)


def _sandbox(path: Path) -> Backend:
    try:
        from .sandbox.adapter import InProcess  # noqa: PLC0415 - falcon comes with an extra
        from .sandbox.app import create_app  # noqa: PLC0415
    except ImportError as error:
        raise ConfigurationError(
            f"The sandbox needs the module {error.name}; install 'kabelwerk-cli[sandbox]'."
        ) from None
    store = open_store(path)
    return Backend(SandboxTransport(InProcess(create_app(store)), store), token="")
