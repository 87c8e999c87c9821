"""Serves the app over HTTP, to this machine only."""

import ipaddress
import logging
import socket
import threading
from collections.abc import Callable
from typing import Any

from waitress.server import create_server

THREADS = 16
UPLOAD_LIMIT = 64 * 1024 * 1024
"""Bodies up to here are read to their end, so that the app can say what is wrong with them."""


class ServerError(Exception):
    """The server cannot start; the text is a sentence that says why."""


def serve(
    app: Any, *, port: int = 0, host: str = "127.0.0.1", on_ready: Callable[[str], None]
) -> None:
    """Serve until a signal raises KeyboardInterrupt in the main thread.

    Args:
        app: the WSGI app.
        port: the port; 0 takes a free one.
        host: a loopback address.
        on_ready: is told the URL once connections are accepted.

    Raises:
        ServerError: the address is not a loopback address, or is taken.
    """
    if not ipaddress.ip_address(host).is_loopback:
        raise ServerError(f"The sandbox is for this machine only, and {host} is not.")
    logging.getLogger("waitress").setLevel(logging.CRITICAL)
    listener = _listen(host, port)
    server = create_server(
        app,
        sockets=[listener],
        threads=THREADS,
        connection_limit=1000,
        channel_timeout=120,
        max_request_body_size=UPLOAD_LIMIT,
        clear_untrusted_proxy_headers=True,
        ident=None,
    )
    shown = f"[{host}]" if ":" in host else host
    try:
        on_ready(f"http://{shown}:{listener.getsockname()[1]}")
        # waitress keeps signals to itself; here the caller is to learn which one it was
        threading.Thread(target=server.run, daemon=True).start()
        threading.Event().wait()
    finally:
        # lets the requests that are being answered end; the loop's thread, a daemon, and its
        # socket end with the process, as closing a socket that the loop waits for would upset it
        server.task_dispatcher.shutdown()


def _listen(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=1024)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ServerError(f"Port {port} cannot be used: {reason}.") from error
