"""What SIGINT, SIGTERM and SIGHUP do: the first ends the run cleanly, a second at once.

The first signal raises an exception in the main thread, once, wherever the run is, but never while
a lock is acquired or released. The error boundary in `cli.root` reports it. A closing terminal may
send SIGHUP twice, so that one is never a second signal. A signal that the caller ignores, as a
shell does for jobs in the background and `nohup` for SIGHUP, stays ignored.

Why an exception, and no thread that works while the main thread waits for signals: a thread cannot
be unwound. It would go on while the end is reported, and send a request after "nothing was sent"
was said; and what it was doing would be left as it is: the program of `token_command` running, the
echo of a terminal off. Each of these would need an undoing of its own, in another thread.
"""

import contextlib
import os
import select
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from types import FrameType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sys import UnraisableHookArgs

Act = Callable[[int, FrameType | None], None]
"""What is done about a signal, given its number and the frame that it interrupts."""
SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
BASE = 128
"""A shell reports the end by a signal as this plus the signal's number."""
SOON = 0.01
"""Seconds until a signal that could not be raised, or whose exception was lost, is raised again."""
HANGUP_DELAY = 0.1
"""Seconds within which SIGHUP arrives after a terminal was closed."""
TOGETHER = 0.1
"""Seconds in which what follows SIGHUP is no second signal: a session ends by it and SIGTERM."""
LOCKING = frozenset({threading.Condition.__enter__.__code__, threading.Condition.__exit__.__code__})
"""Where an exception would leave a lock locked for ever, also that of a queue or an event."""


class Terminated(KeyboardInterrupt):
    """SIGTERM was received; handled like Ctrl-C."""


class HungUp(KeyboardInterrupt):
    """SIGHUP was received, because the terminal was closed; handled like Ctrl-C."""


def exception_for(number: int) -> KeyboardInterrupt:
    """Return the exception that a signal raises."""
    kinds = {int(signal.SIGTERM): Terminated, int(signal.SIGHUP): HungUp}
    return kinds.get(number, KeyboardInterrupt)()


class Signals:
    """The handler of all signals of a run: knows what came, and what the next one does.

    Attributes:
        raised: the signal that was raised; None if none was.
        hung_up: whether SIGHUP has come.
    """

    def __init__(self) -> None:
        self.raised: int | None = None
        self.hung_up = False
        self._hung_up_at = -TOGETHER
        self._is_ending = False
        self._act: Act = self.raise_signal

    def __call__(self, number: int, frame: FrameType | None) -> None:
        """Handle a signal, unless it belongs to one that has come."""
        now = time.monotonic()
        is_hangup = number == signal.SIGHUP
        self.hung_up = self.hung_up or is_hangup
        if self._is_ending and (is_hangup or now - self._hung_up_at < TOGETHER):
            return
        if is_hangup:
            self._hung_up_at = now
        self._act(number, frame)

    def raise_signal(self, number: int, frame: FrameType | None) -> None:
        """Raise what belongs to a signal; while a lock is acquired or released, a little later.

        Args:
            number: the signal.
            frame: what it interrupts.
        """
        if _is_locking(frame):
            self._raise_soon(number)
            return
        self.raised, self._is_ending, self._act = number, True, _leave
        raise exception_for(number)

    def raise_again(self, lost: "UnraisableHookArgs") -> None:
        """Raise a signal again if its exception was lost, as Python drops those in destructors."""
        if not isinstance(lost.exc_value, KeyboardInterrupt) or self.raised is None:
            sys.__unraisablehook__(lost)
            return
        number, self.raised, self._act = self.raised, None, self.raise_signal
        self._raise_soon(number)

    def _raise_soon(self, number: int) -> None:
        def raise_now(_: int, frame: FrameType | None) -> None:
            # if another signal has been raised since, this one is not a second one
            if self.raised is None:
                self._act(number, frame)

        signal.signal(signal.SIGALRM, raise_now)
        signal.setitimer(signal.ITIMER_REAL, SOON)

    def leave(self) -> None:
        """End the process at once when the next signal comes."""
        self._is_ending, self._act = True, _leave

    @contextlib.contextmanager
    def held(self) -> Iterator[None]:
        """Hold the first signal back; a second one ends the process at once."""
        arrived: list[int] = []

        def hold(number: int, frame: FrameType | None) -> None:
            if arrived and number != signal.SIGHUP:
                _leave(number, frame)
            arrived.append(number)

        try:
            with self._doing(hold):
                yield
        finally:
            if arrived:
                signal.raise_signal(arrived[0])

    @contextlib.contextmanager
    def asking(self, end: Callable[[str], None]) -> Iterator[None]:
        """Call `end` with the first signal's name; raise the second. After that, end at once."""

        def ask(number: int, _: FrameType | None) -> None:
            self._is_ending, self._act = True, self.raise_signal
            end(signal.Signals(number).name)

        try:
            with self._doing(ask):
                yield
        finally:
            if self._is_ending:
                self.leave()  # what follows may block, as writing the summary does

    @contextlib.contextmanager
    def paging(self) -> Iterator[None]:
        """Ignore SIGINT; the other signals end the process at once."""

        def page(number: int, frame: FrameType | None) -> None:
            if number != signal.SIGINT:
                _leave(number, frame)

        with self._doing(page):
            yield

    @contextlib.contextmanager
    def _doing(self, act: Act) -> Iterator[None]:
        """Handle signals in another way, unless one has been raised already."""
        before = self._act
        if before is not _leave:
            self._act = act
        try:
            yield
        finally:
            self._act = before


