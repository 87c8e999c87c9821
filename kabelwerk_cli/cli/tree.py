"""The tree of commands: a group that imports a command when it is looked up, and a walk."""

import importlib
from collections import UserDict
from collections.abc import Iterator
from typing import Any

import click


class Commands(UserDict[str, Any]):
    """The commands of a group by their names.

    A command may be given as the place where it is, a module of the package `commands` and a name
    in it; it is then imported when it is looked up.
    """

    def __getitem__(self, name: str) -> click.Command:
        """Return a command."""
        if isinstance(place := self.data[name], str):
            module, _, attribute = place.partition(".")
            found = importlib.import_module(f"kabelwerk_cli.commands.{module}")
            self.data[name] = getattr(found, attribute)
        command: click.Command = self.data[name]
        return command


def walk(
    command: click.Command, path: tuple[str, ...]
) -> Iterator[tuple[click.Command, tuple[str, ...]]]:
    """Yield each command with its path, groups before their commands."""
    yield command, path
    if isinstance(command, click.Group):
        for name, child in sorted(command.commands.items()):
            yield from walk(child, (*path, name))
