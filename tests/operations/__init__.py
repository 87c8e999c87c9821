"""The table of operations: everything the tests need to know about each one.

Tests that cover every operation take their cases from here, so that a new operation needs one row
and nothing else. `test_operations.py` fails while a command of the program has no row.
"""

import json
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from tests.model import endpoints
from tests.model.state import State

if TYPE_CHECKING:
    from kabelwerk_cli.operations.call import Call


class Request(NamedTuple):
    """The HTTP request of an operation, and what an honest server does with it.

    Attributes:
        method: the HTTP method.
        path: the path below `/api/`, with arguments in braces; the default of `hub` is `_`.
        status: the status of a success.
        record: the type of the JSON object in the answer; None if the answer has no body.
        endpoint: the model's implementation.
        unset: members of the body for arguments that are not given.
        repeatable: whether a client may send it again where the outcome is unknown.
    """

    method: str
    path: str
    status: int
    record: str | None
    endpoint: endpoints.Endpoint
    unset: Mapping[str, Any] = {}
    repeatable: bool = True


class Operation(NamedTuple):
    """One operation.

    Attributes:
        name: a short name, used in test IDs.
        function: its name in `api`, `api.calls`, the official SDK and the log.
        command: the words of its command.
        given: valid arguments. The same names are the function's keyword arguments, the command's
            options and the fields of a row.
        row: what row N of a file changes in the arguments, for a server that is `populated`.
        keys: the arguments that are keys of users, rooms or hubs.
        done: whether the state shows the effect of these arguments.
        request: None for an operation that sends other operations' requests.
        confirmed: options that prevent a confirmation prompt.
    """

    name: str
    function: str
    command: tuple[str, ...]
    given: Mapping[str, Any]
    row: Callable[[int], Mapping[str, Any]]
    keys: tuple[str, ...]
    done: Callable[[State, Mapping[str, Any]], bool]
    request: Request | None
    confirmed: tuple[str, ...] = ()

    def words(self, **changes: Any) -> tuple[str, ...]:
        """The command with its options, after changing or adding some."""
        options = {**self.given, **changes}
        return (*self.command, *(word for pair in options.items() for word in _option(*pair)))

    @property
    def line(self) -> tuple[str, ...]:
        """The complete command line, which does not prompt."""
        return (*self.words(), *self.confirmed)

    def build(self) -> "Call[Any]":
        """The call that the product builds from the arguments."""
        from kabelwerk_cli.operations import calls

        call: Call[Any] = getattr(calls, self.function)(**self.given)
        return call

    @property
    def method(self) -> str:
        """The method of the request."""
        return self._request.method

    @property
    def target(self) -> str:
        """The path of the request, encoded."""
        return "/api/" + self._request.path.format(**{"hub": "_", **self.given})

    @property
    def sent(self) -> dict[str, Any] | None:
        """The JSON object of the request; None for one without a body."""
        if self.method == "DELETE":
            return None
        sent = {**self._request.unset, **self.given}
        path = self._request.path
        return {name: value for name, value in sent.items() if f"{{{name}}}" not in path}

    @property
    def body(self) -> bytes:
        """The body of the request."""
        return b"" if self.sent is None else json.dumps(self.sent).encode()

    @property
    def _request(self) -> Request:
        assert self.request, self.name
        return self.request

    def fields(self, number: int) -> dict[str, Any]:
        """The arguments in row `number`."""
        return {**self.given, **self.row(number)}

    def rows(self, count: int) -> str:
        """The content of a JSON Lines file with `count` rows."""
        return "".join(json.dumps(self.fields(number)) + "\n" for number in range(count))

    def is_done(self, state: State, number: int | None = None) -> bool:
        """Whether the operation, or its row `number`, took effect."""
        return self.done(state, self.given if number is None else self.fields(number))

    def __str__(self) -> str:
        return self.name


def _option(name: str, value: object) -> tuple[str | bytes, ...]:
    option = f"--{name.replace('_', '-')}"
    return (option,) if value is True else (option, value)  # type: ignore[return-value]


def _name(state: State, key: str) -> str | None:
    return state.users[key].name if key in state.users else None


# In `populated` are users old0, old1 ... with a room each, and bare0, bare1 ... without.
OPERATIONS = {
    operation.name: operation
    for operation in (
        Operation(
            "create",
            "create_user",
            ("users", "create"),
            {"key": "motoko", "name": "Motoko"},
            row=lambda n: {"key": f"new{n}"},
            keys=("key", "hub"),
            done=lambda state, given: _name(state, given["key"]) == given["name"],
            request=Request(
                "POST", "users", 201, "User", endpoints.create_user, unset={"hub": None}
            ),
        ),
        Operation(
            "update",
            "update_user",
            ("users", "update"),
            {"key": "kusanagi", "name": "Motoko Kusanagi"},
            row=lambda n: {"key": f"old{n}"},
            keys=("key",),
            done=lambda state, given: _name(state, given["key"]) == given["name"],
            request=Request("PATCH", "users/{key}", 200, "User", endpoints.update_user),
        ),
        Operation(
            "ensure",
            "ensure_user",
            ("users", "ensure"),
            {"key": "kusanagi", "name": "Motoko Kusanagi"},
            row=lambda n: {"key": f"{'old' if n % 2 else 'new'}{n}"},
            keys=("key", "hub"),
            done=lambda state, given: _name(state, given["key"]) == given["name"],
            request=None,
        ),
        Operation(
            "delete",
            "delete_user",
            ("users", "delete"),
            {"key": "kusanagi"},
            row=lambda n: {"key": f"old{n}"},
            keys=("key",),
            done=lambda state, given: given["key"] not in state.users,
            request=Request("DELETE", "users/{key}", 204, None, endpoints.delete_user),
            confirmed=("--yes",),
        ),
        Operation(
            "room",
            "update_room",
            ("rooms", "update"),
            {"room": "kusanagi", "archived": True},
            row=lambda n: {"room": f"old{n}"},
            keys=("room", "hub", "hub_user"),
            done=lambda state, given: state.rooms["section9", given["room"]].archived,
            request=Request("PATCH", "hubs/{hub}/rooms/{room}", 200, "Room", endpoints.update_room),
        ),
        Operation(
            "message",
            "post_message",
            ("messages", "post"),
            {"room": "kusanagi", "user": "batou", "text": "Where are you?"},
            row=lambda n: {"room": f"old{n % 7}", "text": f"text {n}"},
            keys=("room", "hub", "user"),
            done=lambda state, given: (
                [message.text for message in state.messages].count(given["text"]) == 1
            ),
            request=Request(
                "POST",
                "hubs/{hub}/rooms/{room}/messages",
                201,
                "Message",
                endpoints.post_message,
                repeatable=False,
            ),
        ),
    )
}
CALLS = {name: operation for name, operation in OPERATIONS.items() if operation.request}
"""Those that are one request, by name."""
COMMANDS = {name: operation.line for name, operation in OPERATIONS.items()}
"""The command line of each, by name."""
