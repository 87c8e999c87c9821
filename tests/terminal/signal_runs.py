"""Runs of the executable that a signal interrupts at a random moment.

    python -m tests.terminal.signal_runs 500

runs every command 500 times and prints each run whose end is not in agreement with the server's
state. The clock starts at the moment the program handles signals: what comes before it is Python's
own start and the import of `kabelwerk_cli.__main__`, where a signal ends Python in its own way and
nothing has been sent. `started.py` runs the program like the executable does, and reports this
moment.
"""

import json
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from tests.faultserver import (
    CLOSE_AFTER_READING,
    HONEST,
    UNAVAILABLE,
    Exchange,
    Fault,
    FaultyServer,
    Model,
    Outcome,
    State,
    Step,
)
from tests.forkserver import ForkServer
from tests.model.state import populated
from tests.operations import OPERATIONS, Operation
from tests.shell import ENVIRONMENT, Ran, Shell
from tests.streams import Pipe

STARTED = Path(__file__).with_name("started.py")
ROWS = 12


def _answer_late(exchange: Exchange) -> bool:
    time.sleep(0.05)
    return exchange.send_honest()


RENAME = ("--sandbox", "users", "update", "--key", "a", "--name")
SLOW = Fault("slow", _answer_late, Outcome.DONE)
SCRIPTS: tuple[tuple[Step, ...], ...] = (
    (Step(HONEST),),
    (Step(SLOW, applied=True),),
    (Step(SLOW, applied=True),),
    (Step(UNAVAILABLE, applied=True, times=1),),
    (Step(CLOSE_AFTER_READING, applied=False, times=1),),
    (Step(CLOSE_AFTER_READING, applied=True, times=1), Step(SLOW, applied=True)),
)
"""How the server behaves; half of the time a request is under way long enough to be hit."""


class Command(NamedTuple):
    """A command to interrupt.

    Attributes:
        args: its command line.
        done: what of it took effect on the server, one truth for each row; None where no request
            is sent.
        is_batch: whether it sends the rows of a file.
    """

    args: tuple[str, ...]
    done: Callable[[State], list[bool]] | None = None
    is_batch: bool = False


def _single(operation: Operation) -> Command:
    return Command((*operation.line, "-o", "json"), lambda state: [operation.is_done(state)])


def _batch(operation: Operation) -> Command:
    args = (*operation.command, "--yes", "--from", f"{operation}.jsonl")
    return Command(
        (*args, "-o", "jsonl"),
        lambda state: [operation.is_done(state, number) for number in range(ROWS)],
        is_batch=True,
    )


COMMANDS: Mapping[str, Command] = {
    **{name: _single(operation) for name, operation in OPERATIONS.items()},
    "batch": _batch(OPERATIONS["message"]),
    "batch of updates": _batch(OPERATIONS["update"]),
    "sandboxed": Command((*RENAME, "B", "-o", "json")),
    "help": Command(("help", "batches")),
    "doctor": Command(("doctor", "-o", "json")),
    "sandbox show": Command(("sandbox", "show", "users", "-o", "json")),
    "config show": Command(("config", "show", "-o", "json")),
}


class Ended(NamedTuple):
    """How an interrupted run ended, and what was true on the server afterwards."""

    command: Command
    signal: signal.Signals
    ran: Ran
    done: list[bool]
    request_ids: tuple[str | None, ...]

    def complaints(self) -> Iterator[str]:
        """Yield what is wrong with the run."""
        for word in ("Traceback", "Exception ignored", "bug"):
            if word in self.ran.err:
                yield f"stderr has '{word}'"
        error = self._error()
        if self.ran.code not in self._codes(error):
            yield f"the code is {self.ran.code}"
        if not self._is_whole():
            yield "stdout was cut"
        if self.ran.out and not self.command.is_batch and "othing was sent" in self.ran.err:
            yield "the result was printed, and stderr says that nothing was sent"
        if error is not None:
            yield from self._disagreements(error)
        elif self.ran.code and not self.ran.out and self._is_json:
            yield "neither a result nor an error was printed"

    def _codes(self, error: Mapping[str, Any] | None) -> set[int]:
        by_signal = 128 + self.signal
        if self.command.is_batch:
            return {0, by_signal, *((9,) if error and error["exit_code"] == 9 else ())}
        outcome_unknown = {error["exit_code"]} & {8, 9} if error else set()
        return {0, by_signal, *outcome_unknown}

    def _is_whole(self) -> bool:
        if not self._is_json:
            return True
        documents = self.ran.out.splitlines() if self.command.is_batch else [self.ran.out]
        try:
            return all(json.loads(text) is not None for text in documents if text)
        except ValueError:
            return False

    @property
    def _is_json(self) -> bool:
        return "-o" in self.command.args

    def _error(self) -> Mapping[str, Any] | None:
        lines = [line for line in self.ran.err.splitlines() if line.strip()]
        if lines and lines[-1].startswith('{"error"'):
            error: Mapping[str, Any] = json.loads(lines[-1])["error"]
            return error
        return None

    def _disagreements(self, error: Mapping[str, Any]) -> Iterator[str]:
        applied, message = error["applied"], error["message"]
        if error["exit_code"] != self.ran.code:
            yield f"the error's code is {error['exit_code']}, the run's {self.ran.code}"
        if applied == "no" and any(self.done):
            yield "it says that it was not applied, and it was"
        if applied == "yes" and not any(self.done):
            yield "it says that it was applied, and it was not"
        if "othing was sent" in message and (self.request_ids or any(self.done)):
            yield "it says that nothing was sent, and something was"
        if applied == "unknown" and not self.command.is_batch:
            if error["attempts"] < 1:
                yield "it may have been applied, without an attempt"
            if not error["request_id"]:
                yield "it may have been applied, without a request id"


