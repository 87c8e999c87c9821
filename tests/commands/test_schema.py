"""`kabelwerk schema` describes what the program prints: whatever it prints is validated here."""

import json
import signal
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from kabelwerk_cli.cli.described import Group
from kabelwerk_cli.cli.root import kabelwerk
from kabelwerk_cli.cli.tree import walk
from kabelwerk_cli.errors import Stop
from kabelwerk_cli.output import as_json
from kabelwerk_cli.sandbox.tables import RECORDS
from kabelwerk_cli.terminal.error_report import ErrorLine, problem
from kabelwerk_cli.terminal.exit_codes import _CODES, ExitCode
from tests.batch.story import clinic, down, lost, rows, well
from tests.faults.test_command import wait_for_request
from tests.faultserver import FAULTS, HANG, REFUSE, RESET_AFTER_READING, FaultyServer, Step
from tests.operations import COMMANDS, OPERATIONS, Operation
from tests.shell import Ran, Shell

SHOW_NOTHING = {
    "login",
    "logout",
    "completion",
    "help",
    "schema",
    "sandbox serve",
    "sandbox reset",
    "sandbox add-hub",
}
GENERAL = ["batch", "plan", "dry-run", "summary", "log", "error"]
FORMATS = jsonschema.FormatChecker(formats=())


@FORMATS.checks("date-time", raises=ValueError)
def is_time(value: object) -> bool:
    return isinstance(value, str) and value.endswith("Z") and bool(datetime.fromisoformat(value))


class Schemas:
    """The schemas that the program prints."""

    def __init__(self, shell: Shell) -> None:
        self.shell = shell
        self._found: dict[str, dict[str, Any]] = {}

    def __getitem__(self, name: str) -> dict[str, Any]:
        if name not in self._found:
            ran = self.shell.run("schema", *name.split())
            assert (ran.code, ran.err) == (0, "")
            self._found[name] = json.loads(ran.out)
            jsonschema.Draft202012Validator.check_schema(self._found[name])
        return self._found[name]

    def check(self, name: str, value: Any) -> None:
        """Validate a value, and see that no other field would be valid."""
        validator = jsonschema.Draft202012Validator(self[name], format_checker=FORMATS)
        validator.validate(value)
        for record in value if isinstance(value, list) else [value]:
            record["another"] = 1
            assert not validator.is_valid(value), record
            del record["another"]

    def check_lines(self, name: str, ran: Ran) -> list[Any]:
        """Validate what -o jsonl printed, and an error if there is one."""
        values = [json.loads(line) for line in ran.out.splitlines()]
        is_array = self[name].get("type") == "array"
        for value in values:
            self.check(name, [value] if is_array else value)
        if ran.code:
            self.check_error(ran)
        return values

    def check_error(self, ran: Ran) -> Any:
        value = json.loads(ran.err.splitlines()[-1])
        self.check("error", value)
        assert value["error"]["exit_code"] == ran.code
        return value["error"]


@pytest.fixture
def schemas(shell: Shell) -> Schemas:
    return Schemas(shell)


def test_each_command_that_prints_json_has_a_schema(schemas: Schemas) -> None:
    listed = schemas.shell.run("schema").out.splitlines()
    commands = {
        " ".join(path) for command, path in walk(kabelwerk, ()) if type(command) is not Group
    }
    names = {
        name.removesuffix(f" {what}") for name in listed for what in ("users", "rooms", "messages")
    }
    assert listed[-len(GENERAL) :] == GENERAL
    assert {name for name in commands if name and name not in SHOW_NOTHING} <= names
    for name in listed:
        assert schemas[name]["$schema"].endswith("2020-12/schema")
        assert schemas[name]["title"] == f"kabelwerk {name}"


def test_no_configuration_is_read(shell: Shell) -> None:
    (shell.home / "broken.toml").write_text("[[[")
    broken = shell.with_(KABELWERK_CONFIG="broken.toml", KABELWERK_URL="", KABELWERK_TIMEOUT="x")
    assert broken.run("schema", "users", "create").code == 0


@pytest.mark.parametrize(
    ("words", "completed"),
    [
        ("schema us", "users"),
        ("schema users cr", "create"),
        ("schema sandbox show ", "users rooms messages hubs requests"),
        ("schema d", "doctor dry-run"),
        ("schema users create ", ""),
    ],
)
def test_names_are_completed(shell: Shell, words: str, completed: str) -> None:
    assert shell.complete(f"kabelwerk {words}") == completed.split()


def test_an_unknown_name(schemas: Schemas) -> None:
    ran = schemas.shell.run("schema", "user", "crate")
    assert (ran.code, ran.out) == (2, "")
    assert "There is no schema 'user crate'. Did you mean 'users create'?" in ran.err
    assert schemas.check_error(schemas.shell.run("schema", "x", "-o", "json"))["exit_code"] == 2


