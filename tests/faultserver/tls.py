"""Certificates to trust, and certificates that no client may trust."""

import ssl
import warnings
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

import trustme

from .wire import LOOPBACK

NAME = "kabelwerk.test"  # for clients that use a proxy; it does not resolve
NAMES = (LOOPBACK, "localhost", NAME)
LONG_AGO = datetime(2001, 1, 1, tzinfo=UTC)
YEARS_AGO = datetime(2002, 1, 1, tzinfo=UTC)


class Authority:
    """A certificate authority of our own."""

    def __init__(self) -> None:
        self._ca = trustme.CA()

    def write(self, folder: Path) -> Path:
        """The authority's certificate as a file, for `--ca-file`."""
        path = folder / "ca.pem"
        self._ca.cert_pem.write_to_path(str(path))
        return path

    def client(self) -> ssl.SSLContext:
        """A client's context that trusts only this authority."""
        return ssl.create_default_context(cadata=self._ca.cert_pem.bytes().decode())

    def right(self) -> ssl.SSLContext:
        return self._server(self._ca.issue_cert(*NAMES))

    def wrong_name(self) -> ssl.SSLContext:
        return self._server(self._ca.issue_cert("elsewhere.test", "127.0.0.2"))

    def expired(self) -> ssl.SSLContext:
        return self._server(self._ca.issue_cert(*NAMES, not_before=LONG_AGO, not_after=YEARS_AGO))

    def old_version(self) -> ssl.SSLContext:
        """TLS 1.1 at most, which current clients refuse."""
        return self.lax(self.right())

    @staticmethod
    def lax(context: ssl.SSLContext) -> ssl.SSLContext:
        """The same context, brought down to TLS 1.1 and the ciphers of its time."""
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)  # that it is old is the point
            context.minimum_version = ssl.TLSVersion.TLSv1
            context.maximum_version = ssl.TLSVersion.TLSv1_1
        context.set_ciphers("DEFAULT:@SECLEVEL=0")
        return context

    @staticmethod
    def _server(leaf: trustme.LeafCert) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        leaf.configure_cert(context)
        return context


class Untrusted(NamedTuple):
    """A server's context that a client must reject, and the exit codes for it."""

    name: str
    context: ssl.SSLContext
    exits: tuple[int, ...]


def untrusted(authority: Authority) -> tuple[Untrusted, ...]:
    """Everything that a client which trusts this authority has to refuse, before it sends."""
    return (
        Untrusted("wrong-name", authority.wrong_name(), (3,)),
        Untrusted("unknown-authority", Authority().right(), (3,)),
        Untrusted("expired", authority.expired(), (3,)),
        Untrusted("old-version", authority.old_version(), (3, 7)),
    )
