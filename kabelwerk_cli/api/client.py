"""The public client: the operations as methods, for programs that pass address and token."""

import contextlib
import functools
import inspect
import os
from collections import deque
from collections.abc import Callable
from types import TracebackType
from typing import Concatenate, NoReturn, ParamSpec, Self

from kabelwerk_cli.delivery.sender import Limits, Sender
from kabelwerk_cli.errors import InvalidInput, KabelwerkError
from kabelwerk_cli.network.token import Token, check_token
from kabelwerk_cli.network.transport import NetworkTransport
from kabelwerk_cli.network.trust import trust_in_force
from kabelwerk_cli.network.url import parse_address
from kabelwerk_cli.operations import calls
from kabelwerk_cli.operations.arguments import check_text
from kabelwerk_cli.operations.call import Call, R, record_of

P = ParamSpec("P")

DEFAULTS = Limits()
A_DAY = 24 * 3600
MOST_RETRIES = 9999


def _sending(build: Callable[P, Call[R]]) -> "Callable[Concatenate[Client, P], R]":
    """Return the method that sends the call `build` makes, and returns the record."""

    @functools.wraps(build)
    def send(self: "Client", /, *args: P.args, **kwargs: P.kwargs) -> R:
        return self._send(build(*args, **kwargs))

    own, me = inspect.signature(build), inspect.Parameter("self", inspect.Parameter.POSITIONAL_ONLY)
    signature = own.replace(
        parameters=[me, *own.parameters.values()], return_annotation=record_of(build)
    )
    send.__signature__ = signature  # type: ignore[attr-defined]  # `inspect` looks at it
    send.__module__, send.__qualname__ = __name__, f"Client.{build.__name__}"
    return send


class Client:
    """Makes calls to one backend, and keeps connections to it.

        with api.Client(url="https://kabelwerk.example", token=token) as client:
            client.create_user(key="kusanagi", name="Motoko")

    All it uses is given as arguments: it reads no environment variables, profiles or proxies.
    Threads can share it: each call that is made at the same time has a connection of its own.
    After `close`, or the end of the `with` block, a call raises RuntimeError. An error of the
    backend or the network is a `KabelwerkError`, and its `report` says whether the call was
    applied.

    Args:
        url: the URL of the backend, such as `https://kabelwerk.example`.
        token: the API token.
        ca_file: a PEM file of CA certificates to trust instead of the system's.
        timeout: time limit for each attempt, in seconds.
        max_time: time limit for a call with all its retries, in seconds.
        retries: how many attempts may follow the first; see `sender.Sender` for when they do.
        allow_insecure_http: whether to allow http to a remote host, which sends the token
            unencrypted.

    Raises:
        ConfigurationError: the URL, the token or the CA file cannot be used.
        InvalidInput: a limit is out of range.
    """

    _origin = ""

    def __init__(
        self,
        *,
        url: str,
        token: str,
        ca_file: "str | os.PathLike[str] | None" = None,
        timeout: float = DEFAULTS.timeout,
        max_time: float = DEFAULTS.max_time,
        retries: int = DEFAULTS.retries,
        allow_insecure_http: bool = False,
    ) -> None:
        self._closed = False
        if not isinstance(token, str):
            raise InvalidInput("token", "must be a string")
        token = Token(token)  # from here on, a traceback does not show it
        self._token = check_token(token, "the argument 'token'")
        self._address = parse_address(
            check_text("url", url), allow_insecure_http=allow_insecure_http
        )
        self._origin = self._address.origin
        named = None if ca_file is None else os.fspath(ca_file)
        self._trust = trust_in_force(named, "the argument 'ca_file'")
        for name, seconds in (("timeout", timeout), ("max_time", max_time)):
            if not 0 < seconds <= A_DAY:
                raise InvalidInput(name, f"must be above 0 and up to {A_DAY} seconds")
        if not 0 <= retries <= MOST_RETRIES:
            raise InvalidInput("retries", f"must be from 0 to {MOST_RETRIES}")
        self._limits = Limits(timeout=timeout, max_time=max_time, retries=retries)
        # one for each call that is made at the same time; a deque is safe to share
        self._idle = deque([self._new_sender()])

    # generated from `calls` by tools.generate
    create_user = _sending(calls.create_user)
    delete_user = _sending(calls.delete_user)
    ensure_user = _sending(calls.ensure_user)
    post_message = _sending(calls.post_message)
    update_room = _sending(calls.update_room)
    update_user = _sending(calls.update_user)

    def close(self) -> None:
        """Close the connections; those of calls in other threads when these calls end."""
        self._closed = True
        with contextlib.suppress(IndexError):
            while True:
                self._idle.pop().close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def __repr__(self) -> str:
        return f"Client(url='{self._origin}')"

    def __getstate__(self) -> NoReturn:
        raise TypeError("A Client cannot be copied or pickled: it has a token and connections.")

    def _send(self, call: Call[R]) -> R:
        if self._closed:
            raise RuntimeError("The client is closed.")
        try:
            sender = self._idle.pop()
        except IndexError:
            sender = self._new_sender()
        try:
            return sender.send(call).record
        except BaseException as error:
            if not isinstance(error, KabelwerkError):
                sender.close()  # the connection may be in the middle of a request
            raise
        finally:
            self._idle.append(sender)
            if self._closed:
                self.close()

    def _new_sender(self) -> Sender:
        transport = NetworkTransport(self._address, trust=self._trust)
        return Sender(transport, token=self._token, limits=self._limits)
