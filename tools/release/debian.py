"""The Debian package: modules in a folder of their own, which the installation compiles."""

import gzip
import hashlib
import re
import shutil
import tempfile
from email.utils import formatdate
from pathlib import Path

from .materials import bundled
from .parts import Parts

MODULES = "usr/share/kabelwerk"
PLACES = {
    "kabelwerk.bash": "usr/share/bash-completion/completions/kabelwerk",
    "_kabelwerk": "usr/share/zsh/vendor-completions/_kabelwerk",
    "kabelwerk.fish": "usr/share/fish/vendor_completions.d/kabelwerk.fish",
}
KEPT = {"METADATA", "entry_points.txt"}
"""What programs ask of the metadata of a package; its licenses are in the file `copyright`."""
APACHE = "On Debian systems, the text of the license is in /usr/share/common-licenses/Apache-2.0."
MAINTAINER = "The maintainers of kabelwerk-cli <maintainers@kabelwerk-cli.invalid>"
CONTROL = """\
Package: kabelwerk
Version: {version}
Architecture: all
Maintainer: {maintainer}
Installed-Size: {size}
Depends: python3 (>= 3.11)
Section: admin
Priority: optional
Homepage: https://kabelwerk.io
Description: command-line administration tool for Kabelwerk
 Creates, updates and deletes users of Kabelwerk, the chat service for digital
 health, archives and assigns rooms, and posts messages, one at a time or from
 a file. All Python dependencies are included.
"""
FORM = "https://www.debian.org/doc/packaging-manuals/copyright-format/1.0/"
LAUNCHER = f"""\
#!/usr/bin/python3
import sys

sys.path.insert(0, "/{MODULES}")

from kabelwerk_cli.__main__ import main

main()
"""
SHEBANG = re.compile(rb"\A#!.*")
SCRIPTS = {
    "postinst": f"""\
#!/bin/sh
set -e
if [ "$1" = configure ]; then
    py3compile -p kabelwerk /{MODULES}
fi
""",
    "prerm": """\
#!/bin/sh
set -e
py3clean -p kabelwerk
""",
}


def build(parts: Parts, target: Path) -> None:
    """Write the Debian package."""
    with tempfile.TemporaryDirectory() as folder:
        tree = Path(folder, "tree")
        shutil.copytree(parts.bundle, tree / MODULES)
        for info in (tree / MODULES).glob("*.dist-info"):
            for text in info.rglob("*"):
                if text.is_file() and text.name not in KEPT:
                    text.unlink()
        for module in (tree / MODULES).rglob("*.py"):
            # a module that could be run as a script would need an interpreter that Debian has
            module.write_bytes(SHEBANG.sub(b"#", module.read_bytes()))
        launcher = place(tree, "usr/bin/kabelwerk")
        launcher.write_text(LAUNCHER)
        launcher.chmod(0o755)
        for page in (parts.source / "man").rglob("*.[17]"):
            compress(
                page.read_bytes(), place(tree, f"usr/share/man/{page.parent.name}/{page.name}.gz")
            )
        for name, path in PLACES.items():
            shutil.copyfile(parts.source / "completions" / name, place(tree, path))
        documents = "usr/share/doc/kabelwerk"
        place(tree, f"{documents}/copyright").write_text(copyright_of(parts), encoding="utf-8")
        compress(changes(parts).encode(), place(tree, f"{documents}/changelog.gz"))
        control(parts, tree)
        parts.settle(tree)
        path = target.absolute() / f"kabelwerk_{parts.version}_all.deb"
        parts.run("dpkg-deb", "-Zxz", "--root-owner-group", "--build", tree, path)


def control(parts: Parts, tree: Path) -> None:
    """Write what dpkg reads: the description, checksums, and scripts."""
    files = sorted(path for path in (tree / "usr").rglob("*") if path.is_file())
    size = sum(-(-path.stat().st_size // 1024) for path in files)
    text = CONTROL.format(version=parts.version, maintainer=MAINTAINER, size=size)
    place(tree, "DEBIAN/control").write_text(text)
    sums = (
        f"{hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()}  "
        f"{path.relative_to(tree)}\n"
        for path in files
    )
    place(tree, "DEBIAN/md5sums").write_text("".join(sums))
    for name, script in SCRIPTS.items():
        place(tree, f"DEBIAN/{name}").write_text(script)
        (tree / "DEBIAN" / name).chmod(0o755)


def changes(parts: Parts) -> str:
    """Return a changelog in Debian's form, which refers to ours."""
    date = formatdate(parts.epoch, localtime=False).replace("-0000", "+0000")
    return (
        f"kabelwerk ({parts.version}) unstable; urgency=medium\n\n"
        f"  * Release {parts.version}; CHANGELOG.md in the source says what changed.\n\n"
        f" -- {MAINTAINER}  {date}\n"
    )


def copyright_of(parts: Parts) -> str:
    """Return the licenses of the program and of what is bundled, in Debian's form."""
    own = (parts.source / "LICENSE").read_text(encoding="utf-8")
    stanzas = [
        f"Format: {FORM}\nUpstream-Name: kabelwerk-cli\n",
        stanza("*", "The maintainers of kabelwerk-cli", "Expat", own),
    ]
    for package in bundled(parts):
        files = " ".join(f"{MODULES}/{name}*" for name in package.modules())
        short = package.license.replace(",", "").replace(" ", "-")
        texts = [APACHE if "Apache License" in text else text for text in package.texts()]
        stanzas.append(stanza(files, package.author, short, "\n\n".join(texts)))
    return "\n".join(stanzas)


def stanza(files: str, holder: str, short: str, text: str) -> str:
    """Return a paragraph on some files."""
    lines = (f" {line}" if line.strip() else " ." for line in text.strip().splitlines())
    return f"Files: {files}\nCopyright: {holder}\nLicense: {short}\n" + "\n".join(lines) + "\n"


def compress(content: bytes, target: Path) -> None:
    """Write a file compressed, the same bytes each time."""
    target.write_bytes(gzip.compress(content, 9, mtime=0))


def place(tree: Path, name: str) -> Path:
    """Return the path of a file of the package, whose folder exists."""
    path = tree / name
    path.parent.mkdir(parents=True, exist_ok=True)
    return path
