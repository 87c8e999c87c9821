"""Reads a file twice: to check and plan every row, and to send them."""

import itertools
from collections.abc import Callable, Iterable, Iterator

from kabelwerk_cli.errors import BadFile
from kabelwerk_cli.journal.journal import Journal
from kabelwerk_cli.rows.overlap import overlapped
from kabelwerk_cli.rows.reader import BadRow, Parsed, RowReader
from kabelwerk_cli.rows.table import BLOCK, check_hubs
from kabelwerk_cli.tabular.file import RowFile

from .plan import Block, Plan

WIDTH = 1024 * 1024
"""After how many characters a block of rows ends; up to three blocks are in memory."""


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
