"""Pythons, systems and modes of Python that it does not run on, or that change what it reads."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import kabelwerk_cli.__main__ as entry
from tests.shell import Shell

AS_IF = """
import os, sys
{change}
from kabelwerk_cli.__main__ import main
main()
"""


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (
            "sys.version_info = (3, 8, 19, 'final', 0)",
            "Error: kabelwerk needs Python 3.11 or newer, not 3.8.\n",
        ),
        (
            "os.name = 'nt'",
            "Error: kabelwerk does not run on Windows. Use Linux or macOS, or WSL.\n",
        ),
    ],
)
def test_one_line_where_it_cannot_run(change: str, said: str) -> None:
    script = AS_IF.format(change=change)
    ran = subprocess.run(
        [sys.executable, "-c", script, "--version"], capture_output=True, text=True, check=False
    )
    assert (ran.returncode, ran.stdout, ran.stderr) == (3, "", said)


def test_an_older_python_can_read_what_tells_it_so() -> None:
    path = Path(entry.__file__)
    for file in (path, path.with_name("__init__.py")):
        ast.parse(file.read_text(), feature_version=(3, 6))


@pytest.mark.parametrize("args", [("--help",), ("users", "create", "--help"), ("help", "sync")])
def test_help_without_docstrings(shell: Shell, args: tuple[str, ...]) -> None:
    assert shell.with_(PYTHONOPTIMIZE="2").execute(*args) == shell.execute(*args)
