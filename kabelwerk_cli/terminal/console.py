"""The standard streams: records to stdout, notes to stderr, prompts on a terminal."""

import contextlib
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import click

from kabelwerk_cli.config.parsers import choice
from kabelwerk_cli.config.resolve import Settings
from kabelwerk_cli.config.settings import FIELDS, NO_INPUT, OUTPUT, QUIET, RAW_CSV
from kabelwerk_cli.config.workflow import in_workflow
from kabelwerk_cli.errors import Cancelled, OutputLost
from kabelwerk_cli.output import (
    Color,
    Format,
    Style,
    Writer,
    compact,
    known_fields,
    open_writer,
    painted,
    visible,
    without_commands,
    write,
)

from .run_record import RunRecord
from .signals import held_signals, signals_for_pager, terminal_is_closed


class Listing(NamedTuple):
    """Records of one type to show."""

    record_type: type
    records: Iterable[Any]
    summary: Sequence[str] | None = None
    """The columns of a table; None for all."""
    single: bool = False
    """Whether JSON output is one object instead of an array."""
    live: bool = False
    """Whether to flush after each record."""
    colors: Mapping[tuple[str, str], Color] = {}
    """The color of a value in a table, by field and value."""


class Summary(NamedTuple):
    """What became of the rows of a run."""

    sentence: str
    counts: Mapping[str, int]
    """How many rows there are, and how many by outcome."""


class Console:
    """Writes results, notes and prompts according to the settings.

    Args:
        settings: format, colors, quiet, and whether to prompt.
        run_record: learns when the result is on stdout.
    """

    def __init__(self, settings: Settings, run_record: RunRecord) -> None:
        self._settings = settings
        self._run_record = run_record
        self._output = settings[OUTPUT]
        self._is_json = self._output in {Format.JSON, Format.JSONL}

    def check_fields(self, record_type: type) -> None:
        """Refuse a field that records do not have; called before a run does anything.

        Raises:
            click.UsageError: `--fields` names one.
        """
        check = choice(*known_fields(record_type))
        try:
            for field in self._settings[FIELDS]:
                check(field)
        except ValueError as error:
            raise click.UsageError(f"--fields: {error}") from None

    def show(self, listing: Listing) -> None:
        """Write records to stdout.

        Raises:
            OutputLost: stdout cannot be written.
        """
        # the records of a live listing arrive while it is shown; a batch handles signals itself
        with contextlib.nullcontext() if listing.live else held_signals():
            self._write(listing)
            if not listing.live:
                self._run_record.note_printed()

    def stream(self, record_type: type) -> "RecordStream":
        """Return what writes records to stdout one by one, as they become known.

        Raises:
            OutputLost: stdout cannot be written.
        """
        with _stdout_failures():
            style = self._style(Listing(record_type, ()))
            return RecordStream(open_writer(self._output, record_type, sys.stdout, style))

    def _write(self, listing: Listing) -> None:
        with _stdout_failures():
            style = self._style(listing)
            records = _flushed(listing.records) if listing.live else listing.records
            write(self._output, listing.record_type, records, sys.stdout, style)

    def _style(self, listing: Listing) -> Style:
        terminal = _is_terminal(sys.stdout)
        return Style(
            fields=self._settings[FIELDS] or None,
            summary=listing.summary,
            single=listing.single,
            terminal=terminal and not self._settings.dumb_terminal,
            color=self._settings.color(terminal=terminal),
            raw_csv=self._settings[RAW_CSV],
            workflow=in_workflow(),
            colors=listing.colors,
        )

    def print(self, text: str) -> None:
        """Write text to stdout as it is.

        Raises:
            OutputLost: stdout cannot be written.
        """
        with held_signals(), _stdout_failures():
            print(text, flush=True)  # noqa: T201
            self._run_record.note_printed()

    def page(self, text: str) -> None:
        """Write text to stdout, through a pager if it is longer than the terminal.

        Raises:
            OutputLost: stdout cannot be written.
        """
        if self._is_paged(text):
            # a pager that cannot be started
            with contextlib.suppress(OSError, ValueError), signals_for_pager():
                click.echo_via_pager(text)
                self._run_record.note_printed()
                return
        self.print(text)

    def _is_paged(self, text: str) -> bool:
        import shutil

        people = _is_terminal(sys.stdin) and _is_terminal(sys.stdout)
        if not (people and self._settings.pager):
            return False
        # one line is for the prompt that follows
        return text.count("\n") + 1 >= shutil.get_terminal_size().lines

    @property
    def is_quiet(self) -> bool:
        """Whether to print nothing on success."""
        return self._settings[QUIET]

    def note(self, text: str, *, always: bool = False) -> None:
        """Write a line to stderr, unless the run is quiet.

        Args:
            text: the line.
            always: whether to write it in a quiet run, too, as it is not about a success.
        """
        if always or not self.is_quiet:
            self._comment(text)

    def warn(self, text: str) -> None:
        """Write a warning to stderr, also in a quiet run."""
        self._comment(text, "Warning:", Color.YELLOW if self.is_colored else None)

    def _comment(self, text: str, label: str = "", color: Color | None = None) -> None:
        if self._is_json:
            write_stderr_json({"note": text})
        else:
            write_stderr(text, label, color)

    def sum_up(self, summary: Summary, *, is_success: bool) -> None:
        """Write the summary of a run to stderr; if it is quiet, only if it is no success."""
        if is_success and self.is_quiet:
            return
        if self._is_json:
            write_stderr_json({"summary": summary.counts})
        else:
            write_stderr(summary.sentence)

    def with_summary(self, summary: Summary, text: str) -> str:
        """Return the message of an error that ends a run with a summary.

        The summary is a line of its own before the error, for people, or an object, for scripts.
        """
        if self._is_json or text:
            self.sum_up(summary, is_success=False)
        return text or summary.sentence

    def say(self, lines: Iterable[str]) -> None:
        """Write lines for people to stdout, with control characters escaped.

        Raises:
            OutputLost: stdout cannot be written.
        """
        with _stdout_failures():
            for line in lines:
                print(_shown(line))  # noqa: T201
            sys.stdout.flush()

    def tell(self, text: str) -> None:
        """Write a note only if stderr is a terminal: for scripts, the exit code says as much."""
        if _is_terminal(sys.stderr):
            self.note(text)

    @property
    def is_shown(self) -> bool:
        """Whether stdout is a terminal: a person sees the result, and no program reads it."""
        return _is_terminal(sys.stdout)

    @property
    def is_watched(self) -> bool:
        """Whether stderr is a terminal that can redraw lines."""
        return _is_terminal(sys.stderr) and not self._settings.dumb_terminal

    @property
    def is_colored(self) -> bool:
        """Whether to use color on stderr."""
        return colors_errors(self._settings)

    @property
    def cannot_ask(self) -> str:
        """Why it is not possible to prompt, as a sentence; empty if it is."""
        if self._settings[NO_INPUT]:
            return f"Prompts are disabled ({self._settings.origin(NO_INPUT)})."
        people = _is_terminal(sys.stdin) and _is_terminal(sys.stderr)
        return "" if people else "Cannot prompt without a terminal."

    def confirm(self, question: str, answer: str = "y", details: Sequence[str] = ()) -> None:
        """Ask for confirmation.

        Args:
            question: what to ask.
            answer: what to type; for `y`, `yes` is accepted too.
            details: lines to show before the question.

        Raises:
            Cancelled: the answer is different, or it is not possible to prompt.
        """
        if reason := self.cannot_ask:
            raise Cancelled(f"{reason} Use --yes to confirm.")
        # stdout is for results: input() would write its prompt there
        choice = "[y/N]" if answer == "y" else f"Type {answer} to continue:"
        for line in details:
            write_stderr(line)
        try:
            print(f"{visible(question)} {choice} ", end="", file=sys.stderr, flush=True)  # noqa: T201
            line = sys.stdin.readline()
            if not line:
                terminal_is_closed()  # then the signal is raised
            typed = line.strip().lower()
        except KeyboardInterrupt:
            write_stderr("")  # start the next message on a new line
            raise
        if typed != answer and (answer, typed) != ("y", "yes"):
            raise Cancelled("Not confirmed.")


