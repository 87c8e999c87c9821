"""Tables: drawn by rich on a terminal, plain columns elsewhere."""

import json
import tempfile
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, TextIO

from rich.cells import cell_len

from .text import Color, painted

if TYPE_CHECKING:
    from rich.console import Console

    from .style import Style

GAP = "  "
"""What separates columns without a frame."""
NARROWEST_TEXT = 16
"""The least width to which a column is wrapped, in cells; below it, a list shows fields."""


def print_table(
    header: Sequence[str], rows: Sequence[Sequence[str]], stream: TextIO, style: "Style"
) -> None:
    """Write a table.

    Args:
        header: the column names.
        rows: the cells, already escaped.
        stream: where to write.
        style: whether the output is a terminal, which has a width; whether to use color, with a
            bold header; whether it is one result, whose fields go below each other if it is too
            wide.
    """
    if style.terminal:
        _print_fitting(header, rows, stream, style)
    else:
        _print_plain(header, rows, stream, style)


class LongTable:
    """A table with more rows than memory should hold; it has no frame, on a terminal either.

    Args:
        header: the column names.
    """

    def __init__(self, header: Sequence[str]) -> None:
        self._header = header
        self._widths = list(map(cell_len, header))
        self._rows = tempfile.TemporaryFile("w+")  # noqa: SIM115 - `print` closes it

    def add(self, row: Sequence[str]) -> None:
        """Add a row of escaped cells."""
        self._widths = list(map(max, self._widths, map(cell_len, row)))
        self._rows.write(json.dumps(row) + "\n")

    def print(self, stream: TextIO, style: "Style") -> None:
        """Write it."""
        with self._rows:
            self._rows.seek(0)
            _print_columns(self._header, map(json.loads, self._rows), self._widths, stream, style)


def _print_fitting(
    header: Sequence[str], rows: Sequence[Sequence[str]], stream: TextIO, style: "Style"
) -> None:
    console = _console(stream, color=style.color)
    columns = list(zip(header, *rows, strict=True))
    room = console.width - 3 * len(columns) - 1  # of a frame with a space on both sides of a cell
    widths = [max(map(cell_len, column)) for column in columns]
    if sum(widths) > room:
        needed = [_needed(column, width) for column, width in zip(columns, widths, strict=True)]
        if style.single or sum(needed) > room:
            _print_fields(header, rows, console, style)
            return
        widths = _shrink(widths, needed, room)
    _print_framed(header, rows, console, widths, style)


def _needed(column: Sequence[str], width: int) -> int:
    """Return the least width at which only paths are broken, and a text remains readable."""
    words = {word for cell in column for word in cell.split(" ") if not _is_path(word)}
    return max([*map(cell_len, words), min(width, NARROWEST_TEXT)])


def _is_path(word: str) -> bool:
    return word.lstrip("'").startswith(("/", "http://", "https://", "sandbox://"))


def _longest_word(cell: str) -> int:
    return max(map(cell_len, cell.split(" ")))


def _shrink(widths: Sequence[int], needed: Sequence[int], room: int) -> list[int]:
    """Return widths that fit into the room, none less than is needed; the widest give way."""
    fitting = [min(width, room) for width in widths]
    while sum(fitting) > room:
        shrinkable = [place for place, width in enumerate(fitting) if width > needed[place]]
        fitting[max(shrinkable, key=fitting.__getitem__)] -= 1
    return fitting


def _print_fields(
    header: Sequence[str], rows: Sequence[Sequence[str]], console: "Console", style: "Style"
) -> None:
    """Write each field on lines of its own, and an empty line between rows."""
    width = max(map(cell_len, header))
    for number, row in enumerate(rows):
        if number:
            console.file.write("\n")
        for name, cell in zip(header, row, strict=True):
            color = style.color_of(name, cell)
            shown = painted(_padded(name, width), Color.BOLD if style.color else None)
            first, *others = _lines(cell, console, width + len(GAP))
            console.file.write(f"{shown}{GAP}{painted(first, color)}".rstrip() + "\n")
            console.file.writelines(f"{painted(line, color)}\n" for line in others)


def _lines(cell: str, console: "Console", indent: int) -> list[str]:
    """Return the lines of a field, those after the first indented; no word is broken.

    A word that does not fit beside the name goes below it. If it is longer than a line, the
    terminal breaks it, and it can still be copied as one word.
    """
    from rich.text import Text

    longest = _longest_word(cell)
    for lead, margin in (([], indent), ([""], len(GAP))):
        if longest + margin <= console.width:
            wrapped = Text(cell).wrap(console, console.width - margin)
            first, *others = [*lead, *(line.plain for line in wrapped)]
            return [first, *(" " * margin + line for line in others)]
    return ["", cell]


def _padded(text: str, width: int) -> str:
    return text + " " * (width - cell_len(text))


def _print_plain(
    header: Sequence[str], rows: Sequence[Sequence[str]], stream: TextIO, style: "Style"
) -> None:
    widths = [max(map(cell_len, column)) for column in zip(header, *rows, strict=True)]
    _print_columns(header, rows, widths, stream, style)


def _print_columns(
    header: Sequence[str],
    rows: Iterable[Sequence[str]],
    widths: Sequence[int],
    stream: TextIO,
    style: "Style",
) -> None:
    # rich would pad and wrap lines to a width, and measure every character twice
    title = GAP.join(map(_padded, header, widths)).rstrip()
    stream.write(painted(title, Color.BOLD if style.color else None) + "\n")
    for row in rows:
        colors = map(style.color_of, header, row)
        cells = map(painted, map(_padded, row, widths), colors)
        stream.write(GAP.join(cells).rstrip() + "\n")


def _print_framed(
    header: Sequence[str],
    rows: Sequence[Sequence[str]],
    console: "Console",
    widths: Sequence[int],
    style: "Style",
) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(header_style="bold")
    for name, width in zip(header, widths, strict=True):
        table.add_column(Text(name), overflow="fold", width=width)
    for row in rows:
        cells = map(painted, row, map(style.color_of, header, row))
        table.add_row(*map(Text.from_ansi, cells))
    console.print(table)


def _console(stream: TextIO, *, color: bool) -> "Console":
    from rich.console import Console

    return Console(
        file=stream,
        force_terminal=True,
        no_color=not color,
        color_system="auto" if color else None,
        markup=False,
        emoji=False,
        highlight=False,
        legacy_windows=False,
    )
