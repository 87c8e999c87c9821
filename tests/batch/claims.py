"""Random batches: what a dry run and the confirmation say will be sent, and what a run sends.

    python -m tests.batch.claims 300 [FIRST]

plays so many, each by its own seed, and prints what went wrong.
"""

import argparse
import json
import random
import re
import sys
import tempfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from kabelwerk_cli.journal.fate import Fate
from kabelwerk_cli.journal.journal import Journal
from tests.faultserver import FAULTS, HONEST, RESET_AFTER_READING, FaultyServer, Step
from tests.forkserver import ForkServer
from tests.model.model import Model
from tests.model.state import populated
from tests.shell import ENVIRONMENT, Ran, Shell

from .kinds import KINDS
from .story import ONE_BY_ONE, outcomes_of

COMMANDS = ("post", "post", "post", "update", "rooms", "create", "delete")
FAULTY = ("status-422", "status-429", "status-503", "status-404")
NAMES = ("rows.csv", "rows.jsonl", "a ?#%20&b'.csv", "rows.tsv")
FOR_MESSAGES = (
    ("--resume",),
    ("--send-changed",),
    ("--resend-unknown",),
    ("--resend-unknown=old0",),
    ("--mark-posted=old1",),
)
UNKNOWN = 9
"""The exit code of a run in which an outcome is unknown: rows wait for a row of an earlier run."""
SENT = re.compile(r"^(\d+) of (\d+) rows? would be sent", re.MULTILINE)


