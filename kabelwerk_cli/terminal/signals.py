"""What SIGINT and SIGTERM do: the first ends the run cleanly, the second at once.

The first signal raises an exception in the main thread, once, wherever the run is. The error
boundary in `cli` reports it. A signal that the caller ignores, as a shell does for jobs in the
background, stays ignored.
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
SOON = 0.001
"""Seconds until a signal whose exception was lost is raised again."""


class Terminated(KeyboardInterrupt):
    """SIGTERM was received; handled like Ctrl-C."""


def raise_on_signals() -> None:
    """Make the first signal raise KeyboardInterrupt, or `Terminated`; a second one ends at once."""
    _replace(_heeded(), _raise)
    sys.unraisablehook = _raise_again


def leave_on_signals() -> None:
    """End at once when the next signal comes, if `raise_on_signals` was called."""
    _replace(_ours(), _leave)


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
            _leave(number, frame)
        held.append(number)

    before = {n: handler for n, handler in _heeded().items() if handler is not _leave}
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
            signal.signal(number, _leave if number == signal.SIGTERM else lambda *_: None)
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _heeded() -> dict[int, Handler]:
    """Return the handlers of the signals that are not ignored."""
    found = {number: signal.getsignal(number) for number in SIGNALS}
    return {n: handler for n, handler in found.items() if handler not in {signal.SIG_IGN, None}}


def _ours() -> dict[int, Handler]:
    return {number: handler for number, handler in _heeded().items() if handler in {_raise, _leave}}


def _replace(before: Mapping[int, Handler], handler: Handler) -> None:
    for number in before:
        signal.signal(number, handler)


def _raise(number: int, _: FrameType | None) -> None:
    leave_on_signals()
    raise Terminated if number == signal.SIGTERM else KeyboardInterrupt


def _leave(number: int, _: FrameType | None) -> None:
    os._exit(BASE + number)


def _raise_again(lost: "UnraisableHookArgs") -> None:
    """Raise a signal again if its exception was lost, as Python drops those in destructors."""
    if not isinstance(lost.exc_value, KeyboardInterrupt):
        sys.__unraisablehook__(lost)
        return
    number = signal.SIGTERM if isinstance(lost.exc_value, Terminated) else signal.SIGINT
    _replace(_ours(), _raise)
    signal.signal(signal.SIGALRM, lambda *_: signal.raise_signal(number))
    signal.setitimer(signal.ITIMER_REAL, SOON)