@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=str)
def test_the_result_of_each_call(schemas: Schemas, operation: Operation) -> None:
    name, more = " ".join(operation.command), operation.words(**operation.row(0))
    with FaultyServer(model=clinic()) as server:
        there = schemas.shell.configured(server)
        for words in (operation.line, (*more, *operation.confirmed)):
            for output in ("json", "jsonl"):
                ran = there.run(*words, "--dry-run", "-o", output)
                requests = json.loads(ran.out) if output == "json" else None
                for request in [requests] if isinstance(requests, dict) else requests or []:
                    schemas.check("dry-run", request)
                ran = there.run(*words, "-o", output)
                if ran.code == 0:
                    schemas.check(name, json.loads(ran.out))
                else:
                    schemas.check_error(ran)


def test_what_becomes_of_a_user(schemas: Schemas) -> None:
    named = ("--key", "motoko", "--name", "Motoko")
    remove = ("users", "delete", "--key", "motoko", "--yes", "--ignore-not-found")
    outcomes = []
    with FaultyServer() as server:
        there = schemas.shell.configured(server)
        for words in [("users", "ensure", *named)] * 2 + [remove] * 2:
            value = json.loads(there.run(*words, "-o", "json").out)
            schemas.check(" ".join(words[:2]), value)
            outcomes.append(value["outcome"])
    assert outcomes == ["created", "updated", "deleted", "absent"]


USERS = "key,name"
POST = "messages post --yes --user batou"
# a command, its options, the file, and what the server does
BATCHES: list[tuple[str, str, str, list[Step]]] = [
    ("users create", "", rows("r1:a new:b", USERS), []),
    ("users update", "", rows("r1:a ghost:b", USERS), []),
    ("users ensure", "", rows("r1:a fresh:b", USERS), []),
    ("users delete", "--ignore-not-found --yes", rows("r5 ghost", "key"), []),
    ("rooms update", "--archived", rows("r1 ghost", "room"), []),
    ("rooms update", "", 'room,attributes,hub_user\nr1,"{""a"": 1}",batou\n', []),
    (POST, "--limit 1", rows("r1:a r2:b"), []),
    (POST, "--resume --rejects r.csv", rows("r1:a r2:b ghost:c"), []),
    (POST, "--resume", rows("r1:a r2:b ghost:c r3:d"), [lost(applied=True)]),
    (POST, "--resume", rows("r1:a r2:b ghost:c r3:d r3:e"), []),
    (POST, "--restart --skip-invalid", rows("r1:x r2: r3:y"), [well(1), down()]),
    ("users create", "", rows("r1 r2", "key"), []),
]


def test_the_records_of_batches_and_syncs(schemas: Schemas) -> None:
    seen: set[str] = set()
    with FaultyServer(model=clinic()) as server:
        there = schemas.shell.configured(server)
        for command, options, content, faults in BATCHES:
            server.follow(faults)
            file = f"{command.replace(' ', '-')}.csv"
            (there.home / file).write_text(content)
            words = (*command.split(), "--from", file, *options.split(), "--retries", "0")
            for request in _lines(there.run(*words, "--dry-run", "-o", "jsonl")):
                schemas.check("dry-run", request)
            ran = there.run(*words, "--concurrency", "1", "-o", "jsonl")
            seen |= {record["outcome"] for record in schemas.check_lines("batch", ran)}
        server.follow([])
        for command, options, content in SYNCS:
            (there.home / "sync.csv").write_text(content)
            state = f"{command.replace(' ', '-')}.state"
            words = (*command.split(), "--from", "sync.csv", "--state", state, *options.split())
            for change in _lines(there.run(*words, "--dry-run", "-o", "jsonl")):
                schemas.check("plan", change)
            ran = there.run(*words, "-o", "json")
            assert ran.code == 0, ran.err
            schemas.check(command, json.loads(ran.out))
            seen |= {record["outcome"] for record in json.loads(ran.out)}
    known = schemas["batch"]["$defs"]["UserRow"]["properties"]["outcome"]["enum"]
    assert seen == set(known)


SYNCS = [
    ("users sync", "--new-state", rows("u1:a u2:b u3:c r1:d", USERS)),
    ("users sync", "", rows("u1:x u2:b", USERS)),
    ("users sync", "--delete --yes", rows("u1:x", USERS)),
    ("rooms sync", "--new-state", 'room,attributes,archived\nr1,"{""a"": 1}",true\n'),
]


def _lines(ran: Ran) -> Iterator[Any]:
    return (json.loads(line) for line in ran.out.splitlines())


