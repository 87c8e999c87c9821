"""Reads every row of a file, checks it, and plans what to do with it."""

import itertools
import operator
from collections.abc import Callable, Iterator, Sequence

from kabelwerk_cli.errors import BadFile
from kabelwerk_cli.journal.journal import Journal
from kabelwerk_cli.rows.other_keys import OtherKeys
from kabelwerk_cli.rows.reader import RowReader
from kabelwerk_cli.rows.row import Place, Row
from kabelwerk_cli.rows.table import BLOCK, check_hubs
from kabelwerk_cli.tabular.file import RowFile

from .plan import Plan

WIDTH = 1024 * 1024
"""After how many characters a block of rows ends."""
_HUB = operator.attrgetter("hub")


def check(
    file: RowFile, reader: RowReader, journal: Journal | None, tell: Callable[[Place, str], None]
) -> Plan:
    """Read every row, and plan what to do with it.

    Args:
        file: the file.
        reader: makes calls of its rows.
        journal: what earlier runs did, if there were any.
        tell: called with each invalid row, and what is wrong with it.

    Raises:
        BadFile: the file cannot be read.
        ConfigurationError: the plan cannot be written.
    """
    plan = Plan(journal)
    try:
        hubs: set[str] = set()
        others = OtherKeys(plan, reader.other_keys)
        for block in _blocks(file, reader):
            # rows that an earlier run settled are not checked again
            left = plan.add(block)
            checked = map(reader.call, left)
            good = block
            if bad := {row.number: row for row in checked if type(row) is Row}:
                for row in bad.values():
                    tell(row.place, row.problem)
                plan.refuse(bad)
                good, left = ([r for r in rows if r.number not in bad] for rows in (block, left))
            others.note(left)
            others.store()
            hubs.update(map(_HUB, good))
            check_hubs(file, hubs)
            hubs = set(itertools.islice(hubs, 1))  # memory stays flat
        if plan.rows:
            reader.columns.check_seen()
        plan.complete()
    except BaseException:
        plan.__exit__()
        raise
    return plan


def _blocks(file: RowFile, reader: RowReader) -> Iterator[Sequence[Row]]:
    """Yield all rows, as many at a time as one statement adds and memory holds.

    Raises:
        BadFile: the rest of the file cannot be read.
    """
    block: list[Row] = []
    width = 0
    try:
        for raw in file:
            row = reader.parse(raw)
            block.append(row)
            width += row.size
            if len(block) == BLOCK or width > WIDTH:
                yield block
                block, width = [], 0
    except BadFile:
        if block:
            yield block
        raise
    if block:
        yield block
