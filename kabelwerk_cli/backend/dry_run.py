"""`--dry-run`: a call as a curl command or as an object."""

import shlex
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from kabelwerk_cli.config.resolve import Settings
from kabelwerk_cli.config.settings import CA_FILE, OUTPUT, TIMEOUT, TOKEN_VARIABLE
from kabelwerk_cli.config.workflow import in_workflow
from kabelwerk_cli.delivery.sender import Limits
from kabelwerk_cli.network.request import build_request
from kabelwerk_cli.network.trust import named_trust
from kabelwerk_cli.operations.call import Call
from kabelwerk_cli.output import Format, compact
from kabelwerk_cli.terminal.console import Listing
from kabelwerk_cli.terminal.session import Session

from .backends import Network, resolve_backend

SHOWN_TOKEN = f"${TOKEN_VARIABLE}"
LONGEST_WORD = 100 * 1024
"""Bytes; Linux refuses to run a command with a word of 128 KiB."""


class Alternative(NamedTuple):
    """An HTTP request that is sent instead of another one."""

    when: str
    """When it is sent, in words."""
    method: str
    url: str
    headers: Mapping[str, str]
    body: Mapping[str, Any] | None


class Preview(NamedTuple):
    """An HTTP request, with the token replaced by the name of its environment variable."""

    method: str
    url: str
    headers: Mapping[str, str]
    body: Mapping[str, Any] | None
    otherwise: Alternative | None = None
    """The request that is sent instead if this one is rejected for a certain reason."""


def conditions(call: Call[Any]) -> Iterator[str]:
    """Yield when each request but the first is sent, as a sentence."""
    numbers = {(call.method, call.path): 1}
    while other := call.otherwise:
        call = other.call
        again = " again" if (call.method, call.path) in numbers else ""
        number = numbers.setdefault((call.method, call.path), len(numbers) + 1)
        yield f"Request {number} is sent{again} only if {other.when.value}."


def show_previews(session: Session, calls: Iterable[Call[Any]], *, single: bool = False) -> None:
    """Print what calls would send as curl commands, or as an object each with -o json or jsonl.

    Args:
        session: the session; the token is not needed.
        calls: the calls.
        single: whether there is only one, which is not printed as an array.

    Raises:
        ConfigurationError: the URL is missing or unsafe.
    """
    settings, console, _ = session
    base = resolve_backend(settings).base
    if settings[OUTPUT] in {Format.JSON, Format.JSONL}:
        objects = (_with_alternative(call, base) for call in calls)
        console.show(Listing(Preview, objects, single=single))
    else:
        promises = _promises(settings)
        requests = (request for call in calls for request in _previews(call, base))
        console.print("\n".join(as_curl(request, promises) for request in requests))


def _previews(call: Call[Any], base: str) -> list[Preview]:
    """Return the requests that would be sent: the call, then its alternatives."""
    # an update that is sent twice is shown once
    steps = {(step.method, step.path): step for step in call.steps()}
    return [_preview(step, base) for step in steps.values()]


def _with_alternative(call: Call[Any], base: str) -> Preview:
    request = _preview(call, base)
    if call.otherwise is None:
        return request
    method, url, headers, body, _ = _preview(call.otherwise.call, base)
    when = call.otherwise.when.value
    return request._replace(otherwise=Alternative(when, method, url, headers, body))


def as_curl(request: Preview, promises: Sequence[str]) -> str:
    """Return a curl command that sends a request.

    Args:
        request: the request.
        promises: options that make curl as careful as this program.
    """
    # -q: a ~/.curlrc might follow redirects or name a proxy. It has to come first.
    words = ["curl", "-q", "--request", request.method]
    for name, value in request.headers.items():
        # double quotes let the shell insert the token
        quoted = f'"{name}: {value}"' if value == SHOWN_TOKEN else f"'{name}: {value}'"
        words += ["--header", quoted]
    # keep curl from expanding the brackets of IPv6 addresses and from resolving dots in paths
    words += [*promises, "--globoff", "--path-as-is", shlex.quote(request.url)]
    if request.body is None:
        return " ".join(words)
    body = compact(request.body, workflow=in_workflow())
    quoted = shlex.quote(body)
    if len(quoted) <= LONGEST_WORD:
        return " ".join([*words, "--data-binary", quoted])
    # printf is part of the shell, which may give it a longer word than it may give curl
    return f"printf %s {quoted} | {' '.join([*words, '--data-binary', '@-'])}"


def _promises(settings: Settings) -> list[str]:
    """Return the options for time limits, proxies and certificates."""
    seconds = {"--connect-timeout": Limits().connect, "--max-time": settings[TIMEOUT]}
    words = [word for name, value in seconds.items() for word in (name, f"{value:g}")]
    if not _may_use_proxy(settings):
        words += ["--noproxy", "'*'"]
    # without a name, curl takes the system's certificates, as this program does
    named = named_trust(settings[CA_FILE], settings.origin(CA_FILE), settings.environ)
    if named and named.path:
        path = Path(named.path).absolute()
        words += ["--capath" if path.is_dir() else "--cacert", shlex.quote(str(path))]
    return words


def _may_use_proxy(settings: Settings) -> bool:
    backend = resolve_backend(settings)
    if not isinstance(backend, Network):
        return False
    address = backend.address
    return address.scheme == "https" and not address.is_loopback


def _preview(call: Call[Any], base: str) -> Preview:
    request = build_request(call, token=SHOWN_TOKEN, request_id="")
    # each attempt has its own ID; a repeated one would confuse the server's log
    headers = {name: value for name, value in request.headers.items() if name != "X-Request-Id"}
    return Preview(call.method, base + call.path, headers, call.body)
