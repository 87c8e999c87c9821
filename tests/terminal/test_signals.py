"""However a signal ends a run, what it reports agrees with the server."""

import contextlib
import json
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import click
import pytest

from kabelwerk_cli.cli.root import Root
from kabelwerk_cli.terminal import signals
from kabelwerk_cli.terminal.signals import (
    HungUp,
    Signals,
    Terminated,
    pause,
    raise_on_signals,
    signals_that_ask,
)
from tests.faultserver import FAULTS, HANG, FaultyServer, Model, Step
from tests.locks import acquire_under
from tests.model.state import populated
from tests.operations import CALLS, OPERATIONS, Operation
from tests.shell import Shell
from tests.streams import Pipe

from .signal_runs import COMMANDS, Interrupter

RUNS = 10
CODES = {signal.SIGINT: 130, signal.SIGTERM: 143, signal.SIGHUP: 129}


@pytest.mark.parametrize("name", COMMANDS)
def test_a_signal_at_any_moment(shell: Shell, name: str) -> None:
    interrupter = Interrupter(shell)
    choose = random.Random(name)
    for _ in range(RUNS):
        ended = interrupter.interrupt(COMMANDS[name], choose)
        assert list(ended.complaints()) == [], f"{ended}"


def wait_until(is_so) -> None:
    give_up_at = time.monotonic() + 20
    while not is_so():
        assert time.monotonic() < give_up_at
        time.sleep(0.01)


@pytest.mark.parametrize("number", CODES)
def test_just_before_a_pause(number: signal.Signals) -> None:
    """The pause ends, although none of its system calls is interrupted."""

    def handle(*_: object) -> None:
        raise Terminated

    def interrupt() -> None:
        time.sleep(0.1)
        # a system call is only interrupted in the thread that gets the signal
        signal.pthread_kill(threading.get_ident(), number)

    before = signal.signal(number, handle)
    started = time.monotonic()
    try:
        threading.Thread(target=interrupt).start()
        with pytest.raises(Terminated):
            pause(60)
    finally:
        signal.signal(number, before)
    assert time.monotonic() - started < 30


def test_a_pause_without_a_signal() -> None:
    started = time.monotonic()
    pause(0.1)
    assert time.monotonic() - started >= 0.1


@pytest.mark.parametrize("call", CALLS.values(), ids=str)
@pytest.mark.parametrize("number", CODES)
def test_while_a_note_on_what_was_done_cannot_be_written(
    shell: Shell, call: Operation, number: signal.Signals
) -> None:
    stderr = Pipe(full=True)
    with FaultyServer() as server:
        process = shell.configured(server).start(
            *call.line, "-v", "-o", "json", stderr=stderr.write
        )
        wait_until(lambda: call.is_done(server.model.snapshot()))
        time.sleep(0.3)
        process.send_signal(number)
        time.sleep(0.1)
        stderr.drain()
        out, _ = process.communicate(timeout=20)
        (request,) = server.requests
    error = json.loads(stderr.text().splitlines()[-1])["error"]
    assert (process.returncode, error["exit_code"], out) == (CODES[number], CODES[number], b"")
    assert (error["applied"], error["attempts"]) == ("yes", 1)
    assert error["request_id"] == request.header("X-Request-Id")
    assert error["safe_to_rerun"] is call.request.repeatable
    assert "othing was sent" not in error["message"]


def test_what_was_acknowledged_was_done(shell: Shell) -> None:
    """Also where the answer does not show it whole."""
    stderr = Pipe(full=True)
    with FaultyServer([Step(FAULTS["id-missing"])]) as server:
        process = shell.configured(server).start(
            *CALLS["update"].line, "-v", "-o", "json", stderr=stderr.write
        )
        wait_until(lambda: server.requests)
        time.sleep(0.3)
        process.send_signal(signal.SIGINT)
        time.sleep(0.1)
        stderr.drain()
        process.communicate(timeout=20)
    error = json.loads(stderr.text().splitlines()[-1])["error"]
    assert (process.returncode, error["applied"], error["attempts"]) == (130, "yes", 1)


