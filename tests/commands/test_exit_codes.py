"""Each command x each outcome: exit code, stdout and stderr of a process."""

import json
from collections.abc import Iterator
from typing import NamedTuple

import pytest

from tests.faultserver import (
    FAULTS,
    HONEST,
    OTHER_KEY,
    REFUSE,
    Fault,
    FaultyServer,
    Step,
    redirect,
)
from tests.operations import CALLS, COMMANDS
from tests.shell import TOKEN, Shell


class Expected(NamedTuple):
    """What a command reports for a fault; the same for every command."""

    code: int
    type: str
    applied: str
    text: str
    """What the message has in it."""


RATE_LIMITED = FAULTS["status-429"]
EXPECTED: dict[Fault, Expected] = {
    FAULTS["400-one-field"]: Expected(6, "ValidationError", "no", "key has already been taken"),
    FAULTS["400-two-fields"]: Expected(6, "ValidationError", "no", "name can't be blank"),
    FAULTS["400-string-for-list"]: Expected(6, "ValidationError", "no", "name can't be blank"),
    FAULTS["400-string"]: Expected(6, "ValidationError", "no", "Can't be blank"),
    FAULTS["400-list"]: Expected(6, "ValidationError", "no", "name is invalid"),
    FAULTS["400-nested"]: Expected(6, "ValidationError", "no", "user.keys.key is invalid"),
    FAULTS["400-number"]: Expected(6, "ValidationError", "no", "400 Bad Request. 7."),
    FAULTS["400-null"]: Expected(6, "ValidationError", "no", "400"),
    FAULTS["400-empty-object"]: Expected(6, "ValidationError", "no", "400"),
    FAULTS["400-without-errors"]: Expected(6, "ValidationError", "no", "400 Bad Request. No."),
    FAULTS["400-array"]: Expected(6, "ValidationError", "no", "400 Bad Request. No."),
    FAULTS["400-html"]: Expected(6, "ValidationError", "no", "400"),
    FAULTS["400-empty"]: Expected(6, "ValidationError", "no", "400"),
    FAULTS["400-escapes"]: Expected(6, "ValidationError", "no", "na\\x1b[31mme"),
    FAULTS["status-401"]: Expected(4, "AuthenticationError", "no", "Check the API token"),
    FAULTS["status-403"]: Expected(4, "AuthenticationError", "no", "Check the API token"),
    FAULTS["status-404"]: Expected(5, "DoesNotExist", "no", "404"),
    FAULTS["404-empty"]: Expected(5, "DoesNotExist", "no", "404"),
    FAULTS["404-html"]: Expected(8, "ServerError", "no", "check the URL"),
    FAULTS["status-405"]: Expected(8, "ServerError", "no", "405"),
    FAULTS["status-409"]: Expected(6, "ValidationError", "no", "409"),
    FAULTS["status-413"]: Expected(8, "ServerError", "no", "larger than the server allows"),
    FAULTS["status-422"]: Expected(6, "ValidationError", "no", "422"),
    RATE_LIMITED: Expected(7, "RateLimited", "no", "safe to run the same command again later"),
    FAULTS["status-500"]: Expected(8, "ServerError", "unknown", "may have been"),
    FAULTS["status-503"]: Expected(8, "ServerError", "unknown", "This is a 503."),
    redirect(302, "https://kabelwerk.example/"): Expected(
        8, "ServerError", "no", "redirect to https://kabelwerk.example/"
    ),
    FAULTS["200-html"]: Expected(8, "ServerError", "unknown", "a page that is not from the API"),
    FAULTS["status-202"]: Expected(8, "ServerError", "unknown", "202"),
    FAULTS["204-without-body"]: Expected(8, "ServerError", "yes", "is missing from it"),
    OTHER_KEY: Expected(8, "ServerError", "unknown", "'key' is not what was requested"),
    FAULTS["room-of-another"]: Expected(8, "ServerError", "unknown", "the field 'user'"),
    FAULTS["reset-after-reading"]: Expected(9, "OutcomeUnknown", "unknown", "may have been"),
    REFUSE: Expected(7, "ConnectionError", "no", "was not"),
}


def cells() -> Iterator[object]:
    for fault, expected in EXPECTED.items():
        for operation in fault.operations:
            for output in ("table", "json"):
                name = f"{operation}-{fault}-{output}"
                yield pytest.param(operation, fault, expected, output, id=name)


@pytest.mark.parametrize(("operation", "fault", "expected", "output"), list(cells()))
def test_a_failure(
    shell: Shell, operation: str, fault: Fault, expected: Expected, output: str
) -> None:
    with FaultyServer([Step(fault)]) as server:
        before = server.model.snapshot()
        ran = shell.configured(server).run(*COMMANDS[operation], "--retries", "0", "-o", output)
        changed = server.model.snapshot() != before
    assert ran.code == expected.code
    assert ran.out == ""
    assert len(ran.err.splitlines()) == 1
    assert TOKEN not in ran.err
    assert changed <= (expected.applied != "no")
    if output == "table":
        assert ran.err.startswith("Error: ")
        assert expected.text in ran.err
    else:
        error = json.loads(ran.err)["error"]
        assert set(error) == {
            "type",
            "message",
            "status",
            "fields",
            "applied",
            "safe_to_rerun",
            "attempts",
            "request_id",
            "exit_code",
            "stop",
        }
        assert error["stop"] is None
        assert (error["type"], error["applied"], error["exit_code"], error["attempts"]) == (
            expected.type,
            expected.applied,
            expected.code,
            1,
        )
        assert error["safe_to_rerun"] == (
            expected.applied == "no" or CALLS[operation].request.repeatable
        )
        if expected.type == "ValidationError":
            assert error["status"] in {400, 409, 422}


