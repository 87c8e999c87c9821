"""Random schedules of a batch: what happens to a file, a journal, a process and a server.

The file is edited, linked, copied, renamed and exported anew, the journal changes versions, the
process gets signals and is killed, or a second one runs beside it, and the server has faults, a
firewall and a rate limit.

    python -m tests.batch.schedules 3000 [FIRST] [--minutes 60]

plays so many, each by its own seed, and prints the seeds of those where an invariant was broken,
and how often what happened.
"""

import argparse
import random
import re
import signal
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

from tests.faultserver import FAULTS, HONEST, RESET_AFTER_READING, FaultyServer, Step, invalid
from tests.faultserver.fault import Exchange, Fault, Outcome
from tests.forkserver import ForkServer
from tests.journal.versions import LATER
from tests.shell import ENVIRONMENT, Shell

from .exports import Look
from .handling import Handling
from .invariants import Books, Line, Run
from .kinds import INVALID, KINDS, TARGETS
from .middlebox import GuardedModel, is_disliked, line_of
from .processes import Processes

LONG = 20_000
"""How long a row is where a change of the file during the run is to be noticed."""
EDITS = ("append", "append", "add", "remove", "change", "back", "back", "reorder", "reorder")
"""What somebody does to a file; the last two not where the order of its rows is looked at."""
SIDE_BY_SIDE = 6
CONFIGURATION = 3
"""The exit code for a journal that cannot be used."""


