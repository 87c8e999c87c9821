"""Every fault, in groups and by name, and the matrix of faults and calls."""

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from .bodies import BODIES
from .connections import CONNECTIONS, STALE
from .cuts import CUTS
from .fault import EVERY_CALL, Fault, Step
from .framing import ENCODINGS, FRAMING
from .slow import DRIPS, FLOODS, HANGS
from .statuses import NO_LOCATION, RATE_LIMITS, REDIRECTS, REJECTIONS, STATUSES

GROUPS = {
    "connections": CONNECTIONS,
    "stale": STALE,
    "cuts": CUTS,
    "drips": DRIPS,
    "hangs": HANGS,
    "floods": FLOODS,
    "framing": FRAMING,
    "encodings": ENCODINGS,
    "redirects": (*REDIRECTS, NO_LOCATION),
    "rate-limits": RATE_LIMITS,
    "rejections": REJECTIONS,
    "statuses": STATUSES,
    "bodies": BODIES,
}
CATALOGUE = tuple(fault for group in GROUPS.values() for fault in group)
FAULTS = {fault.name: fault for fault in CATALOGUE}


def faults_in(*groups: str) -> tuple[Fault, ...]:
    """The faults of these groups, for a matrix that is smaller than the whole."""
    return tuple(fault for name in groups for fault in GROUPS[name])


class Case(NamedTuple):
    """One cell of the matrix: this call meets this fault, in this world, so many times."""

    operation: str
    fault: Fault
    applied: bool
    times: int | None

    @property
    def step(self) -> Step:
        """A fresh step, as a step counts how often it was played."""
        return Step(self.fault, applied=self.applied, times=self.times)

    def __str__(self) -> str:
        world = "applied" if self.applied else "not-applied"
        return f"{self.operation}-{self.fault}-{world}-{'ever' if self.times is None else 'once'}"


def matrix(
    faults: Iterable[Fault] = CATALOGUE, operations: Iterable[str] = EVERY_CALL
) -> Iterator[Case]:
    """Each call with each fault that it can meet, in each world, once and forever.

    Faults of a reused connection are left out: a single call never meets them.
    """
    wanted = tuple(operations)
    for fault in (fault for fault in faults if not fault.reused):
        for operation in (name for name in wanted if name in fault.operations):
            for applied in fault.worlds:
                for times in (1, None) if fault.countable else (None,):
                    yield Case(operation, fault, applied, times)
