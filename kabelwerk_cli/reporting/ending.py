"""Advice on what to do after a run that did not finish everything, most important first."""

import shlex
from collections.abc import Iterator, Sequence
from http import HTTPStatus
from signal import Signals
from typing import NamedTuple

from kabelwerk_cli.config.suggestions import LONGEST_LINE, suggest, suggest_ensure
from kabelwerk_cli.errors import (
    AlreadyPosted,
    Applied,
    AuthenticationError,
    BatchFailed,
    BatchUnknown,
    ConfigurationError,
    Interrupted,
    JournalError,
    KabelwerkError,
    RateLimited,
    UntrustedCertificate,
)
from kabelwerk_cli.journal.fate import Fate
from kabelwerk_cli.terminal.console import Console
from kabelwerk_cli.terminal.signals import SIGNALS, exception_for
from kabelwerk_cli.words import capitalized, count_of, with_stop

from .totals import Totals


class Stop(NamedTuple):
    """Why a run ended early."""

    reason: str
    error: KabelwerkError | None = None

    @property
    def is_signal(self) -> bool:
        """Whether a signal ended it."""
        return self.signal is not None

    @property
    def signal(self) -> Signals | None:
        """The signal that ended it."""
        return next((number for number in SIGNALS if number.name == self.reason), None)


TWICE = ("--restart", "--resend-unknown", "--send-changed")
"""Options that may send a row twice: leave them out when running a command again."""
NEW_STATE = "--new-state"
"""An option that only the first run of a sync takes."""
SETTLING = (*TWICE, "--mark-posted", "--resume", "--dry-run")
"""Options that are removed from a command line when one of them is added."""
NO_FAILURES = (AuthenticationError, ConfigurationError, RateLimited, UntrustedCertificate)
"""Errors that have a cure of their own."""
TAKES_ROOM = frozenset({"--resend-unknown", "--mark-posted"})


class Ended(NamedTuple):
    """How a run ended, as far as it matters for what to do next."""

    totals: Totals
    stop: Stop | None = None
    """Why it ended early."""
    failure: KabelwerkError | None = None
    """How the server or the network failed last; None if it has worked since."""
    limited: bool = False
    """Whether it stopped at `--limit`."""
    repeatable: bool = True
    """Whether sending a row twice has the same effect as sending it once."""
    journal: str | None = None
    """The journal or state; None if it was temporary."""
    finished: bool = False
    """Whether the journal needs nothing more from this file."""
    rejects: str | None = None
    """The rejects file, if any."""
    line: tuple[str, ...] = ()
    """The command line, without the program."""
    options: tuple[str, ...] = ()
    """Those of its options that a suggested command needs, too."""
    corrects_file: bool = False
    """Whether rejected rows have to be corrected in the input itself."""
    unrecorded: tuple[tuple[str, Fate], ...] = ()
    """The key and the fate of each row that the journal takes for unknown; see `Runner`."""
    about_token: str = ""
    """Where the API token comes from, and how to replace it, as a sentence."""


def advise(ended: Ended) -> list[str]:
    """Return what to do, as sentences, the most important first."""
    steps = (
        _stopped,
        _failing,
        _blocked,
        _unrecorded,
        _limited,
        _unknown,
        _changed,
        _taken,
        _rejected,
        _again,
        _handed_over,
    )
    return [sentence for step in steps for sentence in step(ended)]


def _stopped(ended: Ended) -> Iterator[str]:
    if ended.stop is None:
        return
    reason, error = ended.stop
    yield "Interrupted." if ended.stop.is_signal else f"Stopped: {reason}."
    if isinstance(error, JournalError):
        place = ended.journal or "the temporary folder"
        yield error.advice or f"Check the disk and the permissions of '{place}'."
    elif isinstance(error, AuthenticationError):
        doctor = suggest(ended.options, "doctor")
        yield f"{ended.about_token} Check it with {doctor}."
    elif isinstance(error, UntrustedCertificate):
        yield "If you trust this server, pass its CA certificate with --ca-file."
    elif isinstance(error, ConfigurationError):
        yield str(error)


