"""Records: of each row on stdout, as soon as its result is known, and the numbers of the run."""

from collections.abc import Mapping
from typing import Any

from kabelwerk_cli.terminal.console import Console, RecordStream
from kabelwerk_cli.terminal.run_record import RunRecord

from .reporter import Reporter
from .result import Result, to_record


class Recorded(Reporter):
    """Leaves the numbers with the run's record, for the log and the summary of the run."""

    def __init__(self, run_record: RunRecord) -> None:
        self._run_record = run_record

    def end(self, counts: Mapping[str, int]) -> None:
        """Note the number of rows by outcome."""
        if counts:  # there are none after an error, when what is known has been noted
            self._run_record.counts = counts


class Records(Reporter):
    """Writes a record a row to stdout, in the chosen format, until that fails.

    Args:
        console: has the format.
        kind: the type of the records.
    """

    def __init__(self, console: Console, kind: Any) -> None:
        self._console = console
        self._kind = kind
        self._stream: RecordStream | None = None

    def begin(self, rows: int, before: int) -> None:
        """Write what comes before the first record."""
        del rows, before
        self._stream = self._console.stream(self._kind)

    def result(self, result: Result) -> None:
        """Write a record."""
        if stream := self._stream:
            self._stream = None  # if it fails, there is no point in going on
            stream.write(to_record(self._kind, result))
            self._stream = stream

    def end(self, counts: Mapping[str, int]) -> None:
        """Write what comes after the last record."""
        del counts
        if self._stream:
            self._stream.end()
