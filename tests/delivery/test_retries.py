"""The pause between attempts, and how Retry-After is read."""

import pytest

from kabelwerk_cli.delivery.retries import pause
from kabelwerk_cli.delivery.verdicts import Ending, Verdict, read_retry_after

NOW = 1_000_000_000.0  # Sun, 09 Sep 2001 01:46:40 GMT


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("", None),
        ("0", 0.0),
        ("1", 1.0),
        (" 120 ", 120.0),
        ("-1", None),
        ("1.5", None),
        ("abc", None),
        ("1" + "0" * 30, 1e30),
        ("9" * 5000, float("inf")),
        ("Sun, 09 Sep 2001 01:46:50 GMT", 10.0),
        ("Sun, 09 Sep 2001 01:46:30 GMT", None),
        ("Sun, 99 Sep 2001 01:46:30 GMT", None),
        ("Sun, 09 Sep 99999 01:46:30 GMT", None),
        ("\u0661", None),
    ],
)
def test_retry_after(header, seconds):
    assert read_retry_after(header, NOW) == seconds


def history(length, retry_after=None):
    return [Verdict(Ending.NOT_SENT, "", retry_after=retry_after)] * length


@pytest.mark.parametrize(
    ("attempts", "random", "seconds"),
    [(1, 1.0, 0.5), (1, 0.0, 0.0), (2, 1.0, 1.0), (3, 0.5, 1.0), (5, 1.0, 8.0), (2000, 1.0, 8.0)],
)
def test_the_pause_doubles_up_to_a_limit(attempts, random, seconds):
    assert pause(history(attempts), 60.0, lambda: random) == seconds


@pytest.mark.parametrize(
    ("asked", "left", "seconds"),
    [(3.0, 60.0, 3.0), (0.0, 60.0, 0.0), (60.0, 60.0, None), (3600.0, 60.0, None)],
)
def test_the_servers_wish_wins_where_it_fits(asked, left, seconds):
    assert pause(history(1, asked), left, lambda: 1.0) == seconds


def test_a_pause_that_does_not_fit_ends_the_call():
    assert pause(history(5), 7.9, lambda: 1.0) is None
