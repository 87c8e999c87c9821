"""Every call x every fault x applied or not x once or forever, on real sockets.

The assertions are about effects: what the server's model holds after the client has reported an
outcome. There are no pauses between attempts; the time limits are real, and short.
"""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import NamedTuple

import pytest

from kabelwerk_cli import errors
from kabelwerk_cli.delivery.sender import Limits, Sender, Tools
from kabelwerk_cli.network.transport import NetworkTransport
from kabelwerk_cli.network.url import parse_address
from kabelwerk_cli.terminal.exit_codes import exit_code
from tests.faultserver import CATALOGUE, GROUPS, Case, Fault, FaultyServer, Model, Outcome, matrix
from tests.operations import CALLS, Operation


def turned_away_again(call: Operation) -> bool:
    model = Model()
    _, second = [model.handle(call.method, call.target, call.body) for _ in range(2)]
    return second.status >= 400


# Calls that an honest server rejects the second time.
SINGULAR = {name for name, call in CALLS.items() if turned_away_again(call)}
# Where only its own time limit ends an attempt, it is short; else there is room for a busy machine.
PATIENT = Limits(connect=5.0, timeout=5.0, max_time=60.0)
HURRIED = Limits(connect=1.5, timeout=1.5, max_time=60.0)
NOT_APPLIED = {2, 3, 4, 5, 6, 7}
# A Retry-After longer than the time left ends the call at once.
TOO_LONG = ("-3600", "-1" + "0" * 30, "-" + "9" * 40, " 9999 23:59:59 gmt")


class Ended(NamedTuple):
    """How a case ended: the exit code, the attempts, and whether the effect is there."""

    code: int
    attempts: int
    done: bool
    messages: int
    error: str


def play(case: Case) -> Ended:
    with FaultyServer([case.step]) as server:
        transport = NetworkTransport(parse_address(server.url))
        tools = Tools(sleep=lambda _: None)
        limits = HURRIED if case.fault.slow else PATIENT
        sender = Sender(transport, token="s3cret", limits=limits, tools=tools)
        code, text = 0, ""
        try:
            report = sender.send(CALLS[case.operation].build()).report
        except errors.KabelwerkError as error:
            report, code, text = error.report, int(exit_code(error)), str(error)
        transport.close()
        state = server.model.snapshot()
    done = CALLS[case.operation].is_done(state)
    return Ended(code, report.attempts, done, len(state.messages), text)


def repeats(case: Case, outcome: Outcome) -> bool:
    """Whether the call is retried after an attempt that ended in `outcome`."""
    if case.fault.name.lower().endswith(TOO_LONG):
        return False
    if outcome is Outcome.UNKNOWN:
        return CALLS[case.operation].request.repeatable
    return outcome is Outcome.NOT_SENT or "429" in case.fault.name


def attempts(case: Case, outcome: Outcome) -> set[int]:
    if not repeats(case, outcome):
        return {1}
    if finds_itself(case):
        return {2, 3}
    return {2} if case.times == 1 else {3}


def codes(case: Case, outcome: Outcome) -> set[int]:
    """The exit codes allowed when each attempt at the fault ends in `outcome`."""
    if outcome is Outcome.DONE:
        return {0}
    if not repeats(case, outcome):
        return set(case.fault.exits)
    found = set()
    if finds_itself(case):
        # a 404 that cannot be read does not show that the user is gone
        unreadable = case.times is None and case.fault in GROUPS["encodings"]
        deletes = CALLS[case.operation].method == "DELETE"
        found = {0 if deletes and not unreadable else 9}
    if case.times == 1:
        return found or {0}
    return found | set(case.fault.exits)


def finds_itself(case: Case) -> bool:
    """Whether a second attempt is rejected because of what the first one did.

    A fault that only changes the form of the honest answer shows this to the client; others do not.
    """
    return case.applied and case.operation in SINGULAR


def complaints(case: Case, ended: Ended) -> Iterator[str]:
    outcomes = {case.fault.expect, *case.fault.also}
    # each attempt may end in a different outcome
    counts = {n for outcome in outcomes for n in attempts(case, outcome)}
    if not min(counts) <= ended.attempts <= max(counts):
        yield "attempts"
    if ended.code not in {code for outcome in outcomes for code in codes(case, outcome)}:
        yield "exit code"
    if ended.code == 0 and not ended.done:
        yield "claimed, and not done"
    if ended.code in NOT_APPLIED and ended.done:
        yield "denied, and done"
    if ended.messages > 1:
        yield "done twice"
    if (ended.code == 0) == bool(ended.error):
        yield "an error without a text, or the reverse"


@pytest.mark.parametrize("fault", [f for f in CATALOGUE if not f.reused], ids=lambda f: f.name[:40])
def test_nothing_false_is_claimed_and_nothing_done_twice(fault: Fault) -> None:
    cases = list(matrix([fault]))
    # floods take a processor each, and would starve the honest answers beside them
    side_by_side = 4 if fault in GROUPS["floods"] else len(cases)
    with ThreadPoolExecutor(side_by_side) as pool:
        played = list(zip(cases, pool.map(play, cases), strict=True))
    wrong = [
        f"{case}: {ended}: {', '.join(found)}"
        for case, ended in played
        if (found := list(complaints(case, ended)))
    ]
    assert not wrong, "\n".join(wrong)
