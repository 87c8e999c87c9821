"""The documents for readers, and the code blocks in them."""

import os
import re
import subprocess
from pathlib import Path
from typing import NamedTuple

from .shell import EXECUTABLE, Shell

ROOT = Path(__file__).parent.parent
DOCUMENTS = {
    str(path.relative_to(ROOT)): path.read_text(encoding="utf-8")
    for path in (ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md")))
}
PATH = f"{EXECUTABLE.parent}{os.pathsep}{os.defpath}"
# Whatever a script wants to download, this proxy refuses the connection.
OFFLINE = dict.fromkeys(("https_proxy", "http_proxy"), "http://127.0.0.1:9")


class Block(NamedTuple):
    """A block of code in a document."""

    mark: str  # in a comment on the line before
    language: str
    text: str


def blocks(document: str) -> list[Block]:
    """Return the blocks of a document."""
    found = re.findall(
        r"^(?:<!-- ([^>]*) -->\n)?```(\w+)\n(.*?)^```$",
        DOCUMENTS[document],
        flags=re.DOTALL | re.MULTILINE,
    )
    return [Block(*block) for block in found]


def marked(mark: str) -> Block:
    """Return the block with this mark, which only one document has."""
    (block,) = [block for name in DOCUMENTS for block in blocks(name) if block.mark == mark]
    return block


def run_script(
    script: str, shell: Shell, *options: str, program: str = "bash", **environment: str
) -> subprocess.CompletedProcess[str]:
    """Run a script offline, with the program on its PATH and the settings of `shell`."""
    return subprocess.run(
        [program, *options, "-c", script],
        env={**shell.environment, "PATH": PATH, **OFFLINE, **environment},
        cwd=shell.home,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
