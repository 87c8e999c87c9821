"""What is bundled: a bill of materials for programs, and the licenses for people."""

from collections.abc import Iterator
from importlib.metadata import Distribution
from pathlib import Path
from typing import NamedTuple

from .parts import LOCKS, Parts

LINE = "=" * 72
TEXTS = ("LICENSE", "LICENCE", "COPYING", "NOTICE", "AUTHORS")
"""How the names of files with license texts begin."""


def build_bill(parts: Parts, target: Path) -> None:
    """Write a CycloneDX bill of materials of the locked dependencies."""
    bill = target.absolute() / f"kabelwerk-cli-{parts.version}.cdx.json"
    about = ("--pyproject", "pyproject.toml", "--output-reproducible", "--of", "JSON")
    lock = LOCKS / "bundle.txt"
    cyclonedx = ("-m", "cyclonedx_py", "requirements", "--mc-type", "application")
    parts.run(parts.tools, *cyclonedx, *about, "--output-file", bill, lock)


def build_licenses(parts: Parts, target: Path) -> None:
    """Write the licenses of everything that the single file and the Debian package contain."""
    (target / "LICENSES.txt").write_text(licenses(parts), encoding="utf-8")


def licenses(parts: Parts) -> str:
    """Return the licenses of the program and of each bundled package, with their texts."""
    own = (parts.source / "LICENSE").read_text(encoding="utf-8")
    titled = [(f"kabelwerk-cli {parts.version} (MIT)", [own.strip()])]
    titled += [(f"{p.name} {p.version} ({p.license})", list(p.texts())) for p in bundled(parts)]
    return "\n".join(
        "\n\n".join((f"{LINE}\n{title}\n{LINE}", *texts)) + "\n" for title, texts in titled
    )


class Package(NamedTuple):
    """A bundled package."""

    info: Path
    """The folder of its metadata."""
    name: str
    version: str
    license: str
    author: str

    def texts(self) -> Iterator[str]:
        """Yield the texts of its licenses and notices."""
        for path in sorted(self.info.rglob("*")):
            if path.is_file() and path.name.upper().startswith(TEXTS):
                yield path.read_text(encoding="utf-8", errors="replace").strip()

    def modules(self) -> list[str]:
        """Return the modules and folders that it consists of."""
        listed = self.info / "top_level.txt"
        named = listed.read_text().split() if listed.exists() else []
        guessed = self.name.lower().replace("-", "_")
        found = (self.info.parent.glob(f"{name}*") for name in {*named, guessed})
        return sorted({path.name for paths in found for path in paths if path != self.info})


def bundled(parts: Parts) -> list[Package]:
    """Return the bundled packages, by name."""
    found = [package(info) for info in parts.bundle.glob("*.dist-info")]
    return sorted(found, key=lambda found: found.name.lower())


def package(info: Path) -> Package:
    """Return a package by the folder of its metadata."""
    said = Distribution.at(info).metadata
    listed = [c.rpartition(" :: ")[2] for c in said.get_all("Classifier", []) if "License ::" in c]
    short = (said.get("License") or "see its text").splitlines()[0]
    return Package(
        info,
        said["Name"],
        said["Version"],
        said.get("License-Expression") or ", ".join(listed) or short,
        said.get("Author") or said.get("Author-email") or f"the authors of {said['Name']}",
    )
