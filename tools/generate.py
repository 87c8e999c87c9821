"""Writes what is made from the program itself: the help topics in the README.

Run it after a change to commands, options or topics: `.venv/bin/python tools/generate.py`. A test
fails while what is committed is stale.
"""

from pathlib import Path

from kabelwerk_cli import topics

ROOT = Path(__file__).parent.parent


def readme() -> str:
    """Return the README with the help topics as the program tells them."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for topic, tell in topics.TOPICS.items():
        before, rest = text.split(f"<!-- help {topic} -->\n```text\n", maxsplit=1)
        _, after = rest.split("```", maxsplit=1)
        text = f"{before}<!-- help {topic} -->\n```text\n{tell()}\n```{after}"
    return text


def main() -> None:
    """Write the files."""
    (ROOT / "README.md").write_text(readme(), encoding="utf-8")


if __name__ == "__main__":
    main()
