"""The exceptions as Python objects, and what a program that calls the functions sees of them."""

import copy
import json
import pickle
import signal
import subprocess
import sys
import time
from concurrent.futures import ProcessPoolExecutor

import pytest

from kabelwerk_cli import api, errors
from kabelwerk_cli.errors import Applied, Report
from kabelwerk_cli.operations import calls
from tests.faultserver import HANG, FaultyServer, Step

REPORT = Report(Applied.UNKNOWN, safe_to_rerun=False, status=500, attempts=2, request_id="abc")
FIELDS = {"name": ["can't be blank"], "key": ["is invalid", "is odd"]}
KINDS = [
    kind
    for kind in vars(errors).values()
    if isinstance(kind, type)
    and issubclass(kind, (errors.KabelwerkError, errors.Interrupted))
    and kind is not errors.InvalidInput
]
ERRORS = [
    *(kind("What happened.", REPORT) for kind in KINDS),
    errors.ValidationError("What happened.", REPORT, FIELDS),
    errors.InvalidInput("key", "must not be empty"),
    errors.InvalidInput(None, "nothing to change"),
]


def test_the_kinds_are_all_there():
    assert {errors.KabelwerkError, errors.Interrupted, errors.RateLimited} < set(KINDS)


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize(
    "copied", [copy.copy, copy.deepcopy, lambda error: pickle.loads(pickle.dumps(error))]
)
def test_an_error_can_be_copied(error, copied):
    other = copied(error)
    assert type(other) is type(error)
    assert str(other) == str(error)
    assert vars(other) == vars(error)


def test_a_bad_key_in_a_process_pool():
    with ProcessPoolExecutor(1) as pool:
        ended = pool.submit(calls.delete_user, key="").exception(timeout=60)
    assert isinstance(ended, errors.InvalidInput)
    assert (ended.field, ended.error_message) == ("key", "must not be empty")


def test_the_field_is_the_one_that_the_official_sdk_names():
    error = errors.ValidationError("", fields=FIELDS)
    assert (error.field, error.error_message) == ("key", "is invalid")
    assert list(error.fields) == ["name", "key"]  # the server's order
    error = errors.ValidationError("")
    assert (error.field, error.error_message) == (None, "")


@pytest.fixture
def settings(monkeypatch, tmp_path):
    def use(server, **more):
        environment = {"HOME": str(tmp_path), "KABELWERK_URL": server.url, **more}
        for name, value in {"KABELWERK_API_TOKEN": "s3cret-token", **environment}.items():
            monkeypatch.setenv(name, value)

    return use


SCRIPT = """
import os
import signal
from kabelwerk_cli import api
from kabelwerk_cli.operations import calls
from kabelwerk_cli.delivery.sender import Sender
from kabelwerk_cli.network.transport import NetworkTransport
from kabelwerk_cli.network.url import parse_address

# whoever starts the tests in the background has them ignore it
signal.signal(signal.SIGINT, signal.default_int_handler)
transport = NetworkTransport(parse_address(os.environ["KABELWERK_URL"]))
sender = Sender(transport, token="secret")
"""
SENDING = (
    "api.update_user(key='kusanagi', name='Motoko')",
    "sender.send(calls.update_user(key='kusanagi', name='Motoko'))",
)


@pytest.mark.parametrize("sending", SENDING)
def test_an_uncaught_interrupt_ends_python_by_the_signal(settings, sending):
    with FaultyServer([Step(HANG)]) as server:
        settings(server)
        process = subprocess.Popen([sys.executable, "-c", SCRIPT + sending], stderr=subprocess.PIPE)
        give_up_at = time.monotonic() + 20
        while not server.requests:
            assert time.monotonic() < give_up_at
            time.sleep(0.01)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=30)
    assert process.returncode == -signal.SIGINT
    assert b"User 'kusanagi' may have been updated." in err


class Stop(KeyboardInterrupt):
    """A program's own signal."""


@pytest.mark.parametrize("kind", [KeyboardInterrupt, Stop])
def test_an_interrupt_goes_through_and_has_a_report(settings, monkeypatch, kind):
    def stop(*_):
        raise kind

    with FaultyServer() as server:
        settings(server)
        monkeypatch.setattr("kabelwerk_cli.delivery.sender.Sender._try", stop)
        with pytest.raises(KeyboardInterrupt) as caught:
            api.update_user(key="kusanagi", name="Motoko")
    assert type(caught.value) is kind
    assert caught.value.report.applied is Applied.NO
    assert caught.value.__notes__ == ["Interrupted. Nothing was sent."]


def test_the_functions_write_to_the_log_file(settings, tmp_path):
    log = tmp_path / "log"
    with FaultyServer() as server:
        settings(server, KABELWERK_LOG_FILE=str(log))
        api.update_user(key="kusanagi", name="Motoko")
        api.delete_user(key="kusanagi")
    entries = [json.loads(line) for line in log.read_text().splitlines()]
    assert [(each["operation"], each["status"]) for each in entries] == [
        ("update_user", 200),
        ("delete_user", 204),
    ]


def test_a_log_file_that_cannot_be_written_is_one_of_the_five(settings, tmp_path):
    with FaultyServer() as server:
        settings(server, KABELWERK_LOG_FILE=str(tmp_path / "missing" / "log"))
        with pytest.raises(api.ConnectionError, match="log"):
            api.delete_user(key="kusanagi")
        assert server.requests == []
