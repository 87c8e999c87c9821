"""The last line of a run says what to do next, and fits what happened."""

from collections import Counter
from collections.abc import Callable

import pytest

from kabelwerk_cli.engine.limits import DEAD_AFTER, Breaker
from kabelwerk_cli.errors import (
    AlreadyPosted,
    AuthenticationError,
    ConfigurationError,
    ConnectionError,  # noqa: A004 - the reference's name
    JournalError,
    KabelwerkError,
    NotAttempted,
    Report,
    ServerError,
    UntrustedCertificate,
    ValidationError,
)
from kabelwerk_cli.journal.fate import Fate
from kabelwerk_cli.reporting.ending import Ended, Stop, advise
from kabelwerk_cli.reporting.result import Result
from kabelwerk_cli.reporting.totals import Totals
from kabelwerk_cli.rows.row import Place
from kabelwerk_cli.terminal.error_report import problem

TAKEN = ValidationError("Taken.", fields={"key": ["has already been taken"]})
BLOCKED = ServerError("Row.", Report(status=403), cause="a page")
ROWS: dict[str, tuple[Fate, BaseException | None, str]] = {
    "done": (Fate.DONE, None, "posted"),
    "before": (Fate.DONE, None, ""),
    "rejected": (Fate.REJECTED, ValidationError("No."), ""),
    "taken": (Fate.REJECTED, TAKEN, ""),
    "failed": (Fate.FAILED, ServerError("503"), ""),
    "blocked": (Fate.FAILED, BLOCKED, ""),
    "unknown": (Fate.UNKNOWN, ServerError("500"), ""),
    "unsent": (Fate.NOT_ATTEMPTED, None, ""),
    "waits": (Fate.NOT_ATTEMPTED, NotAttempted("It waits."), ""),
    "changed": (Fate.NOT_ATTEMPTED, AlreadyPosted("Changed."), ""),
}
LINE = ("messages", "post", "--user", "batou", "--from", "my rows.csv")
POSTED = "kabelwerk messages post --user batou --from 'my rows.csv' --mark-posted"
RESEND = "kabelwerk messages post --user batou --from 'my rows.csv' --resend-unknown"
AGAIN = "Run the same command again to resume."
RETRY = "Run the same command again to retry."
CORRECT = (
    "Correct the rejected row (--rejects FILE writes it to a file), then run the same "
    "command again."
)
UNKNOWN = (
    "Check the room of the message whose outcome is unknown. To mark it as posted, run "
    f"`{POSTED}`; to send it again, run `{RESEND}` (add =ROOM for a single room)."
)
DEAD = "Stopped: the server or the network failed 10 times in a row. Last failure:"
DOCTOR = "Check the server and the network with 'kabelwerk doctor'."


def stop_of(error: KabelwerkError, times: int = 1) -> Stop | None:
    breaker = Breaker(None, 60.0)
    return [breaker.watch(Fate.FAILED, error, None) for _ in range(times)][-1]


def test_a_failure_is_remembered_until_the_server_works_again() -> None:
    breaker = Breaker(None, 60.0)
    refused, done, rejected = ConnectionError("refused"), Fate.DONE, Fate.REJECTED
    for fate, error, failure in (
        (Fate.FAILED, refused, refused),
        (done, None, None),
        (Fate.FAILED, refused, refused),
        (rejected, ValidationError("No."), None),
    ):
        breaker.watch(fate, error, None)
        assert breaker.failure is failure


def more_than(failures: int) -> Stop | None:
    breaker = Breaker(failures, 60.0)
    return [
        breaker.watch(Fate.REJECTED, ValidationError("No."), None) for _ in range(failures + 1)
    ][-1]


def ended(rows: str, **more: object) -> Ended:
    names = rows.split()
    totals = Totals(len(names), Counter(), "journal", rerun=True)
    for number, name in enumerate(names, start=1):
        fate, error, effect = ROWS[name]
        said = problem(error) if error else None
        place = Place(number, number + 1, f"r{number}")
        totals.count(Result(place, fate, error=said, effect=effect, sent=name == "blocked"))
    given = {"journal": "j", "repeatable": False, "line": LINE, **more}
    return Ended(totals, **given)  # type: ignore[arg-type]


def handed_over(rows: str) -> Ended:
    case = ended(rows, rejects="re jects.csv")
    case.totals.hand_over(case.totals.rejected)
    return case


