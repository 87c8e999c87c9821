"""Random histories of a sync: joiners, leavers, typos, faults, kills, lost states, other people.

    python -m tests.sync.histories 200 [FIRST]

plays so many, each by its own seed, and prints what went wrong where an invariant was broken.
"""

import contextlib
import json
import os
import random
import signal
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from tests.batch.processes import PATIENCE, QUIET, read
from tests.faultserver import FAULTS, HONEST, RESET_AFTER_READING, FaultyServer, Step, invalid
from tests.faultserver.fault import Exchange, Fault, Outcome
from tests.forkserver import ForkServer
from tests.model.endpoints import Answer
from tests.model.model import Model
from tests.model.state import User, seeded
from tests.shell import Ran, Shell

from .playing import Player
from .story import FILE, STATE, told_of

KEYS = tuple(f"u{n}" for n in range(6))
NAMES = ("A", "B", "C")
"""Few, so that people get names back that they had."""
OTHERS = (*seeded().users, "x0", "x1")
"""Users who are never in the file."""
CODES = {0, 2, 3, 4, 7, 9, 10, 11, 129, 130, 143, -9}
NOTHING_APPLIED = (*range(2, 8), 11)
UNGUARDED = ("--max-deletions", "100%", "--max-changes", "1000")
SIDE_BY_SIDE = 6


class LoggedModel(Model):
    """A backend that remembers what the sync did, by user."""

    def __init__(self) -> None:
        super().__init__()
        self.applied: list[str] = []

    def handle(self, method: str, target: str, body: bytes, *, apply: bool = True) -> Answer:
        answer = super().handle(method, target, body, apply=apply)
        if apply and answer.status < 300:
            key = (json.loads(body) if body else {}).get("key") or target.split("/")[3]
            self.applied.append(f"{method} {key}")
        return answer


