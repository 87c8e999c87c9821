"""Hands rejected rows over to a rejects file, from which they are sent once they are corrected.

A kill at any moment leaves each row in exactly one place. The file is complete under a temporary
name before the journal commits, at once, that its rows are handed over and which file has them;
then the file gets its name, and the journal notes that.
"""

import itertools
import os
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

from kabelwerk_cli.engine.rejects import Rejects, digest_of, replacement
from kabelwerk_cli.errors import InvalidRow, Refused
from kabelwerk_cli.files import sync_folder
from kabelwerk_cli.journal.entry import Entry, Pair
from kabelwerk_cli.journal.fate import Fate
from kabelwerk_cli.journal.file import About
from kabelwerk_cli.journal.journal import PER_SECOND, Journal
from kabelwerk_cli.output import as_json, compact
from kabelwerk_cli.rows.reader import RowReader, SecondReading
from kabelwerk_cli.rows.row import Row
from kabelwerk_cli.tabular.file import Raw, RowFile
from kabelwerk_cli.terminal.error_report import problem, read_problem
from kabelwerk_cli.words import sentence

from .plan import Plan

NOTHING: Iterable[Pair] = ()


def check(rejects: Rejects, journal: Journal | None) -> None:
    """Refuse to overwrite a file, unless it is the unchanged rejects file of this journal.

    Args:
        rejects: the rejects file.
        journal: the journal of earlier runs; None if there is none, or it is discarded.

    Raises:
        Refused: it is another file, or was changed.
    """
    if rejects.path and rejects.path.exists():
        known = {journal.about.rejects, journal.about.pending} if journal else set()
        if digest_of(rejects.path) not in known:
            raise Refused(
                f"'{rejects.path}' exists, and was changed or not written by this batch. Send "
                "its rows first, or use another --rejects FILE."
            )


def hand_over(
    rejects: Rejects, file: RowFile, reader: RowReader, journal: Journal, plan: Plan
) -> int:
    """Write the rejected rows, and note in the journal that they are handed over.

    The rows of earlier runs stay in the file.

    Returns:
        How many rows were handed over.

    Raises:
        OSError: the file cannot be written.
        Refused: it was changed during the run.
        JournalError: the journal cannot be written; the rows stay rejected there.
    """
    # most runs have no row to hand over, and looking up each one takes long
    if rejects.path is None or not (plan.bad or any(journal.entries(Fate.REJECTED))):
        return 0
    rows = _rejected(file, reader, journal, plan)
    first = next(rows, None)
    if first is None:
        return 0
    check(rejects, journal)
    now = int(time.time() * PER_SECOND)
    handed = itertools.count()
    with replacement(rejects.path, journal.path) as new:
        earlier = rejects.path.read_bytes() if rejects.path.exists() else b""
        new.file.write(earlier or rejects.rows.header())

        def moved() -> Iterator[Pair]:
            for raw, entry, known in itertools.chain([first], rows):
                said = read_problem(entry.error)
                new.file.write(rejects.rows.row(raw, said.message if said else ""))
                next(handed)
                yield entry._replace(fate=Fate.HANDED_OVER, at=now), known

        def note(about: About) -> About:
            new.complete()
            return about._replace(
                left=left,  # all of these rows were settled before
                rejects=digest_of(new.path),
                pending=digest_of(new.name),
                spool=_relative(new.name, journal),
                target=_relative(new.path, journal),
                handed=now,
            )

        left = journal.about.left
        journal.commit(moved(), note)
        complete(journal)
    return next(handed)


def complete(journal: Journal) -> None:
    """Complete or undo a handing over that was committed, and perhaps ended by a kill.

    Raises:
        Refused: somebody changed the rejects file that is to be replaced.
        OSError: it cannot be replaced.
        JournalError: the journal cannot be written.
    """
    about = journal.about
    if not about.spool:
        return
    spool, target = (_absolute(path, journal) for path in (about.spool, about.target))
    rejects, again = about.pending, NOTHING
    if not about.pending:
        spool.unlink(missing_ok=True)
        rejects = about.rejects
    elif spool.exists():
        if digest_of(target) != about.rejects:
            raise Refused(
                f"Cannot complete '{target}': it was changed or moved after a run was killed. "
                f"Restore it, or delete '{spool}' to try the rows that were added to it again."
            )
        spool.replace(target)
        sync_folder(target)
    elif digest_of(target) != about.pending:
        rejects = about.rejects
        entries = (entry for entry in journal.entries(Fate.HANDED_OVER) if entry.at == about.handed)
        again = ((entry._replace(fate=Fate.REJECTED), entry) for entry in entries)
    journal.commit(
        again,
        lambda about: about._replace(rejects=rejects, pending="", spool=b"", target=b"", handed=0),
    )


def _rejected(
    file: RowFile, reader: RowReader, journal: Journal, plan: Plan
) -> Iterator[tuple[Raw, Entry, Entry | None]]:
    """Yield each rejected row, with its entry and the one in the journal."""
    reading = SecondReading(file)
    for place, bad in ((planned.place, planned.bad) for planned in plan.unsettled()):
        known = journal.find([place.id]).get(place.id)
        if not bad and not (known and known.fate is Fate.REJECTED):
            continue
        raw = reading.raw(place)
        if bad:
            row = reader.read(raw)
            said = row.problem if isinstance(row, Row) else ""
            error = compact(as_json(problem(InvalidRow(sentence(said)))))
            yield raw, Entry(place.id, Fate.REJECTED, place.key, error=error), known
        elif known:
            yield raw, known, known


def _relative(path: str, journal: Journal) -> bytes:
    """Return a path as the journal has it, so that both may be moved together."""
    return os.fsencode(os.path.relpath(path, journal.path.resolve().parent))


def _absolute(path: bytes, journal: Journal) -> Path:
    return journal.path.resolve().parent / os.fsdecode(path)