class Case:
    """One file, the runs before, and the run that is foretold."""

    def __init__(self, seed: int, folder: Path, forks: ForkServer) -> None:
        self.choose = random.Random(seed)
        self.name = self.choose.choice(COMMANDS)
        self.kind = KINDS[self.name]
        self.source = self.choose.choice(NAMES)
        self.home = folder
        self.model = Model(populated(4))
        self._shell = Shell(folder, forks)
        self._journal = f"{self.source}.kabelwerk-journal"
        self._lines: list[list[str]] = []
        self._piped = False

    def play(self) -> Iterator[str]:
        """Play it, and yield what is wrong."""
        with FaultyServer(model=self.model) as server:
            there = self._shell.configured(server)
            if self.choose.random() < 0.2:
                self._journal = "a journal ?#%"
            self._write()
            for _ in range(self.choose.choice([0, 1, 1, 2])):
                server.follow(self._faults())
                most = ("--max-failures", "0") if self.choose.random() < 0.5 else ()
                self._run(there, *self._options(), *most, "--skip-invalid", "--yes")
                self._begin_again()
                self._write()
            server.follow([])
            options = (*self._options(), *self._more_options())
            yield from self._compare(there, server, options)

    def _compare(
        self, there: Shell, server: FaultyServer, options: tuple[str, ...]
    ) -> Iterator[str]:
        journal = self.home / self._journal
        before = journal.read_bytes() if journal.exists() else None
        sent_before = len(server.requests)
        said = self._run(there, *options, "--dry-run")
        listed = self._run(there, *options, "--dry-run", "-o", "jsonl")
        if (journal.read_bytes() if journal.exists() else None) != before:
            yield "the dry run wrote to the journal"
        if len(server.requests) > sent_before:
            yield "the dry run sent something"
        ran = self._run(there, *options, "-o", "jsonl", "--yes")
        sent = server.requests[sent_before:]
        about = f"{options}\n{said}\n{listed}\n{ran}"
        if "Traceback" in said.err + listed.err + ran.err:
            yield f"a bug: {about}"
        if {said.code, listed.code} != {0}:
            if (said.code, listed.code, bool(sent)) != (ran.code, ran.code, False):
                yield f"the dry run fails and the run does not: {about}"
            return
        found = SENT.search(said.err)
        if found is None or int(found[2]) != len(self._lines):
            yield f"there are {len(self._lines)} rows: {about}"
        elif len(outcomes_of(ran.out)) != len(self._lines):
            yield f"not every row is told once: {about}"
        elif ran.code != UNKNOWN and int(found[1]) != len(sent):
            yield f"{len(sent)} were sent: {about}"
        foretold = map(json.loads, listed.out.splitlines())
        listed_requests = _by_target(
            (urlsplit(one["url"]).path, one.get("body")) for one in foretold
        )
        sent_requests = _by_target(
            (one.target, json.loads(one.body) if one.body else None) for one in sent
        )
        if "--limit" not in options and ran.code != UNKNOWN and listed_requests != sent_requests:
            yield f"other requests were sent than listed: {sent_requests} {about}"

    def _run(self, there: Shell, *options: str) -> Ran:
        words = (*self.kind.command, *ONE_BY_ONE, *options)
        words = tuple(dict.fromkeys(words)) if "--yes" in self.kind.command else words
        journal = ("--journal", self._journal)
        own = self._journal == f"{self.source}.kabelwerk-journal"
        if self._piped:
            content = (self.home / self.source).read_bytes()
            return there.run(*words, "--from", "-", *journal, stdin=content)
        return there.run(*words, "--from", self.source, *(() if own else journal))

    def _begin_again(self) -> None:
        """Do what only a kill does: leave rows in flight."""
        path = self.home / self._journal
        if path.exists() and self.choose.random() < 0.3:
            with Journal(path, "") as journal:
                unknown = journal.entries(Fate.UNKNOWN)
                journal.commit((entry._replace(fate=Fate.IN_FLIGHT), entry) for entry in unknown)

    def _faults(self) -> list[Step]:
        steps = []
        for _ in range(self.choose.randrange(10)):
            fault = self.choose.choice([HONEST, HONEST, RESET_AFTER_READING, *FAULTY])
            fault = FAULTS[fault] if isinstance(fault, str) else fault
            steps.append(Step(fault, applied=self.choose.random() < 0.5, times=1))
        return steps

    def _options(self) -> tuple[str, ...]:
        options = []
        if self.choose.random() < 0.3:
            options += ["--limit", str(self.choose.randrange(1, 6))]
        if self.choose.random() < 0.2:
            options += ["--rejects", f"rejects{self.choose.randrange(2)}"]
        return tuple(options)

    def _more_options(self) -> tuple[str, ...]:
        options = ["--skip-invalid"] if self.choose.random() < 0.8 else []
        if self.choose.random() < 0.1:
            options.append("--restart")
        elif self.name == "post":
            for option in FOR_MESSAGES:
                options += option if self.choose.random() < 0.35 else ()
        return tuple(options)

    def _write(self) -> None:
        """Write the file, or change some of its rows."""
        lines, choose = self._lines, self.choose
        for _ in range(choose.randrange(1, 8) if not lines else choose.randrange(5)):
            if lines and choose.random() < 0.3:
                lines.pop(choose.randrange(len(lines)))
            elif lines and choose.random() < 0.3:
                lines.insert(choose.randrange(len(lines)), choose.choice(lines))
            else:
                lines.insert(choose.randrange(len(lines) + 1), self._line())
        if choose.random() < 0.2:
            choose.shuffle(lines)
        if not lines:
            lines.append(self._line())
        self._piped = choose.random() < 0.15 and self.source == "rows.csv"
        (self.home / self.source).write_text("".join(self._text()))

    def _line(self) -> list[str]:
        key = self.choose.choice([*self.kind.targets, *self.kind.targets, "."])
        value = self.choose.choice("ABC")
        return [key, json.dumps({"v": value}) if self.name == "rooms" else value][
            : len(self.kind.columns)
        ]

    def _text(self) -> Iterator[str]:
        if self.source.endswith("jsonl"):
            yield from (
                f"{json.dumps(dict(zip(self.kind.columns, line, strict=True)))}\n"
                for line in self._lines
            )
            return
        tab = "\t" if self.source.endswith("tsv") else ","
        yield tab.join(self.kind.columns) + "\n"
        for line in self._lines:
            quoted = ('"{}"'.format(cell.replace('"', '""')) for cell in line)
            yield tab.join(quoted) + "\n"


def _by_target(requests: Iterable[tuple[str, Any]]) -> dict[str, list[Any]]:
    """The bodies for each user or room, in order: rows for different ones pass each other."""
    found: dict[str, list[Any]] = {}
    for path, body in requests:
        target = f"{path} {body['key']}" if body and "key" in body else path
        found.setdefault(target, []).append(body)
    return found


def play(seed: int, forks: ForkServer) -> list[str]:
    """Play one, and return what is wrong."""
    with tempfile.TemporaryDirectory() as folder:
        case = Case(seed, Path(folder), forks)
        return [f"seed {seed}, {case.name} {case.source}: {wrong}" for wrong in case.play()]


def main() -> None:
    """Play as many as asked for."""
    parser = argparse.ArgumentParser()
    parser.add_argument("count", type=int)
    parser.add_argument("first", type=int, nargs="?", default=0)
    args = parser.parse_args()
    wrong = 0
    with ForkServer(ENVIRONMENT) as forks:
        for seed in range(args.first, args.first + args.count):
            for found in play(seed, forks):
                wrong += 1
                print(found, flush=True)  # noqa: T201
    print(f"{args.count} batches played, {wrong} claims were wrong.")  # noqa: T201
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
