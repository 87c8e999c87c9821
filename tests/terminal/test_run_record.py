"""What the end of a run reports is what is in its record."""

import json

import pytest

from kabelwerk_cli.config.resolve import for_errors
from kabelwerk_cli.config.settings import OUTPUT
from kabelwerk_cli.errors import (
    Applied,
    AuthenticationError,
    Cancelled,
    ConfigurationError,
    DoesNotExist,
    Refused,
    Report,
    ValidationError,
)
from kabelwerk_cli.output import Format
from kabelwerk_cli.terminal.error_report import problem, show_error
from kabelwerk_cli.terminal.exit_codes import exit_code
from kabelwerk_cli.terminal.run_record import RunRecord


class Account:
    """An account of what was changed.

    Args:
        applied: what it says.
    """

    def __init__(self, applied: Applied) -> None:
        self._applied = applied

    def report(self) -> Report:
        return Report(self._applied, safe_to_rerun=False)

    def sentence(self) -> str:
        return f"Changed: {self._applied}."


def run_record(applied: Applied) -> RunRecord:
    made = RunRecord()
    made.open(Account(applied))
    return made


# errors that claim by themselves that nothing was changed
CLAIMS = (
    ConfigurationError("The journal cannot be read."),
    AuthenticationError("No."),
    DoesNotExist("Nobody."),
    ValidationError("Invalid."),
    Refused("The file changed."),
    Cancelled("Not confirmed."),
)
CODES = {Applied.UNKNOWN: 9, Applied.YES: 10}


@pytest.mark.parametrize("error", CLAIMS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("applied", CODES)
def test_no_error_contradicts_the_book(error: Exception, applied: Applied) -> None:
    ended = problem(error, run_record(applied))
    assert (ended.applied, ended.safe_to_rerun, ended.exit_code) == (applied, False, CODES[applied])
    assert f"Changed: {applied}." in ended.message
    assert exit_code(error, applied) == CODES[applied]


@pytest.mark.parametrize("error", CLAIMS, ids=lambda error: type(error).__name__)
def test_where_nothing_was_sent(error: Exception, capsys: pytest.CaptureFixture[str]) -> None:
    show_error(error, RunRecord(), for_errors({OUTPUT.name: Format.JSON}))
    ended = json.loads(capsys.readouterr().err)["error"]
    assert (ended["applied"], ended["safe_to_rerun"]) == ("no", True)
    assert 2 <= ended["exit_code"] <= 7
