"""A hundred random schedules; `python -m tests.batch.schedules` plays as many as one likes."""

import pytest

from tests.forkserver import ForkServer

from .schedules import play_all

SEEDS = 100
EACH = 10


@pytest.mark.parametrize("first", range(0, SEEDS, EACH))
def test_no_schedule_breaks_an_invariant(forks: ForkServer, first: int) -> None:
    wrong = [found for found in play_all(range(first, first + EACH), forks) if found]
    assert not wrong, "\n\n".join(wrong)
