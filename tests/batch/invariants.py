"""What has to be true of a batch after every run, and at the end.

1. A message row is on the server at most once.
2. The rows are told each once, and the totals add up.
3. What is done was acknowledged; what has no intent was not sent.
4. What is last in the file for a target is last on the server; messages of a room are in order.
"""

import contextlib
import json
import re
import shutil
import sqlite3
import tempfile
from collections import Counter
from collections.abc import Callable
from itertools import combinations, pairwise
from pathlib import Path
from typing import Any, NamedTuple

from .story import SUCCESSES

NOTHING_APPLIED = (*range(2, 8), 11)
CODES = {0, *NOTHING_APPLIED, 9, 10, 129, 130, 143, -9}
REFUSED = frozenset({2, 3, 11})
CALM = frozenset(
    {
        "honest",
        "SIGHUP",
        "SIGHUP and SIGHUP",
        "status-429",
        "400-no",
        "status-401",
        *(f"{what} the file" for what in ("grow", "shrink", "change", "rename", "remove")),
    }
)
"""What a server does that leaves no outcome unknown."""


class Line(NamedTuple):
    """A row: for whom, and what."""

    target: str
    value: str


class Run(NamedTuple):
    """How a run ended."""

    args: list[str]
    code: int
    out: str
    err: str
    crowded: bool
    """Whether another one ran at the same time."""

    @property
    def records(self) -> list[dict[str, Any]]:
        """What was told of the rows; a line that was cut is left out."""
        lines = self.out.split("\n")[:-1]
        return [json.loads(line) for line in lines]

    @property
    def error(self) -> dict[str, Any] | None:
        """The error object, if there is one."""
        return self._said("error")

    @property
    def summary(self) -> dict[str, int]:
        """The numbers of rows by outcome; empty if there is no summary."""
        return self._said("summary") or {}

    def _said(self, name: str) -> Any:
        for line in reversed(self.err.splitlines()):
            with contextlib.suppress(ValueError):
                said = json.loads(line)
                if isinstance(said, dict) and name in said:
                    return said[name]
        return None


def _values_of(option: str, run: Run) -> list[str]:
    return [value for name, value in pairwise(run.args) if name == option]


def keys_in(journal: Path) -> list[str]:
    """The keys of a journal's entries; what a killed process left is completed in a copy."""
    with tempfile.TemporaryDirectory() as folder:
        for path in (journal, journal.with_name(f"{journal.name}-journal")):
            with contextlib.suppress(FileNotFoundError):
                shutil.copy(path, folder)
        with contextlib.closing(sqlite3.connect(Path(folder, journal.name))) as db:
            return [key for (key,) in db.execute("SELECT key FROM entries")]


