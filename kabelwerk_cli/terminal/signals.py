"""What SIGINT and SIGTERM do: the first ends the run cleanly, the second at once.

The first signal raises an exception in the main thread, once, wherever the run is, but never while
a lock is acquired or released. The error boundary in `cli` reports it. A signal that the caller
ignores, as a shell does for jobs in the background, stays ignored.
"""

import contextlib
import os
import select
import signal
import sys
import threading
from collections.abc import Iterator, Mapping
from types import FrameType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sys import UnraisableHookArgs

Handler = Any  # what `signal.signal` takes and `signal.getsignal` returns
SIGNALS = (signal.SIGINT, signal.SIGTERM)
BASE = 128
"""A shell reports the end by a signal as this plus the signal's number."""
SOON = 0.01
"""Seconds until a signal that could not be raised, or whose exception was lost, is raised again."""
LOCKING = frozenset({threading.Condition.__enter__.__code__, threading.Condition.__exit__.__code__})
"""Where an exception would leave a lock locked for ever, also that of a queue or an event."""


class Terminated(KeyboardInterrupt):
    """SIGTERM was received; handled like Ctrl-C."""


class _Leave:
    """A handler that ends the process at once.

    Args:
        raised: the signal that was raised before; None if none was.
    """

    def __init__(self, raised: int | None = None) -> None:
        self.raised = raised

    def __call__(self, number: int, _: FrameType | None) -> None:
        os._exit(BASE + number)


def raise_on_signals() -> None:
    """Make the first signal raise KeyboardInterrupt, or `Terminated`; a second one ends at once."""
    _replace(_heeded(), raise_signal)
    sys.unraisablehook = _raise_again


def leave_on_signals() -> None:
    """End at once when the next signal comes, if `raise_on_signals` was called."""
    _replace(_ours(), _Leave())


def raised_signal() -> KeyboardInterrupt | None:
    """Return what the first signal raised, also if Python has lost it since; None if none came.

    Some of Python's functions in C raise another error instead, as `from module import name` does
    if the signal arrives while it words its own ImportError.
    """
    handlers = [handler for handler in _ours().values() if isinstance(handler, _Leave)]
    return next((_exception(h.raised) for h in handlers if h.raised is not None), None)


def ignore_signals() -> None:
    """Ignore signals from here on, if `raise_on_signals` was called."""
    if _ours():
        signal.setitimer(signal.ITIMER_REAL, 0)  # of one that was to arrive again
        _replace(_ours(), signal.SIG_IGN)


@contextlib.contextmanager
def held_signals() -> Iterator[None]:
    """Hold the first signal back while something is written whole; a second ends at once."""
    if threading.current_thread() is not threading.main_thread():
        yield  # only the main thread handles signals
        return
    held: list[int] = []

    def hold(number: int, frame: FrameType | None) -> None:
        if held:
            _Leave()(number, frame)
        held.append(number)

    before = {n: handler for n, handler in _heeded().items() if not isinstance(handler, _Leave)}
    try:
        _replace(before, hold)
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        for number in held:
            signal.raise_signal(number)


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


@contextlib.contextmanager
def signals_for_pager() -> Iterator[None]:
    """Leave Ctrl-C to a pager, as in `less`, where it stops a search; SIGTERM ends at once."""
    before = _ours()
    try:
        for number in before:
            # a function, not SIG_IGN: the pager would inherit that
            handler: Handler = _Leave() if number == signal.SIGTERM else lambda *_: None
            signal.signal(number, handler)
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _heeded() -> dict[int, Handler]:
    """Return the handlers of the signals that are not ignored."""
    found = {number: signal.getsignal(number) for number in SIGNALS}
    return {n: handler for n, handler in found.items() if handler not in {signal.SIG_IGN, None}}


def _ours() -> dict[int, Handler]:
    return {n: handler for n, handler in _heeded().items() if _is_ours(handler)}


def _is_ours(handler: Handler) -> bool:
    return handler is raise_signal or isinstance(handler, _Leave)


def _replace(before: Mapping[int, Handler], handler: Handler) -> None:
    for number in before:
        signal.signal(number, handler)


def raise_signal(number: int, frame: FrameType | None) -> None:
    """Raise KeyboardInterrupt, or `Terminated`, as the handler of a signal.

    While a lock is acquired or released, it returns, and is called again soon.

    Args:
        number: the signal.
        frame: what it interrupts.
    """
    if _is_locking(frame):
        _raise_soon(number)
        return
    _replace(_ours(), _Leave(raised=number))
    raise _exception(number)


def _is_locking(frame: FrameType | None) -> bool:
    """Tell whether a lock is being acquired or released, also under another signal's handler."""
    while frame:
        if frame.f_code in LOCKING:
            return True
        frame = frame.f_back
    return False


def _raise_soon(number: int) -> None:
    def raise_now(_: int, frame: FrameType | None) -> None:
        handler = signal.getsignal(number)
        # if another signal has been raised since, this one is not a second one
        if callable(handler) and not isinstance(handler, _Leave):
            handler(number, frame)

    signal.signal(signal.SIGALRM, raise_now)
    signal.setitimer(signal.ITIMER_REAL, SOON)


def _exception(number: int) -> KeyboardInterrupt:
    return Terminated() if number == signal.SIGTERM else KeyboardInterrupt()


def _raise_again(lost: "UnraisableHookArgs") -> None:
    """Raise a signal again if its exception was lost, as Python drops those in destructors."""
    if not isinstance(lost.exc_value, KeyboardInterrupt):
        sys.__unraisablehook__(lost)
        return
    number = signal.SIGTERM if isinstance(lost.exc_value, Terminated) else signal.SIGINT
    _replace(_ours(), raise_signal)
    _raise_soon(number)
