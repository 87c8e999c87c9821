"""The program in a pseudo-terminal."""

import codecs
import contextlib
import fcntl
import os
import pty
import re
import termios
import time
from pathlib import Path
from typing import Any, BinaryIO

from tests.forkserver import Fork
from tests.shell import Process, Shell


def _take_terminal() -> None:
    """Make the terminal on stdin the controlling terminal."""
    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


class Terminal:
    """A run of the program, or of another one, on a terminal of its own.

    Args:
        shell: the environment.
        args: the command line.
        size: lines and columns.
        program: another program.
        stdout: where standard output goes instead.

    Attributes:
        before: the terminal's attributes before the program was started.
    """

    def __init__(
        self,
        shell: Shell,
        *args: str,
        size: tuple[int, int] = (24, 80),
        program: str | Path | None = None,
        stdout: BinaryIO | None = None,
    ) -> None:
        self._leader: Any
        self._leader, follower = pty.openpty()
        termios.tcsetwinsize(self._leader, size)
        self.before = self.attributes()
        streams: Any = {"stdin": follower, "stdout": stdout or follower, "stderr": follower}
        self.process: Fork | Process
        if program is None:
            self.process = shell.start(*args, on_terminal=True, **streams)
        else:
            self.process = shell.launch(
                *args,
                program=program,
                start_new_session=True,
                preexec_fn=_take_terminal,
                **streams,
            )
        os.close(follower)
        self.screen = ""
        # a read may end within a character
        self._decode = codecs.getincrementaldecoder("utf-8")().decode

    def __enter__(self) -> "Terminal":
        return self

    def __exit__(self, *_: object) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait(timeout=20)
        for stream in (self.process.stdout, self.process.stderr):
            if stream:
                stream.close()
        if self._leader is not None:
            os.close(self._leader)

    def hang_up(self) -> None:
        """Close the terminal; the system sends the process SIGHUP."""
        os.close(self._leader)
        self._leader = None

    def attributes(self) -> list[Any]:
        """Return the terminal's attributes, as `termios.tcgetattr` does."""
        return termios.tcgetattr(self._leader)

    def wait_for(self, text: str, seconds: float = 20) -> None:
        """Read until `text` is on the screen."""
        give_up_at = time.monotonic() + seconds
        os.set_blocking(self._leader, False)
        while text not in self.screen:
            assert time.monotonic() < give_up_at, self.screen
            self._read()

    def type_until(self, typed: str, text: str) -> None:
        """Type something, again each second, until `text` is on the screen."""
        for _ in range(20):
            self.type(typed)
            with contextlib.suppress(AssertionError):
                self.wait_for(text, seconds=1)
                return
        raise AssertionError(self.screen)

    def wait_for_prompt(self, text: str) -> None:
        """Read until `text` is on the screen, and the process waits for an answer to it.

        Python does not notice a signal that arrives just before it begins to read.
        """
        self.wait_for(text)
        stat, asleep = Path(f"/proc/{self.process.pid}/stat"), 0
        give_up_at = time.monotonic() + 20
        while asleep < 5:
            assert time.monotonic() < give_up_at, self.screen
            asleep = asleep + 1 if stat.read_text().rpartition(")")[2].split()[0] == "S" else 0
            time.sleep(0.01)

    def forget(self) -> None:
        """Empty the screen."""
        self.screen = ""

    def type(self, text: str) -> None:
        """Type something."""
        os.write(self._leader, text.encode())

    def end(self, seconds: float = 20) -> int:
        """Read to the end and return the exit code."""
        os.set_blocking(self._leader, False)
        give_up_at = time.monotonic() + seconds
        while self.process.poll() is None:
            assert time.monotonic() < give_up_at, self.screen
            self._read()
        while self._read():
            pass
        return self.process.returncode

    @property
    def plain(self) -> str:
        """The text on the screen, without escape sequences."""
        return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", self.screen)

    def _read(self) -> bool:
        """Read what is available; return whether there was anything."""
        try:
            more = os.read(self._leader, 65536)
        except (BlockingIOError, OSError):
            time.sleep(0.01)
            return False
        self.screen += self._decode(more)
        return bool(more)
