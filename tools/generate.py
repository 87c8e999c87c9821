"""Generate the README's help topics, the completions and the man pages from the program.

Run it after changing commands, options or help topics: `.venv/bin/python -m tools.generate`. A test
fails while a committed file is out of date.
"""

from pathlib import Path

from kabelwerk_cli.cli import kabelwerk
from kabelwerk_cli.commands.completion import completion_script
from kabelwerk_cli.terminal import help_topics

from .manual import pages

ROOT = Path(__file__).parent.parent
COMPLETIONS = {"bash": "kabelwerk.bash", "zsh": "_kabelwerk", "fish": "kabelwerk.fish"}


def readme() -> str:
    """Return the README with the current help topics."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    for topic, tell in help_topics.TOPICS.items():
        before, rest = text.split(f"<!-- help {topic} -->\n```text\n", maxsplit=1)
        _, after = rest.split("```", maxsplit=1)
        text = f"{before}<!-- help {topic} -->\n```text\n{tell()}\n```{after}"
    return text


def files() -> dict[str, str]:
    """Return the content of each generated file by its path relative to the root."""
    completions = {
        f"completions/{name}": completion_script(kabelwerk, shell) + "\n"
        for shell, name in COMPLETIONS.items()
    }
    manual = {f"man/{name}": page for name, page in pages(kabelwerk).items()}
    return {"README.md": readme(), **completions, **manual}


def main() -> None:
    """Write the files, and remove man pages of commands that no longer exist."""
    made = files()
    for path in (ROOT / "man").glob("*"):
        if f"man/{path.name}" not in made:
            path.unlink()
    for name, content in made.items():
        (ROOT / name).parent.mkdir(exist_ok=True)
        (ROOT / name).write_text(content, encoding="utf-8")


if __name__ == "__main__":
    main()
