"""The README's ways to install: pipx, uv, pip, the single file and the Debian package."""

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from tests.documents import ROOT, marked

# Stands in for sudo: shows what would be installed, and installs nothing.
SUDO = '#!/bin/sh\nexec "$@" --simulate\n'


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with all that the installations need, so that they ask no index."""
    folder = tmp_path_factory.mktemp("wheels")
    build = tomllib.loads((ROOT / "pyproject.toml").read_text())["build-system"]["requires"]
    _pip("wheel", f"{ROOT}[sandbox]", *build, "pipx", "uv", "-w", str(folder))
    return folder


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """Return a clone, without what is not committed."""
    subprocess.run(["git", "clone", "--quiet", ROOT, tmp_path / "clone"], check=True)
    return tmp_path / "clone"


@pytest.fixture
def environment(tmp_path: Path, wheels: Path) -> dict[str, str]:
    """Return variables with which pip, pipx and uv use `wheels` only."""
    venv, tools = tmp_path / "venv", tmp_path / "tools"
    for folder in (venv, tools):
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)
    offline = ("--no-index", "--find-links", str(wheels))
    _pip("install", "pipx", "uv", *offline, python=tools / "bin/python")
    stand_ins = tmp_path / "stand-ins"
    stand_ins.mkdir()
    (stand_ins / "sudo").write_text(SUDO)
    (stand_ins / "sudo").chmod(0o755)
    (tmp_path / "uv.toml").write_text(f'no-index = true\nfind-links = ["{wheels}"]\n')
    return {
        "HOME": str(tmp_path),
        "PATH": os.pathsep.join(map(str, (stand_ins, venv / "bin", tools / "bin", os.defpath))),
        "PIP_CONFIG_FILE": os.devnull,
        "PIP_NO_INDEX": "1",
        "PIP_FIND_LINKS": str(wheels),
        "UV_CONFIG_FILE": str(tmp_path / "uv.toml"),
        "UV_PYTHON": sys.executable,
    }


def _pip(*args: str, python: str | Path = sys.executable) -> None:
    subprocess.run(
        [python, "-m", "pip", *args, "--quiet", "--disable-pip-version-check"], check=True
    )


def run(script: str, clone: Path, environment: dict[str, str]) -> str:
    ran = subprocess.run(
        ["bash", "-euc", script],
        cwd=clone,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ran.returncode == 0, ran.stdout + ran.stderr
    return ran.stdout


def test_each_way_to_install(tmp_path: Path, clone: Path, environment: dict[str, str]) -> None:
    commands = marked("install").text.splitlines()
    assert [command.split()[0] for command in commands] == ["pipx", "uv", "pip"]
    for command, folder in zip(commands, (".local", ".local", "venv"), strict=True):
        run(command, clone, environment)
        program = tmp_path / folder / "bin/kabelwerk"
        created = f"{program} --sandbox users ensure --key kusanagi --name Motoko"
        assert "Motoko" in run(created, clone, environment)
        program.unlink()


def test_the_packages(clone: Path, environment: dict[str, str]) -> None:
    """In an environment like that of the README's first command."""
    run("python3 -m venv .venv && .venv/bin/pip install -q '.[sandbox]'", clone, environment)
    shown = run(marked("packages").text, clone, {**os.environ, "PATH": environment["PATH"]})
    assert "kabelwerk" in shown
    assert "Inst kabelwerk" in shown
