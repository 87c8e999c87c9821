"""Why an attempt failed, in the words of the operator.

What urllib3, http.client and ssl raise is traced to its first cause. Their own texts name Python's
exceptions and source files, so none of them is repeated.
"""

import re
import socket
import ssl

from kabelwerk_cli.errors import ConfigurationError, UntrustedCertificate
from kabelwerk_cli.words import shorten

from .sockets import ExpectsTls, NoAddress, NoConnection, NotLoopback
from .trust import Trust
from .url import Address
from .wire import Attempt, Failure

LONGEST_PHRASE = 100
"""How much of the text of a proxy's status line is repeated, in characters."""

NOT_TLS = frozenset({"WRONG_VERSION_NUMBER", "HTTP_REQUEST", "PACKET_LENGTH_TOO_LONG"})
"""What OpenSSL calls an answer that is not TLS, such as one in plain http."""

_TUNNEL = r"(?s)Tunnel connection failed: (\d+)(.*)"


class NoHandshake(TimeoutError):
    """The server accepted the connection, but did not complete the TLS handshake in time."""


WAITS = {
    NoHandshake: " in the TLS handshake",
    NoAddress: " looking up the host name",
    NoConnection: " while connecting",
}
"""What a time-out interrupted; nothing for the answer."""


def explain(
    error: BaseException, attempt: Attempt, *, address: Address, proxy: str | None, trust: Trust
) -> Failure:
    """Return why an attempt failed.

    Args:
        error: what was raised.
        attempt: knows whether the request was being sent, and the limit in force.
        address: the backend.
        proxy: host and port of the proxy, if it was not passed yet.
        trust: the source of the CA certificates.
    """
    cause, origin, sent = _root(error), address.origin, attempt.sent
    if refused := _of_trust(cause, address, proxy, trust):
        return refused
    timed_out = isinstance(cause, TimeoutError)
    limit = attempt.limit
    if proxy:
        return Failure(_of_proxy(proxy, cause, limit), timed_out=timed_out)
    if isinstance(cause, ExpectsTls):
        return Failure(f"the server at {origin} expects https", garbled=True)
    if sent and _is_garbled(cause):
        return Failure("the answer could not be read", garbled=True)
    advice = _about_plain_http(address) if isinstance(cause, NoHandshake) else ""
    where = "" if sent else f" ({origin})"
    if sent and address.scheme == "http" and isinstance(cause, ConnectionError):
        where = " (a server that expects https does this, too)"
    return Failure(f"{_reason(cause, limit)}{where}", timed_out=timed_out, advice=advice)


def _of_trust(
    cause: BaseException, address: Address, proxy: str | None, trust: Trust
) -> Failure | None:
    """Return why the token must not be sent to the server, if that is why the attempt failed."""
    if isinstance(cause, NotLoopback):
        reason = f"'{address.host}' resolves to {cause}, which is not this machine"
        advice = "Use https, or --allow-insecure-http if you trust the network."
        return Failure(reason, ConfigurationError, advice=advice)
    if isinstance(cause, ssl.SSLError) and cause.reason in NOT_TLS and not proxy:
        reason = f"the server at {address.origin} does not speak TLS on this port"
        return Failure(reason, ConfigurationError, advice=_about_plain_http(address))
    if isinstance(cause, ssl.SSLCertVerificationError):
        where = proxy or address.host
        reason = f"the certificate of {where} is not trusted: {cause.verify_message}"
        advice = (
            f"The CA certificates in force are those of {trust}. If you run this server, pass its "
            "CA with --ca-file."
        )
        return Failure(reason, UntrustedCertificate, advice=advice)
    return None


def _about_plain_http(address: Address) -> str:
    """Return what to do if a server does not answer a TLS handshake with another, or at all.

    Many servers that speak plain http take a handshake for the start of a request, and wait for
    the rest.
    """
    if address.is_loopback:
        return f"If it speaks plain http, use {address._replace(scheme='http').origin}."
    return "Check the port in the URL: the API needs https."


def _root(error: BaseException) -> BaseException:
    """Return the first exception of the chain that urllib3 and requests wrapped."""
    seen = [error]
    while True:
        inner = seen[-1].__cause__ or seen[-1].__context__
        if inner is None:
            inner = next((arg for arg in seen[-1].args if isinstance(arg, BaseException)), None)
        if inner is None or inner in seen or isinstance(seen[-1], tuple(WAITS)):
            return seen[-1]
        seen.append(inner)


def _is_garbled(error: BaseException) -> bool:
    """Tell whether there was an answer, in part at least, that is not HTTP or broke off."""
    return not isinstance(error, OSError)


def _of_proxy(proxy: str, error: BaseException, limit: str) -> str:
    if match := re.fullmatch(_TUNNEL, str(error)):
        status, phrase = match[1], shorten(match[2].strip(), LONGEST_PHRASE)
        return f"the proxy {proxy} answered {status} {phrase}".rstrip()
    if _is_garbled(error):
        return f"the proxy {proxy} does not respond like a proxy"
    return f"the proxy {proxy} failed: {_reason(error, limit)}"


def _reason(error: BaseException, limit: str) -> str:
    if isinstance(error, TimeoutError):
        during = next((text for kind, text in WAITS.items() if isinstance(error, kind)), "")
        return f"timed out{during} after {limit}"
    if isinstance(error, socket.gaierror):
        return f"cannot resolve the host name ({error.strerror or error})"
    if isinstance(error, ssl.SSLError):
        return _of_tls(error)
    if isinstance(error, OSError) and error.strerror:
        return error.strerror[0].lower() + error.strerror[1:]
    closed = isinstance(error, ConnectionError)
    return "connection closed by the server" if closed else "the connection failed"


def _of_tls(error: ssl.SSLError) -> str:
    if error.reason in NOT_TLS:
        return "the server does not speak TLS on this port"
    return f"TLS error ({(error.reason or 'no reason given').replace('_', ' ').lower()})"
