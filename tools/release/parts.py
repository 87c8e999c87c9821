"""What a release is made of: the committed source, the locked dependencies, and the build tools."""

import os
import re
import shutil
import subprocess
import sys
import venv
from pathlib import Path
from typing import NamedTuple

LOCKS = Path("tools/locks")
NOT_BUNDLED = ("bin", "share", "certifi/tests", "falcon/bench", "falcon/cmd")
"""Programs of the dependencies, and their tests."""
OF_AN_INSTALLATION = ("RECORD", "INSTALLER", "REQUESTED", "direct_url.json")
"""Files of pip, which name the folder and the program of the installation."""


class Parts(NamedTuple):
    """What a release is made of. All files have the same time, and modes of their own."""

    source: Path
    """The committed files."""
    bundle: Path
    """The modules of the program and of its dependencies, as pip installs them."""
    tools: Path
    """The Python of an environment with the build tools."""
    version: str
    epoch: int
    """The time of every file, in seconds since 1970: that of the commit."""

    @property
    def environment(self) -> dict[str, str]:
        """The environment of every program that builds something."""
        return {**os.environ, "SOURCE_DATE_EPOCH": str(self.epoch), "PYTHONHASHSEED": "0"}

    def run(self, *command: str | Path, cwd: Path | None = None) -> bytes:
        """Run a program that builds something, and return what it printed."""
        ran = subprocess.run(  # noqa: S603 - ours
            command, cwd=cwd or self.source, env=self.environment, capture_output=True, check=False
        )
        if ran.returncode:
            sys.stderr.buffer.write(ran.stdout + ran.stderr)
            raise SystemExit(f"failed: {' '.join(map(str, command))}")
        return ran.stdout

    def settle(self, tree: Path) -> None:
        """Give everything below a folder the time and modes of a release."""
        for path in (tree, *sorted(tree.rglob("*"))):
            executable = path.is_dir() or path.stat().st_mode & 0o100
            path.chmod(0o755 if executable else 0o644)
            os.utime(path, (self.epoch, self.epoch))


def parts_of(repository: Path, work: Path) -> Parts:
    """Collect the parts of a release.

    Args:
        repository: a clone; only what is committed counts.
        work: an empty folder for them.
    """
    source, bundle, tools = work / "source", work / "bundle", work / "tools"
    source.mkdir()
    archive = _git(repository, "archive", "--format=tar", "HEAD")
    subprocess.run(["tar", "-x", "-C", source], input=archive, check=True)  # noqa: S603, S607
    epoch = int(
        os.environ.get("SOURCE_DATE_EPOCH") or _git(repository, "log", "-1", "--format=%ct")
    )
    about = (source / "kabelwerk_cli/__init__.py").read_text(encoding="utf-8")
    (version,) = re.findall(r'^__version__ = "(.*)"$', about, flags=re.MULTILINE)
    venv.create(tools, with_pip=True)
    parts = Parts(source, bundle, tools / "bin/python", version, epoch)
    parts.settle(source)
    _pip(parts, "--requirement", LOCKS / "tools.txt")
    # pure Python only: compiled modules would serve one platform, and none from a zip file
    pure = ("--platform", "any", "--implementation", "py", "--abi", "none", "--no-deps")
    _pip(parts, "--requirement", LOCKS / "bundle.txt", "--target", bundle, *pure)
    shutil.copytree(source / "kabelwerk_cli", bundle / "kabelwerk_cli")
    for name in NOT_BUNDLED:
        shutil.rmtree(bundle / name, ignore_errors=True)
    for path in [
        path for name in OF_AN_INSTALLATION for path in bundle.glob(f"*.dist-info/{name}")
    ]:
        path.unlink()
    parts.settle(bundle)
    return parts


def _git(repository: Path, *args: str) -> bytes:
    return subprocess.run(  # noqa: S603
        ["git", "-C", repository, *args],  # noqa: S607
        check=True,
        capture_output=True,
    ).stdout


def _pip(parts: Parts, *args: str | Path) -> None:
    hashed = ("--require-hashes", "--only-binary", ":all:", "--no-compile", "--quiet")
    parts.run(parts.tools, "-m", "pip", "install", "--disable-pip-version-check", *hashed, *args)
