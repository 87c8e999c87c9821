"""The wheel and the source archive."""

from pathlib import Path

from .parts import Parts


def build(parts: Parts, target: Path) -> None:
    """Write the wheel and the source archive, with the locked build tools."""
    parts.run(parts.tools, "-m", "build", "--no-isolation", "--outdir", target.absolute(), ".")
