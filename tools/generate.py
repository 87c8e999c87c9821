"""Generate what follows from the code: see `files`.

Run it after changing calls, commands, options or help topics: `.venv/bin/python -m tools.generate`.
A test fails while a committed file is out of date.
"""

import inspect
from pathlib import Path

import click

from kabelwerk_cli.cli.completion import SCRIPTS
from kabelwerk_cli.cli.help_topics import TOPICS
from kabelwerk_cli.cli.root import kabelwerk
from kabelwerk_cli.cli.tree import walk
from kabelwerk_cli.commands.help import topic_text
from kabelwerk_cli.commands.topics import exit_code_table
from kabelwerk_cli.operations import calls

from .manual import pages, summary
from .picture import picture, session

ROOT = Path(__file__).parent.parent
PICTURE = "docs/session.svg"
API = "kabelwerk_cli/api/__init__.py"
CLIENT = "kabelwerk_cli/api/client.py"
MARK = "# generated from `calls` by tools.generate"
HELP = """\
# Commands and help topics

`kabelwerk COMMAND --help` shows the options and examples of a command, `kabelwerk help TOPIC` the
topics below.

## commands

| command | what it does |
|---|---|
"""
COMPLETIONS = {"bash": "kabelwerk.bash", "zsh": "_kabelwerk", "fish": "kabelwerk.fish"}


def readme() -> str:
    """Return the README with the current exit codes."""
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    return between(text, "<!-- exit-codes -->\n```text\n", f"{exit_code_table()}\n", "```")


def reference() -> str:
    """Return the list of commands and the help topics."""
    texts = {name: topic_text(name, kabelwerk) for name in TOPICS}
    topics = "".join(f"\n## {name}\n\n```text\n{text}\n```\n" for name, text in texts.items())
    return f"{HELP}{commands()}{topics}"


def commands() -> str:
    """Return the rows of a table of commands."""
    leaves = [
        (" ".join(path), summary(command).split(". ")[0])
        for name, child in kabelwerk.commands.items()  # in their own order
        for command, path in walk(child, ("kabelwerk", name))
        if not isinstance(command, click.Group)
    ]
    return "".join(f"| `{path}` | {text} |\n" for path, text in leaves)


def builders() -> list[str]:
    """Return the names of the functions in `calls` that make a call."""
    return [name for name, _ in inspect.getmembers(calls, is_builder)]


def functions() -> str:
    """Return the package `api` with a function for each call."""
    listed = "".join(f'    "{name}",\n' for name in builders())
    made = "".join(f"{name} = _sending(calls.{name})\n" for name in builders())
    text = (ROOT / API).read_text(encoding="utf-8")
    return between(text, f"{MARK}\n", f"__all__ += [\n{listed}]\n{made}", "")


def methods() -> str:
    """Return the module `api.client` with a method for each call."""
    made = "".join(f"    {name} = _sending(calls.{name})\n" for name in builders())
    text = (ROOT / CLIENT).read_text(encoding="utf-8")
    return between(text, f"    {MARK}\n", made, "\n    def ")


def is_builder(member: object) -> bool:
    """Tell whether a member of `calls` makes a call that the API has."""
    own = inspect.isfunction(member) and member.__module__ == calls.__name__
    return own and not member.__name__.startswith("_")


def between(text: str, start: str, content: str, end: str) -> str:
    """Return `text` with `content` from `start` to the next `end`, or to the end of the text."""
    before, rest = text.split(start, maxsplit=1)
    after = rest[rest.index(end) :] if end else ""
    return f"{before}{start}{content}{after}"


def files() -> dict[str, str]:
    """Return the content of each generated file by its path relative to the root."""
    completions = {f"completions/{name}": SCRIPTS[shell] for shell, name in COMPLETIONS.items()}
    manual = {f"man/{name}": page for name, page in pages(kabelwerk).items()}
    documents = {"README.md": readme(), "docs/help.md": reference()}
    return {API: functions(), CLIENT: methods(), **documents, **completions, **manual}


def main() -> None:
    """Write the files, and remove man pages of commands that no longer exist."""
    made = files()
    for path in (ROOT / "man").rglob("*.*"):
        if str(path.relative_to(ROOT)) not in made:
            path.unlink()
    for name, content in made.items():
        (ROOT / name).parent.mkdir(parents=True, exist_ok=True)
        (ROOT / name).write_text(content, encoding="utf-8")
    (ROOT / PICTURE).write_text(picture(session()), encoding="utf-8")


if __name__ == "__main__":
    main()
