"""Plays random histories, some at the same time: a few in the suite, any number by hand."""

import argparse
import sys
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Protocol

from tests.forkserver import ForkServer
from tests.shell import ENVIRONMENT


class Playable(Protocol):
    """A random history."""

    story: list[str]
    """What was done, to be told if something goes wrong."""

    def play(self) -> None:
        """Play it; raise AssertionError if something is wrong."""


class Player:
    """Plays histories of one kind.

    Args:
        make: makes a history of a seed, in a folder.
        side_by_side: how many are played at the same time.
    """

    def __init__(
        self, make: Callable[[int, Path, ForkServer], Playable], side_by_side: int
    ) -> None:
        self._make = make
        self._side_by_side = side_by_side

    def play(self, seed: int, forks: ForkServer) -> str:
        """Play a history; return what was wrong, with its seed, or nothing."""
        with tempfile.TemporaryDirectory() as folder:
            history = self._make(seed, Path(folder), forks)
            try:
                history.play()
            except Exception as error:  # noqa: BLE001 - whatever it is, the seed is told
                story = "\n".join(history.story)
                return f"seed {seed}: {type(error).__name__}: {error}\n{story}"
        return ""

    def play_all(self, seeds: range, forks: ForkServer) -> Iterator[str]:
        """Play histories, some at the same time; yield what became of each."""
        with ThreadPoolExecutor(self._side_by_side) as pool:
            yield from pool.map(lambda seed: self.play(seed, forks), seeds)

    def by_hand(self, about: str | None) -> int:
        """Play as many histories as the command line says; return 1 if one went wrong."""
        parser = argparse.ArgumentParser(description=about)
        parser.add_argument("count", type=int)
        parser.add_argument("first", type=int, nargs="?", default=0)
        given = parser.parse_args()
        seeds = range(given.first, given.first + given.count)
        with ForkServer(ENVIRONMENT) as forks:
            wrong = [said for said in self.play_all(seeds, forks) if said]
        ended = f"{given.count} histories, {len(wrong)} went wrong.\n"
        sys.stdout.write("\n\n".join([*wrong, ended]))
        return bool(wrong)
