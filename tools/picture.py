"""Draw the README's picture: what a terminal shows of a session in the sandbox.

Run the program on a terminal of its own and export what it printed as SVG. `tools.generate` writes
the picture, and a test fails if its text is no longer what the program prints.
"""

import io
import os
import pty
import re
import subprocess
import sys
import tempfile
import termios
from pathlib import Path

WIDTH = 86
FILES = {"users.csv": "key,name,hub\nbatou,Batou,section9\nkusanagi,Motoko,\n"}
COMMANDS = (
    "cat users.csv",
    "kabelwerk users create --from users.csv",
    "kabelwerk rooms update --room kusanagi --hub-user batou --attributes '{\"ward\": 9}'",
    "kabelwerk messages post --room kusanagi --user batou --text Hello --fields id,text",
    "kabelwerk users create --key kusanagi --name Motoko",
)
PROMPT = "\x1b[32m$\x1b[0m "
# A progress bar hides the cursor, draws itself, and is erased in the end.
ERASED = re.compile(r"\x1b\[\?25l.*?\x1b\[\?25h\r\x1b\[1A\x1b\[2K", re.DOTALL)
TEMPLATE = """\
<svg viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{
    font-family: "Fira Code", Menlo, Consolas, "DejaVu Sans Mono", monospace;
    font-size: {char_height}px;
    line-height: {line_height}px;
}}
.{unique_id}-title {{ font: bold 18px sans-serif; }}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}" />
</clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">
{matrix}
</g>
</g>
</svg>
"""


def session() -> str:
    """Return what a terminal shows of the commands and their output, colors included."""
    with tempfile.TemporaryDirectory() as folder:
        for name, content in FILES.items():
            Path(folder, name).write_text(content, encoding="utf-8")
        return "\n".join(f"{PROMPT}{command}\n{run(command, folder)}" for command in COMMANDS)


def run(command: str, home: str) -> str:
    """Run a command in a shell on a new terminal, and return what stays on its screen."""
    environment = {
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.defpath}",
        "HOME": home,
        "KABELWERK_URL": "sandbox:",
        "LC_ALL": "C.UTF-8",
        "TERM": "xterm-256color",
    }
    leader, follower = pty.openpty()
    termios.tcsetwinsize(follower, (40, WIDTH))
    streams = {"stdin": follower, "stdout": follower, "stderr": follower}
    with subprocess.Popen(["sh", "-c", command], cwd=home, env=environment, **streams):  # noqa: S603, S607
        os.close(follower)
        shown = b"".join(iter(lambda: read(leader), b""))
    os.close(leader)
    return ERASED.sub("", shown.decode()).replace("\r\n", "\n")


def read(terminal: int) -> bytes:
    """Return the next output on a terminal, or nothing if all programs on it have ended."""
    try:
        return os.read(terminal, 65536)
    except OSError:
        return b""


def picture(shown: str) -> str:
    """Return a picture of a terminal that shows this text."""
    from rich.console import Console
    from rich.text import Text

    console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True)
    console.print(Text.from_ansi(shown))
    return console.export_svg(title="kabelwerk", code_format=TEMPLATE, unique_id="kabelwerk")


def texts(svg: str) -> list[str]:
    """Return the texts of a picture, wherever they are in it."""
    return re.findall(r"<text[^>]*>([^<]*)</text>", svg)


if __name__ == "__main__":
    sys.stdout.write(picture(session()))
