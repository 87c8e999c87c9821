"""Signals as exceptions."""

import signal
from types import FrameType


class Terminated(KeyboardInterrupt):
    """SIGTERM was received; handled like Ctrl-C."""


def raise_on_sigterm() -> None:
    """Make SIGTERM raise `Terminated` in the main thread, as SIGINT raises KeyboardInterrupt."""
    signal.signal(signal.SIGTERM, _raise)


def _raise(_: int, __: FrameType | None) -> None:
    raise Terminated
