"""`kabelwerk.pyz`: the program and its dependencies as one executable file.

It has the modules compiled for each Python that is found here, the sources for others, and behind
them a zip archive of the rest, with lists of where each module is. `start.py` runs first, and
imports them.
"""

import glob
import marshal
import os
import shutil
import subprocess
import sys
import tempfile
import time
import zipfile
import zlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO

import click

from .parts import Parts

NAME = "kabelwerk.pyz"
INTERPRETER = b"#!/usr/bin/env python3\n"
VERSIONS = ("3.11", "3.12", "3.13", "3.14")
START = Path(__file__).parent / "start.py"
COMPILE = ("-m", "compileall", "-q", "-b", "--invalidation-mode", "unchecked-hash")
HEADER = 16
"""What is in front of the code in a compiled file, in bytes."""
WITHOUT_SHARED_OBJECTS = 2
"""A version of marshal's format: later ones depend on which objects are the same."""


def build(parts: Parts, target: Path) -> None:
    """Write the single file."""
    found = pythons()
    for version in VERSIONS:
        state = found.get(
            version, "not found; there, the single file compiles itself at each start"
        )
        click.echo(f"  Python {version}: {state}", err=True)
    path = target / NAME
    with tempfile.TemporaryDirectory() as folder, path.open("wb") as file:
        file.write(INTERPRETER)
        contents = {
            path.relative_to(parts.bundle).as_posix(): path.read_bytes()
            for path in parts.bundle.rglob("*")
            if path.is_file() and path.suffix != ".py"
        }
        contents["sources"] = write_modules(parts.bundle, file, ".py")
        for version, interpreter in found.items():
            compiled = Path(folder, version)
            shutil.copytree(parts.bundle, compiled)
            # as if it were in the file, so that the folder of this build is nowhere
            parts.run(interpreter, *COMPILE, "-s", str(compiled), "-p", NAME, compiled)
            contents[f"cpython-{version.replace('.', '')}"] = write_modules(
                compiled, file, ".pyc", HEADER
            )
        contents["__main__.py"] = START.read_bytes()
        write_archive(contents, file, parts.epoch)
    path.chmod(0o755)


def write_modules(tree: Path, file: IO[bytes], suffix: str, header: int = 0) -> bytes:
    """Append modules to a file.

    Args:
        tree: the folder of the modules.
        file: the file.
        suffix: that of the modules.
        header: how many bytes of each are left out.

    Returns:
        their list: the path of each, whether it is a package, and where it is, in bytes.
    """
    places = {}
    for path in sorted(tree.rglob(f"*{suffix}")):
        parts = path.relative_to(tree).with_suffix("").parts
        name = ".".join(parts).removesuffix(".__init__")
        packed = zlib.compress(path.read_bytes()[header:], 9)
        places[name] = ("/".join(parts) + ".py", path.stem == "__init__", file.tell(), len(packed))
        file.write(packed)
    return marshal.dumps(places, WITHOUT_SHARED_OBJECTS)


def write_archive(contents: Mapping[str, bytes], file: IO[bytes], epoch: int) -> None:
    """Append a zip archive, whose files all have the same time, to a file."""
    date = _date(epoch)
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive:
        for name, content in sorted(contents.items()):
            about = zipfile.ZipInfo(name, date)
            about.external_attr = 0o644 << 16
            about.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(about, content)


def pythons() -> Mapping[str, str]:
    """Return the Pythons of this machine that the program supports, by their versions."""
    return {version: path for version in VERSIONS if (path := next(find(version), None))}


def find(version: str) -> Iterator[str]:
    """Yield the interpreters of a version: this one, one on the PATH, those of pyenv."""
    here = "{}.{}".format(*sys.version_info)
    candidates = [sys.executable] if here == version else []
    candidates += [found] if (found := shutil.which(f"python{version}")) else []
    root = os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv"
    # this glob passes over folders that belong to other users
    candidates += sorted(glob.glob(f"{root}/versions/{version}.*/bin/python3"))  # noqa: PTH207
    for candidate in candidates:
        asked = (candidate, "-c", "import sys; print('%d.%d' % sys.version_info[:2])")
        ran = subprocess.run(asked, capture_output=True, text=True, check=False)  # noqa: S603
        if ran.stdout.strip() == version:
            yield candidate


def _date(epoch: int) -> tuple[int, int, int, int, int, int]:
    year, month, day, hour, minute, second, *_ = time.gmtime(epoch)
    return year, month, day, hour, minute, second
