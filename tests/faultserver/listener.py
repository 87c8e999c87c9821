"""A loopback listener with a thread for each connection, all of which end with it."""

import contextlib
import socket
import threading
from typing import Self

from .wire import LIMITS, LOOPBACK, Limits, Wire

MAX_CONNECTIONS = 20_000  # per listener; a client that opens more is in an endless loop
BACKLOG = 128
POLL = 0.5  # seconds; only a fall-back where a shutdown does not wake `accept`
JOIN = 5.0  # seconds that a thread may take to notice the end


class Listener:
    """Accepts on a port that the kernel chose, and stops and joins everything by itself."""

    def __init__(self, limits: Limits = LIMITS) -> None:
        self._limits = limits
        self._stop = threading.Event()
        self._lock = threading.Lock()
        self._live: dict[threading.Thread, Wire] = {}
        self._crashes: list[Exception] = []
        self._held: list[socket.socket] = []
        self.connections = 0
        self.port = 0
        self._socket: socket.socket | None = None
        self._acceptor = threading.Thread(target=self._accept)

    @property
    def address(self) -> tuple[str, int]:
        return (LOOPBACK, self.port)

    def serve(self, wire: Wire, number: int) -> None:
        """Serve one connection; an OSError just ends it."""
        raise NotImplementedError

    def open(self) -> None:
        # Keeps the port ours, and refuses, while nobody listens on it.
        holder = self._bind(0)
        self._held.append(holder)
        self.port = holder.getsockname()[1]
        self._socket = self._bind(self.port)
        self._socket.listen(BACKLOG)
        self._acceptor.start()

    def refuse(self) -> None:
        """From now on the kernel refuses new connections; those that are open go on."""
        with self._lock:
            listening, self._socket = self._socket, None
        if listening:
            with contextlib.suppress(OSError):
                listening.shutdown(socket.SHUT_RDWR)
            listening.close()

    def stall(self) -> None:
        """From now on a connection is neither accepted nor refused: its SYN is dropped.

        A queue of length zero that nobody empties is filled with connections of our own.
        """
        self.refuse()
        queue = self._bind(self.port)
        queue.listen(0)
        self._held.append(queue)
        for _ in range(3):
            filler = socket.socket()
            filler.settimeout(0)
            filler.connect_ex(self.address)
            self._held.append(filler)

    def close(self) -> None:
        """Stop, join every thread, and raise if one of them crashed."""
        self._stop.set()
        self.refuse()
        if self._acceptor.ident:
            self._acceptor.join(JOIN)
        with self._lock:
            live = dict(self._live)
        for wire in live.values():
            wire.interrupt()
        for thread in live:
            thread.join(JOIN)
        for held in self._held:
            held.close()
        stuck = [thread for thread in live if thread.is_alive()]
        if stuck or self._crashes:
            raise ExceptionGroup(
                "the server went wrong by itself",
                [*self._crashes, *(TimeoutError(f"{thread} does not end") for thread in stuck)],
            )

    def __enter__(self) -> Self:
        self.open()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _bind(self, port: int) -> socket.socket:
        bound = socket.socket()
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        bound.bind((LOOPBACK, port))
        return bound

    def _accept(self) -> None:
        while (listening := self._socket) and self.connections < MAX_CONNECTIONS:
            try:
                listening.settimeout(POLL)
                sock, _ = listening.accept()
            except TimeoutError:
                continue
            except OSError:
                break
            self._start(sock)
        self.refuse()

    def _start(self, sock: socket.socket) -> None:
        self.connections += 1
        wire = Wire(sock, self._stop, self._limits)
        thread = threading.Thread(target=self._run, args=(wire, self.connections))
        with self._lock:
            self._live[thread] = wire
        thread.start()

    def _run(self, wire: Wire, number: int) -> None:
        try:
            self.serve(wire, number)
        except OSError:
            pass  # the peer left, or a limit was reached: both are expected
        except Exception as error:  # noqa: BLE001 - kept for `close`, where the test sees it
            self._crashes.append(error)
        finally:
            wire.finish()
            with self._lock:
                self._live.pop(threading.current_thread(), None)
