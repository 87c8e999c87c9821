"""What looks like a mistake in a batch: messages that go out twice, keys that are damaged."""

import itertools
import shlex
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from kabelwerk_cli.engine.stops import NAMED, Mistake, allowed_by, lines, listed
from kabelwerk_cli.errors import Stop
from kabelwerk_cli.journal.fate import SKIPPED, Fate
from kabelwerk_cli.journal.journal import PER_SECOND, shown_time
from kabelwerk_cli.journal.neighbors import Neighbor, Unreadable, journals_beside, opened
from kabelwerk_cli.output import visible_key
from kabelwerk_cli.rows.key_warnings import EXPORT, damaged_keys
from kabelwerk_cli.words import count_of

from .opening import Found, purpose_of
from .pending import Pending
from .plan import Plan

if TYPE_CHECKING:
    from .batch import Batch


T = TypeVar("T")
DAYS = 5
"""For how many days another journal's messages count as posted before."""
BLOCK = 500
_SKIPPED = ", ".join(f"'{fate}'" for fate in sorted(SKIPPED))


class _Hits(NamedTuple):
    """What another journal has of a file."""

    rows: int
    """How many of its rows were posted."""
    last: int
    """When the last was; see `PER_SECOND`."""
    path: Path


def mistakes(batch: "Batch", found: Found, plan: Plan) -> Iterator[Mistake]:
    """Yield what looks like a mistake, the most important first.

    Args:
        batch: the batch.
        found: the journal of the file.
        plan: the rows, compared with that journal.
    """
    if not batch.repeatable:
        if finished := _finished(batch, found, plan):
            yield finished
            return
        pending = Pending(plan, batch.options)
        yield from _duplicates(pending)
        yield from _posted(batch, found, pending)
    yield from _damaged(plan)


def _finished(batch: "Batch", found: Found, plan: Plan) -> Mistake | None:
    journal = found.journal
    if journal is None or not journal.about.finished or batch.options.resume:
        return None
    done = plan.count(Fate.DONE)
    last = max((entry.at for entry in journal.entries(Fate.DONE)), default=0)
    when = f"; the last message was posted on {shown_time(last)}" if last else ""
    were = "was" if done == 1 else "were"
    return Mistake(
        Stop.FINISHED,
        f"This mailing is finished: {done} of {count_of(plan.rows, 'row')} {were} posted{when}.",
        "Use --resume to send the rows that were not, or --restart to post all of them again.",
    )


def _duplicates(pending: Pending) -> Iterator[Mistake]:
    first: list[str] = []
    groups = 0
    for key, numbers in pending.duplicates():
        groups += 1
        if len(first) < NAMED:
            first.append(f"room '{visible_key(key)}' {lines(numbers)}")
    if groups:
        said = "message would be" if groups == 1 else "messages would each be"
        yield Mistake(
            Stop.DUPLICATES,
            f"{groups} {said} posted more than once: {listed(first, groups)}.",
            f"Remove the rows that repeat others, or, if they are right, "
            f"{allowed_by(Stop.DUPLICATES)}.",
        )


def _posted(batch: "Batch", found: Found, pending: Pending) -> Iterator[Mistake]:
    """Look for the rows in other journals of the folder: the file may be a copy."""
    if found.path is None or batch.options.journal:
        return
    now = time.time()
    since = int((now - DAYS * 24 * 60 * 60) * PER_SECOND)
    if found.old:
        # what an earlier mailing of this file posted is meant to be posted again
        since = max(since, max((entry.at for entry in found.old.entries(Fate.DONE)), default=0))
    purpose, hits = purpose_of(batch), list[_Hits]()
    for path in journals_beside(found.path, since / PER_SECOND):
        numbers, last = list[int](), 0
        try:
            with opened(path) as neighbor:
                for found_there, at in _posted_by(neighbor, purpose, pending, since):
                    numbers += found_there
                    last = max(last, at)
        except Unreadable as error:
            batch.session.console.warn(
                f"Cannot read journal '{_shown(found.path, path)}', so its messages may be posted "
                f"again: {error}"
            )
        if numbers:  # also those that were read before a part that cannot be read
            pending.note_posted(numbers)
            hits.append(_Hits(len(numbers), last, path))
    if pending.posted:
        yield _posted_before(batch, found.path, pending, sorted(hits, reverse=True))


def _posted_by(
    neighbor: Neighbor, purpose: str, pending: Pending, since: int
) -> Iterator[tuple[Sequence[int], int]]:
    """Yield the numbers of rows of this file that a journal has as posted, and when the last was.

    Raises:
        Unreadable: it cannot be read.
    """
    if neighbor.purpose() != purpose:
        return
    if neighbor.count() < pending.count:
        found = neighbor.all_sent(since)
    else:
        found = (each for ids in _blocks(pending.ids()) for each in neighbor.sent(ids, since))
    for block in _blocks(found):
        if numbers := pending.numbers_of([row_id for row_id, _ in block]):
            yield numbers, max(at for _, at in block)


def _blocks(items: Iterator[T]) -> Iterator[tuple[T, ...]]:
    """Yield items in blocks."""
    while block := tuple(itertools.islice(items, BLOCK)):
        yield block


def _posted_before(batch: "Batch", own: Path, pending: Pending, hits: Sequence[_Hits]) -> Mistake:
    total, names = pending.posted, [f"'{_shown(own, each.path)}'" for each in hits]
    were, again = ("message was", "it") if total == 1 else ("messages were", "them")
    where = lines(pending.lines_posted(NAMED), total)
    rest = f"To send only the rest, remove {again} from the file."
    if pending.are_all_in(hits[0].rows):
        journal = shlex.quote(_shown(own, hits[0].path))
        instead = " instead of --restart" if batch.options.restart else ""
        rest = f"To send only the rest, use --journal {journal} --resume{instead}."
    return Mistake(
        Stop.POSTED,
        f"{total} {were} posted before {where}, the last on "
        f"{shown_time(max(each.last for each in hits))}, by {listed(names, len(names))}: the file "
        "may be a copy.",
        f"{rest} To post {again} again, {count_of(total, 'message')} in all, "
        f"{allowed_by(Stop.POSTED)}.",
    )


def _shown(own: Path, other: Path) -> str:
    """Return the path of another journal as this one's is given."""
    return str(own.parent / other.name)


def _damaged(plan: Plan) -> Iterator[Mistake]:
    if found := damaged_keys(plan, f"AND NOT bad AND ifnull(fate, '') NOT IN ({_SKIPPED})"):
        yield Mistake(
            Stop.DAMAGED_KEYS,
            found,
            f"{EXPORT} If they are right, {allowed_by(Stop.DAMAGED_KEYS)}.",
        )
