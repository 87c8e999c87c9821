"""Maps the columns of a file to those of a command, and explains how to handle the others."""

import csv
import shlex
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from kabelwerk_cli.config.parsers import did_you_mean
from kabelwerk_cli.config.settings import option_of
from kabelwerk_cli.errors import BadFile, Refused
from kabelwerk_cli.tabular.raw import ERROR_COLUMN, fold
from kabelwerk_cli.words import sentence

from .column_hints import (
    LISTED,
    escaped,
    guess,
    is_assignment,
    joined,
    listed,
    named,
    without_invisible,
)
from .columns import IDENTITY

Convert = Callable[[Any], Any]
EVERY = "*"
"""Ignores all unknown columns."""


class Found(NamedTuple):
    """A column of a file that the command reads."""

    place: int
    """Its index in a row, from 0."""
    name: str
    """The command's parameter."""
    convert: Convert
    """Converts a cell to the parameter's value."""


class Header:
    """The columns of a command, and where a file has them.

    Args:
        known: the command's columns, and the function that converts a cell of each.
        required: the names of the required ones.
        explicit: the command's columns that are set on the command line, with their options.
        mapping: pairs of a command's column and the file's column that it is read from.
        ignored: lists of columns that are left out, separated by commas.
        placeholders: the columns that a template uses; with a template, other columns are allowed.
        settable: whether the command has its columns as options, too.

    Raises:
        Refused: the mapping has a column that the command does not have.
    """

    def __init__(
        self,
        known: Mapping[str, Convert],
        *,
        required: Collection[str],
        explicit: Mapping[str, str],
        mapping: Sequence[tuple[str, str]],
        ignored: Sequence[str],
        placeholders: Collection[str] = (),
        settable: bool = True,
    ) -> None:
        self._known = known
        self._settable = settable
        self._required = required
        self._explicit = explicit
        self._placeholders = placeholders
        self._mapping = {self._target(target): column for target, column in mapping}
        if len(self._mapping) < len(mapping):
            raise Refused("--map can be used only once for a column of the command.")
        self._mapped: dict[str, list[str]] = {}
        for target, column in self._mapping.items():
            self._mapped.setdefault(fold(column), []).append(target)
        self._ignored = {fold(name) for names in ignored for name in next(csv.reader([names]), [])}
        self._unseen = {*self._mapped, *placeholders}

    def plan(self, columns: Sequence[str]) -> tuple[Found, ...]:
        """Return where each of the command's columns is.

        Args:
            columns: the file's columns.

        Raises:
            ValueError: a column is unknown, appears twice, or is an option as well.
        """
        self._unseen -= self.places(columns).keys()
        found: dict[str, Found] = {}
        unknown: list[str] = []
        for place, column in enumerate(columns):
            targets = self._targets(column)
            unknown += [column] if targets is None else []
            for name in targets or ():
                if name not in self._known:
                    continue  # used by the template only
                if name in found:
                    raise ValueError(_twice(name, columns[found[name].place], column))
                found[name] = Found(place, name, self._known[name])
        if unknown:
            raise ValueError(self._unknown(unknown, found))
        for name, it in found.items():
            if option := self._explicit.get(name):
                raise ValueError(_both(option, columns[it.place]))
        # first whom a row is about, so that it is known where another cell cannot be read
        return tuple(sorted(found.values(), key=lambda column: column.name not in IDENTITY))

    def places(self, columns: Sequence[str]) -> Mapping[str, int]:
        """Return the index of the column for each name that a template may use.

        Raises:
            ValueError: the template uses a name that two columns have.
        """
        found: dict[str, int] = {}
        for place, column in enumerate(columns):
            name = fold(column)
            if name in self._ignored and name not in self._mapped:
                continue
            for answered in {name, *self._mapped.get(name, ())}:
                if answered in found and answered in self._placeholders:
                    first = columns[found[answered]]
                    raise ValueError(
                        f"two columns have the value of {{{{{answered}}}}}, {named(first)} and "
                        f"{named(column)}. Rename one of them"
                    )
                found[answered] = place
        return found

    def check(
        self,
        columns: Sequence[str],
        top: Iterable[tuple[int, Sequence[str]]],
        file: str,
        elsewhere: str = "",
    ) -> None:
        """Refuse a header.

        Args:
            columns: the file's columns.
            top: the numbers and the cells of the first lines of the file.
            file: the name of the file.
            elsewhere: where else the table may be, as a sentence; empty if nowhere.

        Raises:
            BadFile: a column is unknown, appears twice, is an option as well, or is missing.
        """
        try:
            self._check(columns)
        except BadFile as error:
            for line, cells in top:
                if line > 1 and self._names_all(cells):
                    raise BadFile(
                        f"The columns are named in line {line}. Use --skip-lines {line - 1} to "
                        "skip what is above it."
                    ) from None
            if self._sets_variable(columns):
                raise BadFile(
                    f"The first line of '{file}' sets a variable; it must name the columns."
                ) from None
            if elsewhere and self._is_another_table(columns):
                raise BadFile(f"{error} {elsewhere}") from None
            raise

    def _is_another_table(self, columns: Sequence[str]) -> bool:
        """Tell whether a header has none of the columns that are required."""
        known = {name for column in columns for name in self._targets(column) or ()}
        return bool(self._required) and known.isdisjoint(self._required)

    def _sets_variable(self, columns: Sequence[str]) -> bool:
        """Tell whether a header is that of no table, but the start of an environment."""
        unknown = [column for column in columns if self._targets(column) is None]
        known = {name for column in columns for name in self._targets(column) or ()}
        return bool(unknown) and is_assignment(unknown[0]) and bool(self._missing(known))

    def _names_all(self, cells: Sequence[str]) -> bool:
        """Tell whether cells may be a header: they name all columns that are needed."""
        names = {fold(cell) for cell in cells}
        wanted = {*map(fold, self._mapping.values()), *self._placeholders}
        needed = {name for name in self._missing(()) if name not in self._mapping}
        return bool(wanted | needed) and names >= wanted | needed

    def _check(self, columns: Sequence[str]) -> None:
        try:
            self._check_mapping(columns)
            self._check_placeholders(columns)
            found = {column.name for column in self.plan(columns)}
        except ValueError as error:
            raise BadFile(sentence(str(error))) from None
        for name in self._missing(found):
            option = f", or use {option_of(name)} to set it for every row"
            advice = f"Add it{option if self._settable else ''}."
            raise BadFile(f"There is no column '{name}'. {advice}")

    def check_seen(self) -> None:
        """Refuse a mapped column or a placeholder that no row has.

        Raises:
            BadFile: there is one.
        """
        for target, column in self._mapping.items():
            if fold(column) in self._unseen:
                raise BadFile(f"--map {target}={column}: no row has '{column}'.")
        for name in self._placeholders:
            if name in self._unseen:
                shown = escaped(name)
                raise BadFile(f"The template has {{{{{shown}}}}}, but no row has '{shown}'.")

    def _check_mapping(self, columns: Sequence[str]) -> None:
        folded = {fold(column) for column in columns}
        for target, column in self._mapping.items():
            if fold(column) not in folded:
                known = ", ".join(map(named, columns))
                raise BadFile(
                    f"--map {target}={column}: the file has no column '{column}'; it has {known}."
                )

    def _check_placeholders(self, columns: Sequence[str]) -> None:
        places = self.places(columns)
        for name in self._placeholders:
            if name not in places:
                known = tuple(column for column in columns if column)
                raise BadFile(
                    f"The template has {{{{{escaped(name)}}}}}, but the file has no column "
                    f"{named(name)}; it has "
                    f"{', '.join(map(named, known))}.{did_you_mean(name, known)}"
                )

    def _target(self, name: str) -> str:
        target = fold(name)
        if target not in self._known and target not in self._placeholders:
            raise Refused(
                f"--map: this command has no column '{name}'; it has {', '.join(self._known)}."
            )
        return target

    def _targets(self, column: str) -> Sequence[str] | None:
        """Return the command's columns that are read from a column; None if it is unknown."""
        name = fold(column)
        if name in self._mapped:
            return self._mapped[name]
        if name in self._ignored or name == ERROR_COLUMN:
            return ()
        if name in self._known:
            return (name,)
        return () if self._placeholders or EVERY in self._ignored else None

    def _missing(self, found: Collection[str]) -> list[str]:
        return [n for n in self._required if n not in found and n not in self._explicit]

    def _unknown(self, unknown: list[str], found: Collection[str]) -> str:
        """Return the error for unknown columns, with the options that make the file acceptable."""
        missing = self._missing(found)
        for column in unknown:
            if (
                column != without_invisible(column)
                and fold(without_invisible(column)) in self._known
            ):
                return f"column {named(column)} has an invisible character in its name. Remove it"
        no_column = "is no column" if len(missing) == 1 else "are no columns"
        lacks = f"there {no_column} {listed(missing)}, and " if missing else ""
        verb = "column {} is" if len(unknown) == 1 else "columns {} are"
        optional = [name for name in self._known if name not in {*found, *missing}]
        meant = guess(missing, optional, [name for name in unknown if not is_assignment(name)])
        others = [column for column in unknown if column not in meant.values()]
        unsure = [name for name in missing if name not in meant]
        options = [f"--map {shlex.quote(f'{name}={column}')}" for name, column in meant.items()]
        options += [f"--map {name}=COLUMN" for name in unsure]
        if others:
            many = len(others) > LISTED or any(map(is_assignment, others))
            names = EVERY if unsure or many else joined(others)
            options.append(f"--ignore-columns {shlex.quote(names)}")
        return (
            f"{lacks}{verb.format(listed(unknown))} unknown; known: {', '.join(self._known)}. "
            f"Use {' '.join(options)}"
        )


def _twice(name: str, first: str, second: str) -> str:
    if fold(first) == fold(second):
        return f"the column '{second}' appears twice. Remove one of them"
    own = first if fold(first) == name else second
    return (
        f"'{name}' would be read from two columns, {named(first)} and {named(second)}. Use "
        f"--ignore-columns {shlex.quote(joined([own]))} to leave that one out"
    )


def _both(option: str, column: str) -> str:
    return (
        f"'{column}' is a column, and {option} sets it for every row. Leave out the option, or use "
        f"--ignore-columns {shlex.quote(joined([column]))}"
    )
