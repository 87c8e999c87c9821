"""Runs the program in forks of a process that has imported it already.

Starting an interpreter and importing the program takes about ten times as long as running a
command. A fork is a process of its own, with its own arguments, environment, working directory,
streams and exit code. Only what the interpreter reads at start-up, such as the locale and PYTHON*
variables, comes from the server.

This file is the server, run as a program, and its client, `ForkServer`.
"""

import contextlib
import fcntl
import gc
import io
import json
import mimetypes
import os
import pkgutil
import select
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import termios
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path
from typing import Any, BinaryIO, Self

import kabelwerk_cli
from kabelwerk_cli.backend.connect import without_detectors

Stream = BinaryIO | int
"""A file, a descriptor, or one of the constants of `subprocess`."""
Streams = tuple[Stream, Stream, Stream]
"""Standard input, standard output and standard error."""
LONGEST = 1 << 20  # bytes of a request


class Fork:
    """A run of the program in a fork; it has what `Popen` has to watch and end a process.

    Attributes:
        pid: of the process, which is not a child of the caller.
        stdin, stdout, stderr: the caller's ends of pipes, if any.
        returncode: the exit code as `Popen.returncode` has it; None until that is known.
    """

    def __init__(self, connection: socket.socket, pipes: Iterable[BinaryIO | None]) -> None:
        self._answers = connection.makefile("rb", buffering=0)
        self._connection = connection
        self.pid = int(self._answers.readline())
        self.stdin, self.stdout, self.stderr = pipes
        self.returncode: int | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, failed: type[BaseException] | None, *_: object) -> None:
        if failed:
            self.kill()
        for stream in (self.stdin, self.stdout, self.stderr):
            if stream:
                stream.close()
        self.wait()

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the end, and return the exit code.

        Raises:
            TimeoutExpired: it still runs after so many seconds.
        """
        while self.returncode is None:
            if not self._has_ended(timeout):
                raise subprocess.TimeoutExpired(f"process {self.pid}", timeout or 0)
            with self._connection, self._answers:
                self.returncode = os.waitstatus_to_exitcode(int(self._answers.readline()))
        return self.returncode

    def poll(self) -> int | None:
        """Return the exit code if it has ended."""
        return self.wait() if self.returncode is None and self._has_ended(0) else self.returncode

    def communicate(
        self, sent: bytes | None = None, timeout: float | None = None
    ) -> tuple[bytes, bytes]:
        """Send what it reads, and return what it prints to pipes, once it has ended."""
        with self, ThreadPoolExecutor(2) as readers:
            printed = [
                readers.submit(pipe.read) if pipe else None for pipe in (self.stdout, self.stderr)
            ]
            if self.stdin:
                with contextlib.suppress(BrokenPipeError), self.stdin:
                    self.stdin.write(sent or b"")
            try:
                self.wait(timeout)
            except BaseException:
                self.kill()  # or its readers never end
                raise
            out, err = (text.result() if text else b"" for text in printed)
        return out, err

    def send_signal(self, number: signal.Signals) -> None:
        """Send the process a signal unless it has ended."""
        if self.poll() is None:
            with contextlib.suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill(self) -> None:
        """Kill the process unless it has ended."""
        self.send_signal(signal.SIGKILL)

    def _has_ended(self, timeout: float | None) -> bool:
        ended = select.poll()
        ended.register(self._connection, select.POLLIN)
        return bool(ended.poll(None if timeout is None else timeout * 1000))


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
        *,
        on_terminal: bool = False,
    ) -> Fork:
        """Start the program with these arguments and settings.

        Args:
            args: the command line.
            environment: its environment.
            folder: its working directory.
            streams: standard input, output and error: files, or as `Popen` takes them.
            on_terminal: whether standard input becomes its controlling terminal.
        """
        words = [os.fsdecode(word) for word in args]
        request = json.dumps([words, dict(environment), str(folder), on_terminal]).encode()
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        connection.connect(self._address)
        with contextlib.ExitStack() as theirs:
            numbers: list[int] = []
            pipes = []
            for stream, mode in zip(streams, ("wb", "rb", "rb"), strict=True):
                number, pipe = _open(stream, mode, numbers, theirs)
                numbers.append(number)
                pipes.append(pipe)
            socket.send_fds(connection, [b"%d\n" % len(request)], numbers)
            connection.sendall(request)
            return Fork(connection, pipes)


def _open(
    stream: Stream, mode: str, before: list[int], theirs: contextlib.ExitStack
) -> tuple[int, BinaryIO | None]:
    """Return the descriptor that the program gets, and the caller's end of a pipe."""
    if stream == subprocess.PIPE:
        source, sink = os.pipe()
        mine, its = (sink, source) if mode == "wb" else (source, sink)
        theirs.callback(os.close, its)
        return its, os.fdopen(mine, mode, buffering=0 if mode == "wb" else -1)
    if stream == subprocess.DEVNULL:
        number = os.open(os.devnull, os.O_RDWR)
        theirs.callback(os.close, number)
        return number, None
    if stream == subprocess.STDOUT:
        return before[1], None
    return stream if isinstance(stream, int) else stream.fileno(), None


def _receive(connection: socket.socket) -> tuple[list[Any], list[int]]:
    head, numbers, _, _ = socket.recv_fds(connection, LONGEST, 3)
    size, _, request = head.partition(b"\n")
    while len(request) < int(size):
        request += connection.recv(LONGEST)
    return json.loads(request), list(numbers)


def _become(request: list[Any], numbers: list[int], streams: list[io.TextIOWrapper]) -> None:
    """Take over the arguments, settings and streams of a request."""
    words, environment, folder, on_terminal = request
    for number, stream in enumerate(numbers):
        os.dup2(stream, number)
    os.closerange(3, 4096)
    if on_terminal:
        os.setsid()
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)
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
                for pid in running:  # of tests that failed
                    os.kill(pid, signal.SIGKILL)
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
    with without_detectors():  # as a run imports it
        import_module("kabelwerk_cli.network.transport")
    for module in pkgutil.walk_packages(kabelwerk_cli.__path__, "kabelwerk_cli."):
        import_module(module.name)
    # what a run would load or read when it needs it
    import_module("platformdirs.unix")
    mimetypes.init()
    gc.freeze()
    if _serve(sys.argv[1]):
        sys.modules["kabelwerk_cli.__main__"].main()


if __name__ == "__main__":
    main()
