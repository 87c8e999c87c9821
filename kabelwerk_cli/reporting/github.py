"""Reports to GitHub Actions: annotations of the file, and a summary of the step.

https://docs.github.com/actions/reference/workflow-commands-for-github-actions
"""

import html
import os
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from kabelwerk_cli.config.workflow import Workflow
from kabelwerk_cli.output import shortened, visible, without_commands
from kabelwerk_cli.rows.row import Place
from kabelwerk_cli.terminal.console import command_runner

from .reporter import Reporter, Subject
from .result import Result, refused

MOST_ANNOTATED = 10
"""The most failures that are annotated and listed in the summary."""
LONGEST_MESSAGE = 1000
"""Characters of an annotation or of a line of the summary."""


class Failure(NamedTuple):
    """A failure at a place in a file."""

    file: str
    """The file; empty if there is no file to open."""
    line: int
    title: str
    message: str


class WorkflowReporter(Reporter):
    """Annotates the first failures in the file, and summarizes the run on the page of the step.

    Args:
        workflow: the workflow.
        subject: what the run is about.
        warn: called with a sentence if the summary cannot be written.
    """

    def __init__(self, workflow: Workflow, subject: Subject, warn: Callable[[str], None]) -> None:
        self._workflow = workflow
        self._subject = subject
        self._warn = warn
        self._failures: list[Failure] = []

    def invalid(self, place: Place, why: str, *, returns: bool) -> None:
        """Annotate an invalid row, unless it is among the results."""
        if not returns:
            self.result(refused(place, why))

    def result(self, result: Result) -> None:
        """Annotate a row that failed."""
        if result.has_failed and result.error:
            row = f" (row {result.place.number})" if result.place.line else ""
            self._annotate(result.place.line or 1, row, result.error.message)

    def end(self, counts: Mapping[str, int]) -> None:
        """Summarize the run."""
        title = f"kabelwerk {self._subject.command} --from {self._subject.file}"
        try:
            summarize(self._workflow, title, counts, self._failures)
        except OSError as error:
            self._warn(f"Cannot write GITHUB_STEP_SUMMARY: {error.strerror or error}.")

    def failed(self, error: Exception) -> None:
        """Annotate the file with the error that ended the run."""
        self._annotate(1, "", str(error))

    def _annotate(self, line: int, row: str, message: str) -> None:
        if len(self._failures) < MOST_ANNOTATED:
            file = "" if self._subject.is_stream else self._subject.file
            failure = Failure(file, line, f"{self._subject.command}{row}", message)
            self._failures.append(failure)
            command_runner(annotation(self._workflow, failure))


def annotation(workflow: Workflow, failure: Failure) -> str:
    """Return the workflow command for a failure; foreign text cannot begin another."""
    properties = {"title": failure.title}
    if failure.file:
        file = _in_workspace(failure.file, workflow.workspace)
        properties = {"file": file, "line": str(failure.line), **properties}
    shown = ",".join(f"{name}={_property(value)}" for name, value in properties.items())
    return f"::error {shown}::{_data(shortened(failure.message, LONGEST_MESSAGE))}"


def summarize(
    workflow: Workflow, title: str, counts: Mapping[str, int], failures: Sequence[Failure]
) -> None:
    """Append a summary to the page of the step, if there is one.

    Args:
        workflow: the workflow, which has the summary's path.
        title: what was run.
        counts: the number of rows by outcome.
        failures: some failures.

    Raises:
        OSError: it cannot be written.
    """
    if not workflow.summary:
        return
    text = markdown(title, counts, failures).encode()
    # if it is a pipe, do not wait for a reader
    flags = os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK
    handle = os.open(workflow.summary, flags, 0o644)
    with os.fdopen(handle, "wb") as file:
        file.write(text)


def markdown(title: str, counts: Mapping[str, int], failures: Sequence[Failure]) -> str:
    """Return a summary as Markdown, in which foreign text is neither a link nor HTML."""
    lines = [f"### {_code(title)}", "", "| outcome | rows |", "| --- | ---: |"]
    lines += [f"| {html.escape(what)} | {count} |" for what, count in counts.items()]
    if failures:
        lines += ["", "First failures:", ""]
        lines += [f"- {_code(f'{each.title}: {each.message}')}" for each in failures]
    return "\n".join([*lines, "", ""])


def _in_workspace(file: str, workspace: str) -> str:
    path = os.path.realpath(file)
    root = os.path.realpath(workspace) if workspace else ""
    inside = root and os.path.commonpath([path, root]) == root
    return os.path.relpath(path, root) if inside else file


def _data(text: str) -> str:
    """Escape the message of a workflow command."""
    text = without_commands(visible(text))
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    """Escape a property of a workflow command."""
    return _data(text).replace(":", "%3A").replace(",", "%2C")


def _code(text: str) -> str:
    """Return text as code, in which Markdown has no links, HTML or other markup."""
    shown = shortened(visible(text), LONGEST_MESSAGE)
    fence = "`"
    while fence in shown:
        fence += "`"
    return f"{fence} {shown} {fence}"