class Books:
    """Remembers what the files were, and compares it with what a run says and the server has.

    Args:
        sets_values: whether the rows set absolute values.
        posts: whether the rows are messages.
    """

    def __init__(self, *, sets_values: bool, posts: bool) -> None:
        self._sets_values = sets_values
        self._posts = posts
        self.versions: list[tuple[Line, ...]] = []
        self.story: list[str] = []
        self.last: Run | None = None
        self._lines: list[Line] = []
        self._most = Counter[Line]()
        """How often a message may be on the server, for what was before a restart."""
        self._cycle = Counter[Line]()
        """Likewise, since then."""
        self._handed_over: set[str] = set()
        self._doubts = False
        """Whether anything happened that leaves the outcome of a row unknown."""
        self._is_one_journal = True
        self._undo = (self._most, self._cycle)
        self.seen = Counter[str]()
        """How often it was possible to see that something was true."""

    def begin_journal(self) -> None:
        """Note that the file has another journal from now on."""
        self._is_one_journal = False
        if not self._posts:
            self.versions.clear()  # every row is sent anew, in the order of the file as it is

    def allow(self, lines: list[Line]) -> None:
        """Note that an option says that messages are to be posted again."""
        self._most += Counter(lines)

    def begin(self, lines: list[Line], source: str, *, restart: bool) -> None:
        """Note what the file is that the next run reads."""
        self._lines = list(lines)
        self._undo = (Counter(self._most), Counter(self._cycle))
        if restart:
            self._most += self._cycle
            self._cycle = Counter()
        if not source.startswith("sent-"):
            self.versions.append(tuple(lines))
            self._cycle |= Counter(lines)
        self.story.append(f"file {source}: {' '.join(f'{t}={v}' for t, v in lines)}")

    def hand_over(self, lines: list[Line]) -> None:
        """Note the rows of a rejects file; those that were changed are new."""
        self._handed_over |= {line.target for line in lines}
        known = self._cycle + self._most
        self._cycle |= Counter({line: 1 for line in lines if line not in known})

    def check(
        self, run: Run, effects: list[Line], before: int, gone: set[str], faults: list[str]
    ) -> None:
        """See that a run says nothing but the truth.

        Args:
            run: the run.
            effects: what was applied, by this run and earlier ones.
            before: how much of that earlier runs did.
            gone: the users that are not there, where they are to be deleted.
            faults: what the server did to the requests of the run.
        """
        self.story.append(f"{' '.join(run.args[2:])} -> {run.code}: {run.err[-500:]}")
        self.story.append("  " + " ".join(f"{r['row']}={r['outcome']}" for r in run.records))
        early = run.crowded and not run.out  # the signal for the other came before it had begun
        assert run.code in CODES or (early and run.code in {-2, -15}), f"code {run.code}"
        assert early or "Traceback" not in run.err, run.err
        if run.code in REFUSED and not run.crowded and "--restart" in run.args:
            self._most, self._cycle = self._undo[0], self._undo[1] | Counter(self._lines)
        self._check_rows(run)
        self._doubts |= run.code == -9 or not CALM.issuperset(faults)
        self._check_calm(run)
        if not run.crowded:
            self._check_claims(run, was_applied=len(effects) > before)
        self._check_done(run, effects, gone)
        if self._posts:
            there = Counter(effects)
            assert there <= self._most + self._cycle, f"twice: {there - self._most - self._cycle}"

    def _check_rows(self, run: Run) -> None:
        records = run.records
        numbers = [record["row"] for record in records]
        assert len(numbers) == len(set(numbers)), "a row is told twice"
        for record in records:
            line = self._lines[record["row"] - 1]
            assert record["key"] == line.target, f"row {record['row']} is not of the file"
        if run.code in {0, 9, 10} or (records and run.code in NOTHING_APPLIED):
            assert sorted(numbers) == list(range(1, len(self._lines) + 1)), "rows are missing"
        if counts := run.summary:
            self.seen["summary"] += 1
            rows = counts.pop("rows")
            assert rows == sum(counts.values()) == len(self._lines), (rows, counts)
        told = {record["outcome"] for record in records} - SUCCESSES
        if run.code == 0 and "--limit" not in run.args and "--rejects" not in run.args:
            assert told <= {"handed over"}, f"0, and {told}"
        if run.code == 10:
            assert "unknown" not in told

    def _check_calm(self, run: Run) -> None:
        """See that no outcome is unknown after nothing but hangups, limits and rejections."""
        if not self._doubts:
            outcomes = {record["outcome"] for record in run.records}
            assert "unknown" not in outcomes, "unknown, though every request was answered"
            self.seen["hangup without a doubt"] += run.code == 129 and bool(run.records)
        if run.code in CODES - {-9, 129, 130, 143} and "0" not in _values_of("--retries", run):
            kinds = {(record["error"] or {}).get("type") for record in run.records}
            assert "RateLimited" not in kinds, "a row failed at a rate limit"

    def _check_claims(self, run: Run, *, was_applied: bool) -> None:
        error = run.error
        if run.code in NOTHING_APPLIED:
            assert not was_applied, f"code {run.code}, and something was applied"
        if error and error["applied"] == "no":
            assert not was_applied, "'no', and something was applied"
        # a deletion is also done where the user turns out to be gone
        if error and error["applied"] == "yes" and "delete" not in run.args:
            assert was_applied, "'yes', and nothing was applied"

    def _check_done(self, run: Run, effects: list[Line], gone: set[str]) -> None:
        done = Counter(
            self._lines[record["row"] - 1]
            for record in run.records
            if record["outcome"] in SUCCESSES
        )
        there = Counter(effects)
        for line, count in done.items():
            least = count if self._posts else 1
            assert there[line] >= least or line.target in gone, (
                f"{line} is called done, and is not there"
            )

    def check_intents(self, home: Path, sent: list[Line]) -> None:
        """See that every message that was sent in a run stands in a journal."""
        if self._posts and sent:
            kept = Counter(
                key for path in home.glob("*.kabelwerk-journal") for key in keys_in(path)
            )
            for target, count in Counter(line.target for line in set(sent)).items():
                assert kept[target] >= count, f"{target} was sent without an intent"

    def close(self, effects: list[Line], is_disliked: Callable[[Line], bool] | None) -> None:
        """See what has to be true when all is settled.

        Args:
            effects: what was applied.
            is_disliked: tells whether a firewall keeps a row away; None if there is none.
        """
        self.story.append("effects: " + " ".join(f"{t}={v}" for t, v in effects))
        assert self.last
        assert self.last.code in {0, 9, 10, 11}, f"it does not settle: {self.last.code}"
        outcomes = {record["row"]: record["outcome"] for record in self.last.records}
        for record in self.last.records:
            self._check_not_lost(record, outcomes, is_disliked)
        if self._sets_values and outcomes:
            self._check_last_values(effects, outcomes)
        if self._posts and self._is_one_journal:
            self.seen["order of messages"] += 1
            self._check_order(effects)

    def _check_not_lost(
        self,
        record: dict[str, Any],
        outcomes: dict[int, str],
        is_disliked: Callable[[Line], bool] | None,
    ) -> None:
        """See that a row that is not done has a reason of its own, or of its target."""
        outcome, error, line = record["outcome"], record["error"], self._lines[record["row"] - 1]
        if outcome in {*SUCCESSES, "handed over"}:
            return
        self.seen[f"settled as {outcome}"] += 1
        if outcome == "unknown":
            assert self._doubts, "an outcome is unknown, and nothing happened"
        elif outcome == "failed":
            is_kept_away = is_disliked is not None and is_disliked(line)
            codes = {2, 5, 6, 8} if is_kept_away else {2, 5, 6}
            assert error["exit_code"] in codes, f"{line}: {error}"
        elif error["type"] != "AlreadyPosted":
            first = re.search(r"It waits for row (\d+)", error["message"])
            assert first, f"{line} is left: {error}"
            assert self._lines[int(first[1]) - 1].target == line.target, f"{line} waits for another"
            assert outcomes[int(first[1])] not in SUCCESSES

    def _check_last_values(self, effects: list[Line], outcomes: dict[int, str]) -> None:
        last = {line.target: line.value for line in effects}
        for target in {line.target for line in self._lines} - self._handed_over:
            rows = [n for n, line in enumerate(self._lines, start=1) if line.target == target]
            if outcomes[rows[-1]] not in SUCCESSES or not self._kept_order(target):
                continue
            assert last[target] == self._lines[rows[-1] - 1].value, f"{target}: not the last value"

    def _kept_order(self, target: str) -> bool:
        final = [line for line in self._lines if line.target == target]
        if len(set(final)) < len(final):
            return False
        pairs = set(combinations(final, 2))
        for version in self.versions:
            mine = [line for line in version if line.target == target]
            if len(set(mine)) < len(mine):
                return False
            if any((b, a) in pairs for a, b in combinations(mine, 2)):
                return False
        return True

    def _check_order(self, effects: list[Line]) -> None:
        first: dict[Line, int] = {}
        for place, line in enumerate(effects):
            first.setdefault(line, place)
        for a, b in combinations(self._lines, 2):
            if a.target != b.target or a == b or a.target in self._handed_over:
                continue
            # only where the file had both, in this order, since it had the second
            since = [b in version for version in self.versions].index(True)
            always = all(
                version.count(a) == version.count(b) == 1 and version.index(a) < version.index(b)
                for version in self.versions[since:]
            )
            if always and not self._most and a in first and b in first:
                assert first[a] < first[b], f"{a} came after {b}"