def _failing(ended: Ended) -> Iterator[str]:
    """Say how the server or the network fails, if that stopped the run or let nothing through."""
    error = ended.stop.error if ended.stop and ended.stop.error else ended.failure
    if error is None or isinstance(error, NO_FAILURES):
        return
    if ended.totals.sent[Fate.DONE] and not (ended.stop and ended.stop.error):
        return
    yield f"Last failure: {with_stop(error.cause)}"
    if error.report.status != HTTPStatus.FORBIDDEN:
        yield f"Check the server and the network with {suggest(ended.options, 'doctor')}."


def _blocked(ended: Ended) -> Iterator[str]:
    if count := ended.totals.blocked:
        values = "its values" if count == 1 else "their values"
        rows = count_of(count, "row")
        yield (
            f"Something between here and the backend, such as a firewall, refused {rows}: change "
            f"{values}, or ask whoever runs it."
        )


def _unrecorded(ended: Ended) -> Iterator[str]:
    known = _lacking(ended)
    if not known:
        return
    lacks = f"The journal lacks what became of {count_of(len(known), 'message')}"
    alike = len({key for key, _ in known}) < len(known)
    if ended.totals.counts[Fate.UNKNOWN] or alike:
        # an option for a room would also be about another message to it, or to one of its name
        said = (f"'{key}' was {'posted' if done else 'not posted'}" for key, done in known)
        yield f"{lacks}: {', '.join(said)}. The next run reports them as unknown."
        return
    options = (f"--{'mark-posted' if done else 'resend-unknown'}={key}" for key, done in known)
    line = _line(ended, *options)
    yield f"{lacks}. Once it can be written, run {line}, which records that, and resumes."


def _lacking(ended: Ended) -> Sequence[tuple[str, bool]]:
    """Return the messages that the next run would take for unknown: the room, and if posted."""
    if ended.repeatable or ended.journal is None:
        return ()
    return [(key, fate is Fate.DONE) for key, fate in ended.unrecorded if fate is not Fate.UNKNOWN]


def _limited(ended: Ended) -> Iterator[str]:
    if ended.totals.errors[RateLimited.__name__]:
        yield "The server limits the rate of requests. To stay below its limit, use --rate N."


def _unknown(ended: Ended) -> Iterator[str]:
    count = ended.totals.counts[Fate.UNKNOWN]
    if not count or ended.repeatable:
        return
    one = count == 1
    what = "the room of the message" if one else f"the rooms of the {count} messages"
    they = "it" if one else "them"
    yield f"Check {what} whose outcome is unknown."
    if ended.journal:
        posted, resend = (_line(ended, option) for option in ("--mark-posted", "--resend-unknown"))
        yield (
            f"To mark {they} as posted, run {posted}; to send {they} again, run {resend} "
            "(add =ROOM for a single room)."
        )
    else:
        yield (
            f"If {'it was' if one else 'they were'} not posted, send {they} from another file: "
            "without a journal, the same command posts every message again."
        )


def _changed(ended: Ended) -> Iterator[str]:
    if count := ended.totals.errors[AlreadyPosted.__name__]:
        rows = f"the {_rows(count)} that changed after a message was posted"
        yield f"To post {rows}, use --send-changed."


def _taken(ended: Ended) -> Iterator[str]:
    totals = ended.totals
    if not totals.taken:
        return
    users = "1 user exists" if totals.taken == 1 else f"{totals.taken} users exist"
    used = totals.counts[Fate.DONE] or totals.counts[Fate.UNKNOWN]
    journal = " and another --journal" if used and ended.journal else ""
    ensure = suggest_ensure([*_settled(ended)], ended.options)
    yield f"{users} already. To update existing users, use {ensure}{journal}."


def _rejected(ended: Ended) -> Iterator[str]:
    if count := ended.totals.rejected - ended.totals.taken:
        one = count == 1
        rows = "the rejected row" if one else f"the {count} rejected rows"
        them = "it" if one else "them"
        hint = "" if ended.rejects else f" (--rejects FILE writes {them} to a file)"
        if ended.corrects_file:
            hint = " in the file"
        yield f"Correct {rows}{hint}, then {_rerun(ended)}."


