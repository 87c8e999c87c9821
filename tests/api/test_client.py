"""The public `Client`, against real servers."""

import copy
import inspect
import pickle
import re
import subprocess
import sys
import threading
import traceback
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from kabelwerk_cli import api
from kabelwerk_cli.network.transport import NetworkTransport
from tests.faultserver import (
    FAULTS,
    HANG,
    REFUSE,
    RESET_AFTER_READING,
    Authority,
    Canary,
    Fault,
    FaultyServer,
    Outcome,
    Step,
)
from tests.operations import OPERATIONS, Operation
from tests.shell import TOKEN

UPDATE = {"key": "kusanagi", "name": "Motoko"}


@pytest.fixture(autouse=True)
def _misleading_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """None of these counts for a client."""
    for name, value in {
        "KABELWERK_URL": "https://elsewhere.invalid",
        "KABELWERK_API_TOKEN": "another-token",
        "KABELWERK_PROFILE": "nobody",
        "KABELWERK_CONFIG": "/nonexistent",
        "KABELWERK_RETRIES": "x",
        "KABELWERK_CA_FILE": "/nonexistent",
        "KABELWERK_LOG_FILE": "/nonexistent/log",
    }.items():
        monkeypatch.setenv(name, value)


def client_of(server: FaultyServer, **options: Any) -> api.Client:
    return api.Client(url=server.url, token=TOKEN, **{"retries": 0, "timeout": 5, **options})


@pytest.mark.parametrize("operation", OPERATIONS.values(), ids=str)
def test_each_method_does_what_its_function_does(operation: Operation) -> None:
    with FaultyServer(token=TOKEN) as server, client_of(server) as client:
        record = getattr(client, operation.function)(**operation.given)
        assert operation.is_done(server.model.snapshot())
    function = inspect.signature(getattr(api, operation.function))
    method = inspect.signature(getattr(client, operation.function))
    assert (method, method.return_annotation) == (function, function.return_annotation)
    assert isinstance(record, function.return_annotation or type(None))


def test_two_backends_side_by_side() -> None:
    with FaultyServer(token=TOKEN) as one, FaultyServer(token=TOKEN) as other:
        with client_of(one) as first, client_of(other) as second:
            first.create_user(key="u1", name="One")
            second.create_user(key="u2", name="Two")
        assert ("u1" in one.model.users, "u2" in one.model.users) == (True, False)
        assert ("u1" in other.model.users, "u2" in other.model.users) == (False, True)


THREADS, EACH = 8, 20


def test_threads_share_a_client() -> None:
    barrier = threading.Barrier(THREADS)
    keys = [f"u{number}" for number in range(THREADS * EACH)]

    def work(mine: list[str]) -> list[str]:
        barrier.wait()
        return [client.create_user(key=key, name=key.upper()).name for key in mine]

    with FaultyServer(token=TOKEN) as server, client_of(server) as client:
        parts = [keys[start::THREADS] for start in range(THREADS)]
        with ThreadPoolExecutor(THREADS) as pool:
            names = list(pool.map(work, parts))
        created = {key: user.name for key, user in server.model.users.items() if key in keys}
        connections = {request.connection for request in server.requests}
    assert names == [[key.upper() for key in part] for part in parts]
    assert created == {key: key.upper() for key in keys}
    assert len(server.requests) == len(keys)
    assert len(connections) <= THREADS  # they are kept, and never two calls on one at a time


def test_a_closed_client_makes_no_call() -> None:
    with FaultyServer() as server:
        with client_of(server) as client:
            pass
        client.close()
        with pytest.raises(RuntimeError, match="closed"):
            client.update_user(**UPDATE)
        assert server.requests == []


def test_closing_lets_a_call_in_another_thread_end() -> None:
    arrived, go_on = threading.Event(), threading.Event()

    def act(exchange: Any) -> bool:
        arrived.set()
        go_on.wait(10)
        return exchange.send_honest()

    waits = Step(Fault("waits", act, Outcome.DONE))
    with FaultyServer([waits]) as server, ThreadPoolExecutor(1) as pool:
        client = client_of(server)
        calling = pool.submit(client.update_user, **UPDATE)
        assert arrived.wait(10)
        client.close()
        go_on.set()
        assert calling.result(10).name == "Motoko"
        assert len(client._idle) == 0


