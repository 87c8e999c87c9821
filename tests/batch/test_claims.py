"""What a dry run says, and what a run sends; `python -m tests.batch.claims` plays more."""

from tests.forkserver import ForkServer

from .claims import play

SEEDS = 24


def test_as_many_rows_are_sent_as_a_dry_run_says(forks: ForkServer) -> None:
    wrong = [found for seed in range(SEEDS) for found in play(seed, forks)]
    assert not wrong, "\n\n".join(wrong)
