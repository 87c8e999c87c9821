"""Some random histories and kills; the modules beside this one play as many as one likes."""

import pytest

from tests.forkserver import ForkServer

from . import histories, kills

HISTORIES = 60
EACH = 10
KILLED = 5
"""How many syncs are killed, three times each."""


@pytest.mark.parametrize("first", range(0, HISTORIES, EACH))
def test_no_history_breaks_an_invariant(forks: ForkServer, first: int) -> None:
    wrong = [said for said in histories.PLAYER.play_all(range(first, first + EACH), forks) if said]
    assert not wrong, "\n\n".join(wrong)


@pytest.mark.usefixtures("alone")
def test_a_killed_sync_ends_as_a_clean_one_does(forks: ForkServer) -> None:
    wrong = [said for said in kills.play_all(range(KILLED), forks) if said]
    assert not wrong, "\n\n".join(wrong)
