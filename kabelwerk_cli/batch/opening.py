"""Finds the journal of a run, and checks what it allows."""

import contextlib
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from kabelwerk_cli.backend.backends import backend_name
from kabelwerk_cli.errors import Refused
from kabelwerk_cli.journal.fate import DOUBTFUL, SENT, Fate
from kabelwerk_cli.journal.file import JOURNAL, Kind
from kabelwerk_cli.journal.journal import PER_SECOND, Journal
from kabelwerk_cli.journal.opening import create, find
from kabelwerk_cli.tabular.file import RowFile
from kabelwerk_cli.words import count_of

from .decisions import matches
from .handover import complete
from .plan import Plan

if TYPE_CHECKING:
    from .batch import Batch


MAILING = JOURNAL._replace(
    holds="It records which messages were posted.",
    repair="Restore '{path}' from a backup made after its last run (an older one posts messages "
    "twice), or put the messages that were not posted into another file and send that.",
    moved="Do not move the journal away: the same command would then post all messages again.",
)


class Found(NamedTuple):
    """The journal of a run, before the run is confirmed."""

    path: Path | None
    """Its path; None for a temporary journal."""
    journal: Journal | None
    """The journal of earlier runs; None if there is none, or it is to be discarded."""
    old: Journal | None
    """A journal to discard."""


@contextlib.contextmanager
def find_journal(batch: "Batch", file: RowFile) -> Iterator[Found]:
    """Yield the journal of a file, as earlier runs left it.

    Raises:
        Refused: it belongs to another batch, or must not be discarded.
        JournalError: it is damaged, or in use.
    """
    path = journal_path(batch, file)
    if path is None:
        yield Found(None, None, None)
        return
    purpose, kind, dry_run = purpose_of(batch), kind_of(batch), batch.options.dry_run

    def opened(copy: Path | None) -> Journal:
        return Journal(path, purpose, kind=kind, copy=copy)

    with find(path, kind, opened, reads_only=dry_run) as journal:
        if journal is None or _is_discarded(batch, path, journal):
            yield Found(path, None, journal)
            return
        if not dry_run:
            _complete(journal)
            if batch.options.mark_posted:
                _mark_posted(batch, journal)
        yield Found(path, journal, None)


def _is_discarded(batch: "Batch", path: Path, journal: Journal) -> bool:
    """Tell whether a journal is to be written anew.

    Raises:
        Refused: it belongs to another batch, or must not be discarded.
    """
    is_other, restart = journal.about.purpose != purpose_of(batch), batch.options.restart
    if is_other and (restart or _has_been_sent(journal)):
        raise Refused(
            f"Journal '{path}' belongs to another batch ({journal.about.purpose}). Finish that "
            "batch, or use another --journal."
        )
    if restart and not (batch.repeatable or journal.about.finished):
        raise Refused(
            f"Journal '{path}' is not finished, so --restart would post messages twice. Run "
            "the same command without --restart to resume."
        )
    return is_other or restart


def _complete(journal: Journal) -> None:
    try:
        complete(journal)
    except OSError as error:
        raise Refused(f"Cannot complete the rejects file: {error.strerror or error}.") from None


def compare(batch: "Batch", found: Found, plan: Plan) -> None:
    """Compare the file as a whole with the journal.

    Raises:
        Refused: messages were sent to what may be the same hub under another name.
    """
    if found.journal:
        if not batch.repeatable and (hubs := plan.hubs_of_two_names()):
            raise Refused(
                f"Journal '{found.path}' has messages for hub '{hubs[1]}', and these are for hub "
                f"'{hubs[0]}', which may be the same. Name the hub as before, so that no message "
                "is posted twice."
            )
        plan.compare(sets_values=batch.repeatable)


@contextlib.contextmanager
def open_journal(batch: "Batch", found: Found, plan: Plan) -> Iterator[Journal]:
    """Yield the journal to write to, which is created if there is none.

    Raises:
        JournalError: it cannot be written, or another run has created it in the meantime.
    """
    purpose = purpose_of(batch)
    with contextlib.ExitStack() as stack:
        if found.path is None:
            batch.session.console.note(
                "Input from stdin or a pipe cannot be resumed. Use --journal FILE to make it "
                "resumable."
            )
        folder = stack.enter_context(tempfile.TemporaryDirectory()) if not found.path else ""
        path = found.path or Path(folder, "journal")
        if found.old:
            found.old.clear(purpose)
        journal = found.journal or found.old
        if journal is None:
            made = create(lambda: Journal(path, purpose, kind=kind_of(batch)), purpose)
            journal = stack.enter_context(made)
        left = plan.count_open()
        if journal.about.left != left:
            journal.commit(note=lambda about: about._replace(left=left))
        yield journal


def purpose_of(batch: "Batch") -> str:
    """Return the purpose of a journal of this batch: its command and address."""
    return f"{batch.name} at {backend_name(batch.session.settings)}"


def kind_of(batch: "Batch") -> Kind:
    """Return what a batch's journal records, and what to do if it is damaged."""
    return JOURNAL if batch.repeatable else MAILING


def journal_path(batch: "Batch", file: RowFile) -> Path | None:
    """Return the path of a file's journal; None for input that no later run can read again."""
    if batch.options.journal:
        return Path(batch.options.journal)
    if file.is_stream:
        return None
    return JOURNAL.beside(batch.file)


def _has_been_sent(journal: Journal) -> bool:
    return next(journal.entries(*SENT), None) is not None


def _mark_posted(batch: "Batch", journal: Journal) -> None:
    now = int(time.time() * PER_SECOND)
    doubtful = list(journal.entries(*DOUBTFUL))
    marked = [e for e in doubtful if matches(batch.options.mark_posted, e.key)]
    pairs = ((e._replace(fate=Fate.DONE, at=now, error=None), e) for e in marked)
    left = journal.about.left  # whether the file is finished is not known before it is read
    journal.commit(pairs, lambda about: about._replace(left=left))
    verb = "is" if len(marked) == 1 else "are"
    batch.session.console.note(f"{count_of(len(marked), 'message')} {verb} marked as posted.")
