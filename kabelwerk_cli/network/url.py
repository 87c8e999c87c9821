"""The address of the backend: parsing and checking its URL."""

import functools
import ipaddress
import re
from typing import NamedTuple
from urllib.parse import urlsplit

from kabelwerk_cli.errors import ConfigurationError

# The JavaScript SDK takes the URL of its WebSocket. All of these are the same backend.
KNOWN_PATHS = frozenset({"", "/api", "/socket", "/socket/user", "/socket/hub"})
SCHEMES = {"https": "https", "wss": "https", "http": "http", "ws": "http"}

LONGEST_NAME = 253
"""The most characters of a host name, without a dot at its end (RFC 1035)."""
_LABEL = r"[A-Za-z0-9_](?:[A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_HOST = re.compile(rf"{_LABEL}(?:\.{_LABEL})*\.?")
_NUMBER = re.compile(r"[0-9]+|0[xX][0-9A-Fa-f]*")


class Address(NamedTuple):
    """The scheme, host and port of a backend that a token may be sent to."""

    scheme: str
    """`http` or `https`."""
    host: str
    """A host name or an IP address, without brackets."""
    port: int | None
    """The port; None for the default port of the scheme."""
    local_only: bool = False
    """Whether the token may only be sent if the other end turns out to be this machine."""

    @property
    def origin(self) -> str:
        """The address as a URL without a path."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}" + (f":{self.port}" if self.port else "")

    @property
    def base(self) -> str:
        """The URL of the API, to which the path of a call is appended."""
        return f"{self.origin}/api"

    @property
    def is_loopback(self) -> bool:
        """Whether the address is this machine, going by its name (RFC 6761)."""
        name = self.host.removesuffix(".")
        if name == "localhost" or name.endswith(".localhost"):
            return True
        try:
            address = ipaddress.ip_address(self.host)
        except ValueError:
            return False
        # from Python 3.13 on, an IPv4 address written as IPv6 may be a loopback address, too
        mapped = isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped
        return address.is_loopback and not mapped


@functools.lru_cache  # a call asks for the same few again and again
def parse_address(url: str, *, allow_insecure_http: bool = False) -> Address:
    """Parse the URL of a backend, in any form that the SDKs accept.

    Args:
        url: `https://host`, `wss://host/socket/user`, `host:port` (https) ...
        allow_insecure_http: whether to accept http for a host other than this machine.

    Returns:
        The address.

    Raises:
        ConfigurationError: the URL is invalid, or the token would be sent unencrypted.
    """
    if re.search(r"[^\x21-\x7e]|\\", url) or not url:
        raise ConfigurationError(
            f"Invalid URL '{url}': it is empty, or has spaces, backslashes, control or non-ASCII"
            " characters."
        )
    try:
        parts = urlsplit(url if "://" in url else f"https://{url}")
    except ValueError:
        raise _no_host(url) from None
    if "@" in parts.netloc:
        # the message does not show the URL, which may contain a password
        raise ConfigurationError("The URL must not contain a user name or password. Remove it.")
    if "?" in url or "#" in url:
        raise ConfigurationError(
            "The URL must not have a query or a fragment. Use only scheme and host."
        )
    if parts.scheme not in SCHEMES:
        raise ConfigurationError(f"Invalid URL '{url}': it must start with https://.")
    if parts.path.rstrip("/") not in KNOWN_PATHS:
        raise ConfigurationError(f"Invalid URL '{url}': unexpected path. Use only scheme and host.")
    address = Address(SCHEMES[parts.scheme], *_host_and_port(url, parts.netloc))
    if address.scheme == "http" and not address.is_loopback and not allow_insecure_http:
        raise ConfigurationError(
            f"Refusing to send the API token unencrypted to '{url}'. Use https, or"
            " --allow-insecure-http if you trust the network."
        )
    return address._replace(local_only=address.scheme == "http" and not allow_insecure_http)


def _host_and_port(url: str, netloc: str) -> tuple[str, int | None]:
    match = re.fullmatch(r"(?:\[([^][]*)\]|([^][:]+))(?::([0-9]{1,5}))?", netloc)
    if not match:
        raise _no_host(url)
    literal, name, digits = match.groups()
    port = int(digits) if digits else None
    if port is not None and not 1 <= port <= 65535:  # noqa: PLR2004 - the range of TCP's ports
        raise ConfigurationError(f"Invalid URL '{url}': the port must be from 1 to 65535.")
    if literal is not None:
        try:
            return str(ipaddress.IPv6Address(literal)), port
        except ValueError:
            raise _no_host(url) from None
    if not _is_host(name):
        raise ConfigurationError(f"Invalid URL '{url}': '{name}' is not a valid host name.")
    return name.lower(), port


def _is_host(name: str) -> bool:
    """Tell whether a name can be looked up, or is an IPv4 address."""
    bare = name.removesuffix(".")
    if len(bare) > LONGEST_NAME or not _HOST.fullmatch(name):
        return False
    if not _NUMBER.fullmatch(bare.rpartition(".")[2]):
        return True
    # no top-level domain is a number; what 127.1 or 0x7f.1 mean depends on the system
    try:
        ipaddress.IPv4Address(name)
    except ValueError:
        return False
    return True


def _no_host(url: str) -> ConfigurationError:
    return ConfigurationError(
        f"Invalid URL '{url}': no valid host and port. Write an IPv6 address in brackets, as in"
        " https://[::1]:8443."
    )
