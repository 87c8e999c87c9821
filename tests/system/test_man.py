"""Man pages, as the tools that show them see them."""

import os
import re
import subprocess
import sys
from pathlib import Path

from kabelwerk_cli.cli.help_topics import TOPICS
from kabelwerk_cli.cli.options import SettingOption
from kabelwerk_cli.cli.root import kabelwerk
from kabelwerk_cli.cli.tree import walk
from tools.generate import ROOT

SYSTEM = "/usr/bin:/bin"
PAGES = {page.stem: page for page in sorted((ROOT / "man").rglob("*.[17]"))}
OF_THE_ROOT = (
    "NAME",
    "SYNOPSIS",
    "DESCRIPTION",
    "COMMANDS",
    "OPTIONS",
    "ENVIRONMENT",
    "FILES",
    "EXIT STATUS",
    "EXAMPLES",
    "SEE ALSO",
)


def run(*command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command,
        capture_output=True,
        text=True,
        check=False,
        env={"PATH": SYSTEM, "MANWIDTH": "80", "LC_ALL": "C.UTF-8", **environment},
    )


def shown(name: str, home: Path) -> str:
    man = run("man", "-l", str(PAGES[name]), HOME=str(home))
    assert (man.returncode, man.stderr) == (0, "")
    return man.stdout


def headings(text: str) -> tuple[str, ...]:
    return tuple(re.findall(r"^[A-Z][A-Z ]+$", text, flags=re.MULTILINE))


def test_every_page_is_clean() -> None:
    assert PAGES.keys() == (
        {"-".join(path) for _, path in walk(kabelwerk, ("kabelwerk",))}
        | {f"kabelwerk-{topic}" for topic in TOPICS}
    )
    lint = run("mandoc", "-Tlint", "-Wwarning", *map(str, PAGES.values()))
    assert (lint.returncode, lint.stdout, lint.stderr) == (0, "", "")


def test_every_page_has_its_sections_and_options(tmp_path: Path) -> None:
    for command, path in walk(kabelwerk, ("kabelwerk",)):
        text = shown("-".join(path), tmp_path)
        is_root = len(path) == 1
        expected = [part for part in OF_THE_ROOT if part not in {"ENVIRONMENT", "FILES"}]
        if "COMMANDS" not in headings(text):
            expected.remove("COMMANDS")
        assert headings(text) == (OF_THE_ROOT if is_root else tuple(expected)), path
        terms = " ".join(line for line in text.splitlines() if line.startswith("       -"))
        for param in command.params:
            if is_root or not isinstance(param, SettingOption):
                assert all(option in terms for option in param.opts if option[0] == "-"), path
        assert is_root or "common options in kabelwerk(1)" in " ".join(text.split())
        assert "See above" not in text


def test_every_page_that_is_referred_to_exists() -> None:
    for name, page in PAGES.items():
        text = page.read_text().replace("\\-", "-")
        for other, section in re.findall(r"\\fB(kabelwerk[a-z-]*)\\fR\((\d)\)", text):
            assert PAGES[other].suffix == f".{section}", name


def test_installed_pages_and_completions_are_where_they_are_looked_for(tmp_path: Path) -> None:
    """From a wheel, in a virtual environment."""
    subprocess.run([sys.executable, "-m", "venv", tmp_path / "venv"], check=True)
    pip = [tmp_path / "venv" / "bin" / "pip", "install", "-q", "--no-deps"]
    subprocess.run([*pip, ROOT], check=True, env={**os.environ, "HOME": str(tmp_path)})
    share = tmp_path / "venv" / "share"
    for name, page in PAGES.items():
        found = run("man", "--where", name, MANPATH=str(share / "man"))
        assert found.stdout.strip() == str(share / "man" / page.relative_to(ROOT / "man"))
    for place in (
        "bash-completion/completions/kabelwerk",
        "zsh/site-functions/_kabelwerk",
        "fish/vendor_completions.d/kabelwerk.fish",
    ):
        assert (share / place).is_file()