class Schedule:
    """One schedule.

    Attributes:
        happened: how often what happened.
    """

    def __init__(self, seed: int, folder: Path, forks: ForkServer) -> None:
        self.choose = random.Random(seed)
        self.happened = Counter[str]()
        self.name = self.choose.choice([*KINDS, "post", "post", "update"])
        self.kind = KINDS[self.name]
        self.is_post = self.name == "post"
        self.narrow = self.choose.random() < 0.5
        """Whether there are few targets, whose rows keep their order and are all different."""
        self.home = folder / "home"
        self.home.mkdir()
        padding = LONG if self.choose.random() < 0.3 else 0
        self.file = Handling(self.choose, self.home, self.kind.columns, padding, self.happened)
        self.model = GuardedModel(TARGETS)
        self.model.has_firewall = self.choose.random() < 0.25
        self.model.waits = self.choose.choice(["1", ""]) if self.choose.random() < 0.3 else None
        self.books = Books(sets_values=self.kind.sets_values, posts=self.is_post)
        self.lines: list[Line] = []
        self.values = self.rejects = 0
        self.processes = Processes(Shell(self.home, forks), folder / "printed")

    def play(self) -> None:
        """Play it to its end, and check what has to be true after each run and then."""
        self.edit(at_least=3)
        with FaultyServer(model=self.model) as server:
            self.server = server
            self.processes.configure(server)
            for _ in range(self.choose.randint(3, 6)):
                if self.choose.random() < 0.6:
                    self.edit()
                self.handle()
                self.round()
            self.settle()
        self.books.close(self.model.effects, is_disliked if self.model.has_firewall else None)

    def handle(self) -> None:
        """Copy, rename or export the file, or change the version that wrote its journal."""
        if self.choose.random() < 0.15:
            self.file.export(self.lines)
        if self.choose.random() < 0.2 and self.file.rename(
            self.lines, is_back_allowed=self.is_post
        ):
            self.books.begin_journal()
        if self.choose.random() < 0.15:
            self.file.go_back_to_format_3()

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
        self.file.write(self.file.name, self.lines)

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

    def round(self) -> None:
        """One run, or two at once, with whatever may happen to it."""
        if self.choose.random() < 0.12:
            self.run_with_a_later_journal()
        both = self.choose.random() < 0.1
        # two that start over do so one after the other
        options = [option for option in self.options() if not (both and option == "--restart")]
        self.server.follow(self.script(edits=not both))
        ends = self.run(self.file.path, options, self.lines, both=both)
        self.answer(ends, options)
        for name in sorted(path.name for path in self.home.glob("rejects-*")):
            if self.choose.random() < 0.4:
                self.send_rejects(name)

    def run_with_a_later_journal(self) -> None:
        """Run the command with a journal that this version cannot read, and see it refused."""
        journal = self.file.journal
        if not (before := self.file.take_from_a_later_version()):
            return
        found = journal.read_bytes()
        self.server.follow([])
        (end,) = self.run(self.file.name, ["--skip-invalid"], self.lines, calm=True)
        assert end.code == CONFIGURATION, f"{end.code} with a journal of a later version"
        assert f"version {LATER}" in end.err
        assert not self.is_post or "would then post all messages again" in end.err
        assert journal.read_bytes() == found, "a journal of a later version was changed"
        journal.write_bytes(before)
        self.happened["refused a later version"] += 1

    def answer(self, ends: list[Run], options: list[str], *, follow: bool = False) -> None:
        """Do what the text about messages that were posted before says.

        Args:
            ends: how the runs ended.
            options: theirs.
            follow: whether to send only the rest, whatever else the text offers.
        """
        stopped = [end for end in ends if end.error and end.error["stop"] == "posted"]
        if not stopped:
            return
        self.happened["stopped as posted before"] += 1
        message = (stopped[0].error or {})["message"]
        way = "rest" if follow else self.choose.choice(["rest", "rest", "all", "nothing"])
        advised = re.search(r"use --journal (\S+) --resume", message)
        if way == "rest" and advised:
            self.happened["sent the rest with --journal"] += 1
            self.file.use(advised[1])
            options = [*options, "--resume"]
        elif way == "rest":
            self.happened["removed what was posted"] += 1
            named = re.findall(r"\d+", message.partition("before (line")[2].partition(")")[0])
            header = 1 if self.file.look.suffix == ".jsonl" else 2
            left = enumerate(self.lines, start=header)
            self.lines = [line for number, line in left if str(number) not in named]
            self.file.write(self.file.name, self.lines)
        elif way == "all":
            self.happened["allowed what was posted"] += 1
            self.books.allow(self.lines)
            options = [*options, "--allow", "posted"]
        else:
            return
        self.server.follow([])
        self.run(self.file.name, options, self.lines)

    def options(self) -> list[str]:
        """Some of the options that change what a run does."""
        flip = self.choose.random
        options = ["--concurrency", self.choose.choice(["1", "4"])]
        options += ["--retries", self.choose.choice(["0", "0", "0", "1"])]
        if flip() < 0.15:
            options += ["--limit", str(self.choose.randint(1, 3))]
        if flip() < (0.1 if self.narrow else 0.3):
            options += ["--rejects", f"rejects-{self.rejects}{Path(self.file.name).suffix}"]
        if flip() < 0.7:
            options += ["--skip-invalid"]
        if flip() < 0.1:
            options += ["--rate", "100"]
        if flip() < 0.05:
            options += ["--restart"]
        if self.is_post and flip() < 0.5:
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
                lambda: self.strike(signal.SIGHUP, signal.SIGHUP, applied=True),
                *[self.meanwhile] * edits,
            ]
        )()

    def strike(self, *numbers: signal.Signals, applied: bool) -> Step:
        """Send the process signals, at once, between a request and its answer."""
        delay = self.choose.choice([0, 0, self.choose.uniform(0, 0.05)])

        def act(exchange: Exchange) -> bool:
            self.processes.send(numbers, delay)
            return applied and exchange.send_honest()  # or the connection ends

        name = " and ".join(number.name for number in numbers)
        return Step(Fault(name, act, Outcome.DONE), applied=applied, times=1)

    def meanwhile(self) -> Step:
        """Edit the file between a request and its answer, rename it, or remove it."""
        lines = list(self.lines)
        place = self.choose.randrange(len(lines) + 1)
        what = self.choose.choice(["grow", "shrink", "change", "rename", "remove"])
        if what == "grow":
            lines.append(self.new_line())
        elif what == "shrink":
            del lines[place:]
        elif what == "change":
            lines[place:] = [self.new_line() for _ in lines[place:]]
        path = self.home / self.file.name

        def act(exchange: Exchange) -> bool:
            if what == "rename":
                path.rename(path.with_name("renamed"))
            elif what == "remove":
                path.unlink()
            else:
                self.file.write(path.name, lines)
            return exchange.send_honest()

        return Step(Fault(f"{what} the file", act, Outcome.DONE), times=1)

    def run(
        self,
        source: str,
        options: list[str],
        lines: list[Line],
        *,
        both: bool = False,
        calm: bool = False,
    ) -> list[Run]:
        """Run the command, once or twice at once, perhaps killed at some moment; see how it ends.

        Args:
            source: the file.
            options: of the command.
            lines: the file's rows.
            both: whether to run it twice at once.
            calm: whether it is certainly not killed.
        """
        args = [*self.kind.command, "--from", source, *options, *self.given(source)]
        kill = not calm and self.choose.random() < 0.2
        moment = self.choose.uniform(0.0, 0.25)
        before = len(self.model.effects)
        requests, attempts = len(self.server.requests), len(self.server.attempts)
        self.books.begin(lines, source.rpartition("/")[2], restart="--restart" in options)
        ends = self.processes.run(args, 2 if both else 1, moment if kill else None)
        sent = [line_of(r.target, r.body) for r in self.server.requests[requests:] if r.complete]
        faults = self.server.attempts[attempts:]
        self.count(ends, faults)
        for end in ends:
            self.books.check(end, self.model.effects, before, self.gone(), faults)
        self.books.check_intents(self.home, sent)
        if not source.startswith("sent-"):
            self.look_at_file()
        return ends

    def given(self, source: str) -> list[str]:
        """Return the options that a file needs."""
        return [] if source.startswith("sent-") else self.file.options

    def count(self, ends: list[Run], faults: list[str]) -> None:
        """Count what happened in a run, or two."""
        self.happened["runs"] += len(ends)
        self.happened.update(f"exit code {end.code}" for end in ends)
        self.happened.update(fault for fault in faults if fault != "honest")

    def look_at_file(self) -> None:
        """Take what was edited during the run for what the file is now; restore what is gone."""
        name = self.file.name
        if not (self.home / name).exists():
            self.file.write(name, self.lines)
        self.lines = self.file.read(name)

    def gone(self) -> set[str]:
        """The users that are not there, where they are to be deleted."""
        return set(self.kind.targets) - set(self.model.users) if self.name == "delete" else set()

    def send_rejects(self, name: str) -> None:
        """Correct some rows of a rejects file, and send it."""
        lines = []
        for line in self.file.read(name):
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
        self.file.write(sent, lines, Look(Path(sent).suffix))
        self.books.hand_over(lines)
        self.server.follow(self.script())
        self.run(sent, ["--skip-invalid", "--retries", "0"], lines)

    def settle(self) -> None:
        """Run until nothing changes any more, with a server that is well."""
        self.edit()
        self.model.waits = None
        options = ["--skip-invalid", *(["--resume"] if self.is_post else [])]
        self.server.follow([])
        for _ in range(4):
            ends = self.run(self.file.name, options, self.lines, calm=True)
            self.answer(ends, options, follow=True)
            (self.books.last,) = ends


