"""Finds, checks and creates the state of a sync."""

import contextlib
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from kabelwerk_cli.config.suggestions import suggest
from kabelwerk_cli.errors import BadFile, Refused
from kabelwerk_cli.journal.entry import Entry
from kabelwerk_cli.journal.fate import Fate
from kabelwerk_cli.journal.file import STATE
from kabelwerk_cli.journal.journal import PER_SECOND
from kabelwerk_cli.journal.opening import create, find
from kabelwerk_cli.journal.origin import Origin
from kabelwerk_cli.tabular.file import RowFile

from .actions import Action
from .options import SyncOptions
from .plan import SyncPlan
from .state import Known, State

CHOICES = frozenset({"--delete", "--full", "--dry-run"})
"""Options that say what a sync does about the differences."""


def state_path(options: SyncOptions, file: RowFile) -> Path:
    """Return the path of a file's state: beside the file as named, without following links.

    Raises:
        BadFile: the input has no name from which to derive the path.
    """
    if options.state:
        return Path(options.state)
    if file.is_stream:
        raise BadFile("Input from stdin or a pipe needs --state FILE.")
    return STATE.beside(file.name)


@contextlib.contextmanager
def find_state(
    path: Path, purpose: str, options: SyncOptions, *, dry_run: bool
) -> Iterator[State | None]:
    """Yield the state that earlier runs left; None if there is none.

    Raises:
        Refused: it belongs to another sync, or --new-state is given.
        JournalError: it is damaged, or in use.
    """

    def opened(copy: Path | None) -> State:
        return State(path, purpose, copy=copy)

    with find(path, STATE, opened, reads_only=dry_run) as state:
        if state and state.about.purpose != purpose:
            raise Refused(
                f"State '{path}' belongs to another sync ({state.about.purpose}), not to "
                f"{purpose}. Check the file, --hub and --url, or use another --state."
            )
        if state and options.new_state:
            raise Refused(f"State '{path}' exists. Leave out --new-state to use it.")
        yield state


def missing_state(path: Path, options: SyncOptions, line: Sequence[str]) -> Refused | None:
    """Return the error about a missing state; None if the run may create one.

    Args:
        path: where it would be.
        options: the options of the sync.
        line: the words of the command line.
    """
    if options.new_state or options.adopt:
        return None
    same = [word for word in line if word not in CHOICES]
    folder = "" if path.parent.exists() else f", and no folder '{path.parent}'"
    adopt, full = suggest(["--adopt"], *same), suggest(["--full"], *same)
    return Refused(
        f"There is no state '{path}'{folder}. If it was lost, restore it from a backup. Without "
        f"one, record all rows as known with {adopt}, then send them all with {full}; whoever left "
        "the file since the last sync is not deleted. For the very first sync, use --new-state."
    )


def make_state(path: Path, purpose: str, secret: str) -> contextlib.AbstractContextManager[State]:
    """Yield a new state.

    Raises:
        JournalError: it cannot be created, or another run has created it in the meantime.
    """
    return create(lambda: State(path, purpose, secret), purpose, secret)


def adopt(state: State, plan: SyncPlan) -> None:
    """Add the users or rooms of the file to a state, as if their rows had been sent.

    Raises:
        JournalError: it cannot be written; then it is unchanged.
    """
    at = int(time.time() * PER_SECOND)

    def adopted() -> Iterator[tuple[Entry, Entry | None]]:
        for change in plan.of(Action.ADOPT):
            (_, _, key, hub, row_id, *_) = change.place
            known = state.find([row_id]).get(row_id)
            if known:
                content = Known.read(known.content)._replace(origin=Origin.ADOPTED).content
                yield known._replace(content=content, at=at), known
            else:
                content = Known(Origin.ADOPTED, change.content).content
                yield Entry(row_id, Fate.DONE, key, hub, at, content=content), None

    state.finish(adopted())
