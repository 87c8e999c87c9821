"""Tables: drawn by rich on a terminal, plain columns elsewhere."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, TextIO

from rich.cells import cell_len

if TYPE_CHECKING:
    from rich.console import Console

    from .formats import Style


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
        _print_plain([header, *rows], stream, color=style.color)


def _print_fitting(
    header: Sequence[str], rows: Sequence[Sequence[str]], stream: TextIO, style: "Style"
) -> None:
    console = _console(stream, color=style.color)
    columns = list(zip(header, *rows, strict=True))
    room = console.width - 3 * len(columns) - 1  # of a frame with a space on both sides of a cell
    widths = [max(map(cell_len, column)) for column in columns]
    if sum(widths) > room:
        needed = [max(map(_longest_word, column)) for column in columns]
        if style.single or sum(needed) > room:
            _print_fields(header, rows, stream, color=style.color)
            return
        widths = _shrink(widths, needed, room)
    _print_framed(header, rows, console, widths)


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
    header: Sequence[str], rows: Sequence[Sequence[str]], stream: TextIO, *, color: bool
) -> None:
    """Write each field on a line of its own, which the terminal wraps, and rows apart."""
    width = max(map(cell_len, header))
    for number, row in enumerate(rows):
        if number:
            stream.write("\n")
        for name, cell in zip(header, row, strict=True):
            shown = name + " " * (width - cell_len(name))
            shown = f"\x1b[1m{shown}\x1b[0m" if color else shown
            stream.write(f"{shown}  {cell}".rstrip() + "\n")


def _print_plain(rows: Sequence[Sequence[str]], stream: TextIO, *, color: bool) -> None:
    # rich would pad and wrap lines to a width, and measure every character twice
    widths = [max(map(cell_len, column)) for column in zip(*rows, strict=True)]
    for number, row in enumerate(rows):
        cells = (
            cell + " " * (width - cell_len(cell)) for cell, width in zip(row, widths, strict=True)
        )
        line = "  ".join(cells).rstrip()
        stream.write(f"\x1b[1m{line}\x1b[0m\n" if color and number == 0 else f"{line}\n")


def _print_framed(
    header: Sequence[str], rows: Sequence[Sequence[str]], console: "Console", widths: Sequence[int]
) -> None:
    from rich.table import Table
    from rich.text import Text

    table = Table(header_style="bold")
    for name, width in zip(header, widths, strict=True):
        table.add_column(Text(name), overflow="fold", width=width)
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
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
