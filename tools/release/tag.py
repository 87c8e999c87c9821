"""Check that a tag is that of the version to be released: `python -m tools.release.tag v0.2.0`."""

import sys

from kabelwerk_cli import __version__
from tools.manual import released


def main(tag: str) -> None:
    """Check a tag.

    Raises:
        SystemExit: it is another version's.
        ValueError: the changelog has no release date for this version.
    """
    if tag != f"v{__version__}":
        raise SystemExit(f"The tag is {tag}, but this is version {__version__}.")
    released()


if __name__ == "__main__":
    main(*sys.argv[1:])
