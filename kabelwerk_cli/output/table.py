"""Tables: drawn by rich on a terminal, plain columns elsewhere."""

from collections.abc import Sequence
from typing import TextIO

from rich.cells import cell_len


def print_table(
    header: Sequence[str],
    rows: Sequence[Sequence[str]],
    stream: TextIO,
    *,
    terminal: bool,
    color: bool,
) -> None:
    """Write a table.

    Args:
        header: the column names.
        rows: the cells, already escaped.
        stream: where to write.
        terminal: whether the output is a terminal, which has a width.
        color: whether to use color; the header is bold.
    """
    if terminal:
        _print_framed(header, rows, stream, color=color)
    else:
        _print_plain([header, *rows], stream, color=color)


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
    header: Sequence[str], rows: Sequence[Sequence[str]], stream: TextIO, *, color: bool
) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(header_style="bold")
    for name in header:
        table.add_column(Text(name), overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    console = Console(
        file=stream,
        force_terminal=True,
        no_color=not color,
        color_system="auto" if color else None,
        markup=False,
        emoji=False,
        highlight=False,
        legacy_windows=False,
    )
    console.print(table)
