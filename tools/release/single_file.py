"""`kabelwerk.pyz`: the program and its dependencies as one executable file.

Python compiles modules at the first import and keeps the result, but not inside a zip file, where
each run would compile all of them again. So the file holds them compiled, for each Python version
that is found here, and the sources for others.
"""

import os
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
from collections.abc import Iterator, Mapping
from pathlib import Path

from .parts import Parts

NAME = "kabelwerk.pyz"
INTERPRETER = b"#!/usr/bin/env python3\n"
VERSIONS = ("3.11", "3.12", "3.13", "3.14")
MAIN = """\
import sys

version = "%d.%d" % sys.version_info[:2]
if sys.version_info < (3, 11):
    sys.exit("kabelwerk requires Python 3.11 or newer; this is Python " + version + ".")
sys.path.insert(0, sys.path[0] + "/python" + version)

from kabelwerk_cli.__main__ import main

main()
"""
NOT_COMPILED = ("*.dist-info", "pygments")
"""Metadata, and what rich has for highlighting code, which the program never does."""
COMPILE = ("-m", "compileall", "-q", "-b", "--invalidation-mode", "unchecked-hash")


def build(parts: Parts, target: Path) -> None:
    """Write the single file."""
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder, "tree")
        shutil.copytree(parts.bundle, tree)
        (tree / "__main__.py").write_text(MAIN, encoding="utf-8")
        for version, interpreter in pythons().items():
            compiled = tree / f"python{version}"
            shutil.copytree(parts.bundle, compiled, ignore=shutil.ignore_patterns(*NOT_COMPILED))
            # as if it were in the root, so that the folder of this build is in no file
            paths = ("-s", str(compiled), "-p", NAME)
            parts.run(interpreter, *COMPILE, *paths, compiled)
            for source in compiled.rglob("*.py"):
                source.unlink()
        parts.settle(tree)
        write(tree, target / NAME, parts.epoch)


def write(tree: Path, target: Path, epoch: int) -> None:
    """Write a folder as a zip file that Python runs."""
    date = _date(epoch)
    with target.open("wb") as file:
        file.write(INTERPRETER)
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
            for path in sorted(path for path in tree.rglob("*") if path.is_file()):
                about = zipfile.ZipInfo(path.relative_to(tree).as_posix(), date)
                about.external_attr = 0o644 << 16
                about.compress_type = zipfile.ZIP_DEFLATED
                archive.writestr(about, path.read_bytes())
    target.chmod(0o755)


def pythons() -> Mapping[str, str]:
    """Return the Pythons of this machine that the program supports, by their versions."""
    return {version: path for version in VERSIONS if (path := next(find(version), None))}


def find(version: str) -> Iterator[str]:
    """Yield the interpreters of a version: this one, one on the PATH, those of pyenv."""
    here = "{}.{}".format(*sys.version_info)
    candidates = [sys.executable] if here == version else []
    candidates += [found] if (found := shutil.which(f"python{version}")) else []
    root = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    candidates += map(str, sorted(root.glob(f"versions/{version}.*/bin/python3")))
    for candidate in candidates:
        asked = (candidate, "-c", "import sys; print('%d.%d' % sys.version_info[:2])")
        ran = subprocess.run(asked, capture_output=True, text=True, check=False)  # noqa: S603
        if ran.stdout.strip() == version:
            yield candidate


def _date(epoch: int) -> tuple[int, int, int, int, int, int]:
    year, month, day, hour, minute, second, *_ = time.gmtime(epoch)
    return year, month, day, hour, minute, second