SUCCESSES = [
    (operation, fault)
    for fault in (HONEST, FAULTS["201-as-200"], FAULTS["200-as-201"], FAULTS["204-as-200"])
    for operation in fault.operations
]


@pytest.mark.parametrize("output", ["table", "json"])
@pytest.mark.parametrize(("operation", "fault"), SUCCESSES)
def test_a_success(shell: Shell, operation: str, fault: Fault, output: str) -> None:
    with FaultyServer([Step(fault)]) as server:
        ran = shell.configured(server).execute(*COMMANDS[operation], "-o", output)
        assert CALLS[operation].is_done(server.model.snapshot())
        assert len(server.requests) == 1
    assert ran.code == 0
    assert ran.err == ""
    first = "key" if CALLS[operation].request.record is None else "id"
    if output == "json":
        assert next(iter(json.loads(ran.out))) == first
    else:
        assert first in ran.out.splitlines()[0]


def test_a_rejection_has_all_messages_by_field(shell: Shell) -> None:
    with FaultyServer([Step(FAULTS["400-two-fields"])]) as server:
        ran = shell.configured(server).run(*COMMANDS["create"], "-o", "json")
    assert json.loads(ran.err)["error"]["fields"] == {
        "key": ["can't be blank", "is invalid"],
        "name": ["can't be blank"],
    }


@pytest.mark.parametrize("operation", COMMANDS)
@pytest.mark.parametrize(
    ("environment", "code", "text"),
    [
        ({"KABELWERK_API_TOKEN": TOKEN}, 3, "No URL"),
        ({"KABELWERK_URL": "http://127.0.0.1:9"}, 3, "No API token"),
        ({"KABELWERK_URL": "http://kabelwerk.example", "KABELWERK_API_TOKEN": TOKEN}, 3, "https"),
        ({"KABELWERK_URL": "http://127.0.0.1:9", "KABELWERK_API_TOKEN": "a b"}, 3, "spaces"),
        ({"KABELWERK_TIMEOUT": "soon"}, 3, "KABELWERK_TIMEOUT"),
    ],
)
def test_what_is_missing_is_named(
    shell: Shell, operation: str, environment: dict[str, str], code: int, text: str
) -> None:
    ran = shell.with_(**environment).run(*COMMANDS[operation])
    assert (ran.code, ran.out) == (code, "")
    assert text in ran.err
    assert TOKEN not in ran.err


@pytest.mark.parametrize(
    ("args", "text"),
    [
        (("user",), "Did you mean 'users'?"),
        (("users", "craete"), "'create'"),
        (("users", "create", "--nmae", "Motoko"), "--name"),
        (("users", "create", "--key", "kusanagi"), "--name"),
        (("users", "create", "--key", "kusanagi", "--name", "Motoko", "-o", "jsn"), "json"),
        (("users", "create", "--key", "", "--name", "Motoko"), "--key must not be empty"),
        (("users", "create", "--key", " kusanagi", "--name", "Motoko"), "--exact-key"),
        (("users", "create", "--key", "k", "--name", "M", "--fields", "nmae"), "id, key, name"),
        (("users", "delete", "--key", "kusanagi"), "--yes"),
        (("rooms", "update", "--room", "kusanagi"), "nothing to change"),
        (
            ("rooms", "update", "--room", "kusanagi", "--hub-user", "b", "--unassign"),
            "cannot be used together",
        ),
        (("rooms", "update", "--room", "kusanagi", "--attributes", "[]"), "object"),
        (("rooms", "update", "--room", "kusanagi", "--attributes", "{"), "JSON"),
        (("rooms", "update", "--room", "kusanagi", "--attributes", '{"a": NaN}'), "JSON"),
        (("rooms", "update", "--room", "kusanagi", "--attributes", "@none"), "none"),
        (("messages", "post", "--room", "kusanagi", "--user", "batou"), "--text"),
        (("messages", "post", "--room", "r", "--user", "u", "--text", ""), "empty"),
        (("messages", "post", "--room", "r", "--user", "u", "--text-file", "none"), "none"),
        (
            ("messages", "post", "--room", "r", "--user", "u", "--text", "a", "--text-file", "-"),
            "--text and --text-file cannot be used together",
        ),
    ],
)
@pytest.mark.parametrize("output", ["table", "json"])
def test_wrong_usage_sends_nothing(
    shell: Shell, args: tuple[str, ...], text: str, output: str
) -> None:
    with FaultyServer() as server:
        ran = shell.configured(server).run("-o", output, *args)
        assert server.requests == []
    assert (ran.code, ran.out) == (2, "")
    assert text in ran.err
    assert len(ran.err.splitlines()) == 1
    if output == "json":
        error = json.loads(ran.err)["error"]
        assert (error["exit_code"], error["applied"], error["attempts"]) == (2, "no", 0)


def test_json_errors_also_where_the_option_stands_behind_the_mistake(shell: Shell) -> None:
    ran = shell.run("users", "create", "--nmae", "Motoko", "--output=json")
    assert json.loads(ran.err)["error"]["type"] == "UsageError"


def test_a_warning_for_a_field_that_cannot_be_read(shell: Shell) -> None:
    with FaultyServer([Step(FAULTS["inserted-at-nonsense"])]) as server:
        ran = shell.configured(server).run(*COMMANDS["message"], "-o", "json")
    assert ran.code == 0
    assert "inserted_at" in ran.err
    assert json.loads(ran.out)["text"]


def test_quiet_is_silent_on_success_and_loud_on_failure(shell: Shell) -> None:
    with FaultyServer() as server:
        ran = shell.configured(server).run(*COMMANDS["create"], "-q")
        again = shell.configured(server).run(*COMMANDS["create"], "-q")
    assert ran == (0, "", "")
    assert again.code == 6
    assert again.err
