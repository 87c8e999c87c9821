"""A lock that is being acquired when a signal arrives."""

import functools
import signal
import threading
import time
from types import SimpleNamespace
from typing import Any


def acquire_under(number: signal.Signals, done: list[str]) -> None:
    """Acquire a lock while a signal arrives, and hold it until the signal is raised.

    Args:
        number: the signal.
        done: gets "acquired" and "released" when that happens.
    """
    lock: Any = SimpleNamespace(
        acquire=None,
        release=None,
        # within this function in C, Python runs the handler in the frame of the one that calls it
        __enter__=functools.partial(signal.raise_signal, number),
        __exit__=lambda *_: done.append("released"),
    )
    condition = threading.Condition(lock)
    with condition:
        done.append("acquired")
        time.sleep(20)
