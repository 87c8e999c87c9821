"""Run what a commit must pass: tests, lint, format, types and layers.

Run all of it with `.venv/bin/python -m tools.check`, or some of it by name, as in
`.venv/bin/python -m tools.check lint types`.
"""

import subprocess
import sys
from pathlib import Path

import click

ROOT = Path(__file__).parent.parent
PROGRAMS = Path(sys.executable).parent
CHECKS: dict[str, list[str | Path]] = {
    "lint": [PROGRAMS / "ruff", "check", "."],
    "format": [PROGRAMS / "ruff", "format", "--check", "."],
    "types": [PROGRAMS / "mypy"],
    "layers": [PROGRAMS / "lint-imports"],
    "tests": [sys.executable, "-m", "pytest", "-n", "4"],
}


def passes(name: str) -> bool:
    """Run a check, and return whether it passed."""
    click.secho(f"== {name}", bold=True)
    command = CHECKS[name]
    return subprocess.run(command, cwd=ROOT, check=False).returncode == 0  # noqa: S603 - ours


@click.command(help=__doc__)
@click.argument("names", nargs=-1, type=click.Choice(list(CHECKS)), metavar="[CHECK]...")
def main(names: tuple[str, ...]) -> None:
    """Run the checks, and fail if one of them does."""
    failed = [name for name in names or CHECKS if not passes(name)]
    if failed:
        raise SystemExit(f"failed: {', '.join(failed)}")


if __name__ == "__main__":
    main()
