"""What a run imports, which does not depend on the speed of the machine."""

import subprocess
import sys

import pytest

from tests.faultserver import FaultyServer
from tests.shell import Shell

HEAVY = {
    "requests",
    "urllib3",
    "rich",
    "sqlite3",
    "tomllib",
    "falcon",
    "waitress",
    "keyring",
    "platformdirs",
    "ssl",
}
UPDATE = ("users", "update", "--key", "kusanagi", "--name", "Motoko")
RUNS = [
    (("--help",), set()),
    (("--version",), set()),
    ((), set()),
    (("users", "create", "--help"), set()),
    (("users", "sync", "--help"), set()),
    (("help", "exit-codes"), set()),
    (("help", "batches"), set()),
    (("completion", "bash"), set()),
    (("schema", "batch"), set()),
    ((*UPDATE, "-o", "json"), {"requests", "urllib3", "ssl"}),
    ((*UPDATE, "-o", "csv"), {"requests", "urllib3", "ssl"}),
    ((*UPDATE,), {"requests", "urllib3", "ssl", "rich"}),
    ((*UPDATE, "--dry-run"), set()),
]


def imported(environment: dict[str, str], *args: str) -> set[str]:
    """Return the names of the modules."""
    ran = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "kabelwerk_cli", *args],
        env=environment,
        capture_output=True,
        text=True,
        check=True,
    )
    lines = [line for line in ran.stderr.splitlines() if line.startswith("import time:")]
    return {line.rpartition("|")[2].strip() for line in lines}


def packages(modules: set[str]) -> set[str]:
    return {name.split(".")[0] for name in modules}


@pytest.mark.parametrize(("args", "allowed"), RUNS, ids=[" ".join(args) for args, _ in RUNS])
def test_a_run_imports_what_it_needs(
    shell: Shell, args: tuple[str, ...], allowed: set[str]
) -> None:
    with FaultyServer() as server:
        there = shell.configured(server)
        found = imported(there.environment, *args)
    assert packages(found) & HEAVY == allowed
    assert "click" in found
    # where requests only tries to import it, it has no submodules
    assert "charset_normalizer.api" not in found


def test_that_requests_lacks_what_it_would_import_is_not_warned_of(shell: Shell) -> None:
    with FaultyServer() as server:
        ran = shell.configured(server, PYTHONWARNINGS="always").execute(*UPDATE)
    assert (ran.code, ran.err) == (0, "")


@pytest.mark.parametrize(
    ("words", "allowed"),
    [("kabelwerk us", set()), ("kabelwerk -o ", set()), ("kabelwerk --profile ", {"tomllib"})],
)
def test_a_completion_imports_little(shell: Shell, words: str, allowed: set[str]) -> None:
    environment = {
        **shell.environment,
        "_KABELWERK_COMPLETE": "line_complete",
        "COMP_LINE": words,
    }
    assert packages(imported(environment)) & HEAVY == allowed


def test_the_table_of_a_call_needs_little_of_rich(shell: Shell) -> None:
    """Without a terminal, only the widths of characters come from it."""
    with FaultyServer() as server:
        found = imported(shell.configured(server).environment, *UPDATE)
    assert not {"rich.table", "rich.console"} & found
    assert "rich.cells" in found


def test_importing_an_error_loads_no_call_and_no_model() -> None:
    """The errors are the ground that all rooms stand on: they need none of them, nor click."""
    found = subprocess.run(
        [sys.executable, "-c", "import sys, kabelwerk_cli.errors; print(*sys.modules)"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split()
    assert [name for name in found if name.startswith("kabelwerk_cli.")] == ["kabelwerk_cli.errors"]
    assert "click" not in found
