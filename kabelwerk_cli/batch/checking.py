"""Reads a file twice: to check and plan every row, and to send them."""

import itertools
from collections.abc import Callable, Iterable, Iterator
from typing import Protocol, TypeVar

from kabelwerk_cli.api.errors import ConfigurationError

from .files import BadFile, Raw, RowFile
from .journal import Journal
from .overlap import overlapped
from .plan import BLOCK, Block, Plan
from .rows import BadRow, Parsed, Row, RowReader

ANY_HUB = "_"
"""A name for the only hub of an account, instead of its slug."""
WIDTH = 1024 * 1024
"""After how many characters a block of rows ends; up to three blocks are in memory."""


class Checked(Protocol):
    """A row as it was checked."""

    @property
    def number(self) -> int:
        """1 for the first row after the header."""

    @property
    def digest(self) -> bytes:
        """Identifies its content."""


T = TypeVar("T", bound=Checked)


class Changed(ConfigurationError):
    """The file was changed after the check; no further rows are sent."""


def check(
    file: RowFile, reader: RowReader, journal: Journal | None, tell: Callable[[BadRow], None]
) -> Plan:
    """Read every row, and plan what to do with it.

    Args:
        file: the file.
        reader: makes calls of its rows.
        journal: what earlier runs did, if there were any.
        tell: called with each invalid row.

    Raises:
        BadFile: the file cannot be read.
        ConfigurationError: the plan cannot be written.
    """
    plan = Plan(journal)
    try:
        hubs: set[str] = set()
        for block, left in _added(plan, _blocks(file, reader), looks_up=journal is not None):
            # rows that an earlier run settled are not checked again
            bad = {row.number: row for row in _bad(left, reader)}
            for row in bad.values():
                tell(row)
            plan.refuse(bad)
            hubs |= {row.hub for row in block if row.number not in bad}
            check_hubs(file, hubs)
            hubs = set(itertools.islice(hubs, 1))  # memory stays flat
        if plan.rows:
            reader.columns.check_seen()
        plan.complete()
    except BaseException:
        plan.__exit__()
        raise
    return plan


def _blocks(file: RowFile, reader: RowReader) -> Iterator[Block]:
    """Yield all rows, as many at a time as one statement adds and memory holds.

    Raises:
        BadFile: the rest of the file cannot be read.
    """
    block: list[Parsed | BadRow] = []
    width = 0
    try:
        for raw in file:
            block.append(reader.parse(raw))
            width += sum(map(len, raw.source))
            if len(block) == BLOCK or width > WIDTH:
                yield block
                block, width = [], 0
    except BadFile:
        if block:
            yield block
        raise
    if block:
        yield block


def _added(plan: Plan, blocks: Iterator[Block], *, looks_up: bool) -> Iterator[tuple[Block, Block]]:
    """Add all rows to a plan; yield blocks of them, each with the rows that are not settled."""
    # looking rows up in a journal takes as long as reading them
    return overlapped(plan.add, blocks) if looks_up else ((b, plan.add(b)) for b in blocks)


def _bad(rows: Iterable[Parsed | BadRow], reader: RowReader) -> Iterator[BadRow]:
    """Yield the invalid rows."""
    for row in rows:
        made = row if isinstance(row, BadRow) else reader.call(row)
        if isinstance(made, BadRow):
            yield made


def check_hubs(file: RowFile, hubs: set[str]) -> None:
    """Refuse a hub under two names, as the order of a room's rows could not be kept."""
    slug = next((hub for hub in hubs if hub != ANY_HUB), None)
    if ANY_HUB in hubs and slug:
        raise BadFile(
            f"'{file.shown}' has rows for hub '{ANY_HUB}' and for hub '{slug}', which may be the "
            "same. Use one name for it in every row."
        )


def reread(file: RowFile, rows: Iterable[T], count: int) -> Iterator[tuple[T, Raw]]:
    """Read a file again, and yield some of its rows beside what was planned for them.

    Args:
        file: the file.
        rows: what was planned for these rows, in order.
        count: how many rows the file had.

    Raises:
        Changed: there are fewer rows, or more.
    """
    last = 0
    try:
        records = file.records()
        for row in rows:
            record = next(itertools.islice(records, row.number - last - 1, None), None)
            if record is None:
                raise Changed(f"'{file.shown}' was shortened after it was checked.")
            last = row.number
            yield row, file.read(record)
        last += sum(1 for _ in records)
    except BadFile:
        raise Changed(f"'{file.shown}' was changed after it was checked.") from None
    if last != count:
        what = "shortened" if last < count else "extended"
        raise Changed(f"'{file.shown}' was {what} after it was checked.")


def same(file: RowFile, reader: RowReader, raw: Raw, planned: Checked) -> Row | BadRow:
    """Return a row as it was checked: its call, or why there is none.

    Raises:
        Changed: it is a different row now.
    """
    row = reader.parse(raw)
    if row.digest != planned.digest:
        raise Changed(f"Line {raw.line} of '{file.shown}' was changed after it was checked.")
    return reader.make(row) if isinstance(row, Parsed) else row