def test_lists(schemas: Schemas, sandbox: Shell) -> None:
    local = schemas.shell.with_(KABELWERK_URL="sandbox:")
    local.run("users", "create", "--key", "batou", "--name", "Batou", "--hub", "section9")
    for operation in ("create", "message"):
        changed = {} if operation == "create" else {"room": "motoko"}
        assert local.run(*OPERATIONS[operation].words(**changed)).code == 0
    assert local.run("rooms", "update", "--room", "motoko", "--hub-user", "batou").code == 0
    shown = [f"sandbox show {what}" for what in RECORDS]
    for there, name in [(local, name) for name in (*shown, "doctor", "config show")] + [
        (sandbox, "doctor"),
        (sandbox.configured("http://127.0.0.1:9"), "doctor"),
    ]:
        ran = there.run(*name.split(), "--retries", "0", "-o", "json")
        values = json.loads(ran.out)
        assert values
        schemas.check(name, values)
        schemas.check_lines(name, there.run(*name.split(), "--retries", "0", "-o", "jsonl"))


ERRORS = {
    2: ("users create", None),
    3: ("users create --key a --name b --url ftp://x", None),
    4: (None, FAULTS["status-401"]),
    5: (None, FAULTS["status-404"]),
    6: (None, FAULTS["400-two-fields"]),
    7: (None, REFUSE),
    8: (None, FAULTS["status-500"]),
    9: (None, RESET_AFTER_READING),
    10: ("users update --from f.csv", FAULTS["400-two-fields"]),
}


def test_the_error_of_each_exit_code(schemas: Schemas) -> None:
    shell = schemas.shell
    (shell.home / "f.csv").write_text(rows("r1:a", USERS))
    codes = {ExitCode.DONE, ExitCode.BUG}
    for code, (line, fault) in ERRORS.items():
        with FaultyServer([Step(fault)] if fault else []) as server:
            words = line.split() if line else COMMANDS["create"]
            there = shell.configured(server)
            ran = there.run(*words, "--retries", "0", "-o", "json", "--no-input")
        assert ran.code == code, ran.err
        schemas.check_error(ran)
        codes.add(ExitCode(code))
    for number, code in ((signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)):
        ran = _cut(shell, number=number)
        assert ran.code == code
        schemas.check_error(ran)
        codes.add(ExitCode(code))
    with Path("/dev/full").open("wb") as full:
        schemas.check_error(_cut(shell, stdout=full))
    codes.add(ExitCode.OUTPUT_LOST)
    with FaultyServer(model=clinic()) as server:
        (shell.home / "m.csv").write_text(rows("r1:a"))
        post = ("messages", "post", "--user", "batou", "--from", "m.csv", "-o", "json", "--yes")
        assert shell.configured(server).run(*post).code == 0
        stopped = shell.configured(server).run(*post)
    assert (stopped.code, schemas.check_error(stopped)["stop"]) == (11, "finished")
    codes.add(ExitCode.STOPPED)
    assert codes == set(ExitCode)


def test_the_type_of_each_error(schemas: Schemas) -> None:
    """The table of exit codes has every kind of error; what is not in it is a bug."""
    for kind, code in _CODES:
        two = {"InvalidInput": ("key", "is bad"), "SafetyStop": ("Bad.", Stop.DUPLICATES)}
        error = kind(*two.get(kind.__name__, ("Bad.",)))
        value = as_json(ErrorLine(problem(error)))
        schemas.check("error", json.loads(json.dumps(value)))
        assert value["error"]["exit_code"] == code
    assert as_json(problem(ValueError()))["type"] == "Bug"


def _cut(shell: Shell, *, number: int = 0, **streams: Any) -> Ran:
    """Run a command that cannot end well: a signal arrives, or its output is lost."""
    with FaultyServer([Step(HANG)] if number else []) as server:
        there = shell.configured(server)
        with there.start(*COMMANDS["message"], "-o", "json", **streams) as process:
            if number:
                wait_for_request(server)
                process.send_signal(number)
            _, err = process.communicate(timeout=20)
    return Ran(process.returncode, "", err.decode())


def test_the_names_in_every_format(shell: Shell) -> None:
    names = shell.run("schema").out.splitlines()
    assert [row["name"] for row in json.loads(shell.run("schema", "-o", "json").out)] == names
    lines = shell.run("schema", "-o", "jsonl").out.splitlines()
    assert [json.loads(line)["name"] for line in lines] == names
    assert shell.run("schema", "-o", "tsv").out.splitlines() == names
    (line,) = shell.run("schema", "error", "-o", "jsonl").out.splitlines()
    assert json.loads(line) == json.loads(shell.run("schema", "error", "-o", "json").out)
