"""`--dry-run`: a call as a curl command or as an object."""

import json
import shlex
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from kabelwerk_cli.api.call import Call
from kabelwerk_cli.api.client import build_request
from kabelwerk_cli.config.resolve import Settings
from kabelwerk_cli.config.settings import OUTPUT, TOKEN_VARIABLE
from kabelwerk_cli.output import Format
from kabelwerk_cli.terminal.console import Listing
from kabelwerk_cli.terminal.session import Session

from .client import USER_AGENT, base_url

SHOWN_TOKEN = f"${TOKEN_VARIABLE}"


class Preview(NamedTuple):
    """An HTTP request, with the token replaced by the name of its environment variable."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: Mapping[str, Any] | None

    def as_curl(self) -> str:
        """Return a curl command that sends the request."""
        words = ["curl", "--request", self.method]
        for name, value in self.headers.items():
            # double quotes let the shell insert the token
            quoted = f'"{name}: {value}"' if value == SHOWN_TOKEN else f"'{name}: {value}'"
            words += ["--header", quoted]
        if self.body is not None:
            words += ["--data-binary", shlex.quote(json.dumps(self.body, separators=(",", ":")))]
        # keep curl from expanding the brackets of IPv6 addresses and from resolving dots in paths
        words += ["--globoff", "--path-as-is", shlex.quote(self.url)]
        return " ".join(words)


def previews(call: Call[Any], settings: Settings) -> list[Preview]:
    """Return the requests that would be sent: the call, then its alternatives.

    Args:
        call: the call.
        settings: the settings; the token is not needed.

    Raises:
        ConfigurationError: the URL is missing or unsafe.
    """
    base = base_url(settings)
    # an update that is sent twice is shown once
    steps = {(step.method, step.path): step for step in call.steps()}
    return [_preview(step, base) for step in steps.values()]


def show_previews(session: Session, requests: Sequence[Preview]) -> None:
    """Print requests as curl commands, or as objects with -o json or jsonl."""
    settings, console, _ = session
    if settings[OUTPUT] in {Format.JSON, Format.JSONL}:
        console.show(Listing(Preview, requests, single=len(requests) == 1))
    else:
        console.print("\n".join(request.as_curl() for request in requests))


def _preview(call: Call[Any], base: str) -> Preview:
    request = build_request(call, token=SHOWN_TOKEN, user_agent=USER_AGENT, request_id="")
    # each attempt has its own ID; a repeated one would confuse the server's log
    headers = {name: value for name, value in request.headers.items() if name != "X-Request-Id"}
    return Preview(call.method, base + call.path, headers, call.body)
