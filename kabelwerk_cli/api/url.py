"""Where the backend is: a checked URL."""

import ipaddress
import re
from typing import NamedTuple
from urllib.parse import urlsplit

from .errors import ConfigurationError

# The JavaScript SDK is given the address of its websocket; all of these name the same backend.
KNOWN_PATHS = frozenset({"", "/api", "/socket", "/socket/user"})
SCHEMES = {"https": "https", "wss": "https", "http": "http", "ws": "http"}

_HOST = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_-]*[A-Za-z0-9_])?(\.[A-Za-z0-9_-]+)*\.?")


class Address(NamedTuple):
    """The scheme, host and port of a backend, fit to send a token to."""

    scheme: str
    """`http` or `https`."""
    host: str
    """A name or an IP address, without brackets."""
    port: int | None
    """The port, None for the scheme's own."""

    @property
    def origin(self) -> str:
        """The address as a URL without a path."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}" + (f":{self.port}" if self.port else "")

    @property
    def base(self) -> str:
        """The URL that every call's path is appended to."""
        return f"{self.origin}/api"

    @property
    def is_loopback(self) -> bool:
        """Whether the address can only be this machine."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False


def parse_address(url: str, *, allow_insecure_http: bool = False) -> Address:
    """Read a backend's URL in any of the forms that the SDKs accept.

    Args:
        url: `https://host`, `wss://host/socket/user`, `host:port` (https) ...
        allow_insecure_http: accept http to a host other than this machine.

    Returns:
        The address.

    Raises:
        ConfigurationError: the URL cannot be read, or would send the token in the clear.
    """
    if re.search(r"[^\x21-\x7e]|\\", url) or not url:
        raise ConfigurationError(f"The URL '{url}' is not a URL: it has characters out of place.")
    try:
        parts = urlsplit(url if "://" in url else f"https://{url}")
    except ValueError:
        raise _no_host(url) from None
    if "@" in parts.netloc:
        # not repeated: what stands before the @ may be a password
        raise ConfigurationError("The URL must not hold a user name or password; remove it.")
    if "?" in url or "#" in url:
        raise ConfigurationError("The URL must not have a query or a fragment; give the host only.")
    if parts.scheme not in SCHEMES:
        raise ConfigurationError(f"The URL '{url}' must start with https://.")
    if parts.path.rstrip("/") not in KNOWN_PATHS:
        raise ConfigurationError(
            f"The URL '{url}' has a path that is not the API's; give the host only."
        )
    address = Address(SCHEMES[parts.scheme], *_host_and_port(url, parts.netloc))
    if address.scheme == "http" and not address.is_loopback and not allow_insecure_http:
        raise ConfigurationError(
            f"The URL '{url}' would send the API token unencrypted. Use https, or"
            " --allow-insecure-http if you know that nobody else can listen."
        )
    return address


def _host_and_port(url: str, netloc: str) -> tuple[str, int | None]:
    match = re.fullmatch(r"(?:\[([^][]*)\]|([^][:]+))(?::([0-9]{1,5}))?", netloc)
    if not match:
        raise _no_host(url)
    literal, name, digits = match.groups()
    port = int(digits) if digits else None
    if port is not None and not 1 <= port <= 65535:  # noqa: PLR2004 - the range of TCP's ports
        raise ConfigurationError(f"The URL '{url}' has a port that is not from 1 to 65535.")
    if literal is not None:
        try:
            return str(ipaddress.IPv6Address(literal)), port
        except ValueError:
            raise _no_host(url) from None
    if not _HOST.fullmatch(name):
        raise ConfigurationError(f"'{name}' in the URL is no host name.")
    return name.lower(), port


def _no_host(url: str) -> ConfigurationError:
    return ConfigurationError(
        f"The URL '{url}' has no host that can be read; an IPv6 address goes in brackets,"
        " as in https://[::1]:8443."
    )
