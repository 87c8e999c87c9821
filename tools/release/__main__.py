"""Build everything that is published into `dist/`.

    .venv/bin/python -m tools.release

This writes the wheel, the source archive, `kabelwerk.pyz` (a single file with all dependencies),
a Debian package, a bill of materials (CycloneDX) and the licenses of what is bundled, and
`SHA256SUMS` of all of them. What is bundled, and what builds it, is in `tools/locks`, with hashes.
Two builds of a commit have the same bytes, whoever builds, wherever; for the single file, if the
same releases of Python are there to compile it.
"""

import hashlib
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import click

from . import debian, materials, python, single_file
from .parts import Parts, parts_of

ROOT = Path(__file__).parent.parent.parent
STEPS: tuple[tuple[str, Callable[[Parts, Path], None]], ...] = (
    ("wheel and source archive", python.build),
    ("single file", single_file.build),
    ("Debian package", debian.build),
    ("bill of materials", materials.build_bill),
    ("licenses", materials.build_licenses),
)
SUMS = "SHA256SUMS"


def release(source: Path, target: Path) -> None:
    """Build everything from a clone of the repository.

    Args:
        source: the clone; only what is committed is built.
        target: the folder to write to; it is created, and files of an earlier build are replaced.
    """
    target.mkdir(parents=True, exist_ok=True)
    for name in (*patterns(), SUMS):
        for old in target.glob(name):
            old.unlink()
    with tempfile.TemporaryDirectory() as work:
        announce("dependencies and build tools")
        parts = parts_of(source, Path(work))
        for name, build in STEPS:
            announce(name)
            build(parts, target)
    built = sorted(path for name in patterns() for path in target.glob(name))
    lines = [f"{hashlib.sha256(path.read_bytes()).hexdigest()}  {path.name}\n" for path in built]
    (target / SUMS).write_text("".join(lines))
    for path in (*built, target / SUMS):
        path.chmod(0o755 if path.suffix == ".pyz" else 0o644)
    click.echo("".join(lines), nl=False)


def patterns() -> Iterator[str]:
    """Yield the names of the files that are published."""
    yield from ("*.whl", "*.tar.gz", "*.pyz", "*.deb", "*.cdx.json", "*.txt")


def announce(what: str) -> None:
    """Show what is being built."""
    click.echo(f"Building: {what}", file=sys.stderr)


@click.command(help=__doc__)
@click.option(
    "--target",
    type=click.Path(file_okay=False, path_type=Path),
    default=ROOT / "dist",
    help="The folder to write to.  [default: dist]",
)
def main(target: Path) -> None:
    """Build from this clone."""
    release(ROOT, target)


if __name__ == "__main__":
    main()