@pytest.mark.parametrize("number", CODES)
@pytest.mark.parametrize("output", ["table", "jsonl"])
def test_while_the_summary_of_a_batch_cannot_be_written(
    shell: Shell, output: str, number: signal.Signals
) -> None:
    (shell.home / "rows.jsonl").write_text(OPERATIONS["message"].rows(3))
    stderr = Pipe(full=True)
    with FaultyServer(model=Model(populated(3))) as server:
        process = shell.configured(server).start(
            *OPERATIONS["message"].command, "--yes", "--from", "rows.jsonl", "-o", output,
            stderr=stderr.write,
        )  # fmt: skip
        wait_until(lambda: len(server.model.messages) == 3)
        time.sleep(0.5)
        process.send_signal(number)
        time.sleep(0.1)
        stderr.drain()
        process.communicate(timeout=20)
    err = stderr.text()
    assert process.returncode == CODES[number]
    assert "Interrupted. 3 rows: 3 posted." in err.splitlines()[-1]
    assert "othing was sent" not in err
    if output == "jsonl":
        assert json.loads(err.splitlines()[-1])["error"]["applied"] == "yes"


@pytest.mark.parametrize("call", CALLS.values(), ids=str)
def test_in_flight_the_attempt_is_reported(shell: Shell, call: Operation) -> None:
    with FaultyServer([Step(HANG)]) as server:
        process = shell.configured(server).start(*call.line, "-o", "json")
        wait_until(lambda: server.requests)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=20)
        (request,) = server.requests
    error = json.loads(err)["error"]
    assert (error["applied"], error["attempts"]) == ("unknown", 1)
    assert error["request_id"] == request.header("X-Request-Id")


def test_a_second_signal_ends_at_once_what_nobody_reads(shell: Shell) -> None:
    stderr = Pipe(full=True)
    with FaultyServer([Step(HANG)]) as server:
        process = shell.configured(server).start(*CALLS["message"].line, stderr=stderr.write)
        wait_until(lambda: server.requests)
        process.send_signal(signal.SIGINT)
        time.sleep(0.3)
        assert process.poll() is None
        process.send_signal(signal.SIGTERM)
        process.communicate(timeout=5)
    stderr.drain()
    assert process.returncode == 143
    stderr.text()


def test_a_result_is_written_whole_before_a_signal_ends_the_run(shell: Shell) -> None:
    stdout = Pipe(full=True)
    with FaultyServer() as server:
        process = shell.configured(server).start(
            *CALLS["message"].line, "-o", "json", stdout=stdout.write
        )
        wait_until(lambda: server.model.messages)
        time.sleep(0.3)
        process.send_signal(signal.SIGTERM)
        time.sleep(0.1)
        stdout.drain()
        _, err = process.communicate(timeout=20)
    assert (process.returncode, err) == (143, b"")
    assert json.loads(stdout.text())["text"] == CALLS["message"].given["text"]


@pytest.mark.parametrize("number", CODES)
def test_what_the_caller_ignores_stays_ignored(shell: Shell, number: signal.Signals) -> None:
    with FaultyServer([Step(HANG)]) as server:
        process = shell.configured(server).launch(
            *CALLS["update"].line,
            "--timeout=1",
            "--retries=0",
            preexec_fn=lambda: signal.signal(number, signal.SIG_IGN),
        )
        wait_until(lambda: server.requests)
        process.send_signal(number)
        process.communicate(timeout=20)
    assert process.returncode == 9


LOST = """
import os, signal
from kabelwerk_cli.terminal.signals import raise_on_signals

class Resource:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGTERM)
        for _ in range(1000):
            pass

raise_on_signals()
resource = Resource()
try:
    del resource
    signal.pause()
except KeyboardInterrupt as signal:
    print(type(signal).__name__)
"""


def test_a_signal_within_a_destructor_is_not_lost() -> None:
    ran = subprocess.run(
        [sys.executable, "-c", LOST], capture_output=True, text=True, check=False, timeout=20
    )
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "Terminated\n", "")


LOST_FOR_HALF_A_SECOND = """
import contextlib, os, signal, time
from kabelwerk_cli.terminal import signals

class Resource:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGTERM)
        for _ in range(1000):
            pass

signals.SOON = 0.5  # it arrives again after what follows, however slow the machine is
signals.raise_on_signals()
resource = Resource()
del resource
{}
end = time.monotonic() + 1.0
while time.monotonic() < end:
    pass
print("done")
"""
ANOTHER = """
with contextlib.suppress(KeyboardInterrupt):
    os.kill(os.getpid(), signal.SIGTERM)
    for _ in range(1000):
        pass
"""


@pytest.mark.parametrize("then", [ANOTHER, "signals.ignore_signals()"])
def test_a_signal_that_was_lost_does_not_end_what_follows(then: str) -> None:
    """It is not a second one after another, and ignored at the very end."""
    ran = subprocess.run(
        [sys.executable, "-c", LOST_FOR_HALF_A_SECOND.format(then)],
        capture_output=True,
        text=True,
        check=False,
        timeout=20,
    )
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "done\n", "")


