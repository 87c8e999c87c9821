"""The Kabelwerk API, with the reference's signatures and exceptions.

    >>> from kabelwerk_cli import api
    >>> api.create_user(key='kusanagi', name='Motoko')
    User(id=42, key='kusanagi', name='Motoko')

The address and the token are those of the command line: from the environment (`KABELWERK_URL`,
`KABELWERK_API_TOKEN`) or a profile. Requests are logged to `KABELWERK_LOG_FILE`, if it is set.
Calls have time limits, and are retried if that cannot do anything twice (see `sender.Sender`). A
`Client` has methods of the same names, and its own address and token.

A KeyboardInterrupt during a call is not wrapped in another exception; its `report` and a note say
what is known about the outcome (see `errors.Report`).

`calls` builds each operation as a `call.Call`; `sender` sends it over a `transport` and keeps its
`history`; `verdicts` determines the result of one attempt, `retries` whether to repeat it, and
`outcomes` the result or the error of the whole call.
"""

import functools
from collections.abc import Callable
from types import FunctionType
from typing import TYPE_CHECKING, Any, ParamSpec

from kabelwerk_cli.errors import (
    Applied,
    AuthenticationError,
    ConfigurationError,
    ConnectionError,  # noqa: A004 - the reference's name
    DoesNotExist,
    InvalidInput,
    KabelwerkError,
    OutcomeUnknown,
    RateLimited,
    Report,
    ServerError,
    UntrustedCertificate,
    ValidationError,
)
from kabelwerk_cli.operations import calls
from kabelwerk_cli.operations.call import Call, R, record_of
from kabelwerk_cli.operations.models import EnsuredUser, Message, Room, User

__all__ = [
    "Applied",
    "AuthenticationError",
    "Client",
    "ConfigurationError",
    "ConnectionError",
    "DoesNotExist",
    "EnsuredUser",
    "InvalidInput",
    "KabelwerkError",
    "Message",
    "OutcomeUnknown",
    "RateLimited",
    "Report",
    "Room",
    "ServerError",
    "UntrustedCertificate",
    "User",
    "ValidationError",
]

if TYPE_CHECKING:
    from .client import Client
else:

    def __getattr__(name: str) -> Any:
        if name != "Client":
            raise AttributeError(f"module '{__name__}' has no attribute '{name}'")
        # imported when a program uses it: the command line does not
        from .client import Client

        return Client


P = ParamSpec("P")


def _sending(build: Callable[P, Call[R]]) -> Callable[P, R]:
    """Return the function that sends the call `build` makes, and returns the record."""

    @functools.wraps(build)
    def send(*args: P.args, **kwargs: P.kwargs) -> R:
        call = build(*args, **kwargs)
        # imported when a call is made: building one needs neither settings nor a network
        from kabelwerk_cli.backend.connect import open_sender
        from kabelwerk_cli.backend.request_log import file_log
        from kabelwerk_cli.config.resolve import from_environment

        settings = from_environment()
        with file_log(settings) as log, open_sender(settings, log) as sender:
            return sender.send(call).record

    # `help` and `inspect.signature` look at it; a signature made here would slow down the start
    shown = FunctionType(build.__code__, build.__globals__)
    shown.__kwdefaults__ = build.__kwdefaults__
    shown.__annotations__ = send.__annotations__ = {
        **build.__annotations__,
        "return": record_of(build),
    }
    send.__wrapped__ = shown
    send.__module__ = __name__
    return send


# generated from `calls` by tools.generate
__all__ += [
    "create_user",
    "delete_user",
    "ensure_user",
    "post_message",
    "update_room",
    "update_user",
]
create_user = _sending(calls.create_user)
delete_user = _sending(calls.delete_user)
ensure_user = _sending(calls.ensure_user)
post_message = _sending(calls.post_message)
update_room = _sending(calls.update_room)
update_user = _sending(calls.update_user)