ENDS: dict[Any, tuple[type[api.KabelwerkError], str]] = {
    FAULTS["400-two-fields"]: (api.ValidationError, "no"),
    FAULTS["status-401"]: (api.AuthenticationError, "no"),
    FAULTS["status-404"]: (api.DoesNotExist, "no"),
    FAULTS["status-429"]: (api.RateLimited, "no"),
    FAULTS["status-503"]: (api.ServerError, "unknown"),
    RESET_AFTER_READING: (api.OutcomeUnknown, "unknown"),
    REFUSE: (api.ConnectionError, "no"),
}


@pytest.mark.parametrize("fault", ENDS, ids=str)
def test_an_error_says_whether_the_call_was_applied(fault: Any) -> None:
    kind, applied = ENDS[fault]
    with (
        FaultyServer([Step(fault)]) as server,
        client_of(server) as client,
        pytest.raises(kind) as caught,
    ):
        client.update_user(**UPDATE)
    assert type(caught.value) is kind
    assert caught.value.report.applied == api.Applied(applied)
    assert caught.value.report.attempts == 1


def test_the_limits_hold() -> None:
    with FaultyServer([Step(FAULTS["status-503"], times=2)]) as server:
        with client_of(server, retries=2) as client:
            assert client.update_user(**UPDATE).name == "Motoko"
        assert len(server.requests) == 3
    with (
        FaultyServer([Step(HANG)]) as server,
        client_of(server, timeout=0.2) as client,
        pytest.raises(api.OutcomeUnknown, match="timed out"),
    ):
        client.update_user(**UPDATE)


def test_the_certificates_in_a_file_are_trusted(authority: Authority, ca_file: Path) -> None:
    with FaultyServer(tls=authority.right()) as server:
        with client_of(server, ca_file=ca_file) as client:
            assert client.update_user(**UPDATE).name == "Motoko"
        with client_of(server) as client, pytest.raises(api.UntrustedCertificate):
            client.update_user(**UPDATE)


@pytest.mark.parametrize(
    ("options", "kind", "text"),
    [
        ({"url": "http://kabelwerk.example"}, api.ConfigurationError, "unencrypted"),
        ({"url": "sandbox:"}, api.ConfigurationError, "https://"),
        ({"url": None}, api.InvalidInput, "url must be a string"),
        ({"token": ""}, api.ConfigurationError, "'token' is empty"),
        ({"token": f"{TOKEN} x"}, api.ConfigurationError, "spaces"),
        ({"token": None}, api.InvalidInput, "token must be a string"),
        ({"ca_file": "/nonexistent.pem"}, api.ConfigurationError, "/nonexistent.pem"),
        ({"timeout": 0}, api.InvalidInput, "timeout must be above 0"),
        ({"max_time": float("nan")}, api.InvalidInput, "max_time must be"),
        ({"retries": -1}, api.InvalidInput, "retries must be from 0"),
    ],
)
def test_what_cannot_be_used_is_refused_at_once(
    options: dict[str, Any], kind: type[api.KabelwerkError], text: str
) -> None:
    with pytest.raises(kind, match=text) as caught:
        api.Client(**{"url": "https://kabelwerk.example", "token": TOKEN, **options})
    # the test's own frame has the token, the client's frames must not show it
    assert TOKEN not in _frames_of(caught.value)


def _frames_of(error: BaseException) -> str:
    """The traceback as error reporters format it, with the variables of the package's frames."""
    shown = traceback.TracebackException.from_exception(error, capture_locals=True)
    own = [frame for frame in shown.stack if "kabelwerk_cli" in frame.filename]
    assert own
    return "".join(f"{frame.line}{frame.locals}" for frame in own)


def _stop(*_: object) -> None:
    raise KeyboardInterrupt


