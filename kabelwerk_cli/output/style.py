"""The format and the style of an output."""

from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple

from .text import Color


class Format(StrEnum):
    """The format of the output."""

    TABLE = "table"
    JSON = "json"
    JSONL = "jsonl"
    CSV = "csv"
    TSV = "tsv"


class Style(NamedTuple):
    """Output options other than the format."""

    fields: Sequence[str] | None = None
    """The fields to show; None for the format's default."""
    summary: Sequence[str] | None = None
    """The fields of a table by default; None for all columns."""
    single: bool = False
    """Whether it is one result: an object in JSON; a table too wide lists its fields."""
    terminal: bool = False
    """Whether the output is a terminal."""
    color: bool = False
    """Whether to use color."""
    raw_csv: bool = False
    """Whether to leave CSV cells alone that a spreadsheet would run as a formula."""
    workflow: bool = False
    """Whether it is printed in a workflow of GitHub Actions, and must hold no command."""
    colors: Mapping[tuple[str, str], Color] = {}
    """The color of a value in a table, by field and value."""

    def color_of(self, field: str, cell: str) -> Color | None:
        """Return the color of a cell of a table, if it has one."""
        return self.colors.get((field, cell)) if self.color else None
