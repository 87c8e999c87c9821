"""A story: syncs one after another, and what is true after each.

Files are written `u1:Name u2:Other`, for keys and names; requests are told as `POST u1`.
"""

import json
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple

from tests.faultserver import FaultyServer, Request, Step
from tests.model.model import Model
from tests.model.state import State, User, seeded
from tests.shell import Ran, Shell

FILE = "staff.csv"
STATE = "staff.csv.kabelwerk-state"
USERS = ("users", "sync")
ROOMS = ("rooms", "sync")
PLAIN = ("--concurrency", "1", "--retries", "0")
NOTHING: Mapping[str, Any] = MappingProxyType({})


class Do(NamedTuple):
    """One run.

    Attributes:
        file: what is in the file from now on; None for what was there. Text with a line break in
            it stands as it is.
        options: what is added to the command line.
        code: the exit code.
        requests: what was sent, in order; None for anything.
        told: what is on stdout, by key; None for anything.
        says: what is on stderr.
        users: the names of the backend's users afterwards, but for those of `seeded`.
        faults: what the server does.
        before: what somebody else does on the backend before the run.
        command: the command, up to the file.
        source: the file's name.
        names: the columns.
        report: members of the error object.
    """

    file: str | None = None
    options: str = ""
    code: int = 0
    requests: str | None = None
    told: str | None = None
    says: str | tuple[str, ...] = ()
    users: str | None = None
    faults: tuple[Step, ...] = ()
    before: Callable[[State], None] | None = None
    command: tuple[str, ...] = USERS
    source: str = FILE
    names: str = "key,name"
    report: Mapping[str, object] = NOTHING


def rows(text: str, names: str = "key,name") -> str:
    """A CSV file of rows such as `u1:Name`, separated by blanks; other text as it is."""
    if not text or "\n" in text:
        return text
    return "".join(f"{row.replace(':', ',')}\n" for row in [names, *text.split()])


def change(model: Model, act: Callable[[State], None]) -> None:
    """Change the backend behind the program's back."""
    state = model.snapshot()
    act(state)
    model._state = state


def gone(*keys: str) -> Callable[[State], None]:
    """Somebody deletes users."""

    def act(state: State) -> None:
        for key in keys:
            del state.users[key]

    return act


def there(*keys: str) -> Callable[[State], None]:
    """Somebody creates users."""

    def act(state: State) -> None:
        for key in keys:
            state.users[key] = User(state.new_id(), key, "Theirs")

    return act


def told_of(request: Request) -> str:
    """A request, in words."""
    sent = json.loads(request.body) if request.body else {}
    words = request.target.split("/")
    key = words[5] if "rooms" in words else sent.get("key") or words[3]
    return f"{request.method} {key}"


def users_of(model: Model) -> str:
    """The users on the backend but for those of `seeded`, with their names."""
    known = seeded().users
    return " ".join(
        f"{key}:{user.name}" for key, user in sorted(model.users.items()) if key not in known
    )


def records_of(out: str) -> str:
    """What is on stdout, by key: what is planned, or what became of it."""
    told = [json.loads(line) for line in out.splitlines()]
    found = [(row["key"], row.get("action") or row["outcome"]) for row in told]
    return " ".join(f"{key}={said.replace(' ', '-')}" for key, said in sorted(found))


def tell(shell: Shell, story: Iterable[Do], model: Model | None = None) -> None:
    """Do what a story says, and see that it ends as it says."""
    model = model or Model()
    with FaultyServer(model=model) as server:
        there = shell.configured(server)
        for number, do in enumerate(story, start=1):
            if do.before:
                change(model, do.before)
            server.follow(do.faults)
            before = len(server.requests)
            ran = run(there, do)
            about = f"step {number}: {do}\n{ran.out}{ran.err}"
            assert "Traceback" not in ran.err, about
            assert ran.code == do.code, about
            if do.requests is not None:
                sent = ", ".join(told_of(request) for request in server.requests[before:])
                assert sent == do.requests, about
            if do.told is not None:
                assert records_of(ran.out) == do.told, about
            for text in [do.says] if isinstance(do.says, str) else do.says:
                assert text in ran.err, about
            if do.users is not None:
                assert users_of(model) == do.users, about
            if do.report:
                error = json.loads(ran.err.splitlines()[-1])["error"]
                assert {name: error[name] for name in do.report} == do.report, about


def run(there: Shell, do: Do) -> Ran:
    """Run the command of a step."""
    if do.file is not None:
        Path(there.home, do.source).write_text(rows(do.file, do.names))
    arguments = (*do.command, "--from", do.source, *PLAIN, "-o", "jsonl")
    return there.run(*arguments, *do.options.split())
