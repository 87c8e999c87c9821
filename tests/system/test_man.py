"""Man pages, as the tools that show them see them."""

import os
import subprocess
import sys
from pathlib import Path

from tools.generate import ROOT

SYSTEM = "/usr/bin:/bin"


def run(*command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": SYSTEM, "MANWIDTH": "80", "LC_ALL": "C.UTF-8", **environment},
    )


def test_every_page_is_clean() -> None:
    pages = sorted(str(page) for page in (ROOT / "man").iterdir())
    assert len(pages) > 10
    lint = run("mandoc", "-Tlint", "-Wwarning", *pages)
    assert (lint.returncode, lint.stdout, lint.stderr) == (0, "", "")


def test_a_page_renders(tmp_path: Path) -> None:
    shown = run("man", "-l", str(ROOT / "man" / "kabelwerk-users-create.1"), HOME=str(tmp_path))
    assert (shown.returncode, shown.stderr) == (0, "")
    for part in ("NAME", "SYNOPSIS", "EXAMPLES", "--key", "EXIT STATUS", "ENVIRONMENT", "FILES"):
        assert part in shown.stdout


def test_installed_pages_and_completions_are_where_they_are_looked_for(tmp_path: Path) -> None:
    """From a wheel, in a virtual environment."""
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True)
    pip = [tmp_path / "venv" / "bin" / "pip", "install", "-q", "--no-deps"]
    subprocess.run([*pip, ROOT], check=True, env={**os.environ, "HOME": str(tmp_path)})
    share = tmp_path / "venv" / "share"
    found = run("man", "--where", "kabelwerk-users-create", MANPATH=str(share / "man"))
    assert found.stdout.strip() == str(share / "man" / "man1" / "kabelwerk-users-create.1")
    for place in (
        "bash-completion/completions/kabelwerk",
        "zsh/site-functions/_kabelwerk",
        "fish/vendor_completions.d/kabelwerk.fish",
    ):
        assert (share / place).is_file()
