"""A story: runs of the executable one after another, and what is true after each.

Rows are written `r1:Hello`, for a room and a text; so are the messages that the server has.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from tests.faultserver import FAULTS, HONEST, RESET_AFTER_READING, FaultyServer, Step
from tests.faultserver.fault import Exchange, Fault, Outcome
from tests.model.model import Model
from tests.model.state import Room, State, User, seeded
from tests.shell import Ran, Shell

FILE = "rows.csv"
JOURNAL = "rows.csv.kabelwerk-journal"
POST_ASKING = ("messages", "post", "--user", "batou")
POST = (*POST_ASKING, "--yes")
UPDATE = ("users", "update")
PADDING = "."
PATIENTS = ("r1", "r2", "r3", "r4", "r5")
HUBS = ("section9", "ward")
SUCCESSES = frozenset(
    {"done", "posted", "created", "updated", "deleted", "absent"},
)
NOTHING: Mapping[str, Any] = MappingProxyType({})
ONE_BY_ONE = ("--concurrency", "1", "--retries", "0")


class Do(NamedTuple):
    """One run.

    Attributes:
        options: what is added to the command line.
        code: the exit code.
        file: what is in the file from now on; None for what was there.
        faults: what the server does.
        posted: the messages that come to those there were, in order.
        journal: whether the journal is there afterwards.
        says: what is on stderr.
        outcomes: of the rows that are told, by their number; None for any.
        command: the command, up to the file.
        source: the file's name.
        stdin: what is in standard input.
        files: what other files hold from now on.
        leaves: what other files hold afterwards.
        report: members of the error object.
        names: of some users, afterwards.
    """

    options: str = ""
    code: int = 0
    file: str | None = None
    faults: tuple[Step, ...] = ()
    posted: str = ""
    journal: bool | None = True
    says: str = ""
    outcomes: str | None = None
    command: tuple[str, ...] = POST
    source: str = FILE
    stdin: str | None = None
    files: Mapping[str, str] = NOTHING
    leaves: Mapping[str, str] = NOTHING
    report: Mapping[str, object] = NOTHING
    names: Mapping[str, str] = NOTHING


def well(times: int) -> Step:
    """Answer so many requests as one should."""
    return Step(HONEST, times=times)


def lost(*, applied: bool) -> Step:
    """Lose the answer to one request."""
    return Step(RESET_AFTER_READING, applied=applied, times=1)


def busy(times: int = 1) -> Step:
    """Answer so many requests that there are too many."""
    return Step(FAULTS["status-429"], times=times)


def down(times: int = 1) -> Step:
    """Answer so many requests with a 503."""
    return Step(FAULTS["status-503"], times=times)


def meanwhile(happens: Callable[[], object]) -> Step:
    """Have something happen between one request and its answer."""

    def act(exchange: Exchange) -> bool:
        happens()
        return exchange.send_honest()

    return Step(Fault("meanwhile", act, Outcome.DONE), times=1)


def clinic(hubs: tuple[str, ...] = HUBS[:1]) -> Model:
    """A backend with some patients, who have a room in each hub, and batou, who writes to them."""
    state: State = seeded()
    state.hubs = hubs
    for key in PATIENTS:
        state.users[key] = User(state.new_id(), key, key.title())
        for hub in hubs:
            room = Room(state.new_id(), hub, key, archived=False, attributes={})
            state.rooms[hub, key] = room
    return Model(state)


def rows(text: str, names: str = "room,text", padding: int = 0) -> str:
    """A CSV file of rows such as `r1:Hello`, separated by blanks.

    Args:
        text: the rows.
        names: the columns.
        padding: how much longer each row is.
    """
    lines = [row.replace(":", ",") + PADDING * padding for row in text.split()]
    return "".join(f"{line}\n" for line in [names, *lines])


def posted(model: Model) -> list[str]:
    """The messages that are on the server, as `r1:Hello`, in order, without their padding."""
    state = model.snapshot()
    users = {room.id: room.user for room in state.rooms.values()}
    return [f"{users[m.room_id]}:{m.text.rstrip(PADDING)}" for m in state.messages]


def outcomes_of(out: str) -> dict[int, str]:
    """The outcome of each row that is told; every success is called done."""
    told = [json.loads(line) for line in out.splitlines()]
    outcomes = {row["row"]: row["outcome"] for row in told}
    assert len(outcomes) == len(told)
    return {n: "done" if o in SUCCESSES else o for n, o in sorted(outcomes.items())}


def error_of(err: str) -> dict[str, object]:
    """The error object, which is the last line of stderr."""
    error: dict[str, object] = json.loads(err.splitlines()[-1])["error"]
    return error


def tell(shell: Shell, story: Iterable[Do], *, hubs: tuple[str, ...] = HUBS[:1]) -> None:
    """Do what a story says, and see that it ends as it says."""
    model = clinic(hubs)
    with FaultyServer(model=model) as server:
        there = shell.configured(server)
        for number, do in enumerate(story, start=1):
            before = posted(model)
            server.follow(do.faults)
            ran = _run(there, do)
            about = f"step {number}: {do}\n{ran.out}{ran.err}"
            assert "Traceback" not in ran.err, about
            assert ran.code == do.code, about
            assert posted(model) == before + do.posted.split(), about
            assert do.says in ran.err, about
            assert do.names.items() <= {k: u.name for k, u in model.users.items()}.items(), about
            _look_at_files(shell.home, do, about)
            if do.outcomes is not None:
                found = outcomes_of(ran.out)
                told = " ".join(f"{n}={o.replace(' ', '-')}" for n, o in found.items())
                assert told == do.outcomes, about
            if do.report:
                error = error_of(ran.err)
                assert {name: error[name] for name in do.report} == do.report, about


def _run(there: Shell, do: Do) -> Ran:
    files = {**({do.source: do.file} if do.file is not None else {}), **do.files}
    for name, content in files.items():
        (there.home / name).write_text(content)
    arguments = (*do.command, "--from", do.source, *ONE_BY_ONE, "-o", "jsonl")
    stdin = None if do.stdin is None else do.stdin.encode()
    return there.run(*arguments, *do.options.split(), stdin=stdin)


def _look_at_files(home: Path, do: Do, about: str) -> None:
    if do.journal is not None:
        assert (home / JOURNAL).exists() == do.journal, about
    for name, content in do.leaves.items():
        assert (home / name).read_text() == content, about