class Interrupter:
    """Interrupts commands, each at moments from its start to its end.

    Args:
        shell: runs the program in an empty home.
    """

    def __init__(self, shell: Shell) -> None:
        self._shell = shell
        for operation in OPERATIONS.values():
            (shell.home / f"{operation}.jsonl").write_text(operation.rows(ROWS))
        ran = self._shell.run("--sandbox", "users", "create", "--key", "a", "--name", "A")
        assert ran.code == 0, ran
        self._seconds: dict[Command, float] = {}

    def interrupt(self, command: Command, choose: random.Random) -> Ended:
        """Run a command and send it SIGINT, SIGTERM or SIGHUP, the last one often twice."""
        if command not in self._seconds:
            with FaultyServer([Step(SLOW, applied=True)], model=_model(command)) as server:
                shell = self._shell.configured(server)
                ran, seconds = _start(shell, command.args, blocked=False, number=None, moment=0)
            assert ran.code == 0, ran
            self._seconds[command] = seconds
        number = choose.choice([signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
        # some wait for another attempt
        moment = choose.uniform(0, self._seconds[command] * 1.2)
        for journal in self._shell.home.glob("*-journal*"):
            journal.unlink()
        if command.done is None:
            self._shell.run(*RENAME, "A")
        args = (*command.args, *choose.choice([(), ("-v",)]))
        blocked = choose.choice([False, True])
        steps = [Step(s.fault, applied=s.applied, times=s.times) for s in choose.choice(SCRIPTS)]
        with FaultyServer(steps, model=_model(command)) as server:
            shell = self._shell.configured(server)
            ran, _ = _start(shell, args, blocked=blocked, number=number, moment=moment)
            state = server.model.snapshot()
            ids = tuple(request.header("X-Request-Id") for request in server.requests)
        done = command.done(state) if command.done else [self._is_renamed()]
        return Ended(command, number, ran, done, ids)

    def _is_renamed(self) -> bool:
        shown = self._shell.run("sandbox", "show", "users", "-o", "tsv", "--fields", "name")
        return shown.out == "B\n"


def _model(command: Command) -> Model:
    return Model(populated(ROWS)) if command.is_batch else Model()


def _start(
    shell: Shell,
    args: tuple[str, ...],
    *,
    blocked: bool,
    number: signal.Signals | None,
    moment: float,
) -> tuple[Ran, float]:
    """Run a command and interrupt it; also returns how many seconds it took."""
    ready, begun = os.pipe()
    stderr = Pipe(full=blocked)
    process = shell.launch(
        str(STARTED),
        str(begun),
        *args,
        program=sys.executable,
        stderr=stderr.write,
        pass_fds=(begun,),
    )
    os.close(begun)
    os.read(ready, 1)
    os.close(ready)
    started = time.monotonic()
    if number is not None:
        time.sleep(moment)
        process.send_signal(number)
        if number == signal.SIGHUP:  # as a closing terminal does
            time.sleep(0.0005)
            process.send_signal(number)
    stderr.drain()
    out, _ = process.communicate(timeout=60)
    seconds = time.monotonic() - started
    return Ran(process.returncode, out.decode(), stderr.text()), seconds


def main(count: int) -> int:
    """Interrupt every command `count` times; returns how many runs were not in order."""
    seed = random.SystemRandom().randrange(10**6)
    bad = 0
    with tempfile.TemporaryDirectory() as folder, ForkServer(ENVIRONMENT) as forks:
        interrupter = Interrupter(Shell(Path(folder), forks))
        for name, command in COMMANDS.items():
            choose = random.Random(f"{seed} {name}")
            ended = [interrupter.interrupt(command, choose) for _ in range(count)]
            for run in ended:
                if complaints := list(run.complaints()):
                    bad += 1
                    print(name, complaints, run)
            interrupted = sum(run.ran.code != 0 for run in ended)
            print(f"{name}: {count} runs, {interrupted} interrupted, {bad} in all not in order")
    return bad


if __name__ == "__main__":
    sys.exit(bool(main(int(sys.argv[1]))))
