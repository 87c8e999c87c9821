"""A file of rows as different programs export it: the same rows, written in another way."""

import csv
import io
import json
from collections.abc import Callable, Iterable, Mapping
from typing import Any, NamedTuple, TypeVar

from .invariants import Line

T = TypeVar("T")
EXTRA = "Station"
"""A column that is none of the command's."""


class Look(NamedTuple):
    """How a file of rows is written."""

    suffix: str = ".csv"
    delimiter: str = ","
    newline: str = "\n"
    mark: str = ""
    """A byte order mark, or nothing."""
    quotes_all: bool = False
    is_swapped: bool = False
    """Whether the columns are in another order."""
    has_extra: bool = False
    """Whether there is another column."""

    @property
    def options(self) -> list[str]:
        """What the command needs to read it."""
        return ["--ignore-columns", EXTRA] if self.has_extra else []

    def written(self, columns: tuple[str, ...], lines: Iterable[Line]) -> bytes:
        """Return the file of some rows."""
        names = [*columns, EXTRA] if self.has_extra else [*columns]
        if self.is_swapped:
            names.reverse()
        rows = [{**_cells(columns, line), EXTRA: "3b"} for line in lines]
        chosen = [{name: row[name] for name in names} for row in rows]
        text = io.StringIO()
        if self.suffix == ".jsonl":
            text.writelines(json.dumps(row) + self.newline for row in chosen)
        else:
            quoting = csv.QUOTE_ALL if self.quotes_all else csv.QUOTE_MINIMAL
            writer = csv.DictWriter(
                text,
                names,
                delimiter=self.delimiter,
                lineterminator=self.newline,
                quoting=quoting,
            )
            writer.writeheader()
            writer.writerows(chosen)
        return (self.mark + text.getvalue()).encode()


def a_look(choose: Callable[[list[T]], T], suffix: str) -> Look:
    """Return some way to write a file with a certain suffix.

    Args:
        choose: chooses one of a list.
        suffix: the suffix, with its dot.
    """
    flip: Any = choose
    delimiter = "\t" if suffix == ".tsv" else flip([",", ",", ";", "|"])
    return Look(
        suffix,
        delimiter,
        flip(["\n", "\r\n"]),
        flip(["", "", "\ufeff"]),
        quotes_all=flip([True, False]),
        is_swapped=flip([True, False]),
        has_extra=flip([True, False, False]),
    )


def read_lines(columns: tuple[str, ...], content: bytes) -> list[Line]:
    """Return the rows of a file, however it is written."""
    text = content.decode("utf-8-sig")
    found: list[Mapping[str, Any]]
    head = text.partition("\n")[0]
    if text.startswith("{") or not text:
        found = [json.loads(line) for line in text.splitlines()]
    else:
        delimiter = next((each for each in ";\t|" if each in head), ",")
        found = list(csv.DictReader(text.splitlines(), delimiter=delimiter))
    return [_line(columns, row) for row in found]


def _cells(columns: tuple[str, ...], line: Line) -> dict[str, str]:
    value = json.dumps({"v": line.value}) if columns[-1] == "attributes" else line.value
    return dict(zip(columns, (line.target, value), strict=False))


def _line(columns: tuple[str, ...], row: Mapping[str, Any]) -> Line:
    target, value = row[columns[0]], row.get(columns[-1], "")
    if len(columns) == 1:
        return Line(target, "")
    return Line(target, json.loads(value)["v"] if columns[-1] == "attributes" else value)
