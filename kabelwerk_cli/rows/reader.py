"""Turns rows into calls, with the options and checks of their command."""

import functools
import hashlib
import itertools
import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from kabelwerk_cli.config import parsers
from kabelwerk_cli.errors import InvalidInput, Refused
from kabelwerk_cli.operations.arguments import check_plain
from kabelwerk_cli.operations.call import Call
from kabelwerk_cli.operations.json_text import read_json
from kabelwerk_cli.tabular.file import RowFile
from kabelwerk_cli.tabular.raw import Raw, fold, new_tuple
from kabelwerk_cli.workbooks.cells import AFTER_SUSPECT, SUSPECT, meaning

from .columns import IDENTITY, Column, Kind
from .header import Convert, Header
from .other_keys import NAMES
from .row import Place, Row
from .template import Template

DIGEST_SIZE = 16
_EMPTY = hashlib.blake2b(digest_size=DIGEST_SIZE)
"""Copied for each row, which is faster than creating it."""


class RowReader:
    """Turns the rows of a file into calls.

    Args:
        columns: the columns of the command.
        make: returns the call of a row, or raises `Refused`.
        params: the values of the command's options, for rows that do not set their own.
        explicit: the options that were given on the command line, by the names of their params.
        exact_key: whether to accept keys that a person may mistake for others.
        mapping: pairs of a command's column and the file's column that it is read from.
        ignored: lists of columns that are left out, separated by commas.
        template: the text of each row, to be filled in from its columns.
        settable: whether the command has its columns as options, too.

    Raises:
        Refused: the mapping has a column that the command does not have, or there are two texts.
    """

    def __init__(
        self,
        columns: Sequence[Column],
        make: Callable[..., Call[Any]],
        params: Mapping[str, Any],
        explicit: Mapping[str, str],
        *,
        exact_key: bool,
        mapping: Sequence[tuple[str, str]] = (),
        ignored: Sequence[str] = (),
        template: Template | None = None,
        settable: bool = True,
    ) -> None:
        self._make = make
        self._required = [column.name for column in columns if column.required]
        # by name, as their order on the command line must not change a row's digest
        self._params = dict(sorted(params.items()))
        self._explicit = dict(explicit)
        self._exact_key = exact_key
        self._template = template.renamed(fold) if template else None
        if template:
            self._set_text_by_template()
        known = {column.name: self._converter(column) for column in columns}
        # what an option says is not from a spreadsheet
        self.other_keys = tuple(n for n in NAMES if n in known and n not in self._explicit)
        self.columns = Header(
            known,
            required=self._required,
            explicit=self._explicit,
            mapping=mapping,
            ignored=ignored,
            placeholders=self._template.names if self._template else (),
            settable=settable,
        )
        self._plan = functools.lru_cache(self.columns.plan)
        self._places = functools.lru_cache(self.columns.places)

    def parse(self, raw: Raw) -> Row:
        """Return the arguments in the cells of a row, or what is wrong with them."""
        number, line, columns, cells, _, problem = raw
        arguments, name = self._params.copy(), ""
        if problem:
            return _bad(raw, arguments, problem)
        try:
            for place, name, convert in self._plan(tuple(columns)):
                cell = cells[place]
                if type(cell) is not str or (cell < AFTER_SUSPECT and cell[:1] in SUSPECT):
                    cell = meaning(cell, name, line)
                if cell is None and name == "hub_user":
                    # null in JSON; CSV has a column unassign
                    arguments["unassign"] = True
                elif cell is not None and (value := convert(cell)) is not None:
                    arguments[name] = value
            if self._template:
                name = ""
                arguments["text"] = self._filled(raw)
        except ValueError as error:
            problem = f"{name}: {error}" if name else str(error)
            return _bad(raw, arguments, problem, name)
        for name in self._required:
            if arguments[name] is None:
                return _bad(raw, arguments, f"{name} is missing", name)
        # a digest must be the same in every version of Python, and with options that a later
        # version adds
        said = {name: value for name, value in arguments.items() if value is not None}
        values = (number, line, *_about(arguments), *_digest(said), arguments, "", "")
        return new_tuple(Row, values)

    def _filled(self, raw: Raw) -> str:
        """Return the text that the template makes of a row."""
        assert self._template  # noqa: S101 - for the types
        places, values = self._places(tuple(raw.columns)), {}
        for name in self._template.names:
            if name in places:
                try:
                    values[name] = meaning(raw.cells[places[name]], "", raw.line)
                except ValueError as error:
                    raise ValueError(f"{name}: {error}") from None
        return self._template.fill(values)

    def call(self, row: Row) -> Call[Any] | Row:
        """Return the call of a row, or the row with what is wrong with it."""
        if row.problem:
            return row
        try:
            return self._make(**row.arguments)
        except InvalidInput as error:
            if error.field:
                problem = f"{error.field}: {error.error_message}"
                return row._replace(problem=problem, column=error.field)
            return row._replace(problem=str(error))
        except (Refused, ValueError) as error:
            return row._replace(problem=str(error))

    def read(self, raw: Raw) -> Call[Any] | Row:
        """Return the call of a row, or the row with what is wrong with it."""
        return self.call(self.parse(raw))

    def _set_text_by_template(self) -> None:
        if option := self._explicit.get("text"):
            raise Refused(f"{option} and --template cannot be used together.")
        self._explicit["text"] = "--template"

    def _converter(self, column: Column) -> Convert:
        """Return the function that converts a cell; it returns None for a cell without a value."""
        if column.kind is Kind.FLAG:
            return _flag
        if column.kind is Kind.OBJECT:
            return _object
        if column.kind is Kind.KEY and not self._exact_key:
            return _required_key if column.required else _optional_key
        return _text if column.required else _optional_text


