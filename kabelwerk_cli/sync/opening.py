"""Which state a sync goes with, and what has to be right about it."""

import contextlib
import os
import time
from collections.abc import Iterator
from pathlib import Path

from kabelwerk_cli.batch.fate import Fate
from kabelwerk_cli.batch.files import BadFile, RowFile
from kabelwerk_cli.batch.journal import PER_SECOND, JournalError
from kabelwerk_cli.batch.journal_file import Entry
from kabelwerk_cli.terminal.exit_codes import Refused

from .comparing import Action
from .options import SyncOptions
from .plan import SyncPlan
from .state import STATE_SUFFIX, Known, Origin, State


def state_path(options: SyncOptions, file: RowFile) -> Path:
    """Return where the state of a file is: beside it as it was named, links not followed.

    Raises:
        BadFile: the file has no name to find the state by again.
    """
    if options.state:
        return Path(options.state)
    if file.is_stream:
        raise BadFile("Input from stdin or a pipe needs --state FILE, to find the state again.")
    return Path(file.name + STATE_SUFFIX)


def find_state(path: Path, purpose: str, options: SyncOptions) -> State | None:
    """Return the state that earlier runs left; None if there is none.

    Raises:
        Refused: it is the state of another sync, or must not be there.
        JournalError: it is damaged, or in use.
    """
    if not os.path.lexists(path):
        return None
    state = State(path, purpose)
    with contextlib.ExitStack() as stack:
        stack.push(state)
        if state.about.purpose != purpose:
            raise Refused(
                f"State '{path}' belongs to another sync ({state.about.purpose}), not to "
                f"{purpose}. Check the file, --hub and --url, or use another --state."
            )
        if options.new_state:
            raise Refused(f"State '{path}' exists. Leave out --new-state to go on with it.")
        stack.pop_all()
    return state


def missing_state(path: Path, options: SyncOptions) -> Refused | None:
    """Return why a run without a state is refused, unless it may make one."""
    if options.new_state or options.adopt:
        return None
    return Refused(
        f"There is no state '{path}'. For the first sync of this file, use --new-state. If the "
        "state was lost, restore it, or make it from the file that was synced last: --from FILE "
        f"--adopt --state '{path}'."
    )


@contextlib.contextmanager
def make_state(path: Path, purpose: str, secret: str) -> Iterator[State]:
    """Give a new state.

    Raises:
        JournalError: it cannot be made, or another run has made it since it was looked for.
    """
    with State(path, purpose, secret) as state:
        if state.about.secret != secret:
            raise JournalError(
                f"State '{path}' was made by another run at the same time. Run the same command "
                "again."
            )
        yield state


def adopt(state: State, plan: SyncPlan) -> None:
    """Have a state know the users or rooms of the file as if it had sent their rows.

    Raises:
        JournalError: it cannot be written; then it is as it was.
    """
    at = int(time.time() * PER_SECOND)

    def adopted() -> Iterator[tuple[Entry, Entry | None]]:
        for change in plan.of(Action.ADOPT):
            known = state.find([change.id]).get(change.id)
            if known:
                content = Known.read(known.content)._replace(origin=Origin.ADOPTED).content
                yield known._replace(content=content, at=at), known
            else:
                content = Known(Origin.ADOPTED, change.content).content
                yield Entry(change.id, Fate.DONE, change.key, change.hub, at, content=content), None

    state.adopt(adopted())
