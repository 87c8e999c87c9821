"""Signals as exceptions."""

import signal
from types import FrameType


class Terminated(KeyboardInterrupt):
    """SIGTERM was received; handled like Ctrl-C."""


def raise_on_sigterm() -> None:
    """Make SIGTERM raise `Terminated` in the main thread, as SIGINT raises KeyboardInterrupt.

    If the caller has set it to be ignored, as shells do for background jobs, it stays ignored.
    """
    if signal.getsignal(signal.SIGTERM) is not signal.SIG_IGN:
        signal.signal(signal.SIGTERM, _raise)


def ignore_signals() -> None:
    """Ignore SIGINT and SIGTERM from here on."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)


def _raise(_: int, __: FrameType | None) -> None:
    raise Terminated