def _again(ended: Ended) -> Iterator[str]:
    """Advise running the same command again, unless an earlier sentence does."""
    totals = ended.totals
    retried = totals.counts[Fate.FAILED] - totals.rejected
    if ended.repeatable:
        retried += totals.counts[Fate.UNKNOWN]
    unsent = totals.counts[Fate.NOT_ATTEMPTED] - totals.errors[AlreadyPosted.__name__]
    if totals.rejected > totals.taken or not (retried or unsent):
        return
    if _lacking(ended) and not totals.counts[Fate.UNKNOWN]:
        return
    if ended.limited and not ended.stop and not retried:
        yield f"To send the other {_rows(unsent)}, {_rerun(ended, '--limit')}."
    else:
        purpose = f" to {'resume' if unsent else 'retry'}" if _goes_on(ended) else ""
        yield f"{capitalized(_rerun(ended))}{purpose}."


def _handed_over(ended: Ended) -> Iterator[str]:
    if count := ended.totals.handed_over:
        rows, file = f"the {_rows(count)}", ended.rejects or ""
        yield f"Correct {rows} in '{file}', then send that file: --from {shlex.quote(file)}"


def _rows(count: int) -> str:
    return "row" if count == 1 else f"{count} rows"


def _rerun(ended: Ended, *without: str) -> str:
    """Return how to send the other rows without sending any twice.

    Args:
        ended: how the run ended.
        without: further options to leave out.
    """
    if _goes_on(ended):
        given = [
            option
            for option in (*TWICE, NEW_STATE)
            if any(_is(word, option) for word in ended.line)
        ]
        other = " and ".join([*given, *without])
        resume = " with --resume" if ended.finished and not ended.repeatable else ""
        return "run the same command again" + (f" without {other}" if other else "") + resume
    if ended.repeatable:
        return "run the same command again (without a journal, it sends every row again)"
    return (
        "send the other rows from a separate file (without a journal, the same command posts "
        "every message again)"
    )


def _goes_on(ended: Ended) -> bool:
    """Tell whether the same command sends only rows that are not done."""
    counts = ended.totals.counts
    return ended.journal is not None or not (counts[Fate.DONE] or counts[Fate.UNKNOWN])


def _is(word: str, option: str) -> bool:
    return word == option or word.startswith(f"{option}=")


def _line(ended: Ended, *options: str) -> str:
    """Return the command line to run next: this one, with options added."""
    text = suggest((), *_settled(ended), *options)
    if len(text) <= LONGEST_LINE:
        return text
    return f"the same command with {' '.join(map(shlex.quote, options))}"


def _settled(ended: Ended) -> Iterator[str]:
    return _without(ended.line, SETTLING)


def _without(line: Sequence[str], options: Sequence[str]) -> Iterator[str]:
    """Yield the words of a command line, without those of some options."""
    takes_value = False
    for word in line:
        if takes_value and not word.startswith("-"):
            takes_value = False
            continue
        takes_value = word in TAKES_ROOM
        if not any(_is(word, option) for option in options):
            yield word


def conclude(console: Console, ended: Ended) -> None:
    """Print how the run ended; return only if everything requested is done.

    Raises:
        Interrupted: a signal ended it.
        KabelwerkError: what stopped it before anything was applied.
        BatchFailed: rows are not done, and the outcome of each is known.
        BatchUnknown: the outcome of some rows is unknown.
    """
    totals, stop = ended.totals, ended.stop
    counts, advice = totals.counts, " ".join(advise(ended))
    # rows beyond --limit are not failures
    all_unsent, changed = counts[Fate.NOT_ATTEMPTED], totals.errors[AlreadyPosted.__name__]
    unsent = changed if ended.limited and not stop else all_unsent
    if not (counts[Fate.FAILED] or counts[Fate.UNKNOWN] or unsent or stop):
        rejected = bool(totals.handed_over)  # which is a success only for those who call this
        console.sum_up(totals.summed(), is_success=not rejected)
        if advice:
            console.note(advice, always=rejected)
        return
    text = console.with_summary(totals.summed(), advice)
    report = totals.report()
    if stop and stop.signal:
        raise Interrupted(text, report) from exception_for(stop.signal)
    if stop and stop.error and report.applied is Applied.NO:
        raise type(stop.error)(text, report) from stop.error
    raise BatchUnknown(text) if counts[Fate.UNKNOWN] else BatchFailed(text)