def _about(arguments: Mapping[str, Any]) -> tuple[str, str]:
    """Return the key of the user that a row is about, or that of the room's user, and its hub."""
    if "room" in arguments:
        return arguments["room"] or "", arguments.get("hub") or ""
    return arguments["key"] or "", ""


def _bad(raw: Raw, arguments: Mapping[str, Any], problem: str, column: str = "") -> Row:
    digest, size = _digest(list(raw.source))
    return Row(raw.number, raw.line, *_about(arguments), digest, size, {}, problem, column)


def _digest(content: object) -> tuple[bytes, int]:
    """Return the digest and the size of a row's content."""
    text, digest = ascii(content), _EMPTY.copy()
    digest.update(text.encode())
    return digest.digest(), len(text)


def _text(cell: Any) -> str:
    if not isinstance(cell, str):
        raise ValueError("must be a string")  # noqa: TRY004 - like any other problem with a cell
    if not cell.isascii():
        try:
            cell.encode()
        except UnicodeEncodeError:
            # JSON can escape one half of a character
            raise ValueError("must be valid UTF-8") from None
    return cell


def _optional_text(cell: Any) -> str | None:
    return _text(cell) or None


def _required_key(cell: Any) -> str:
    if type(cell) is str and cell.isascii() and cell == cell.strip():
        return cell  # as most keys are, of which `check_plain` says nothing else
    try:
        return check_plain("", _text(cell))
    except InvalidInput as error:
        raise ValueError(error.error_message) from None


def _optional_key(cell: Any) -> str | None:
    return _required_key(cell) or None


def _flag(cell: Any) -> bool | None:
    if cell == "":
        return None
    return cell if isinstance(cell, bool) else parsers.flag(_text(cell))


def _object(cell: Any) -> Any:
    """Return a JSON object with sorted names, so that their order does not matter."""
    if cell == "":
        return None
    given = read_json(cell if isinstance(cell, str) else json.dumps(cell))
    return json.loads(json.dumps(given, sort_keys=True))


class SyncRowReader(RowReader):
    """Reads rows in which an empty cell is a value, unlike in a batch, where it means "not given".

    Args:
        columns: the columns of the command.
        make: returns the call of a row.
        params: the values for every row.
        explicit: the options that were given on the command line, by the names of their params.
        blanks: the value of an empty cell, by column; in other columns, it is invalid.
        options: those of a `RowReader`.
    """

    def __init__(
        self,
        columns: Sequence[Column],
        make: Callable[..., Call[Any]],
        params: Mapping[str, Any],
        explicit: Mapping[str, str],
        *,
        blanks: Mapping[str, Any],
        **options: Any,
    ) -> None:
        self._blanks = blanks
        super().__init__(columns, make, params, explicit, settable=False, **options)
        self.values = tuple(sorted({column.name for column in columns} - IDENTITY))
        """The columns whose values are synced."""

    def parse(self, raw: Raw) -> Row:
        """Return the arguments in the cells of a row; null in JSON is the same as an empty cell."""
        if None in raw.cells:
            raw = raw._replace(cells=["" if cell is None else cell for cell in raw.cells])
        return super().parse(raw)

    def _converter(self, column: Column) -> Convert:
        convert, name = super()._converter(column), column.name
        if name in IDENTITY:
            convert = _text  # `flaw` looks at them, once it is known which are new

        def converted(cell: Any) -> Any:
            if cell != "":
                return convert(cell)
            if name not in self._blanks:
                raise ValueError("must not be empty")
            return self._blanks[name]

        return converted

    def flaw(self, place: Place) -> str:
        """Return why a key that is new is refused; empty if it is not.

        Keys that a state has may be taken for others, as they were accepted before.
        """
        if self._exact_key:
            return ""
        name = "key" if "key" in self._params else "room"
        try:
            for field, value in ((name, place.key), ("hub", place.hub)):
                check_plain(field, value)
        except InvalidInput as error:
            return f"{error.field}: {error.error_message}"
        return ""


class SecondReading:
    """Reads some rows of a file again, in their order.

    Args:
        file: the file.
    """

    def __init__(self, file: RowFile) -> None:
        self._file = file
        self._records = file.records()
        self._last = 0

    def raw(self, place: Place) -> Raw:
        """Return a row as it is in the file."""
        record = next(itertools.islice(self._records, place.number - self._last - 1, None))
        self._last = place.number
        return self._file.read(record)