CASES: dict[str, tuple[Ended, str]] = {
    "all done": (ended("done done before"), ""),
    "one rejected": (ended("done rejected"), CORRECT),
    "rejected, of a mailing that is finished": (
        ended("done rejected", finished=True),
        f"{CORRECT.removesuffix('.')} with --resume.",
    ),
    "handed over": (
        handed_over("done rejected rejected"),
        "Correct the 2 rows in 're jects.csv', then send that file: --from 're jects.csv'",
    ),
    "keys that are taken": (
        ended("taken taken", repeatable=True),
        "2 users exist already. To update existing users, use 'kabelwerk users ensure'.",
    ),
    "keys that are taken, and a journal in use": (
        ended("done taken", repeatable=True),
        (
            "1 user exists already. To update existing users, use 'kabelwerk users ensure' and "
            "another --journal."
        ),
    ),
    "failed, nothing waits": (ended("done failed"), RETRY),
    "failed, and others wait": (ended("failed waits waits"), AGAIN),
    "an unknown import": (ended("done unknown", repeatable=True), RETRY),
    "an unknown message": (ended("done unknown"), UNKNOWN),
    "an unknown message without a journal": (
        ended("unknown", journal=None),
        (
            "Check the room of the message whose outcome is unknown. If it was not posted, "
            "send it from another file: without a journal, the same command posts every message "
            "again."
        ),
    ),
    "options that settle are not repeated": (
        ended("unknown", line=(*LINE, "--resend-unknown=r1", "--mark-posted", "r1", "--resume")),
        UNKNOWN,
    ),
    "a long command line": (
        ended("unknown", line=(*LINE, "x" * 1000)),
        (
            "Check the room of the message whose outcome is unknown. To mark it as posted, run "
            "the same command with --mark-posted; to send it again, run the same command with "
            "--resend-unknown (add =ROOM for a single room)."
        ),
    ),
    "changed rows": (
        ended("done changed"),
        "To post the row that changed after a message was posted, use --send-changed.",
    ),
    "a limit": (
        ended("done unsent unsent", limited=True),
        "To send the other 2 rows, run the same command again without --limit.",
    ),
    "a limit, and a restart": (
        ended("done unsent", limited=True, line=(*LINE, "--restart")),
        "To send the other row, run the same command again without --restart and --limit.",
    ),
    "a token": (
        ended(
            "done failed unsent",
            stop=stop_of(AuthenticationError("", Report(status=401))),
            about_token="It comes from a file.",
        ),
        (
            "Stopped: the server rejected the API token (401). It comes from a file. Check it with "
            f"'kabelwerk doctor'. {AGAIN}"
        ),
    ),
    "a journal that is lost, without what became of messages": (
        ended(
            "done unsent",
            stop=Stop("the journal cannot be written: full", JournalError("No.")),
            journal="a journal",
            unrecorded=(("r1", Fate.DONE), ("r 2", Fate.NOT_ATTEMPTED), ("r3", Fate.UNKNOWN)),
        ),
        (
            "Stopped: the journal cannot be written: full. Check the disk and the permissions of "
            "'a journal'. The journal lacks what became of 2 messages. Once it can be written, run "
            "`kabelwerk messages post --user batou --from 'my rows.csv' --mark-posted=r1 "
            "'--resend-unknown=r 2'`, which records that, and resumes."
        ),
    ),
    "a journal that is lost, without what became of messages to rooms of one name": (
        ended(
            "done unsent",
            stop=Stop("the journal cannot be written: full", JournalError("No.")),
            journal="a journal",
            unrecorded=(("r1", Fate.DONE), ("r1", Fate.NOT_ATTEMPTED)),
        ),
        (
            "Stopped: the journal cannot be written: full. Check the disk and the permissions of "
            "'a journal'. The journal lacks what became of 2 messages: 'r1' was posted, 'r1' was "
            "not posted. The next run reports them as unknown."
        ),
    ),
    "a certificate": (
        ended("failed unsent", stop=stop_of(UntrustedCertificate("No."))),
        (
            "Stopped: the server's certificate is not trusted. If you trust this server, pass its "
            f"CA certificate with --ca-file. {AGAIN}"
        ),
    ),
    "settings": (
        ended("failed unsent", stop=stop_of(ConfigurationError("Use https."))),
        f"Stopped: the settings do not allow it. Use https. {AGAIN}",
    ),
    "a dead server": (
        ended("failed unsent", stop=stop_of(ServerError("503"), DEAD_AFTER)),
        f"{DEAD} 503. {DOCTOR} {AGAIN}",
    ),
    "a dead network": (
        ended("failed unsent", stop=stop_of(ConnectionError("refused"), DEAD_AFTER)),
        f"{DEAD} refused. {DOCTOR} {AGAIN}",
    ),
    "a dead network, and few rows": (
        ended(
            "failed failed", failure=ConnectionError("Row.", cause="connection refused (http://x)")
        ),
        f"Last failure: connection refused (http://x). {DOCTOR} {RETRY}",
    ),
    "a dead server, and somebody who does not want to wait": (
        ended("failed unsent", failure=ServerError("503"), stop=Stop("SIGINT")),
        f"Interrupted. Last failure: 503. {DOCTOR} {AGAIN}",
    ),
    "a firewall, and a server that works": (
        ended("done blocked"),
        (
            "Something between here and the backend, such as a firewall, refused 1 row: change its "
            f"values, or ask whoever runs it. {RETRY}"
        ),
    ),
    "a firewall that blocks everything": (
        ended("blocked blocked", stop=stop_of(BLOCKED, DEAD_AFTER)),
        (
            f"{DEAD} a page. Something between here and the backend, such as a firewall, refused "
            f"2 rows: change their values, or ask whoever runs it. {RETRY}"
        ),
    ),
    "too many failures": (
        ended("rejected rejected unsent", stop=more_than(1)),
        (
            "Stopped: more than 1 row failed (--max-failures). Correct the 2 rejected rows "
            "(--rejects FILE writes them to a file), then run the same command again."
        ),
    ),
    "an interruption": (ended("done unsent", stop=Stop("SIGINT")), f"Interrupted. {AGAIN}"),
    "an interruption of a restart": (
        ended("done unsent", stop=Stop("SIGTERM"), line=(*LINE, "--restart")),
        "Interrupted. Run the same command again without --restart to resume.",
    ),
    "an interruption without a journal": (
        ended("done unsent", stop=Stop("SIGINT"), journal=None),
        (
            "Interrupted. Send the other rows from a separate file (without a journal, the same "
            "command posts every message again)."
        ),
    ),
    "an interrupted import without a journal": (
        ended("done unsent", stop=Stop("SIGINT"), journal=None, repeatable=True),
        "Interrupted. Run the same command again (without a journal, it sends every row again).",
    ),
    "a journal that breaks": (
        ended("done unsent", stop=Stop("the journal cannot be written", JournalError("Full."))),
        (
            "Stopped: the journal cannot be written. Check the disk and the permissions of 'j'. "
            f"{AGAIN}"
        ),
    ),
    "unknown messages before rejected rows": (ended("unknown rejected"), f"{UNKNOWN} {CORRECT}"),
    "a dead server before unknown messages": (
        ended("unknown unsent", stop=stop_of(ServerError("503"), DEAD_AFTER)),
        f"{DEAD} 503. {DOCTOR} {UNKNOWN} {AGAIN}",
    ),
    "changed rows before rejected rows": (
        ended("changed rejected"),
        f"To post the row that changed after a message was posted, use --send-changed. {CORRECT}",
    ),
    "rejected rows before those that failed": (ended("rejected failed"), CORRECT),
}


@pytest.mark.parametrize("name", CASES)
def test_the_advice_fits(name: str) -> None:
    case, line = CASES[name]
    assert " ".join(advise(case)) == line


SUMMARIES: dict[str, str] = {
    "done": "1 row: 1 posted.",
    "done done before failed rejected": "5 rows: 2 posted, 1 done by earlier runs, 2 failed.",
    "unknown changed waits unsent": "4 rows: 1 unknown, 3 not attempted.",
    "": "0 rows: none.",
}


@pytest.mark.parametrize("rows", SUMMARIES)
def test_a_summary_leaves_out_what_did_not_happen(rows: str) -> None:
    assert str(ended(rows).totals) == SUMMARIES[rows]


def test_rows_that_are_handed_over_are_no_failures() -> None:
    assert str(handed_over("done rejected").totals) == "2 rows: 1 posted, 1 handed over."


def test_every_case_has_its_own_line() -> None:
    alike: Callable[[str], bool] = lambda name: "dead" in name or "options" in name  # noqa: E731
    lines = [line for name, (_, line) in CASES.items() if not alike(name)]
    repeated = {RETRY, CORRECT, UNKNOWN}
    assert not [line for line in lines if lines.count(line) > 1 and line not in repeated]
