"""A file of rows and its journal, as people handle them between runs."""

import os
import random
import shutil
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from kabelwerk_cli.journal.file import JOURNAL
from tests.journal.versions import is_whole, write_as_format_3, write_as_later

from .exports import Look, a_look, read_lines
from .invariants import Line

SUFFIXES = (".csv", ".jsonl", ".tsv")
FAR = "far"
"""A folder with links to the files."""


class Handling:
    """The file that the next run reads, and its journal.

    Args:
        choose: makes choices.
        home: the folder.
        columns: the file's columns that are the command's.
        padding: how many characters to add to each value.
        happened: counts what happened.

    Attributes:
        name: the file's name.
        look: how the file is written.
    """

    def __init__(
        self,
        choose: random.Random,
        home: Path,
        columns: tuple[str, ...],
        padding: int,
        happened: Counter[str],
    ) -> None:
        self._choose = choose
        self._home = home
        self._columns = columns
        self._padding = padding
        self._happened = happened
        self._given: dict[str, str] = {}
        self.look = Look(choose.choice([".csv", ".csv", ".jsonl"]))
        self.name = ""
        self._names: list[str] = []
        (home / FAR).mkdir()
        self._call_it(f"rows{self.look.suffix}")

    @property
    def journal(self) -> Path:
        """The journal of the next run."""
        return self._home / (self._given.get(self.name) or f"{self.name}{JOURNAL.suffix}")

    @property
    def options(self) -> list[str]:
        """What the command needs to read the file, and to find its journal."""
        given = self._given.get(self.name)
        return [*self.look.options, *(["--journal", given] if given else [])]

    @property
    def path(self) -> str:
        """The file, or a link to it."""
        return self._choose.choice([self.name, self.name, f"{FAR}/link-{self.name}"])

    def write(self, name: str, lines: Iterable[Line], look: Look | None = None) -> None:
        """Write a file of rows."""
        padded = (line._replace(value=line.value + "." * self._padding) for line in lines)
        (self._home / name).write_bytes((look or self.look).written(self._columns, padded))

    def read(self, name: str) -> list[Line]:
        """Return the rows of a file as it is."""
        lines = read_lines(self._columns, (self._home / name).read_bytes())
        return [line._replace(value=line.value.rstrip(".")) for line in lines]

    def use(self, journal: str) -> None:
        """Give a journal by its option from now on."""
        self._given[self.name] = journal

    def export(self, lines: Iterable[Line]) -> None:
        """Write the same rows as another program does."""
        self._happened["exported anew"] += self.journal.exists()
        self.look = a_look(self._choose.choice, self.look.suffix)
        self.write(self.name, lines)

    def rename(self, lines: Iterable[Line], *, is_back_allowed: bool) -> bool:
        """Give the file another name; return whether the journal is another one now.

        Args:
            lines: its rows.
            is_back_allowed: whether an earlier name may be used again, with its journal.
        """
        old, suffix = self.name, self.look.suffix
        how = self._choose.choice(["copy", "copy", "rename", "move", "export", "back"])
        known = self.journal.exists()
        if how == "back":
            earlier = [n for n in self._names if n != old and n.endswith(suffix)]
            if not (earlier and is_back_allowed):
                return False
            self.name = self._choose.choice(earlier)
            self.write(self.name, lines)
        elif how == "export":
            suffix = self._choose.choice(SUFFIXES)
            self.look = a_look(self._choose.choice, suffix)
            self._call_it(f"export-{len(self._names)}{suffix}")
            self.write(self.name, lines)
        else:
            self._call_it(f"{how}-{len(self._names)}{suffix}")
            take = shutil.copy if how == "copy" else os.replace
            take(self._home / old, self._home / self.name)
        if how == "move" and self._take_journal_along(old):
            self._happened["moved with its journal"] += 1
            return False
        self._happened[f"{how} without journal"] += known
        return True

    def _take_journal_along(self, old: str) -> bool:
        """Move the journal, and what SQLite has beside it; return whether there was one."""
        if given := self._given.get(old):
            self._given[self.name] = given
            return True
        moved = False
        for path in self._home.glob(f"{old}{JOURNAL.suffix}*"):
            path.rename(path.with_name(path.name.replace(old, self.name, 1)))
            moved = True
        return moved

    def go_back_to_format_3(self) -> None:
        """Have the version before 0.2.0 write the journal."""
        if is_whole(self.journal):
            write_as_format_3(self.journal)
            self._happened["journal of format 3"] += 1

    def take_from_a_later_version(self) -> bytes:
        """Have a later version write the journal; return what it was, or nothing."""
        return write_as_later(self.journal) if is_whole(self.journal) else b""

    def _call_it(self, name: str) -> None:
        self.name = name
        self._names.append(name)
        (self._home / FAR / f"link-{name}").symlink_to(f"../{name}")
