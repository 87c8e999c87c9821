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
from subprocess import DEVNULL, PIPE
from typing import Any, BinaryIO, NamedTuple

from .faultserver import FaultyServer
from .forkserver import Fork, ForkServer, Stream

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

    def __exit__(self, failed: type[BaseException] | None, *others: Any) -> None:
        if failed:
            self.kill()
        super().__exit__(failed, *others)


def send_to_another_thread(process: Fork, number: signal.Signals) -> None:
    """Send a signal that interrupts no system call of the main thread.

    That is what happens if it arrives just before the system call.
    """
    threads = [int(path.name) for path in Path(f"/proc/{process.pid}/task").iterdir()]
    ctypes.CDLL(None).tgkill(process.pid, max({*threads} - {process.pid}), number)


def interrupt_to_the_end(process: Fork) -> int:
    """Send SIGINT until the process ends; return how often: two that arrive at once are one."""
    sent = 0
    while process.poll() is None:
        assert sent < 20
        process.send_signal(signal.SIGINT)
        sent += 1
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(0.5)
    return sent


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
        source = PIPE if stdin else DEVNULL
        with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            with self.start(*args, stdin=source, stdout=out, stderr=err) as run:
                run.communicate(stdin, timeout)
            return Ran(run.wait(), _read(out), _read(err))

    def complete(self, line: str) -> list[str]:
        """Return the candidates that a completion script gets at the end of a command line."""
        ran = self.with_(_KABELWERK_COMPLETE="line_complete", COMP_LINE=line).run()
        return [line.split("\t")[1] for line in ran.out.splitlines() if line]

    def start(
        self,
        *args: str | bytes,
        stdin: Stream = DEVNULL,
        stdout: Stream = PIPE,
        stderr: Stream = PIPE,
        on_terminal: bool = False,
    ) -> Fork:
        """Start the program in a fork of an interpreter that has imported it already."""
        streams = (stdin, stdout, stderr)
        return self._forks.start(
            args, self.environment, self.home, streams, on_terminal=on_terminal
        )

    def launch(self, *args: str | bytes, program: str | Path = EXECUTABLE, **options) -> Process:
        """Start the installed executable, or another program."""
        return Process(
            [program, *args],
            env=self.environment,
            cwd=self.home,
            **{"stdin": DEVNULL, "stdout": PIPE, "stderr": PIPE, **options},
        )

    def execute(self, *args: str | bytes, stdin: bytes | None = None, timeout: float = 60) -> Ran:
        """Run the installed executable to its end."""
        options = {} if stdin is None else {"stdin": PIPE}
        with self.launch(*args, **options) as process:
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
    with (
        tempfile.TemporaryFile() as err,
        shell.start("sandbox", "serve", *args, stderr=err) as run,
    ):
        assert run.stdout
        try:
            printed = [run.stdout.readline().decode() for _ in range(3)]
            words = [word for line in printed for word in shlex.split(line)]
            exports = dict(word.split("=", 1) for word in words if word != "export")
            announced = os.pread(err.fileno(), 1000, 0).decode()
            yield shell.with_(**exports), announced.split()[-1]
        finally:
            run.send_signal(signal.SIGTERM)
            code = run.wait(timeout=20)
        assert (code, run.stdout.read()) == (0, b"")
        assert _read(err) == f"{announced}Stopped.\n"
