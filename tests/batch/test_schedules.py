"""A hundred random schedules; `python -m tests.batch.schedules` plays as many as one likes."""

from collections import Counter

import pytest

from tests.forkserver import ForkServer

from .schedules import play_all

SEEDS = 100
EACH = 25
EXPECTED = {
    "400-no",
    "copy without journal",
    "exit code 10",
    "exit code 11",
    "exit code 129",
    "exported anew",
    "firewall",
    "journal of format 3",
    "rate limit",
    "refused a later version",
    "SIGHUP",
    "SIGHUP and SIGHUP",
    "SIGKILL",
    "stopped as posted before",
}
"""What happens in any 25 of them; otherwise they would prove little."""


@pytest.mark.parametrize("first", range(0, SEEDS, EACH))
def test_no_schedule_breaks_an_invariant(forks: ForkServer, first: int) -> None:
    played = list(play_all(range(first, first + EACH), forks))
    wrong = [one.wrong for one in played if one.wrong]
    assert not wrong, "\n\n".join(wrong)
    happened = sum((one.happened for one in played), Counter[str]())
    assert not EXPECTED - {what for what, count in happened.items() if count}
