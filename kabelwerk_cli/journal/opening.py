"""Finds and creates journals and states."""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

from kabelwerk_cli.errors import JournalError

from .file import Kind, side_file
from .journal import Journal
from .locks import share
from .storage import in_use

J = TypeVar("J", bound=Journal)


@contextlib.contextmanager
def find(
    path: Path, kind: Kind, opened: Callable[[Path | None], J], *, reads_only: bool
) -> Iterator[J | None]:
    """Yield the journal or state that earlier runs left; None if there is none.

    Args:
        path: its file.
        kind: which of both it is.
        opened: opens it, or a copy of it.
        reads_only: whether to open a copy, so that the file stays as it is.

    Raises:
        JournalError: it is damaged, in use by another process, or cannot be read.
    """
    with contextlib.ExitStack() as stack:
        if not os.path.lexists(path):
            yield None
            return
        copy = stack.enter_context(copied(path, kind)) if reads_only else None
        found = opened(copy)
        stack.push(found)
        yield found


@contextlib.contextmanager
def create(opened: Callable[[], J], purpose: str, secret: str = "") -> Iterator[J]:
    """Yield a journal or state that has just been created.

    Args:
        opened: creates and opens it.
        purpose: the command and the address, in words.
        secret: the key of a state's digests.

    Raises:
        JournalError: it cannot be created, or another run has created it in the meantime.
    """
    with opened() as made:
        about = made.about
        if (about.purpose, about.secret, about.entries) != (purpose, secret, 0):
            raise JournalError(
                f"{made.kind.noun.capitalize()} '{made.path}' was created by another run at the "
                "same time. Run the same command again."
            )
        yield made


@contextlib.contextmanager
def copied(path: Path, kind: Kind) -> Iterator[Path]:
    """Yield a copy of the file of a journal or state, in which a killed run can be rolled back.

    Raises:
        InUse: a run is writing to it.
        JournalError: it cannot be read or copied.
    """
    with contextlib.ExitStack() as stack:
        try:
            folder = stack.enter_context(tempfile.TemporaryDirectory())
            copy = Path(folder, "copy")
            with path.open("rb") as file, copy.open("wb") as target:
                # this descriptor holds the lock: closing another one of the file would release it
                if not share(file.fileno()):
                    raise in_use(path, kind)
                shutil.copyfileobj(file, target)
                with contextlib.suppress(FileNotFoundError):
                    shutil.copyfile(side_file(path), side_file(copy))
        except OSError as error:
            reason = error.strerror or str(error)
            raise JournalError(
                f"Cannot read {kind.noun} '{path}': {reason}.", reason=reason
            ) from error
        yield copy
