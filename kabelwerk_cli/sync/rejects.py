"""A copy of the rejected rows, with the reasons; every run rewrites it."""

import itertools
from pathlib import Path

from kabelwerk_cli.engine.rejects import Rejects, digest_of, replacement
from kabelwerk_cli.rows.reader import SecondReading
from kabelwerk_cli.tabular.file import RowFile

from .plan import SyncPlan
from .state import State


def copy_rejects(rejects: Rejects, file: RowFile, state: State, plan: SyncPlan) -> Path | None:
    """Write the rows that this run rejected; they stay in the input, and the next run tries them.

    If there are none, only an existing file is written anew.

    Returns:
        Where the file is now that was there, if somebody changed it.

    Raises:
        OSError: the file cannot be written.
        JournalError: the state cannot be written.
    """
    path = rejects.path
    if path is None or not (plan.has_rejected or path.exists()):
        return None
    with replacement(path, state.path) as new:
        new.file.write(rejects.rows.header())
        reading = SecondReading(file)
        for change in plan.in_file():
            if (message := plan.rejected(change.place)) is not None:
                new.file.write(rejects.rows.row(reading.raw(change.place), message))
        new.complete()
        pending, there = digest_of(new.name), digest_of(path)
        aside = None
        if there and there not in {state.about.rejects, state.about.pending}:
            aside, there = path.rename(_free_name(path)), ""
        # a run that is killed here leaves the old or the new file: the state knows both digests
        state.commit(note=lambda about: about._replace(rejects=there, pending=pending))
        new.publish()
    return aside


def _free_name(path: Path) -> Path:
    """Return a path for a file that somebody changed: `FILE~`, or `FILE~2` if that is there."""
    names = (path.with_name(f"{path.name}~{number or ''}") for number in itertools.count(2))
    first = path.with_name(f"{path.name}~")
    return first if not first.exists() else next(name for name in names if not name.exists())
