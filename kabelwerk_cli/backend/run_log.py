"""The record of a run: its start and its end in the log file, and the summary that it leaves."""

import os
import pwd
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from kabelwerk_cli import __version__
from kabelwerk_cli.config.settings import LOG_FILE
from kabelwerk_cli.errors import ConfigurationError, Refused
from kabelwerk_cli.files import are_same
from kabelwerk_cli.terminal.console import write_stderr
from kabelwerk_cli.terminal.error_report import Problem, problem
from kabelwerk_cli.terminal.run_record import ROWS, RunRecord
from kabelwerk_cli.terminal.session import Session

from .backends import backend_name
from .log_file import EndLine, LogFile, StartLine, Warn, now
from .summary_file import RunSummary, SummaryFile

TEXTS = ("--text", "--template", "--name", "--attributes", "--url")
"""Options whose values are not recorded: what people write, and addresses, which are elsewhere."""
FROM_FILES = ("--template", "--attributes")
"""Those of them that read a file if their value begins with `@`."""
HIDDEN = "..."


class Started(NamedTuple):
    """A run as it begins."""

    command: str
    """The command's path, such as `kabelwerk users sync`."""
    words: Sequence[str]
    """The words of the command line, without the program."""
    file: str | None = None
    """The file of rows, if there is one."""
    others: Mapping[str, str] = {}
    """The files that the run reads or writes, which cannot be the log, by option."""


class RunLog:
    """Records one run.

    Args:
        run_record: what the run changed.
        started: what is known of it before its settings are.
        summary: the file for its summary, if any.
    """

    def __init__(
        self, run_record: RunRecord, started: Started, summary: SummaryFile | None
    ) -> None:
        self._run_record = run_record
        self._started = started
        self._summary = summary
        self._began = now()
        self._log: LogFile | None = None
        self._profile: str | None = None
        self._url: str | None = None
        self._warn: Warn = _warn
        run_record.at_end(self._end)
        if started.file:
            run_record.counts = {ROWS: 0}  # until they are counted

    def start(self, session: Session) -> None:
        """Record that the run begins, now that its settings are known.

        Raises:
            Refused: the log file is another file of the run, or neither a regular file nor a
                character device.
        """
        settings, self._warn = session.settings, session.console.warn
        self._profile = settings.profile.name or None
        try:
            self._url = backend_name(settings)
        except ConfigurationError:
            self._url = None  # the run ends with this error
        if path := settings[LOG_FILE]:
            self.open(path)

    def open(self, path: str) -> None:
        """Record in a log file that the run begins, even if its settings cannot be read.

        Args:
            path: the log file.

        Raises:
            Refused: see `start`.
        """
        for option, other in self._started.others.items():
            if are_same(path, other):
                raise Refused(f"{LOG_FILE.option} and {option} name the same file.")
        self._log = LogFile(path, self._warn)
        self._log.write(StartLine(time=self._began, event="start", **self._facts()))

    def _end(self, error: BaseException | None) -> None:
        said = self._problem(error) if error else None
        code = int(said.exit_code) if said else 0
        counts, ended = self._run_record.counts, now()
        if self._log:
            self._log.write(
                EndLine(
                    time=ended,
                    event="end",
                    **self._facts(),
                    counts=counts,
                    exit_code=code,
                    error=said,
                )
            )
            self._log.close()
        if self._summary:
            facts = self._facts()
            del facts["user"], facts["process"]
            self._summary.write(
                RunSummary(
                    **facts,
                    started=self._began,
                    ended=ended,
                    counts=counts,
                    exit_code=code,
                    error=said,
                ),
                self._started.command,
                self._warn,
            )

    def _problem(self, error: BaseException) -> Problem:
        found = problem(error, self._run_record, self._started.command)
        # a suggested command line has the texts of this one
        return found._replace(message=hide_texts(found.message, self._started.words))

    def _facts(self) -> dict[str, Any]:
        return {
            "run": self._run_record.run,
            "version": __version__,
            "command": " ".join(["kabelwerk", *without_texts(self._started.words)]),
            "profile": self._profile,
            "url": self._url,
            "user": _user(),
            "process": os.getpid(),
            "file": self._started.file,
        }


def without_texts(words: Sequence[str]) -> Iterator[str]:
    """Yield the words of a command line, without texts and secrets, quoted for a shell."""
    import shlex

    before = ""
    for word in words:
        name, equals, value = word.partition("=")
        if before and not _is_file(before, word):
            yield HIDDEN
        elif name in TEXTS and equals and not _is_file(name, value):
            yield f"{name}={HIDDEN}"
        else:
            yield shlex.quote(word)
        before = word if word in TEXTS and not before else ""


def _is_file(option: str, value: str) -> bool:
    return option in FROM_FILES and value.startswith("@")


def hide_texts(message: str, words: Sequence[str]) -> str:
    """Return a message in which a command line may be repeated, without texts and secrets.

    Args:
        message: the message.
        words: the words of the command line.
    """
    import shlex

    for before, word, shown in zip(["", *words], words, without_texts(words), strict=False):
        said = shlex.quote(word)
        if shown == HIDDEN:
            message = message.replace(f"{before} {said}", f"{before} {HIDDEN}")
        elif shown != said:
            message = message.replace(said, shown)
    return message


def _warn(text: str) -> None:
    write_stderr(text, "Warning:")


def _user() -> str:
    """Return the user of the system; its number if it has no name, as in containers."""
    try:
        return pwd.getpwuid(os.getuid()).pw_name
    except KeyError:
        return str(os.getuid())