def run_command(act: Callable[[], object]) -> object:
    """Run a command that does something, and return its exit code."""

    @click.group(cls=Root)
    def root() -> None:
        pass

    @root.command()
    def create() -> None:
        act()

    return root.main(["create"], standalone_mode=False)


@pytest.mark.parametrize(
    ("signal_raised", "code"), [(KeyboardInterrupt(), 130), (Terminated(), 143), (HungUp(), 129)]
)
def test_a_signal_that_arrived_while_a_class_was_created(
    capsys: pytest.CaptureFixture[str], signal_raised: KeyboardInterrupt, code: int
) -> None:
    """Python 3.11 raises a RuntimeError from what `__set_name__` raises."""

    class Name:
        def __set_name__(self, owner: type, name: str) -> None:
            raise signal_raised

    assert run_command(lambda: type("Created", (), {"name": Name()})) == code
    assert "bug" not in capsys.readouterr().err


@pytest.fixture
def _handled(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in CODES}
    monkeypatch.setattr(sys, "unraisablehook", sys.unraisablehook)
    raise_on_signals()
    yield
    for number, handler in before.items():
        signal.signal(number, handler)
    signal.signal(signal.SIGALRM, signal.SIG_DFL)


@pytest.mark.usefixtures("_handled")
@pytest.mark.parametrize("number", CODES)
def test_a_signal_while_a_lock_is_acquired(number: signal.Signals) -> None:
    """It is raised a little later: the lock of a queue would stay locked for ever."""
    done: list[str] = []
    with pytest.raises(KeyboardInterrupt):
        acquire_under(number, done)
    assert done == ["acquired", "released"]


@pytest.mark.usefixtures("_handled")
def test_a_second_signal_while_a_lock_is_acquired() -> None:
    """A run that was asked to end is asked once, and the second signal is raised a little later."""
    done: list[str] = []
    with signals_that_ask(done.append):
        signal.raise_signal(signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            acquire_under(signal.SIGINT, done)
    assert done == ["SIGINT", "acquired", "released"]


@pytest.mark.usefixtures("_handled")
def test_a_signal_under_another_ones_handler(monkeypatch: pytest.MonkeyPatch) -> None:
    """As on a slow machine, where it arrives again while it is still being put off."""
    done: list[str] = []
    put_off = Signals._raise_soon

    def arrive_again(handler: Signals, number: int) -> None:
        if not done:
            done.append("again")
            signal.raise_signal(number)
        put_off(handler, number)

    monkeypatch.setattr(Signals, "_raise_soon", arrive_again)
    with pytest.raises(KeyboardInterrupt):
        acquire_under(signal.SIGINT, done)
    assert done == ["again", "acquired", "released"]


@pytest.mark.usefixtures("_handled")
def test_a_signal_while_a_lock_is_released(monkeypatch: pytest.MonkeyPatch) -> None:
    done = []

    def fail(*_: object) -> None:
        raise ZeroDivisionError

    lock: Any = SimpleNamespace(acquire=None, release=None, __enter__=list, __exit__=fail)
    with pytest.raises(ZeroDivisionError) as failed, threading.Condition(lock):
        pass
    (frame,) = (entry.frame.raw for entry in failed.traceback if entry.name == "__exit__")
    monkeypatch.setattr(signals, "SOON", 0.5)

    def go_on() -> None:
        Signals().raise_signal(signal.SIGINT, frame)
        done.append("released")
        wait_until(lambda: False)

    with pytest.raises(KeyboardInterrupt):
        go_on()
    assert done == ["released"]


@pytest.mark.usefixtures("_handled")
@pytest.mark.parametrize("number", CODES)
def test_a_signal_that_python_lost(
    capsys: pytest.CaptureFixture[str], number: signal.Signals
) -> None:
    """As in `from module import name`, where Python's function in C raises a TypeError instead."""

    def lose() -> None:
        with contextlib.suppress(KeyboardInterrupt):
            signal.raise_signal(number)
        raise TypeError

    assert run_command(lose) == CODES[number]
    assert capsys.readouterr().err == "Error: Interrupted. Nothing was sent.\n"


@pytest.mark.usefixtures("_handled")
def test_a_bug_in_what_is_done_about_a_signal(capsys: pytest.CaptureFixture[str]) -> None:
    def fail() -> None:
        try:
            signal.raise_signal(signal.SIGINT)
        finally:
            raise TypeError

    assert run_command(fail) == 1
    assert "This is a bug in kabelwerk: TypeError at test_signals.py" in capsys.readouterr().err
