"""Build packages that do not need pip: a single executable file, and a Debian package of it.

    .venv/bin/python -m tools.package

This writes `dist/kabelwerk.pyz`, which contains the program, the sandbox and all dependencies and
runs on any machine with Python 3.11 or newer. If dpkg-deb is installed, it also writes
`dist/kabelwerk_VERSION_all.deb`: the same file with man pages and completions.
"""

import compileall
import gzip
import py_compile
import shutil
import subprocess
import sys
import tempfile
import zipapp
from pathlib import Path

from kabelwerk_cli import __version__

from .generate import ROOT

DIST = ROOT / "dist"
SINGLE_FILE = DIST / "kabelwerk.pyz"
DEBIAN_PACKAGE = DIST / f"kabelwerk_{__version__}_all.deb"
PLACES = {
    "kabelwerk.bash": "usr/share/bash-completion/completions/kabelwerk",
    "_kabelwerk": "usr/share/zsh/vendor-completions/_kabelwerk",
    "kabelwerk.fish": "usr/share/fish/vendor_completions.d/kabelwerk.fish",
}
CONTROL = f"""\
Package: kabelwerk
Version: {__version__}
Architecture: all
Maintainer: The maintainers of kabelwerk-cli
Depends: python3 (>= 3.11)
Section: admin
Priority: optional
Description: Command-line administration tool for Kabelwerk
 Creates, updates and deletes users of Kabelwerk, the chat service for digital
 health, archives and assigns rooms, and posts messages.
"""


def build_single_file(target: Path, interpreter: str = "/usr/bin/env python3") -> None:
    """Write the program and its dependencies as one executable file.

    Args:
        target: the file to write.
        interpreter: the interpreter in its first line.
    """
    with tempfile.TemporaryDirectory() as folder:
        wheels, tree = Path(folder, "wheels"), Path(folder, "tree")
        _pip("wheel", "--no-deps", "--wheel-dir", str(wheels), str(ROOT))
        (wheel,) = wheels.iterdir()
        # pure Python only: compiled modules cannot be imported from a zip file
        pure = ("--only-binary", ":all:", "--platform", "any", "--implementation", "py")
        _pip("install", "--target", str(tree), *pure, "--abi", "none", f"{wheel}[sandbox]")
        for left_out in ("bin", "share"):
            shutil.rmtree(tree / left_out, ignore_errors=True)
        # for the Python version that builds it; others use the sources, which are included too
        compileall.compile_dir(
            tree,
            quiet=1,
            legacy=True,
            invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
        )
        target.parent.mkdir(exist_ok=True)
        main = "kabelwerk_cli.__main__:main"
        zipapp.create_archive(tree, target, interpreter, main, compressed=True)
        target.chmod(0o755)


def build_debian_package(target: Path) -> None:
    """Write a Debian package with the single file, the man pages and the completions."""
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder)
        build_single_file(_place(tree, "usr/bin/kabelwerk"), "/usr/bin/python3")
        for page in (ROOT / "man").rglob("*.[17]"):
            place = _place(tree, f"usr/share/man/{page.parent.name}/{page.name}.gz")
            place.write_bytes(gzip.compress(page.read_bytes(), mtime=0))
        for name, place in PLACES.items():
            shutil.copyfile(ROOT / "completions" / name, _place(tree, place))
        shutil.copyfile(ROOT / "LICENSE", _place(tree, "usr/share/doc/kabelwerk/copyright"))
        _place(tree, "DEBIAN/control").write_text(CONTROL)
        tree.chmod(0o755)
        subprocess.run(  # noqa: S603
            ["dpkg-deb", "--root-owner-group", "--build", tree, target],  # noqa: S607
            check=True,
            stdout=subprocess.DEVNULL,
        )


def _place(tree: Path, name: str) -> Path:
    place = tree / name
    place.parent.mkdir(parents=True, exist_ok=True)
    return place


def _pip(*args: str) -> None:
    quiet = ("--quiet", "--disable-pip-version-check")
    subprocess.run([sys.executable, "-m", "pip", *args, *quiet], check=True)  # noqa: S603


def main() -> None:
    """Build the single file, and the Debian package if dpkg-deb is installed."""
    build_single_file(SINGLE_FILE)
    if shutil.which("dpkg-deb"):
        build_debian_package(DEBIAN_PACKAGE)


if __name__ == "__main__":
    main()
