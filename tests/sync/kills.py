"""Syncs that are killed with SIGKILL at random moments, and what is on the backend afterwards.

    python -m tests.sync.kills 100 [FIRST]

kills so many, and prints how each went wrong that did.
"""

import argparse
import json
import random
import sys
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.batch.test_kill import run_and_kill
from tests.faultserver import FaultyServer, Model
from tests.forkserver import ForkServer
from tests.model.state import populated
from tests.shell import ENVIRONMENT, Shell

from .story import FILE, told_of, users_of

STAFF = [f"u{n:02}" for n in range(40)]
LEAVERS, RENAMED, JOINERS = STAFF[:10], STAFF[10:25], [f"v{n:02}" for n in range(15)]
EACH = 3
"""How often one sync is killed."""
SYNC = ("users", "sync", "--from", FILE, "--concurrency", "4")
NEXT = ("--delete", "--yes", "--max-deletions", "10", "--max-changes", "60")


def write(home: Path, users: dict[str, str]) -> None:
    """Write the file."""
    lines = [f"{key},{name}\n" for key, name in users.items()]
    (home / FILE).write_text("".join(["key,name\n", *lines]))


def kill_rooms(seed: int, folder: Path, forks: ForkServer) -> int:
    """Kill a sync of rooms several times, then let it finish; return the number of kills."""
    choose = random.Random(seed)
    home = folder / "home"
    home.mkdir()
    rooms = {f"old{n}": choose.random() < 0.5 for n in range(40)}
    lines = [f"{key},{str(archived).lower()},batou\n" for key, archived in rooms.items()]
    (home / FILE).write_text("".join(["room,archived,hub_user\n", *lines]))
    command = ["rooms", "sync", "--from", FILE, "--concurrency", "4"]
    kills = 0
    with FaultyServer(model=Model(populated(40))) as server:
        there = Shell(home, forks).configured(server)
        while kills < EACH:
            new = [] if (home / f"{FILE}.kabelwerk-state").exists() else ["--new-state"]
            moment = choose.uniform(0.01, 0.4)
            kills += run_and_kill(there, [*command, *new, "--rate", "60"], moment)
        new = [] if (home / f"{FILE}.kabelwerk-state").exists() else ["--new-state"]
        ran = there.run(*command, *new)
        assert ran.code == 0, ran.err
        found = {room.user: room for room in server.model.rooms.values()}
        for key, archived in rooms.items():
            assert (found[key].archived, found[key].hub_user) == (archived, "batou"), key
        assert not found["kusanagi"].archived
        count = len(server.requests)
        assert there.run(*command).code == 0
        assert len(server.requests) == count
    return kills


def kill(seed: int, folder: Path, forks: ForkServer) -> int:
    """Kill a sync several times, then let it finish; return the number of kills.

    Half of them are killed while they make the state.
    """
    choose = random.Random(seed)
    home = folder / "home"
    home.mkdir()
    before = dict.fromkeys(STAFF, "A")
    after = {key: "B" if key in RENAMED else "A" for key in [*STAFF[10:], *JOINERS]}
    kills = 0
    with FaultyServer(model=Model()) as server:
        there = Shell(home, forks).configured(server)
        write(home, before)
        anew = choose.random() < 0.5
        if not anew:
            assert there.run(*SYNC, "--new-state").code == 0
            write(home, after)
        while kills < EACH:
            new = [] if (home / f"{FILE}.kabelwerk-state").exists() else ["--new-state"]
            more = new if anew else NEXT
            # slow enough that no run finishes before it is killed
            slowly = [*SYNC, *more, "--rate", "60"]
            kills += run_and_kill(there, slowly, choose.uniform(0.01, 0.5))
        new = [] if (home / f"{FILE}.kabelwerk-state").exists() else ["--new-state"]
        ran = there.run(*SYNC, *(new if anew else NEXT), "-o", "jsonl")
        assert ran.code == 0, ran.err
        expected = before if anew else after
        assert users_of(server.model) == " ".join(f"{k}:{v}" for k, v in sorted(expected.items()))
        assert {"kusanagi", "batou"} <= server.model.users.keys()
        told = {json.loads(line)["outcome"] for line in ran.out.splitlines()}
        assert told <= {"created", "updated", "deleted", "absent"}
        count = len(server.requests)
        again = there.run(*SYNC, "-o", "jsonl")
        assert (again.code, again.out, len(server.requests)) == (0, "", count)
        deleted = {told_of(r).partition(" ")[2] for r in server.requests if r.method == "DELETE"}
        assert deleted <= set(LEAVERS)
    return kills


def play(seed: int, forks: ForkServer) -> str:
    """Kill one; return what was wrong, with its seed, or nothing."""
    with tempfile.TemporaryDirectory() as folder:
        try:
            (kill_rooms if seed % 5 == 4 else kill)(seed, Path(folder), forks)
        except Exception as error:  # noqa: BLE001 - whatever it is, the seed is told
            return f"seed {seed}: {type(error).__name__}: {error}"
    return ""


def play_all(seeds: range, forks: ForkServer) -> Iterator[str]:
    """Kill syncs, some at the same time; yield what became of each."""
    with ThreadPoolExecutor(4) as pool:
        yield from pool.map(lambda seed: play(seed, forks), seeds)


def main() -> int:
    """Kill syncs by hand."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("count", type=int)
    parser.add_argument("first", type=int, nargs="?", default=0)
    given = parser.parse_args()
    seeds = range(given.first, given.first + given.count // EACH + 1)
    with ForkServer(ENVIRONMENT) as forks:
        wrong = [said for said in play_all(seeds, forks) if said]
    sys.stdout.write("\n\n".join([*wrong, f"{len(seeds) * EACH} kills, {len(wrong)} wrong.\n"]))
    return bool(wrong)


if __name__ == "__main__":
    sys.exit(main())
