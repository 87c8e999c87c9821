"""Rows as calls, through the options and the checks of the command that they are rows of."""

import hashlib
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import click

from kabelwerk_cli import values
from kabelwerk_cli.api.calls import Call, Ensure
from kabelwerk_cli.api.errors import InvalidInput
from kabelwerk_cli.options import ColumnOption, JsonObject, KeyOption, TextFile

from .files import BadFile, Raw, RowFile

Operation = Call | Ensure
Read = Callable[[Any], Any]


class Row(NamedTuple):
    """A row that can be sent."""

    number: int
    line: int
    operation: Operation
    digest: bytes
    """Stands for the row's content; rows that say the same have the same."""

    @property
    def target(self) -> tuple[str, ...]:
        """What rows are kept in order for: a room, or a user."""
        call = self.operation.create if isinstance(self.operation, Ensure) else self.operation
        return call.segments[:4] if call.segments[0] == "hubs" else ("users", call.key)


class BadRow(NamedTuple):
    """A row that cannot be sent."""

    number: int
    line: int
    key: str
    problem: str


class RowReader:
    """Turns the rows of a file into calls.

    Args:
        command: the command.
        params: the values of the command's options, which hold for every row that has no other.
        explicit: the names of those that were given on the command line.
        exact_key: whether keys may begin or end with white space.
    """

    def __init__(
        self,
        command: click.Command,
        params: Mapping[str, Any],
        explicit: Sequence[str],
        *,
        exact_key: bool,
    ) -> None:
        self._make: Callable[..., Operation] = command.callback  # type: ignore[assignment]
        self._params = dict(params)
        self._explicit = frozenset(explicit)
        self._exact_key = exact_key
        self._options = {
            option.name or "": option
            for option in command.params
            if isinstance(option, ColumnOption) and not isinstance(option.type, TextFile)
        }

    def check_columns(self, columns: Sequence[str]) -> None:
        """Refuse columns that are unknown, stand twice, or are options as well.

        Raises:
            BadFile: there is one, or one is missing.
        """
        names = [_name(column) for column in columns]
        for column, name in zip(columns, names, strict=True):
            if name not in self._options:
                known = tuple(self._options)
                meant = values.did_you_mean(name, known)
                raise BadFile(f"There is no column '{column}'; known: {', '.join(known)}.{meant}")
            if names.count(name) > 1:
                raise BadFile(f"The column '{column}' stands there twice.")
            if name in self._explicit:
                raise BadFile(f"'{column}' is a column and an option; leave one of them out.")
        for name, option in self._options.items():
            if option.required and name not in {*names, *self._explicit}:
                raise BadFile(f"There is no column '{name}', nor an option {option.opts[0]}.")

    def read(self, raw: Raw) -> Row | BadRow:
        """Return a row as a call, or what is wrong with it."""
        if raw.problem:
            return BadRow(raw.number, raw.line, "", raw.problem)
        row = dict(self._params)
        try:
            for column, cell in raw.cells.items():
                self._take(row, column, cell)
            self._check_required(row)
            operation = self._make(**row)
        except InvalidInput as error:
            return self._bad(raw, f"{error.field}: {error.error_message}")
        except click.UsageError as error:
            return self._bad(raw, error.message)
        except ValueError as error:
            return self._bad(raw, str(error))
        return Row(raw.number, raw.line, operation, _digest(operation))

    def _bad(self, raw: Raw, problem: str) -> BadRow:
        key = raw.cells.get("key", raw.cells.get("room", ""))
        return BadRow(raw.number, raw.line, key if isinstance(key, str) else "", problem)

    def _take(self, row: dict[str, Any], column: str, cell: Any) -> None:
        name = _name(column)
        option = self._options.get(name)
        if option is None:
            meant = values.did_you_mean(name, tuple(self._options))
            raise ValueError(f"there is no column '{column}'.{meant}")
        if name in self._explicit:
            raise ValueError(f"'{column}' is a column and an option; leave one of them out")
        if name == "hub_user" and cell is None:
            row["unassign"] = True  # JSON's null, where CSV has the column of this name
            return
        if cell is None or (cell == "" and not option.required):
            return
        row[name] = self._value(option, name, cell)

    def _check_required(self, row: Mapping[str, Any]) -> None:
        for name, option in self._options.items():
            if option.required and row.get(name) is None:
                raise ValueError(f"{name}: is missing")

    def _value(self, option: click.Option, name: str, cell: Any) -> Any:
        try:
            if option.is_flag:
                return cell if isinstance(cell, bool) else values.flag(_text(cell))
            if isinstance(option.type, JsonObject):
                return json.loads(cell) if isinstance(cell, str) else cell
            text = _text(cell)
        except json.JSONDecodeError as error:
            raise ValueError(f"{name}: this is not JSON ({error})") from None
        except ValueError as error:
            raise ValueError(f"{name}: {error}") from None
        if isinstance(option, KeyOption) and not self._exact_key and text != text.strip():
            raise ValueError(f"{name}: begins or ends with white space; see --exact-key")
        return text


def read_rows(file: RowFile, reader: RowReader) -> Iterator[Row | BadRow]:
    """Yield every row of a file."""
    return map(reader.read, file)


def _text(cell: Any) -> str:
    if not isinstance(cell, str):
        raise ValueError("must be a string")  # noqa: TRY004 - as all that is wrong with a cell
    return cell


def _name(column: str) -> str:
    return column.replace("-", "_")


def _digest(operation: Operation) -> bytes:
    call = operation.create if isinstance(operation, Ensure) else operation
    content = json.dumps([call.operation, call.segments, call.body], sort_keys=True)
    return hashlib.blake2b(content.encode(), digest_size=16).digest()
