"""The report of a run as JUnit XML: a test case for each row.

Test cases are written as results arrive, after space reserved for the head, which contains the
counts and is written last. Memory is flat, however many rows there are.
"""

import html
import time
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

from kabelwerk_cli.errors import NotAttempted, Refused
from kabelwerk_cli.files import Replacement
from kabelwerk_cli.journal.fate import Fate
from kabelwerk_cli.output import shortened, visible
from kabelwerk_cli.rows.row import Place
from kabelwerk_cli.rows.table import Table
from kabelwerk_cli.terminal.error_report import problem

from .reporter import Reporter, Subject
from .result import Result, refused

LONGEST_MESSAGE = 2000
"""The longest message, in characters."""
MOST = 10**18
"""A number with more digits than any that is reported."""
START = b"<?xml"
TAIL = b"</testsuite>\n</testsuites>\n"
KINDS = {
    Fate.FAILED: ("failure", "failures"),
    Fate.UNKNOWN: ("error", "errors"),
    Fate.NOT_ATTEMPTED: ("skipped", "skipped"),
    Fate.HANDED_OVER: ("skipped", "skipped"),
}
"""The element for a row that is not done, and the attribute that counts such rows."""


class Clocks(NamedTuple):
    """The clocks of a report."""

    clock: Callable[[], float] = time.monotonic
    now: Callable[[], float] = time.time


class JUnitReport(Reporter):
    """A report that is being written. Its temporary file is created at once.

    Args:
        path: where the report goes.
        subject: what it is about.
        warn: called with a sentence if it cannot be written.
        clocks: the clocks for its times.

    Raises:
        Refused: the file cannot be written.
    """

    def __init__(
        self,
        path: str,
        subject: Subject,
        warn: Callable[[str], None],
        clocks: Clocks | None = None,
    ) -> None:
        self._named = path
        _check_replaceable(path)
        self._subject = subject
        self._warn = warn
        self._clocks = clocks or Clocks()
        self._started = (self._clocks.clock(), self._clocks.now())
        self._counts = Counter[str]()
        self._trouble: OSError | None = None
        try:
            self._new = Replacement(path)
        except OSError as error:
            raise Refused(f"Cannot write '{path}': {error.strerror or error}.") from None
        most = Counter(dict.fromkeys(("tests", "failures", "errors", "skipped"), MOST))
        self._room = len(self._head(most, float(MOST)))
        self._write(b" " * self._room + b"\n")

    def invalid(self, place: Place, why: str, *, returns: bool) -> None:
        """Add an invalid row, unless it is among the results."""
        if not returns:
            self.result(refused(place, why))

    def result(self, result: Result) -> None:
        """Add the outcome of a row."""
        kind = KINDS.get(result.fate.shown)
        inner = ""
        if kind:
            name, counted = kind
            self._counts[counted] += 1
            error = result.error
            message = error.message if error else f"The row was {result.outcome}."
            inner = f"<{name}{_attributes(type=error.type if error else '', message=message)}/>"
        row = f" (row {result.place.number})" if result.place.line else ""
        self._case(f"{result.place.key}{row}", result.place.line or 1, inner)

    def end(self, counts: Mapping[str, int]) -> None:
        """Complete the report, and give it its name."""
        del counts
        try:
            self._finish()
        except OSError as error:
            self._warn(f"Cannot write '{self._named}': {error.strerror or error}.")

    def refused(self, plan: Table) -> None:
        """Add the rows that are not sent because others are invalid."""
        other = problem(NotAttempted("Other rows of the file are invalid."))
        for place in plan.valid():
            self.result(Result(place, Fate.NOT_ATTEMPTED, error=other))

    def failed(self, error: Exception) -> None:
        """Add the error that ended the run."""
        self._counts["errors"] += 1
        inner = f"<error{_attributes(type=type(error).__name__, message=str(error))}/>"
        self._case(self._subject.file, 1, inner)

    def _finish(self) -> None:
        if self._trouble:
            raise self._trouble
        self._new.file.write(TAIL)
        self._new.file.seek(0)
        head = self._head(self._counts, self._clocks.clock() - self._started[0])
        self._new.file.write(head.ljust(self._room))
        self._new.publish()

    def close(self) -> None:
        """Remove the temporary file of an unfinished report."""
        self._new.discard()

    def _case(self, name: str, line: int, inner: str) -> None:
        self._counts["tests"] += 1
        command, file = self._subject.command, self._subject.file
        named = _attributes(classname=command, name=name, file=file, line=str(line))
        self._write(f"<testcase{named}>{inner}</testcase>\n".encode())

    def _write(self, text: bytes) -> None:
        """Write to the temporary file; a full disk must not end the run, see `end`."""
        if self._trouble is None:
            try:
                self._new.file.write(text)
            except OSError as error:
                self._trouble = error

    def _head(self, counts: Counter[str], seconds: float) -> bytes:
        started = datetime.fromtimestamp(self._started[1], UTC).replace(tzinfo=None)
        suite = _attributes(
            name=f"{self._subject.command} --from {self._subject.file}",
            **{name: str(counts[name]) for name in ("tests", "failures", "errors", "skipped")},
            time=f"{seconds:.3f}",
            timestamp=started.isoformat(timespec="seconds"),
        )
        return f'<?xml version="1.0" encoding="UTF-8"?>\n<testsuites>\n<testsuite{suite}>'.encode()


def _check_replaceable(path: str) -> None:
    """Refuse to overwrite a file that is not a report, in case the name was mistyped."""
    try:
        with Path(path).open("rb") as file:
            start = file.read(len(START))
    except OSError:
        return  # there is none, or creating the report fails with a clear error
    if start not in {b"", START}:
        raise Refused(f"'{path}' exists, and is not an XML report. Use another --report.")


def _attributes(**values: str) -> str:
    return "".join(f' {name}="{_escaped(value)}"' for name, value in values.items())


def _escaped(text: str) -> str:
    """Return text as an attribute's value, with characters that XML does not allow escaped."""
    shown = shortened(visible(text), LONGEST_MESSAGE)
    return html.escape(shown.replace("\ufffe", "\\ufffe").replace("\uffff", "\\uffff"))
