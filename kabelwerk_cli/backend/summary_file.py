"""The file that a run leaves its summary in: JSON, or Prometheus' text format.

https://prometheus.io/docs/instrumenting/exposition_formats/
"""

import os
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import NamedTuple

from kabelwerk_cli.errors import Refused
from kabelwerk_cli.files import Replacement
from kabelwerk_cli.output import as_json, compact, visible
from kabelwerk_cli.terminal.error_report import Problem

from .log_file import Counts, Time, Warn

PROMETHEUS = ".prom"
"""How a file's name ends that is to be in Prometheus' text format."""
OUTCOMES = (
    "created", "updated", "deleted", "absent", "posted", "adopted", "done", "unchanged", "kept",
    "failed", "unknown", "invalid", "handed over", "not attempted",
)  # fmt: skip
"""Those that are there with every run, so that a graph has no gaps."""
STARTS = (b'{"run":', b"# HELP kabelwerk_run_")


class RunSummary(NamedTuple):
    """How a batch or a sync ended."""

    run: str
    version: str
    command: str
    file: str | None
    profile: str | None
    url: str | None
    started: Time
    ended: Time
    counts: Counts
    exit_code: int
    error: Problem | None


class SummaryFile:
    """The file for the summary of a run.

    Args:
        path: the file.

    Raises:
        Refused: it is something else than a summary.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        if os.path.exists(path) and not _is_summary(path):  # noqa: PTH110 - pathlib is slow
            raise Refused(
                f"--summary '{path}' exists, and is not the summary of a run. Use another file."
            )

    def write(self, summary: RunSummary, command: str, warn: Warn) -> None:
        """Write the file as a whole; a failure is a warning.

        Args:
            summary: the summary.
            command: the command's path.
            warn: called with a sentence if it cannot be written.
        """
        if self._path.endswith(PROMETHEUS):
            text = "".join(f"{line}\n" for line in prometheus(summary, command))
        else:
            text = f"{compact(as_json(summary))}\n"
        try:
            with Replacement(self._path, private=False) as new:
                new.file.write(text.encode(errors="backslashreplace"))
                new.publish()
        except OSError as error:
            warn(f"Cannot write summary '{self._path}': {error.strerror or error}.")


def _is_summary(path: str) -> bool:
    if not os.path.isfile(path):  # noqa: PTH113
        return False
    try:
        with open(path, "rb") as file:  # noqa: PTH123
            start = file.read(max(map(len, STARTS)))
    except OSError:
        return True  # it cannot be written either, which is a warning
    return not start or start.startswith(STARTS)


def prometheus(summary: RunSummary, command: str) -> Iterator[str]:
    """Yield the lines of a summary in Prometheus' text format."""
    labels = {
        "command": command.partition(" ")[2],
        "file": summary.file or "",
        "url": summary.url or "",
        "profile": summary.profile or "",
    }
    info = {"run": summary.run, "version": summary.version}
    error = summary.error.type if summary.error else ""
    yield from _metric("info", "The last run.", {_labels(labels | info | {"error": error}): 1})
    times = {"start": summary.started, "end": summary.ended}
    for name, time in times.items():
        seconds = datetime.fromisoformat(time).timestamp()
        about = f"When it {name}ed, in seconds since the epoch."
        yield from _metric(f"{name}_timestamp_seconds", about, {_labels(labels): seconds})
    yield from _metric("exit_code", "Its exit code.", {_labels(labels): summary.exit_code})
    counts = dict(summary.counts)
    rows = counts.pop("rows", 0)
    yield from _metric("rows", "How many rows its file has.", {_labels(labels): rows})
    outcomes = dict.fromkeys(OUTCOMES, 0) | counts
    yield from _metric(
        "outcomes",
        "How many rows, or changes of a sync, had each outcome.",
        {_labels(labels | {"outcome": what}): count for what, count in outcomes.items()},
    )


def _metric(name: str, about: str, samples: Mapping[str, float]) -> Iterator[str]:
    yield f"# HELP kabelwerk_run_{name} {about}"
    yield f"# TYPE kabelwerk_run_{name} gauge"
    for labels, value in samples.items():
        yield f"kabelwerk_run_{name}{{{labels}}} {value}"


def _labels(labels: Mapping[str, str]) -> str:
    return ",".join(f'{name}="{_escaped(value)}"' for name, value in labels.items())


def _escaped(text: str) -> str:
    return visible(text).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
