"""Runs the program as a process in an empty home directory."""

import contextlib
import ctypes
import json
import os
import shlex
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple

from .faultserver import FaultyServer
from .forkserver import Fork, ForkServer, Streams

EXECUTABLE = Path(sys.executable).with_name("kabelwerk")
TOKEN = "s3cret-token"
ENVIRONMENT = {"PATH": os.defpath, "COLUMNS": "80", "LC_ALL": "C.UTF-8", "TERM": "xterm"}


class Ran(NamedTuple):
    """How a run of the executable ended, and what it printed."""

    code: int
    out: str
    err: str


class Process(subprocess.Popen[bytes]):
    """A process that is killed if the test fails, which would otherwise wait for its end."""

    def send_to_another_thread(self, number: signal.Signals) -> None:
        """Send a signal that interrupts no system call of the main thread.

        That is what happens if it arrives just before the system call.
        """
        threads = [int(path.name) for path in Path(f"/proc/{self.pid}/task").iterdir()]
        ctypes.CDLL(None).tgkill(self.pid, max({*threads} - {self.pid}), number)

    def interrupt_to_the_end(self) -> int:
        """Send SIGINT until the process ends; return how often: two that arrive at once are one."""
        sent = 0
        while self.poll() is None:
            assert sent < 20
            self.send_signal(signal.SIGINT)
            sent += 1
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.wait(0.5)
        return sent

    def __exit__(self, failed: type[BaseException] | None, *others: Any) -> None:
        if failed:
            self.kill()
        super().__exit__(failed, *others)


class Shell:
    """Runs the program with a pinned environment.

    Args:
        home: an empty directory.
        forks: runs the program without starting an interpreter.
        environment: further variables.
    """

    def __init__(self, home: Path, forks: ForkServer, **environment: str) -> None:
        self.home = home
        self.environment = {**ENVIRONMENT, "HOME": str(home), **environment}
        self._forks = forks

    def with_(self, **environment: str) -> "Shell":
        """Return a shell with more variables."""
        return Shell(self.home, self._forks, **{**self.environment, **environment})

    def without(self, name: str) -> "Shell":
        """Return a shell without a variable."""
        shell = self.with_()
        del shell.environment[name]
        return shell

    def configured(self, server: FaultyServer | str, **environment: str) -> "Shell":
        """Return a shell that has a token and the address of a server."""
        url = server if isinstance(server, str) else server.url
        return self.with_(KABELWERK_URL=url, KABELWERK_API_TOKEN=TOKEN, **environment)

    def write_profile(self, **settings: object) -> Path:
        """Write a configuration with a default profile; return the folder."""
        folder = self.home / ".config" / "kabelwerk"
        folder.mkdir(parents=True, exist_ok=True)
        # JSON values are TOML values here
        lines = [f"{name} = {json.dumps(value)}" for name, value in settings.items()]
        (folder / "config.toml").write_text("\n".join(["[profiles.default]", *lines, ""]))
        return folder

    def run(self, *args: str | bytes, stdin: bytes | None = None, timeout: float = 60) -> Ran:
        """Run the program in a fork of an interpreter that has imported it already."""
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            source, sink = os.pipe() if stdin else (os.open(os.devnull, os.O_RDONLY), None)
            with os.fdopen(source):
                run = self.fork(*args, streams=(source, out, err))
            if sink:
                with contextlib.suppress(BrokenPipeError), os.fdopen(sink, "wb") as pipe:
                    pipe.write(stdin or b"")
            return Ran(run.wait(timeout), _read(out), _read(err))

    def complete(self, line: str) -> list[str]:
        """Return the candidates that a completion script gets at the end of a command line."""
        ran = self.with_(_KABELWERK_COMPLETE="line_complete", COMP_LINE=line).run()
        return [line.split("\t")[1] for line in ran.out.splitlines() if line]

    def fork(self, *args: str | bytes, streams: Streams) -> Fork:
        """Start the program in a fork, with these standard streams."""
        return self._forks.start(args, self.environment, self.home, streams)

    def start(self, *args: str | bytes, program: str | Path = EXECUTABLE, **options) -> Process:
        """Start the installed executable, or another program, and return the process."""
        return Process(
            [program, *args],
            env=self.environment,
            cwd=self.home,
            **{
                "stdin": subprocess.DEVNULL,
                "stdout": subprocess.PIPE,
                "stderr": subprocess.PIPE,
                **options,
            },
        )

    def execute(self, *args: str | bytes, stdin: bytes | None = None, timeout: float = 60) -> Ran:
        """Run the installed executable to its end."""
        options = {} if stdin is None else {"stdin": subprocess.PIPE}
        with self.start(*args, **options) as process:
            out, err = process.communicate(stdin, timeout=timeout)
        return Ran(process.returncode, _decode(out), _decode(err))


def _read(stream: BinaryIO) -> str:
    stream.seek(0)
    return _decode(stream.read())


def _decode(printed: bytes) -> str:
    return printed.decode(errors="surrogateescape")


@contextmanager
def served(shell: Shell, *args: str) -> Iterator[Shell]:
    """Serve a sandbox, and yield a shell that has its address and token."""
    with served_with_page(shell, *args) as (client, _):
        yield client


@contextmanager
def served_with_page(shell: Shell, *args: str) -> Iterator[tuple[Shell, str]]:
    """Serve a sandbox, and yield a shell that has its address and token, and the page's link."""
    source, sink = os.pipe()
    with os.fdopen(source) as out, tempfile.TemporaryFile() as err:
        with os.fdopen(sink, "wb"), Path(os.devnull).open("rb") as nothing:
            run = shell.fork("sandbox", "serve", *args, streams=(nothing, sink, err))
        try:
            words = [word for _ in range(3) for word in shlex.split(out.readline())]
            exports = dict(word.split("=", 1) for word in words if word != "export")
            announced = os.pread(err.fileno(), 1000, 0).decode()
            yield shell.with_(**exports), announced.split()[-1]
        finally:
            run.send(signal.SIGTERM)
            code = run.wait(timeout=20)
        assert (code, out.read()) == (0, "")
        assert _read(err) == f"{announced}Stopped.\n"