class Played(NamedTuple):
    """What became of a schedule."""

    wrong: str
    """What was wrong, with its seed; empty if nothing was."""
    happened: Counter[str]
    """How often what happened."""


def play(seed: int, forks: ForkServer) -> Played:
    """Play a schedule."""
    with tempfile.TemporaryDirectory() as folder:
        schedule = Schedule(seed, Path(folder), forks)
        wrong = ""
        try:
            schedule.play()
        except Exception as error:  # noqa: BLE001 - whatever it is, the seed is told
            story = "\n".join(schedule.books.story)
            wrong = f"seed {seed} ({schedule.name}): {type(error).__name__}: {error}\n{story}"
    schedule.happened.update(schedule.model.refused)
    schedule.happened.update(schedule.books.seen)
    return Played(wrong, schedule.happened)


def play_all(seeds: range, forks: ForkServer, until: float = float("inf")) -> Iterator[Played]:
    """Play schedules, some at the same time; yield what became of each that was played."""

    def one(seed: int) -> Played | None:
        return play(seed, forks) if time.monotonic() < until else None

    with ThreadPoolExecutor(SIDE_BY_SIDE) as pool:
        yield from (played for played in pool.map(one, seeds) if played is not None)


def main() -> int:
    """Play schedules by hand."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("count", type=int)
    parser.add_argument("first", type=int, nargs="?", default=0)
    parser.add_argument("--minutes", type=float, default=60)
    given = parser.parse_args()
    until = time.monotonic() + 60 * given.minutes
    played = failed = 0
    happened = Counter[str]()
    signal.signal(signal.SIGHUP, signal.SIG_DFL)  # what nohup ignores would be ignored by all runs
    with ForkServer(ENVIRONMENT) as forks:
        for one in play_all(range(given.first, given.first + given.count), forks, until):
            played += 1
            happened += one.happened
            if one.wrong:
                failed += 1
                sys.stdout.write(one.wrong + "\n\n")
                sys.stdout.flush()
    sys.stdout.writelines(f"{count:7} {what}\n" for what, count in sorted(happened.items()))
    sys.stdout.write(f"{played} schedules played, {failed} with an invariant broken.\n")
    return bool(failed)


if __name__ == "__main__":
    sys.exit(main())
