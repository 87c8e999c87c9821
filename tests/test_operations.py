"""Every operation of the program has a row in the table of operations."""

import inspect

from kabelwerk_cli import api
from kabelwerk_cli.cli.command import CallCommand
from kabelwerk_cli.cli.root import kabelwerk
from kabelwerk_cli.cli.tree import walk

from .operations import OPERATIONS


def test_every_command_has_a_row() -> None:
    commands = {path for command, path in walk(kabelwerk, ()) if isinstance(command, CallCommand)}
    assert commands == {operation.command for operation in OPERATIONS.values()}


def test_every_function_has_a_row() -> None:
    functions = {operation.function for operation in OPERATIONS.values()}
    public = {name for name in api.__all__ if inspect.isfunction(getattr(api, name))}
    assert public == functions


def test_every_key_is_an_option() -> None:
    commands = {path: command for command, path in walk(kabelwerk, ())}
    for operation in OPERATIONS.values():
        options = {param.name for param in commands[operation.command].params}
        assert {*operation.keys, *operation.given} <= options
