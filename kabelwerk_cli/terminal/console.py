"""The three standard streams: records to stdout, notes to stderr, questions to a person."""

import contextlib
import sys
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from kabelwerk_cli.config.settings import FIELDS, NO_INPUT, OUTPUT, QUIET, RAW_CSV, Settings
from kabelwerk_cli.output import Format, Style, compact, visible, writer

from .exit_codes import Cancelled, OutputLost


class Listing(NamedTuple):
    """Records of one type to be shown."""

    record_type: type
    records: Iterable[Any]
    summary: Sequence[str] | None = None
    """What a table shows of each; None for all."""
    single: bool = False
    """Whether it is one object and not a list, in JSON."""
    live: bool = False
    """Whether a reader is to get each as it comes."""


class Console:
    """Shows results, notes and questions as the settings ask for."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._json = settings[OUTPUT] in {Format.JSON, Format.JSONL}

    def show(self, listing: Listing) -> None:
        """Write records to stdout.

        Raises:
            OutputLost: stdout cannot be written.
        """
        with _stdout_failures():
            if sys.stdout is None:
                raise OSError("it is closed")
            terminal = _is_terminal(sys.stdout)
            style = Style(
                fields=self._settings[FIELDS] or None,
                summary=listing.summary,
                single=listing.single,
                terminal=terminal and not self._settings.dumb_terminal,
                color=self._settings.color(terminal=terminal),
                raw_csv=self._settings[RAW_CSV],
            )
            output = self._settings[OUTPUT]
            with writer(output, listing.record_type, sys.stdout, style) as rows:
                for record in listing.records:
                    rows.write(record)
                    if listing.live:
                        sys.stdout.flush()

    def print(self, text: str) -> None:
        """Write lines of our own to stdout.

        Raises:
            OutputLost: stdout cannot be written.
        """
        with _stdout_failures():
            if sys.stdout is None:
                raise OSError("it is closed")
            print(text, flush=True)  # noqa: T201

    @property
    def is_quiet(self) -> bool:
        """Whether nothing is to be said of a success."""
        return self._settings[QUIET]

    def note(self, text: str) -> None:
        """Write a line to stderr, unless the run is to be quiet."""
        if not self.is_quiet:
            complain(compact({"note": text}) if self._json else visible(text))

    def tell(self, text: str) -> None:
        """Write a note where a person sees it: a script learns as much from the exit code."""
        if _is_terminal(sys.stderr):
            self.note(text)

    @property
    def is_watched(self) -> bool:
        """Whether a person sees what goes to stderr, on a terminal that can draw."""
        return _is_terminal(sys.stderr) and not self._settings.dumb_terminal

    @property
    def can_ask(self) -> bool:
        """Whether there is a person to be asked."""
        people = _is_terminal(sys.stdin) and _is_terminal(sys.stderr)
        return people and not self._settings[NO_INPUT]

    def confirm(self, question: str, answer: str = "y") -> None:
        """Ask for leave to do something.

        Args:
            question: what to ask.
            answer: what has to be typed; for `y`, `yes` will do.

        Raises:
            Cancelled: it was not given, or there is nobody to ask.
        """
        if not self.can_ask:
            raise Cancelled("Cannot prompt without a terminal. Use --yes to confirm.")
        # stdout is for results: input() would write its prompt there
        choice = "[y/N]" if answer == "y" else f"Type {answer} to go on:"
        print(f"{visible(question)} {choice} ", end="", file=sys.stderr, flush=True)  # noqa: T201
        typed = sys.stdin.readline().strip().lower()
        if typed != answer and (answer, typed) != ("y", "yes"):
            raise Cancelled("Not confirmed.")


def complain(line: str) -> None:
    """Write a line to stderr; where that cannot be, there is nobody left to tell."""
    with contextlib.suppress(OSError, ValueError):
        print(line, file=sys.stderr, flush=True)  # noqa: T201 - one of two places


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