class History:
    """One history."""

    def __init__(self, seed: int, folder: Path, forks: ForkServer) -> None:
        self.choose = random.Random(seed)
        self.model = LoggedModel()
        self.home = folder / "home"
        self.home.mkdir()
        self.shell = Shell(self.home, forks)
        self.file: dict[str, str] = {}
        self.known: dict[str, str | None] = {}
        """What was acknowledged; None for what is not known here."""
        self.is_sure = True
        """Whether `known` is what the state knows."""
        self.made: set[str] = set()
        """Whom a sync with this state created, whatever it knows of that."""
        self.own: set[str] = set()
        """Whom it may delete, where that is certain."""
        self.unclear: set[str] = set()
        """Of whom nobody can tell whether it may."""
        self.dirty: set[str] = set()
        """Whom others changed since they were sent last."""
        self.orphans: set[str] = set()
        """Who was on the backend when the state was lost, or before."""
        self.story: list[str] = []
        self._pids: list[int] = []
        self._started = threading.Event()
        self._printed = folder

    def play(self) -> None:
        """Play it to its end, and check what has to be true after each run and then."""
        self.meddle(dict.fromkeys(("x0", "x1", *self.choose.sample(KEYS, 2)), "Theirs"))
        self.dirty.clear()
        self.outsiders = {key: self.model.users[key] for key in OTHERS}
        with FaultyServer(model=self.model) as server:
            self.server = server
            self.shell = self.shell.configured(server)
            for _ in range(self.choose.randint(4, 7)):
                if self.choose.random() < 0.8:
                    self.edit()
                if self.choose.random() < 0.15:
                    self.interfere()
                if self.choose.random() < 0.07:
                    self.lose()
                self.round()
            self.settle()

    def edit(self) -> None:
        """Let people join, leave and get other names."""
        for _ in range(self.choose.randint(1, 4)):
            key = self.choose.choice(KEYS)
            if key in self.file and self.choose.random() < 0.25:
                del self.file[key]
            else:
                self.file[key] = self.choose.choice(NAMES)
        self.story.append(f"file: {self.file}")

    def interfere(self) -> None:
        """Let somebody else change the backend."""
        key = self.choose.choice(KEYS)
        self.meddle({key: None if key in self.model.users else "Theirs"})

    def meddle(self, users: dict[str, str | None]) -> None:
        """Create, rename or delete users on the backend."""
        state = self.model.snapshot()
        for key, name in users.items():
            self.dirty.add(key)
            if name is None:
                state.users.pop(key, None)
            else:
                state.users[key] = User(state.new_id(), key, name)
        self.model._state = state
        self.story.append(f"others: {users}")

    def lose(self) -> None:
        """Lose the state."""
        with contextlib.suppress(FileNotFoundError):
            (self.home / STATE).unlink()
        (self.home / f"{STATE}-journal").unlink(missing_ok=True)
        self.forget()
        self.story.append("the state is lost")

    def forget(self) -> None:
        """Note that there is no state any more."""
        self.known, self.is_sure = {}, True
        for known in (self.made, self.own, self.unclear):
            known.clear()
        self.orphans = set(self.model.users)

    def write(self) -> bool:
        """Write the file, perhaps with a mistake; return whether it is as it should be."""
        rows = [f"{key},{name}\n" for key, name in self.file.items()]
        self.choose.shuffle(rows)
        mistake = self.choose.choice([""] * 25 + ["typo", "cells", "twice", "empty", "cut"])
        if mistake == "typo" and rows:
            rows[0] = rows[0].partition(",")[0] + ",\n"
        elif mistake == "cells":
            rows.insert(0, "u0\n")
        elif mistake == "twice" and rows:
            rows.append(rows[0].partition(",")[0] + ",Other\n")
        elif mistake == "cut" and rows:
            rows[-1] = rows[-1][:-1]
        text = "" if mistake == "empty" else "".join(["key,name\n", *rows])
        (self.home / FILE).write_text(text)
        if mistake:
            self.story.append(f"mistake: {mistake}")
        return not mistake or (mistake in {"typo", "twice", "cut"} and not rows)

    def options(self) -> list[str]:
        """Some of the options that change what a run does."""
        flip = self.choose.random
        options = ["--concurrency", self.choose.choice(["1", "4"])]
        options += ["--retries", self.choose.choice(["0", "0", "1"])]
        if not (self.home / STATE).exists():
            options += ["--new-state"] if flip() < 0.8 else []
        if flip() < 0.7:
            options += ["--delete", "--yes"]
        if flip() < 0.8:
            options += UNGUARDED
        if flip() < 0.2:
            options += ["--skip-invalid"]
        if flip() < 0.1:
            options += ["--full"]
        if flip() < 0.2:
            options += ["--rejects", "rejects.csv"]
        return options

    def script(self) -> list[Step]:
        """What the server does to the requests of a run."""
        if self.choose.random() < 0.5:
            return []
        return [self.step() for _ in range(self.choose.randint(1, 5))]

    def step(self) -> Step:
        """What it does to one or some."""
        applied = self.choose.random() < 0.5
        rejected = invalid("no", {"name": ["is invalid"]})
        return self.choose.choice(
            [
                *[lambda: Step(HONEST, times=self.choose.randint(1, 2))] * 4,
                *[lambda: Step(RESET_AFTER_READING, applied=applied, times=1)] * 4,
                lambda: Step(FAULTS["status-503"], applied=applied, times=1),
                lambda: Step(FAULTS["close-before-reading"], times=1),
                lambda: Step(FAULTS["status-429"], times=1),
                *[lambda: Step(rejected, times=1)] * 3,
                lambda: Step(FAULTS["status-401"], times=1),
                *[lambda: self.strike(signal.SIGKILL, applied=applied)] * 2,
                lambda: self.strike(signal.SIGINT, applied=True),
                lambda: self.strike(signal.SIGTERM, applied=True),
                lambda: self.strike(signal.SIGHUP, applied=True),
            ]
        )()

    def strike(self, number: signal.Signals, *, applied: bool) -> Step:
        """Send the process a signal between a request and its answer."""

        def act(exchange: Exchange) -> bool:
            self._started.wait(PATIENCE)
            self.send(number)
            return applied and exchange.send_honest()  # or the connection ends

        return Step(Fault("strike", act, Outcome.DONE), applied=applied, times=1)

    def send(self, number: signal.Signals) -> None:
        """Send a signal to what runs."""
        for pid in self._pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def round(self) -> None:
        """One run, or two at once, with whatever may happen to it."""
        is_right, script = self.write(), self.script()
        both = self.choose.random() < 0.07
        kill = self.choose.uniform(0.0, 0.2) if self.choose.random() < 0.15 else None
        options = self.options()
        self.server.follow(script)
        users, before = dict(self.model.users), len(self.server.requests)
        changed = len(self.model.applied)
        ends = self.run(options, 2 if both else 1, kill)
        # one that a kill cut off reached nobody
        sent = [request for request in self.server.requests[before:] if request.complete]
        for end in ends:
            self.look(end, options, applied=self.model.applied[changed:], crowded=both)
        calm = not script and kill is None and not both
        if calm and ends[0].code == 0:
            self.count(users, options, [told_of(request) for request in sent])
        self.check_who_was_deleted(self.model.applied[changed:])
        if not calm:
            self.unclear |= {told_of(request).partition(" ")[2] for request in sent}
        self.learn(ends, options, is_right=is_right, calm=calm)
        self.check_outsiders()

    def run(self, options: list[str], times: int, kill: float | None) -> list[Ran]:
        """Run the command, once or twice at once, perhaps killed at some moment."""
        args = ["users", "sync", "--from", FILE, *options, "-o", "jsonl"]
        self._pids = []
        self._started.clear()
        with contextlib.ExitStack() as stack:
            runs = []
            for _ in range(times):
                out, err = (stack.enter_context(self._output(name)) for name in ("out", "err"))
                fork = self.shell.start(*args, stdout=out, stderr=err)
                runs.append((fork, out, err))
            self._pids = [fork.pid for fork, _, _ in runs]
            self._started.set()
            timer = threading.Timer(kill or 0, self.send, (signal.SIGKILL,))
            if kill is not None:
                timer.start()
            codes = [fork.wait(PATIENCE) for fork, _, _ in runs]
            timer.cancel()
            if set(codes) - {0}:
                time.sleep(QUIET)  # until the server is done with what was sent
            ends = [Ran(c, read(o), read(e)) for c, (_, o, e) in zip(codes, runs, strict=True)]
        for end in ends:
            self.story.append(f"{' '.join(options)} -> {end.code}: {end.err[-400:]}")
            told = [(r["key"], r["outcome"]) for r in records(end)]
            self.story.append(f"  {told}")
        return ends

    def _output(self, name: str) -> Any:
        return tempfile.TemporaryFile(dir=self._printed, prefix=name)

    def look(self, end: Ran, options: list[str], applied: list[str], *, crowded: bool) -> None:
        """See that a run says nothing but the truth."""
        early = not end.out and end.code in {-2, -15}
        assert end.code in CODES or early, f"code {end.code}"
        assert early or "Traceback" not in end.err, end.err
        if crowded:
            return
        if end.code in NOTHING_APPLIED:
            assert not applied, f"code {end.code}, and {applied}"
        told = records(end)
        assert len({record["key"] for record in told if record["key"]}) >= len(told) - 1
        if "--delete" not in options:
            assert not [word for word in applied if word.startswith("DELETE")]
        for record in told:
            name = self.file.get(record["key"])
            if record["outcome"] in {"created", "updated"}:
                assert self.model.users[record["key"]].name == name, record
            if record["outcome"] in {"deleted", "absent"}:
                assert record["key"] not in self.model.users, record
            assert end.code != 0 or record["outcome"] not in {"failed", "unknown", "not attempted"}

    def count(self, users: dict[str, User], options: list[str], sent: list[str]) -> None:
        """See that an undisturbed run sent the differences, and nothing else."""
        if not self.is_sure:
            return
        wanted = []
        for key, name in self.file.items():
            there, known = key in users, key in self.known
            if known and self.known[key] == name and "--full" not in options:
                continue
            first, second = ("PATCH", "POST") if known else ("POST", "PATCH")
            wanted += [f"{first} {key}"] + [f"{second} {key}"] * (there != known)
        if "--delete" in options:
            leavers = self.known.keys() - self.file.keys()
            wanted += [f"DELETE {key}" for key in leavers & self.own - self.unclear]
            sent = [word for word in sent if word.partition(" ")[2] not in leavers & self.unclear]
        assert sorted(sent) == sorted(wanted), f"sent {sorted(sent)}, and not {sorted(wanted)}"

    def learn(self, ends: list[Ran], options: list[str], *, is_right: bool, calm: bool) -> None:
        """Note what the state knows now."""
        codes, was_sure = {end.code for end in ends}, self.is_sure
        if not (codes <= set(NOTHING_APPLIED)):
            self.is_sure = False
        if len(ends) > 1:
            return
        told = {record["key"]: record["outcome"] for record in records(ends[0])}
        created = {key for key, outcome in told.items() if outcome == "created"}
        gone = {key for key, outcome in told.items() if outcome in {"deleted", "absent"}}
        self.own = (self.own | created) - gone
        self.unclear -= gone | (created if calm else set())
        if codes != {0}:
            return
        assert is_right or "--skip-invalid" in options or "--delete" not in options
        kept = {
            key: self.known.get(key) if was_sure else None
            for key, outcome in told.items()
            if outcome == "kept"
        }
        self.known = {**kept, **self.file}
        # whose values are not known here, for example after a run that was killed
        self.is_sure = None not in kept.values()
        self.check_backend(told, options)

    def check_backend(self, told: dict[str, str], options: list[str]) -> None:
        """See that the backend is what the file says, unless others changed it."""
        if "--full" in options:
            self.dirty -= self.file.keys()
        self.dirty -= {key for key, outcome in told.items() if outcome != "kept"}
        for key, name in self.file.items():
            if key not in self.dirty:
                user = self.model.users.get(key)
                assert user, f"{key} is not there"
                assert user.name == name, f"{key} is {user.name}, and not {name}"

    def check_who_was_deleted(self, applied: list[str]) -> None:
        """See that only those were deleted whom a sync with this state had created."""
        for word in applied:
            method, _, key = word.partition(" ")
            if method == "POST":
                self.made.add(key)
            elif method == "DELETE":
                assert key in self.made, f"{key} was deleted"

    def check_outsiders(self) -> None:
        """See that nobody else was touched."""
        for key, user in self.outsiders.items():
            assert self.model.users.get(key) == user, key

    def settle(self) -> None:
        """Sync the right file with a server that is well: it ends as one clean run would."""
        self.server.follow([])
        (self.home / FILE).write_text(
            "".join(["key,name\n", *(f"{key},{name}\n" for key, name in self.file.items())])
        )
        new = [] if (self.home / STATE).exists() else ["--new-state"]
        options = ["--delete", "--yes", *UNGUARDED, *(["--full"] if self.dirty else [])]
        (end,) = self.run([*options, *new], 1, None)
        assert end.code == 0, end.err
        self.learn([end], options, is_right=True, calm=True)
        before = len(self.server.requests)
        (again,) = self.run(["--delete", "--yes", *UNGUARDED], 1, None)
        assert (again.code, len(self.server.requests)) == (0, before), "it does not settle"
        kept = {record["key"] for record in records(again)}
        assert not kept & self.own - self.unclear, f"not deleted: {kept & self.own}"
        assert {record["outcome"] for record in records(again)} <= {"kept"}
        users = self.model.users.values()
        left = {user.key for user in users if user.name != "Theirs"} - self.file.keys() - {*OTHERS}
        assert left <= kept | self.orphans | self.dirty, f"left: {left}, kept: {kept}"
        self.check_outsiders()


def records(end: Ran) -> list[dict[str, Any]]:
    """What was told of each change; a line that was cut is left out."""
    return [json.loads(line) for line in end.out.split("\n")[:-1]]


PLAYER = Player(History, SIDE_BY_SIDE)


if __name__ == "__main__":
    sys.exit(PLAYER.by_hand(__doc__))
