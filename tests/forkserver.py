"""Runs the program in forks of a process that has imported it already.

Starting an interpreter and importing the program takes about ten times as long as running a
command. A fork is a process of its own, with its own arguments, environment, working directory,
streams and exit code. Only what the interpreter reads at start-up, such as the locale and PYTHON*
variables, comes from the server.

This file is the server, run as a program, and its client, `ForkServer`.
"""

import contextlib
import gc
import io
import json
import os
import pkgutil
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any, BinaryIO, Self

import kabelwerk_cli

Streams = tuple[BinaryIO | int, BinaryIO | int, BinaryIO | int]
"""Standard input, standard output and standard error."""
LONGEST = 1 << 20  # bytes of a request


class Fork:
    """A run of the program in a fork.

    Attributes:
        pid: of the process, which is not a child of the caller.
    """

    def __init__(self, connection: socket.socket) -> None:
        self._answers = connection.makefile("rb")
        self._connection = connection
        self.pid = int(self._answers.readline())

    def wait(self, timeout: float) -> int:
        """Wait for the end, and return the exit code as `Popen.returncode` has it."""
        with self._connection, self._answers:
            self._connection.settimeout(timeout)
            try:
                return os.waitstatus_to_exitcode(int(self._answers.readline()))
            except TimeoutError:
                self.send(signal.SIGKILL)
                raise

    def send(self, number: signal.Signals) -> None:
        """Send the process a signal unless it has ended."""
        with contextlib.suppress(ProcessLookupError):
            os.kill(self.pid, number)


class ForkServer:
    """The server process. It ends with this process at the latest.

    Args:
        environment: the environment of its interpreter.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._folder = tempfile.TemporaryDirectory()
        self._address = str(Path(self._folder.name) / "socket")
        self._process = subprocess.Popen(
            [sys.executable, __file__, self._address],
            env=dict(environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            start_new_session=True,
        )
        assert self._process.stdout
        assert self._process.stdout.readline() == b"ready\n"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with self._process:
            assert self._process.stdin
            self._process.stdin.close()
        self._folder.cleanup()

    def start(
        self,
        args: tuple[str | bytes, ...],
        environment: Mapping[str, str],
        folder: Path,
        streams: Streams,
    ) -> Fork:
        """Start the program with these arguments, settings and standard streams."""
        words = [os.fsdecode(word) for word in args]
        request = json.dumps([words, dict(environment), str(folder)]).encode()
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.connect(self._address)
        numbers = [stream if isinstance(stream, int) else stream.fileno() for stream in streams]
        socket.send_fds(connection, [b"%d\n" % len(request)], numbers)
        connection.sendall(request)
        return Fork(connection)


def _receive(connection: socket.socket) -> tuple[list[Any], list[int]]:
    head, numbers, _, _ = socket.recv_fds(connection, LONGEST, 3)
    size, _, request = head.partition(b"\n")
    while len(request) < int(size):
        request += connection.recv(LONGEST)
    return json.loads(request), list(numbers)


def _become(request: list[Any], numbers: list[int], streams: list[io.TextIOWrapper]) -> None:
    """Take over the arguments, settings and streams of a request."""
    words, environment, folder = request
    for number, stream in enumerate(numbers):
        os.dup2(stream, number)
    os.closerange(3, 4096)
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    os.environ.clear()
    os.environ.update(environment)
    os.chdir(folder)
    sys.argv = ["kabelwerk", *words]
    opened = [
        os.fdopen(number, mode, encoding=stream.encoding, errors=stream.errors)
        for number, (mode, stream) in enumerate(zip("rww", streams, strict=True))
    ]
    sys.stdin, sys.stdout, sys.stderr = opened
    sys.__stdin__, sys.__stdout__, sys.__stderr__ = opened


def _serve(address: str) -> bool:
    """Serve until standard input ends; return True in a fork that has become a run."""
    streams = [sys.stdin, sys.stdout, sys.stderr]
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(address)
    listener.listen(512)
    ended, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.set_wakeup_fd(wake)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    running: dict[int, socket.socket] = {}
    ready = selectors.DefaultSelector()
    for source in (sys.stdin, listener, ended):
        ready.register(source, selectors.EVENT_READ)
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    while True:
        for key, _ in ready.select():
            if key.fileobj is sys.stdin:
                return False
            if key.fileobj is listener:
                connection, _ = listener.accept()
                request, numbers = _receive(connection)
                pid = os.fork()
                if pid == 0:
                    _become(request, numbers, streams)
                    return True
                running[pid] = connection
                connection.sendall(b"%d\n" % pid)
                for number in numbers:
                    os.close(number)
            else:
                os.read(ended, 4096)
                _report(running)


def _report(running: dict[int, socket.socket]) -> None:
    """Send the exit status of each run that ended to its client."""
    while running:
        pid, status = os.waitpid(-1, os.WNOHANG)
        if pid == 0:
            break
        # a client that has waited too long is gone
        with running.pop(pid) as connection, contextlib.suppress(BrokenPipeError):
            connection.sendall(b"%d\n" % status)


def main() -> None:
    """Run the server, and in each fork the program."""
    for module in pkgutil.walk_packages(kabelwerk_cli.__path__, "kabelwerk_cli."):
        __import__(module.name)
    gc.freeze()
    if _serve(sys.argv[1]):
        sys.modules["kabelwerk_cli.__main__"].main()


if __name__ == "__main__":
    main()