class RecordStream:
    """Writes records to stdout, each at once.

    Args:
        writer: writes them in a format.
    """

    def __init__(self, writer: Writer) -> None:
        self._writer = writer

    def write(self, record: Any) -> None:
        """Write a record.

        Raises:
            OutputLost: stdout cannot be written.
        """
        with _stdout_failures():
            self._writer.write(record)
            sys.stdout.flush()

    def end(self) -> None:
        """Write what comes after the last record.

        Raises:
            OutputLost: stdout cannot be written.
        """
        with _stdout_failures():
            self._writer.end()
            sys.stdout.flush()


def colors_errors(settings: Settings) -> bool:
    """Return whether to use color on stderr."""
    return settings.color(terminal=_is_terminal(sys.stderr))


def write_stderr(text: str, label: str = "", color: Color | None = None) -> None:
    """Write text to stderr as one line, with control characters escaped.

    Args:
        text: the text.
        label: what the line begins with, such as `Error:`.
        color: the color of the label.
    """
    line = _shown(f"{label} {text}" if label else text)
    _write_error(painted(label, color) + line.removeprefix(label))


def command_runner(line: str) -> None:
    """Write a workflow command to stderr, unescaped."""
    _write_error(line)


def _shown(text: str) -> str:
    """Return text on one line, in which no escape sequence or workflow command takes effect."""
    line = visible(text)
    return without_commands(line) if in_workflow() else line


def write_stderr_json(value: Mapping[str, Any]) -> None:
    """Write a JSON object to stderr as one line."""
    _write_error(compact(value, workflow=in_workflow()))


def _write_error(line: str) -> None:
    """Write a line to stderr. A failure is ignored, as there is nowhere to report it."""
    with held_signals(), contextlib.suppress(OSError, ValueError):
        print(line, file=sys.stderr, flush=True)  # noqa: T201


def _flushed(records: Iterable[Any]) -> Iterator[Any]:
    """Yield records, and flush stdout after each."""
    for record in records:
        yield record
        sys.stdout.flush()


def _is_terminal(stream: Any) -> bool:
    return stream is not None and stream.isatty()


@contextlib.contextmanager
def _stdout_failures() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError:
        raise  # the reader has seen enough
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise OutputLost(f"Cannot write to standard output: {reason}.") from error
