"""Random schedules of a batch: edits, links, faults, signals, kills, second processes, rejects.

    python -m tests.batch.schedules 3000 [FIRST] [--minutes 60]

plays so many, each by its own seed, and prints the seeds of those where an invariant was broken.
"""

import argparse
import contextlib
import csv
import io
import json
import os
import random
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple

from tests.faultserver import FAULTS, HONEST, RESET_AFTER_READING, FaultyServer, Step, invalid
from tests.faultserver.fault import Exchange, Fault, Outcome
from tests.forkserver import Fork, ForkServer
from tests.model.endpoints import Answer
from tests.model.model import Model
from tests.model.state import populated
from tests.shell import ENVIRONMENT, Shell

from .invariants import Books, Line, Run

TARGETS = 4
LONG = 20_000
"""How long a row is where a change of the file during the run is to be noticed."""
EDITS = ("append", "append", "add", "remove", "change", "back", "back", "reorder", "reorder")
"""What somebody does to a file; the last two not where the order of its rows is looked at."""
QUIET = 0.05
"""How long the server may work on what a run sent that has ended, in seconds."""
PATIENCE = 60.0
"""How long a run may take, in seconds."""
SIDE_BY_SIDE = 6


class Kind(NamedTuple):
    """A command, and what its rows are."""

    command: tuple[str, ...]
    columns: tuple[str, ...]
    targets: tuple[str, ...]
    sets_values: bool = False


INVALID = "."
"""A key that no user can have."""
OLD = tuple(f"old{n}" for n in range(TARGETS))
NEW = tuple(f"new{n}" for n in range(TARGETS))
POST = ("messages", "post", "--user", "batou", "--yes", "--allow", "duplicates")
KINDS = {
    "post": Kind(POST, ("room", "text"), (*OLD[:3], "ghost")),
    "update": Kind(("users", "update"), ("key", "name"), (*OLD, "ghost"), sets_values=True),
    "ensure": Kind(("users", "ensure"), ("key", "name"), (*OLD[:2], *NEW[:2]), sets_values=True),
    "rooms": Kind(("rooms", "update"), ("room", "attributes"), (*OLD, "ghost"), sets_values=True),
    "create": Kind(("users", "create"), ("key", "name"), (*NEW, "old0")),
    "delete": Kind(("users", "delete", "--yes"), ("key",), (*OLD, "ghost")),
}


class LoggedModel(Model):
    """A model that keeps what was applied, in order."""

    def __init__(self) -> None:
        super().__init__(populated(TARGETS))
        self.effects: list[Line] = []

    def handle(self, method: str, target: str, body: bytes, *, apply: bool = True) -> Answer:
        answer = super().handle(method, target, body, apply=apply)
        if apply and answer.status < 300:
            self.effects.append(line_of(target, body))
        return answer


def line_of(target: str, body: bytes) -> Line:
    """The row that a request is for."""
    sent = json.loads(body) if body else {}
    words = target.split("/")
    key = words[5] if "rooms" in words else sent.get("key") or words[3]
    value = sent.get("text") or sent.get("name") or (sent.get("attributes") or {}).get("v", "")
    return Line(key, value.rstrip("."))


