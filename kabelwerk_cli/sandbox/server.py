"""Serving the sandbox over HTTP, on a loopback address."""

import logging
import os
import socket
import struct
import threading
from collections.abc import Callable
from typing import Any

from waitress.channel import HTTPChannel
from waitress.server import create_server
from waitress.task import WSGITask

from .faults import Unanswered

HOST = "127.0.0.1"
THREADS = 16
SILENCE_LIMIT = 120
"""A connection without traffic is closed after this many seconds, or up to 30 later."""
UPLOAD_LIMIT = 64 * 1024 * 1024
"""Bodies up to this size are read completely, so that the app can answer what is wrong."""


class ServerError(Exception):
    """The server cannot start; the text is a sentence."""


class _Task(WSGITask):
    """Handles a request, also one that is to get no answer."""

    def service(self) -> None:
        try:
            super().service()
        except Unanswered as fault:
            if fault.reset and self.channel.socket:
                # close() then sends RST instead of FIN
                no_linger = struct.pack("ii", 1, 0)
                self.channel.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, no_linger)
                self.close_on_finish = True


class _Channel(HTTPChannel):
    task_class = _Task


def serve(
    app: Any,
    *,
    port: int,
    on_ready: Callable[[str], None],
    wait: Callable[[], object],
    on_stop: Callable[[], None],
) -> None:
    """Serve until `wait` ends.

    Args:
        app: the WSGI app.
        port: the port; 0 for any free one.
        on_ready: called with the URL once connections are accepted.
        wait: called in this thread while others serve.
        on_stop: called before the requests in progress are waited for.

    Raises:
        ServerError: the port is in use, or is not one.
    """
    logging.getLogger("waitress").setLevel(logging.CRITICAL)
    listener = _listen(port)
    server = create_server(
        app,
        sockets=[listener],
        threads=THREADS,
        connection_limit=1000,
        channel_timeout=SILENCE_LIMIT,
        max_request_body_size=UPLOAD_LIMIT,
        clear_untrusted_proxy_headers=True,
        ident=None,
    )
    server.channel_class = _Channel  # type: ignore[union-attr]  # it has one socket
    try:
        on_ready(f"http://{HOST}:{listener.getsockname()[1]}")
        # in the main thread, waitress would handle signals, and the caller would not see them
        threading.Thread(target=server.run, daemon=True).start()
        wait()
    finally:
        # Requests in progress end. The loop's thread and its socket end with the process: the loop
        # would crash if the socket that it waits for was closed.
        on_stop()
        server.task_dispatcher.shutdown()


def _listen(port: int) -> socket.socket:
    try:
        return socket.create_server((HOST, port), backlog=1024)
    except (OSError, OverflowError) as error:
        # Python adds the address to the text of an OSError
        number = getattr(error, "errno", None)
        reason = error if number is None else os.strerror(number)
        raise ServerError(f"Cannot listen on port {port}: {reason}.") from error
