"""The sender for the backend in the settings: on the network, or the sandbox in this process."""

import contextlib
import sys
import warnings
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from kabelwerk_cli.config.resolve import Settings
from kabelwerk_cli.config.settings import (
    MAX_TIME,
    RETRIES,
    SANDBOX_DB,
    TIMEOUT,
)
from kabelwerk_cli.config.token import loose_file, read_token
from kabelwerk_cli.delivery.sender import Attempted, Limits, Pace, Sender, Tools
from kabelwerk_cli.delivery.verdicts import Verdict
from kabelwerk_cli.network.url import Address
from kabelwerk_cli.network.wire import Transport
from kabelwerk_cli.terminal.session import Session
from kabelwerk_cli.terminal.signals import pause

from .backends import Sandbox, in_process, resolve_backend, trust
from .request_log import observer

if TYPE_CHECKING:
    from kabelwerk_cli.network.transport import NetworkTransport

MakeSender = Callable[[Callable[[Verdict], bool], Tools, Pace], Sender]
"""Creates a sender, given a function to ask before a retry, how to wait, and the run's pace."""


def senders_for(session: Session, stack: contextlib.ExitStack) -> MakeSender:
    """Return a function that creates a sender for each worker; the token is read once."""
    settings = session.settings
    token = "" if in_process(settings) else read_token(settings)
    # a retry would be one line among thousands that does not name its row
    observe = observer(session, repeats=False)

    def make(may_retry: Callable[[Verdict], bool], tools: Tools, pace: Pace) -> Sender:
        sender = open_sender(
            settings, observe, token=token, may_retry=may_retry, tools=tools, pace=pace
        )
        return stack.enter_context(sender)

    return make


DETECTORS = frozenset({"chardet", "charset_normalizer"})
"""The packages of which requests imports the first that it finds."""
COMMAND = Tools(sleep=pause)
"""The tools of a command, which runs in the main thread and can be interrupted."""


@contextlib.contextmanager
def open_sender(
    settings: Settings,
    observe: Callable[[Attempted], None] = lambda _: None,
    *,
    token: str | None = None,
    may_retry: Callable[[Verdict], bool] = lambda _: True,
    tools: Tools | None = None,
    pace: Pace | None = None,
) -> Iterator[Sender]:
    """Provide a sender for the backend in the settings, and close its connections at the end.

    Args:
        settings: the settings.
        observe: called after each attempt.
        token: the API token; None for the one in the settings.
        may_retry: called before each retry; returns whether to go on.
        tools: clock, sleep and randomness; None for the real ones.
        pace: the pace of the run that the calls belong to, if any.

    Raises:
        ConfigurationError: the URL or the token is missing or unsafe.
    """
    backend = resolve_backend(settings)
    transport: Transport
    if isinstance(backend, Sandbox):
        from .sandbox import open_transport

        transport, token = open_transport(backend.path, settings[MAX_TIME]), ""
    else:
        token = read_token(settings) if token is None else token
        transport = _network_transport(settings, backend.address)
    try:
        yield Sender(
            transport,
            token=token,
            limits=Limits(
                timeout=settings[TIMEOUT],
                max_time=settings[MAX_TIME],
                retries=settings[RETRIES],
            ),
            observe=observe,
            may_retry=may_retry,
            tools=tools,
            pace=pace,
        )
    finally:
        transport.close()


def _network_transport(settings: Settings, address: Address) -> "NetworkTransport":
    # a call to the sandbox does not need requests
    with without_detectors():
        from kabelwerk_cli.network.transport import NetworkTransport, environment_proxies

    proxies = environment_proxies(address, settings.environ)
    return NetworkTransport(address, trust=trust(settings), proxies=proxies)


@contextlib.contextmanager
def without_detectors() -> Iterator[None]:
    """Let requests be imported without the packages that guess encodings.

    Importing one takes longer than all of this program's own modules, and nothing here needs it:
    bodies are read as bytes. requests does without, but warns.
    """
    hidden = DETECTORS - sys.modules.keys()
    if "requests" in sys.modules or not hidden:
        yield
        return
    sys.modules.update(dict.fromkeys(hidden))  # type: ignore[arg-type]
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        for name in hidden:
            del sys.modules[name]


def tell_about_files(session: Session) -> None:
    """Say what a user should know about the files of a run before anything is sent.

    Warn if others can write the configuration, or read the token, if it is needed. Name the
    sandbox's database if the environment chose it.
    """
    settings, console, _ = session
    if advice := settings.profile.advice:
        path = settings.profile.path
        console.warn(f"Others can write to the configuration '{path}'; run: {advice} '{path}'")
    # the sandbox needs no token, so it does not matter which address one is for
    if sandbox := in_process(settings):
        if str(sandbox.path) == settings[SANDBOX_DB]:
            database, origin = sandbox.path.absolute(), settings.origin(SANDBOX_DB)
            console.note(f"Using sandbox database '{database}' ({origin}).")
    elif token_file := loose_file(settings):
        console.warn(f"Others can read the token in '{token_file}'; run: chmod 600 '{token_file}'")
