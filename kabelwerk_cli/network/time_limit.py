"""Work that cannot be interrupted, such as a name look-up, with a time limit."""

import threading
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def in_time(work: Callable[[], T], limit: float) -> T:
    """Return what `work` returns, which runs in a thread that is left behind if it takes too long.

    Args:
        work: what to do.
        limit: how many seconds it may take.

    Raises:
        TimeoutError: it took longer.
        Exception: what `work` raised.
    """
    results: list[T] = []
    failures: list[Exception] = []

    def run() -> None:
        try:
            results.append(work())
        except Exception as error:  # noqa: BLE001 - it is raised in the thread that waits
            failures.append(error)

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    thread.join(limit)
    for failure in failures:
        raise failure
    for result in results:
        return result
    raise TimeoutError("timed out")
