"""The HTTP request of a call: its path, headers and body."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from kabelwerk_cli import __version__
from kabelwerk_cli.operations.call import Call

USER_AGENT = f"kabelwerk-cli/{__version__}"
"""How the program names itself to the backend."""
LEAST_LIMIT = 1024 * 1024
"""How much of an answer's body is read at least, in bytes."""
GROWTH = 12
"""How many times as long as the request's body an answer may be beyond that: it repeats the text
twice, and each character can be escaped with six."""


class Request(NamedTuple):
    """One HTTP request, without the address of the backend."""

    method: str
    path: str
    """The percent-encoded path, relative to the URL of the API."""
    headers: Mapping[str, str]
    body: bytes | None
    fresh: bool
    """Whether it needs a new connection."""

    @property
    def body_limit(self) -> int:
        """How much of the answer's body is read, in bytes."""
        return LEAST_LIMIT + GROWTH * len(self.body or b"")


def build_request(call: Call[Any], *, token: str, request_id: str) -> Request:
    """Return a call as it travels (reference: wire-protocol, Address and headers).

    Args:
        call: what to send.
        token: the API token.
        request_id: this attempt's ID in the server's log.
    """
    return Request(
        method=call.method,
        path=call.path,
        headers={
            "Accept": "application/json",
            "Accept-Encoding": "identity",
            "Content-Type": "application/json",
            "Kabelwerk-Token": token,
            "User-Agent": USER_AGENT,
            "X-Request-Id": request_id,
        },
        body=call.content(),
        # the server may be closing a connection that was used before, which would turn a sure
        # "not sent" into an "unknown"
        fresh=not call.repeatable,
    )
