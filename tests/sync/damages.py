"""Random histories of files whose keys a person or a spreadsheet damages.

    python -m tests.sync.damages 500 [FIRST]

Nobody whom the state knows is deleted for damage, and nobody is created beside them under a damaged
key unless that is allowed; files without damage never stop.
"""

import json
import random
import sys
import unicodedata
from collections.abc import Callable
from pathlib import Path

from tests.faultserver import FaultyServer
from tests.forkserver import ForkServer
from tests.model.model import Model
from tests.shell import Ran, Shell

from .playing import Player
from .story import FILE

SIDE_BY_SIDE = 4
UNGUARDED = ("--max-deletions", "100%", "--max-changes", "100000", "--delete", "--yes")
ALLOWED = ("--allow", "lookalikes", "--allow", "damaged-keys")
POOLS = (
    ["00123", "00456", "00789", "01011", "02022", "03033"],
    ["491701234567", "491709876543", "491605555555", "4915112345678", "4915187654321"],
    ["jürgen", "émile", "zoë", "søren", "Motoko", "한국", "anna lee"],
    ["r1", "R-2", "ward 9", "a.b@c.example", "x_7", "Ünal"],
)
"""Keys of which none looks like another, of one kind a file."""
DAMAGES: dict[str, Callable[[str], str]] = {
    "form": lambda key: unicodedata.normalize("NFD", key),
    "upper": str.upper,
    "lower": str.lower,
    "zeros": lambda key: key.lstrip("0") if key.isdigit() else key,
    "rounded": lambda key: f"{int(key):.5E}" if len(key) > 11 and key.isdigit() else key,
    "float": lambda key: f"{int(key)}.0" if key.isascii() and key.isdigit() else key,
    "invisible": lambda key: f"{key[:1]}\u200b{key[1:]}",
    "soft hyphen": lambda key: f"{key}\u00ad",
    "blank": lambda key: f" {key}",
    "no-break space": lambda key: f"{key}\u00a0",
    "dash": lambda key: key.replace("-", "\u2013"),
    "another alphabet": lambda key: key.translate({ord("o"): "\u043e", ord("a"): "\u0430"}),
    "apostrophe": lambda key: f"'{key}",
}


class Damaged:
    """One history."""

    def __init__(self, seed: int, home: Path, forks: ForkServer) -> None:
        self.choose = random.Random(seed)
        self.shell = Shell(home, forks)
        self.model = Model()
        self.kind = self.choose.choice(POOLS)
        self.members = set(self.choose.sample(self.kind, 4))
        self.known: set[str] = set()
        self.state: set[str] = set()
        """Every key that the state has; no key of these is damaged."""
        self.story: list[str] = []

    def play(self) -> None:
        """Play a few nights."""
        others = set(self.model.users)
        with FaultyServer(model=self.model) as server:
            self.shell = self.shell.configured(server)
            assert self.sync(sorted(self.members), "--new-state").code == 0
            self.known = set(self.members)
            for _ in range(self.choose.randint(3, 6)):
                self.move()
                if self.choose.random() < 0.6:
                    self.damaged_night()
                else:
                    self.good_night()
            assert others <= set(self.model.users)

    def move(self) -> None:
        """Let somebody join or leave."""
        absent = set(self.kind) - self.members
        if absent and self.choose.random() < 0.4:
            self.members.add(self.choose.choice(sorted(absent)))
        if len(self.members) > 2 and self.choose.random() < 0.3:
            self.members.remove(self.choose.choice(sorted(self.members)))

    def good_night(self) -> None:
        """Sync the file as it should be: it never stops, and deletes who left."""
        ran = self.sync(sorted(self.members))
        assert ran.code == 0, ran.err
        gone = self.known - self.members
        assert not gone & set(self.model.users), gone
        assert self.members <= set(self.model.users)
        self.known = set(self.members)

    def damaged_night(self) -> None:
        """Sync a damaged file, perhaps allow it, and go back to the right one."""
        name = self.choose.choice(sorted(DAMAGES))
        victims = {key for key in self.members if self.choose.random() < 0.7}
        rows = [DAMAGES[name](key) if key in victims else key for key in sorted(self.members)]
        is_damaged = rows != sorted(self.members)
        self.story.append(f"damage: {name} {rows}")
        exact = ("--exact-key",) if self.choose.random() < 0.7 else ()
        before = dict(self.model.users)
        ran = self.sync(rows, *exact)
        if not is_damaged:
            assert ran.code == 0, ran.err
            self.known = set(self.members)
            return
        new = {row for row in rows if row not in self.state}
        touched = {
            k for k in self.members & self.known if k not in rows and DAMAGES[name](k) in new
        }
        if touched or ran.code in {2, 11}:
            assert ran.code in {2, 11}, ran.err
            assert self.model.users == before
        if ran.code == 11 and self.choose.random() < 0.6:
            self.allowed_nights(rows, exact)
        self.repair()

    def allowed_nights(self, rows: list[str], exact: tuple[str, ...]) -> None:
        """Allow it: nobody is deleted whose key looks like one in the file, on no night."""
        held = self.known & self.members
        for night in range(self.choose.randint(1, 3)):
            ran = self.sync(rows, *exact, *(ALLOWED if night == 0 else ()))
            assert ran.code == 0, ran.err
            assert held <= set(self.model.users), held - set(self.model.users)
            kept = {r["key"] for r in records(ran) if r["outcome"] == "kept"}
            assert held - set(rows) <= kept, (held, kept)

    def repair(self) -> None:
        """Send the right file again: whoever is in it is there, and nobody of them was deleted."""
        held = self.known & self.members
        assert held <= set(self.model.users)
        ran = self.sync(sorted(self.members), *ALLOWED)
        assert ran.code == 0, ran.err
        assert self.members <= set(self.model.users)
        # whose damaged twins were created: they look like somebody in the file, and are kept
        self.known = set(self.members)

    def sync(self, keys: list[str], *options: str) -> Ran:
        """Write the file, and run a sync."""
        lines = [json.dumps({"key": key, "name": "N"}) + "\n" for key in keys]
        file = FILE.replace(".csv", ".jsonl")
        (self.shell.home / file).write_text("".join(lines))
        state = ("--state", "state")
        words = ("users", "sync", "--from", file, *state, *UNGUARDED, "-o", "jsonl")
        ran = self.shell.run(*words, *options)
        self.story.append(f"{keys} {options}: {ran.code} {ran.err}")
        if ran.code == 0:
            deleted = {r["key"] for r in records(ran) if r["outcome"] in {"deleted", "absent"}}
            self.state = (self.state | set(keys)) - deleted
        return ran


def records(ran: Ran) -> list[dict[str, str]]:
    """What was told of each change."""
    return [json.loads(line) for line in ran.out.splitlines()]


PLAYER = Player(Damaged, SIDE_BY_SIDE)


if __name__ == "__main__":
    sys.exit(PLAYER.by_hand(__doc__))