def raise_on_signals() -> None:
    """Make the first signal raise KeyboardInterrupt or a subclass; a second one ends at once."""
    handler = Signals()
    for number in SIGNALS:
        if signal.getsignal(number) not in {signal.SIG_IGN, None}:
            signal.signal(number, handler)
    sys.unraisablehook = handler.raise_again


def raised_signal() -> KeyboardInterrupt | None:
    """Return what the first signal raised, also if Python has lost it since; None if none came.

    Some of Python's functions in C raise another error instead, as `from module import name` does
    if the signal arrives while it words its own ImportError.
    """
    handler = _current()
    return exception_for(handler.raised) if handler and handler.raised is not None else None


def ignore_signals() -> None:
    """Ignore signals from here on, if `raise_on_signals` was called."""
    for number in SIGNALS:
        if isinstance(signal.getsignal(number), Signals):
            signal.signal(number, signal.SIG_IGN)
            signal.setitimer(signal.ITIMER_REAL, 0)  # of one that was to arrive again


@contextlib.contextmanager
def held_signals() -> Iterator[None]:
    """Hold the first signal back while something is written whole; a second ends at once."""
    handler = _current()
    # only the main thread handles signals
    if handler and threading.current_thread() is threading.main_thread():
        with handler.held():
            yield
    else:
        yield


@contextlib.contextmanager
def signals_that_ask(end: Callable[[str], None]) -> Iterator[None]:
    """Let the first signal ask a run to end in good order; a second one ends it at once.

    Args:
        end: called with the signal's name; it must return at once.
    """
    with handler.asking(end) if (handler := _current()) else contextlib.nullcontext():
        yield


@contextlib.contextmanager
def signals_for_pager() -> Iterator[None]:
    """Leave Ctrl-C to a pager, as in `less`, where it stops a search; SIGTERM ends at once."""
    with handler.paging() if (handler := _current()) else contextlib.nullcontext():
        yield


def terminal_is_closed() -> bool:
    """Tell whether SIGHUP has come, or comes now.

    An error of the terminal, and the end of its input, may be noticed before the signal.
    """
    handler, give_up_at = signal.getsignal(signal.SIGHUP), time.monotonic() + HANGUP_DELAY
    if not isinstance(handler, Signals):
        return False
    while not handler.hung_up and time.monotonic() < give_up_at:
        time.sleep(HANGUP_DELAY / 20)
    return handler.hung_up


def pause(seconds: float | None = None) -> None:
    """Sleep, in the main thread, until a signal's handler raises.

    Python runs handlers between two steps of the main thread. A signal just before the thread
    starts to sleep, or to wait for a lock, would be heeded only afterwards.

    Args:
        seconds: how long at most; None for no limit.
    """
    woken, wake = os.pipe()
    os.set_blocking(wake, False)
    ready = select.poll()
    ready.register(woken, select.POLLIN)
    before = signal.set_wakeup_fd(wake)
    try:
        ready.poll(None if seconds is None else seconds * 1000)
    finally:
        signal.set_wakeup_fd(before)
        os.close(woken)
        os.close(wake)


def _leave(number: int, _: FrameType | None) -> None:
    os._exit(BASE + number)


def _current() -> Signals | None:
    """Return the handler of the run; None if `raise_on_signals` was not called."""
    handlers = (signal.getsignal(number) for number in SIGNALS)
    return next((handler for handler in handlers if isinstance(handler, Signals)), None)


def _is_locking(frame: FrameType | None) -> bool:
    """Tell whether a lock is being acquired or released, also under another signal's handler."""
    while frame:
        if frame.f_code in LOCKING:
            return True
        frame = frame.f_back
    return False