class Schedule:
    """One schedule."""

    def __init__(self, seed: int, folder: Path, forks: ForkServer) -> None:
        self.choose = random.Random(seed)
        self.name = self.choose.choice([*KINDS, "post", "update"])
        self.kind = KINDS[self.name]
        self.narrow = self.choose.random() < 0.5
        """Whether there are few targets, whose rows keep their order and are all different."""
        self.home = folder / "home"
        self.padding = LONG if self.choose.random() < 0.3 else 0
        self.is_json = self.choose.random() < 0.3
        self.source = "rows.jsonl" if self.is_json else "rows.csv"
        self.model = LoggedModel()
        self.books = Books(sets_values=self.kind.sets_values, posts=self.name == "post")
        self.lines: list[Line] = []
        self.values = self.rejects = 0
        self._shell = Shell(self.home, forks)
        self._pids: list[int] = []
        self._runs = 0
        self._printed = folder / "printed"
        for made in (self._printed, self.home / "far"):
            made.mkdir(parents=True)
        self._started = threading.Event()

    def play(self) -> None:
        """Play it to its end, and check what has to be true after each run and then."""
        self.edit(at_least=3)
        (self.home / "far" / f"link-{self.source}").symlink_to(f"../{self.source}")
        with FaultyServer(model=self.model) as server:
            self.server = server
            self._shell = self._shell.configured(server)
            for _ in range(self.choose.randint(3, 6)):
                if self.choose.random() < 0.6:
                    self.edit()
                self.round()
            self.settle()
        self.books.close(self.model.effects)

    def edit(self, at_least: int = 0) -> None:
        """Add, remove, change and reorder rows, and write the file."""
        for _ in range(max(at_least, self.choose.choice([0, 1, 1, 2]))):
            few = len(self.lines) < 3
            what = "append" if few else self.choose.choice(EDITS[: -2 if self.narrow else None])
            place = self.choose.randrange(len(self.lines) + 1)
            if what in {"add", "append"}:
                self.lines.insert(place if what == "add" else len(self.lines), self.new_line())
            elif what == "remove":
                self.lines.pop(place % len(self.lines))
            elif what == "change":
                self.lines[place % len(self.lines)] = self.new_line()
            elif what == "back" and self.books.versions:
                self.lines = list(self.choose.choice(self.books.versions))
            else:
                self.choose.shuffle(self.lines)
        self.write(self.source, self.lines)

    def new_line(self) -> Line:
        """A row that may be like another."""
        target = self.choose.choice(self.kind.targets[: 2 if self.narrow else None])
        if not self.narrow and self.choose.random() < 0.05:
            target = INVALID
        if len(self.kind.columns) == 1:
            return Line(target, "")
        if not self.narrow and self.lines and self.choose.random() < 0.15:
            return self.choose.choice(self.lines)
        self.values += 1
        return Line(target, f"v{self.values}")

    def write(self, name: str, lines: list[Line]) -> None:
        """Write a file of rows."""
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        if not self.is_json:
            writer.writerow(self.kind.columns)
        for line in lines:
            cells = [line.target, line.value + "." * self.padding][: len(self.kind.columns)]
            if self.kind.columns[-1] == "attributes":
                cells[1] = json.dumps({"v": cells[1]})
            if self.is_json:
                text.write(json.dumps(dict(zip(self.kind.columns, cells, strict=True))) + "\n")
            else:
                writer.writerow(cells)
        (self.home / name).write_text(text.getvalue())

    def read(self, name: str) -> list[Line]:
        """The rows of a file as it is."""
        text = (self.home / name).read_text()
        found: list[Mapping[str, Any]]
        if self.is_json:
            found = [json.loads(line) for line in text.splitlines()]
        else:
            found = list(csv.DictReader(text.splitlines()))
        lines = []
        for row in found:
            target, value = row[self.kind.columns[0]], row.get(self.kind.columns[-1], "")
            if self.kind.columns[-1] == "attributes":
                value = json.loads(value)["v"]
            value = "" if len(self.kind.columns) == 1 else value.rstrip(".")
            lines.append(Line(target, value))
        return lines

    def round(self) -> None:
        """One run, or two at once, with whatever may happen to it."""
        both = self.choose.random() < 0.1
        # two that start over do so one after the other
        options = [option for option in self.options() if not (both and option == "--restart")]
        source = self.choose.choice([self.source, self.source, f"far/link-{self.source}"])
        self.server.follow(self.script(edits=not both))
        self.run(source, options, self.lines, both=both)
        for name in sorted(path.name for path in self.home.glob("rejects-*")):
            if self.choose.random() < 0.4:
                self.send_rejects(name)

    def options(self) -> list[str]:
        """Some of the options that change what a run does."""
        flip = self.choose.random
        options = ["--concurrency", self.choose.choice(["1", "4"])]
        options += ["--retries", self.choose.choice(["0", "0", "0", "1"])]
        if flip() < 0.15:
            options += ["--limit", str(self.choose.randint(1, 3))]
        if flip() < (0.1 if self.narrow else 0.3):
            options += ["--rejects", f"rejects-{self.rejects}{Path(self.source).suffix}"]
        if flip() < 0.7:
            options += ["--skip-invalid"]
        if flip() < 0.1:
            options += ["--rate", "100"]
        if flip() < 0.05:
            options += ["--restart"]
        if self.name == "post" and flip() < 0.5:
            options += ["--resume"]
        return options

    def script(self, *, edits: bool = False) -> list[Step]:
        """What the server does to the requests of a run."""
        return [self.step(edits=edits) for _ in range(self.choose.randint(0, 7))]

    def step(self, *, edits: bool) -> Step:
        """What it does to one or some."""
        applied = self.choose.random() < 0.5
        return self.choose.choice(
            [
                *[lambda: Step(HONEST, times=self.choose.randint(1, 3))] * 8,
                *[lambda: Step(RESET_AFTER_READING, applied=applied, times=1)] * 2,
                lambda: Step(FAULTS["status-503"], applied=applied, times=1),
                lambda: Step(FAULTS["close-before-reading"], times=1),
                *[lambda: Step(FAULTS["status-429"], times=1)] * 2,
                *[lambda: Step(invalid("no", {"key": ["is invalid"]}), times=1)] * 2,
                lambda: Step(FAULTS["status-401"], times=1),
                lambda: self.strike(signal.SIGKILL, applied=applied),
                lambda: self.strike(signal.SIGKILL, applied=True),
                lambda: self.strike(signal.SIGINT, applied=True),
                lambda: self.strike(signal.SIGTERM, applied=True),
                lambda: self.strike(signal.SIGHUP, applied=True),
                *[self.meanwhile] * edits,
            ]
        )()

    def strike(self, number: signal.Signals, *, applied: bool) -> Step:
        """Send the process a signal between a request and its answer."""

        delay = self.choose.choice([0, 0, self.choose.uniform(0, 0.05)])

        def act(exchange: Exchange) -> bool:
            self._started.wait(PATIENCE)
            if delay:
                threading.Timer(delay, self.send, (number, self._pids)).start()
            else:
                self.send(number, self._pids)
            return applied and exchange.send_honest()  # or the connection ends

        return Step(Fault("strike", act, Outcome.DONE), applied=applied, times=1)

    def meanwhile(self) -> Step:
        """Edit the file between a request and its answer."""
        lines = list(self.lines)
        place = self.choose.randrange(len(lines) + 1)
        what = self.choose.choice(["grow", "shrink", "change"])
        if what == "grow":
            lines.append(self.new_line())
        elif what == "shrink":
            del lines[place:]
        else:
            lines[place:] = [self.new_line() for _ in lines[place:]]

        def act(exchange: Exchange) -> bool:
            self.write(self.source, lines)
            return exchange.send_honest()

        return Step(Fault("edit", act, Outcome.DONE), times=1)

    def run(
        self, source: str, options: list[str], lines: list[Line], *, both: bool = False
    ) -> None:
        """Run the command, once or twice at once, perhaps with a signal at some moment."""
        args = [*self.kind.command, "--from", source, *options, "-o", "jsonl"]
        kill = self.choose.random() < 0.3
        moment = self.choose.uniform(0.0, 0.25)
        self._pids, before = [], len(self.model.effects)
        requests = len(self.server.requests)
        self._started.clear()
        self.books.begin(lines, source.rpartition("/")[2], restart="--restart" in options)
        with contextlib.ExitStack() as stack:
            runs = [self.start(args, stack) for _ in range(2 if both else 1)]
            self._pids = [fork.pid for fork, _, _ in runs]
            self._started.set()
            timer = threading.Timer(moment, self.send, (signal.SIGKILL, self._pids))
            if kill:
                timer.start()
            codes = [fork.wait(PATIENCE) for fork, _, _ in runs]
            timer.cancel()
            if set(codes) & {-signal.SIGKILL, 129, 130, 143}:
                time.sleep(QUIET)
            ends = [
                Run(args, code, read(out), read(err), crowded=both)
                for code, (_, out, err) in zip(codes, runs, strict=True)
            ]
        sent = [line_of(r.target, r.body) for r in self.server.requests[requests:] if r.complete]
        for end in ends:
            self.books.check(end, self.model.effects, before, self.gone())
        self.books.check_intents(self.home, sent)
        # what was edited meanwhile is what the file is now
        if self.read(self.source) != self.lines:
            self.lines = self.read(self.source)

    def gone(self) -> set[str]:
        """The users that are not there, where they are to be deleted."""
        return set(self.kind.targets) - set(self.model.users) if self.name == "delete" else set()

    def start(self, args: list[str], stack: contextlib.ExitStack) -> tuple[Fork, Any, Any]:
        """Start the program, its output going to files."""
        out, err = (stack.enter_context(path.open("w+b")) for path in self._outputs())
        with Path(os.devnull).open("rb") as nothing:
            return self._shell.fork(*args, streams=(nothing, out, err)), out, err

    def _outputs(self) -> list[Path]:
        self._runs += 1
        return [self._printed / f"{self._runs}-{name}" for name in ("out", "err")]

    def send(self, number: signal.Signals, pids: list[int]) -> None:
        """Send a signal to what runs."""
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, number)

    def send_rejects(self, name: str) -> None:
        """Correct some rows of a rejects file, and send it."""
        lines = []
        for line in self.read(name):
            if self.choose.random() < 0.3:
                lines.append(line)
                continue
            self.values += 1
            value = f"v{self.values}" if line.value else ""
            target = self.choose.choice([*self.kind.targets[:-1], line.target])
            lines.append(Line(target, value))
        self.rejects += 1
        sent = f"sent-{name}"
        (self.home / name).rename(self.home / sent)
        self.write(sent, lines)
        self.books.hand_over(lines)
        self.server.follow(self.script())
        self.run(sent, ["--skip-invalid", "--retries", "0"], lines)

    def settle(self) -> None:
        """Run until nothing changes any more, with a server that is well."""
        self.edit()
        options = ["--skip-invalid", *(["--resume"] if self.name == "post" else [])]
        self.server.follow([])
        args = [*self.kind.command, "--from", self.source, *options, "-o", "jsonl"]
        for _ in range(2):
            before = len(self.model.effects)
            self.books.begin(self.lines, self.source, restart=False)
            ran = self._shell.run(*args)
            end = Run(args, ran.code, ran.out, ran.err, crowded=False)
            self.books.check(end, self.model.effects, before, self.gone())
            self.books.last = end


