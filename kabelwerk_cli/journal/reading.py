"""Reads a journal or state to show it, from a copy, so that no run has to wait for it."""

import contextlib
import json
import os
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from kabelwerk_cli.errors import Refused

from .entry import Entry
from .fate import DOUBTFUL, Fate
from .file import JOURNAL, STATE, About, Kind, is_kind
from .journal import PER_SECOND, Journal
from .opening import copied
from .origin import OWN, split
from .record import JournalRow

KINDS = (JOURNAL, STATE)


class Opened(NamedTuple):
    """A journal or state that is shown."""

    path: Path
    kind: Kind
    about: About
    rows: Iterator[JournalRow]
    """Every row, in the order in which they got their outcomes."""

    numbers: str
    """How many rows have each outcome, in words."""

    @property
    def description(self) -> str:
        """What the file belongs to, which version wrote it, and whether it is finished."""
        program = f"version {self.about.program}" if self.about.program else "an earlier version"
        if self.kind is STATE:
            ended = "a run has come to its end" if self.about.finished else "no run has ended yet"
        else:
            ended = "finished" if self.about.finished else "not finished"
        return (
            f"{self.kind.noun.capitalize()} '{self.path}': {self.about.purpose}; written by "
            f"{program}; {ended}; {self.numbers}."
        )


def locate(name: str) -> tuple[Path, Kind]:
    """Return the path of a journal or state, given it or its file.

    Raises:
        Refused: there is none, or there are two.
    """
    for kind in KINDS:
        if name.endswith(kind.suffix) or _is(name, kind):
            return Path(name), kind
    paths = [(kind.beside(name), kind) for kind in KINDS]
    found = [(path, kind) for path, kind in paths if os.path.lexists(path)]
    if len(found) == 1:
        return found[0]
    journal, state = (path for path, _ in paths)
    if found:
        raise Refused(f"Both '{journal}' and '{state}' exist. Name one of them.")
    raise Refused(f"There is no journal '{journal}' and no state '{state}'.")


@contextlib.contextmanager
def opened(path: Path, kind: Kind) -> Iterator[Opened]:
    """Yield what a journal or state records.

    Raises:
        InUse: a run is writing to it.
        JournalError: it is damaged, or cannot be read.
    """
    with copied(path, kind) as copy, Journal(path, "", kind=kind, copy=copy) as journal:
        counts = Counter[str]()
        for fate, count in journal.counts():
            counts[_outcome(fate)] += count
        said = ", ".join(f"{count:,} {outcome}" for outcome, count in sorted(counts.items()))
        rows = map(_row_of, journal.in_order())
        yield Opened(path, kind, journal.about, rows, said or "no rows")


def _outcome(fate: Fate) -> str:
    return Fate.UNKNOWN if fate in DOUBTFUL else fate.shown


def _row_of(entry: Entry) -> JournalRow:
    outcome = _outcome(entry.fate)
    cause = json.loads(entry.error)["message"] if entry.error else None
    if entry.fate is Fate.IN_FLIGHT:
        cause = "The run ended before an answer came."
    origin = split(entry.content)[0] if entry.content else None
    at = datetime.fromtimestamp(entry.at / PER_SECOND, UTC) if entry.at else None
    deletable = (origin in OWN and not entry.hub) if origin else None
    hub = entry.hub or None
    return JournalRow(entry.key, hub, outcome, at, entry.request_id, cause, origin, deletable)


def _is(name: str, kind: Kind) -> bool:
    try:
        return os.path.isfile(name) and is_kind(Path(name), kind)  # noqa: PTH113 - see `lexists`
    except OSError:
        return False