def test_the_token_is_shown_nowhere(monkeypatch: pytest.MonkeyPatch) -> None:
    with FaultyServer([Step(FAULTS["status-401"])]) as server, client_of(server) as client:
        assert repr(client) == str(client) == f"Client(url='{server.url}')"
        assert TOKEN not in repr(vars(client))
        for way in (pickle.dumps, copy.copy, copy.deepcopy):
            with pytest.raises(TypeError, match="cannot be copied or pickled"):
                way(client)
        with pytest.raises(api.AuthenticationError) as rejected:
            client.update_user(**UPDATE)
        monkeypatch.setattr(NetworkTransport, "close", _stop)
        monkeypatch.setattr("kabelwerk_cli.network.transport._read", _stop)
        with pytest.raises(KeyboardInterrupt) as interrupted:
            client.update_user(**UPDATE)
        monkeypatch.undo()
        assert server.requests[0].header("Kabelwerk-Token") == TOKEN
    for error in (rejected.value, interrupted.value):
        assert TOKEN not in _frames_of(error) + str(error) + repr(error)


def test_an_interrupted_call_leaves_no_half_answer_behind(monkeypatch: pytest.MonkeyPatch) -> None:
    with FaultyServer() as server, client_of(server) as client:
        with monkeypatch.context() as patched:
            patched.setattr("kabelwerk_cli.network.transport._read", _stop)
            with pytest.raises(KeyboardInterrupt):
                client.update_user(key="kusanagi", name="First")
        assert client.update_user(key="kusanagi", name="Second").name == "Second"
        first, second = server.requests
        assert first.connection != second.connection


def test_a_proxy_in_the_environment_is_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    with Canary() as canary:
        for name in ("https_proxy", "all_proxy"):
            monkeypatch.setenv(name, canary.url)
        with (
            api.Client(url="https://kabelwerk.invalid", token=TOKEN, retries=0) as client,
            pytest.raises(api.ConnectionError, match="cannot resolve"),
        ):
            client.update_user(**UPDATE)
        assert canary.heard == []


DOCUMENT = Path(__file__).parents[2] / "docs" / "python.md"
PROGRAM = """
import os
from typing import assert_type

from kabelwerk_cli import api

with api.Client(url="https://kabelwerk.example", token=os.environ["T"], timeout=2.5) as client:
    assert_type(client, api.Client)
    assert_type(client.create_user(key="r1", name="R", hub=None), api.User)
    assert_type(client.update_room(room="r1", hub_user=None, archived=True), api.Room)
    assert_type(client.post_message(room="r1", user="u1", text="Hello"), api.Message)
    client.delete_user(key="r1")
    ensured = client.ensure_user(key="r1", name="R")
    if ensured.outcome == "created":
        print(ensured.id + 1)
assert_type(api.ensure_user(key="r1", name="R"), api.EnsuredUser)
try:
    api.update_user(key="r1", name="R")
except api.KabelwerkError as error:
    assert_type(error.report, api.Report)
    print(error.report.applied is api.Applied.UNKNOWN)
"""
WRONG = {
    'api.Client(url="x")': "Missing named argument",
    'api.Client(url="x", token="x").create_user(key=1, name="x")': "incompatible type",
    'api.Client(url="x", token="x").create_users()': 'no attribute "create_users"',
    "api.creat_user": "has no attribute",
    'api.ensure_user(key="r", name="R").outcome == "posted"': "overlap",
}


def test_the_types_hold_in_a_program_of_its_own(tmp_path: Path) -> None:
    """mypy finds the installed package by its `py.typed`."""
    examples = re.findall(r"```python\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL)
    (tmp_path / "right.py").write_text("\n".join([PROGRAM, *examples]))
    lines = ["from kabelwerk_cli import api", *WRONG]
    (tmp_path / "wrong.py").write_text("\n".join(lines))
    ran = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--config-file", "", "right.py", "wrong.py"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    found = [line for line in ran.stdout.splitlines() if " error: " in line]
    assert [line for line in found if not line.startswith("wrong.py")] == []
    for number, text in enumerate(WRONG.values(), start=2):
        (line,) = [line for line in found if line.startswith(f"wrong.py:{number}:")]
        assert text in line