def read(stream: Any) -> str:
    """What was printed."""
    stream.seek(0)
    return str(stream.read().decode())


def play(seed: int, forks: ForkServer) -> str:
    """Play a schedule; return what was wrong, with its seed, or nothing."""
    with tempfile.TemporaryDirectory() as folder:
        schedule = Schedule(seed, Path(folder), forks)
        try:
            schedule.play()
        except Exception as error:  # noqa: BLE001 - whatever it is, the seed is told
            story = "\n".join(schedule.books.story)
            return f"seed {seed} ({schedule.name}): {type(error).__name__}: {error}\n{story}"
    return ""


def play_all(seeds: range, forks: ForkServer, until: float = float("inf")) -> Iterator[str]:
    """Play schedules, some at the same time; yield what became of each that was played."""

    def one(seed: int) -> str | None:
        return play(seed, forks) if time.monotonic() < until else None

    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        yield from (wrong for wrong in pool.map(one, seeds) if wrong is not None)


def main() -> int:
    """Play schedules by hand."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("count", type=int)
    parser.add_argument("first", type=int, nargs="?", default=0)
    parser.add_argument("--minutes", type=float, default=60)
    given = parser.parse_args()
    until = time.monotonic() + 60 * given.minutes
    played = failed = 0
    with ForkServer(ENVIRONMENT) as forks:
        for wrong in play_all(range(given.first, given.first + given.count), forks, until):
            played += 1
            if wrong:
                failed += 1
                sys.stdout.write(wrong + "\n\n")
                sys.stdout.flush()
    sys.stdout.write(f"{played} schedules played, {failed} with an invariant broken.\n")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
