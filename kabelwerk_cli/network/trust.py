"""Which CA certificates are trusted: those that somebody named, the system's, or certifi's."""

import contextlib
import os
import sys
from collections.abc import Mapping
from typing import TYPE_CHECKING, NamedTuple

from kabelwerk_cli.errors import ConfigurationError

if TYPE_CHECKING:
    import ssl

VARIABLES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE")
"""The variables that other programs take a file, or a folder, of certificates from."""
USUAL = (
    "/etc/ssl/certs/ca-certificates.crt",
    "/etc/pki/tls/certs/ca-bundle.crt",
    "/etc/ssl/ca-bundle.pem",
    "/etc/ssl/cert.pem",
)
"""Where systems keep their store: a Python that brings its own OpenSSL may look elsewhere."""


class Trust(NamedTuple):
    """A source of CA certificates."""

    path: str | None
    """A file, or a folder; None for the certificates that come with requests (certifi)."""
    origin: str
    """What set it, in words."""

    def __str__(self) -> str:
        return f"'{self.path}' ({self.origin})" if self.path else self.origin


def trust_in_force(
    ca_file: str | None = None, origin: str = "", environ: Mapping[str, str] | None = None
) -> Trust:
    """Return the source of the certificates that are trusted.

    Args:
        ca_file: the file that an option, or another setting, names; it overrides all others.
        origin: what set it, in words.
        environ: the environment; None for a program that does not depend on it.
    """
    if named := named_trust(ca_file, origin, environ):
        return named
    store = _system_store()
    return Trust(store, "the system's store") if store else Trust(None, "certifi")


def named_trust(
    ca_file: str | None, origin: str, environ: Mapping[str, str] | None
) -> Trust | None:
    """Return the source that somebody named, see `trust_in_force`; None if nobody did."""
    if ca_file:
        return Trust(ca_file, origin)
    for name in VARIABLES:
        if path := (environ or {}).get(name):
            return Trust(path, f"environment {name}")
    return None


def _system_store() -> str | None:
    import ssl  # a dry run does not need it

    paths = ssl.get_default_verify_paths()
    if os.path.isfile(paths.openssl_cafile):  # noqa: PTH113 - importing pathlib is slow
        return paths.openssl_cafile
    with contextlib.suppress(OSError):
        if os.listdir(paths.openssl_capath):  # noqa: PTH208
            return paths.openssl_capath
    return next((path for path in USUAL if os.path.isfile(path)), None)  # noqa: PTH113


def context_for(trust: Trust, bundled: str) -> "ssl.SSLContext":
    """Return a TLS context that trusts the certificates of a source.

    It is made from its parts: `ssl.create_default_context` would write the keys of each connection
    to the file that `SSLKEYLOGFILE` names.

    Args:
        trust: the source.
        bundled: the file of the certificates that come with requests.

    Raises:
        ConfigurationError: they cannot be read.
    """
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if sys.version_info >= (3, 13):  # as there by default
        context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN | ssl.VERIFY_X509_STRICT
    path = trust.path or bundled
    is_folder = os.path.isdir(path)  # noqa: PTH112
    try:
        context.load_verify_locations(
            cafile=None if is_folder else path, capath=path if is_folder else None
        )
    except OSError as error:  # including SSLError, if the file contains no certificate
        reason = error.strerror or error
        raise ConfigurationError(f"Cannot read the CA certificates in {trust}: {reason}.") from None
    return context
