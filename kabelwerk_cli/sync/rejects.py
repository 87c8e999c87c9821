"""A copy of the rejected rows, with the reasons; every run rewrites it."""

import os
from pathlib import Path

from kabelwerk_cli.engine.rejects import Rejects, digest_of
from kabelwerk_cli.errors import Refused
from kabelwerk_cli.files import sync_folder
from kabelwerk_cli.journal.journal import Journal
from kabelwerk_cli.rows.table import reread

from .plan import SyncPlan
from .state import State


class RejectsCopy(Rejects):
    """A rejects file that is a copy: the rows stay in the input, and the next run tries them."""

    def check(self, journal: Journal | None) -> None:
        """Refuse to overwrite a file, unless it is the unchanged rejects file of this sync.

        Raises:
            Refused: it is another file, or was changed.
        """
        if self._path and self._path.exists():
            known = journal.about.rejects.split() if journal else []
            if digest_of(self._path.read_bytes()) not in known:
                raise Refused(
                    f"'{self._path}' exists, and was changed or not written by this sync. Move it "
                    "away, or use another --rejects FILE."
                )

    def copy(self, state: State, plan: SyncPlan) -> None:
        """Write the rows that this run rejected; if there are none, only rewrite an existing file.

        Raises:
            OSError: the file cannot be written.
            JournalError: the state cannot be written.
        """
        if self._path is None or self._file is None:
            return
        if not (plan.has_rejected or self._path.exists()):
            return
        self._file.write(self._header())
        for change, raw in reread(self._input, plan.in_file()):
            if (message := plan.rejected(change.number)) is not None:
                self._file.write(self._line(raw, message))
        self._file.flush()
        os.fsync(self._file.fileno())
        # a run that is killed here leaves the old or the new file: the state knows both digests
        before = state.about.rejects.partition(" ")[0]
        digest = digest_of(Path(self._file.name).read_bytes())
        state.settle([], rejects=f"{digest} {before}".strip())
        self._is_named = True
        Path(self._file.name).replace(self._path)
        sync_folder(self._path)
