"""What the code may do in one place only. import-linter checks the layers."""

import ast
import functools
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import kabelwerk_cli

PACKAGE = Path(kabelwerk_cli.__file__).parent
FILES = sorted(PACKAGE.rglob("*.py"))


def name_of(path):
    return path.relative_to(PACKAGE).as_posix()


@functools.cache
def tree_of(path):
    return ast.parse(path.read_text())


def nodes_of(path):
    return ast.walk(tree_of(path))


@functools.cache
def imports(path):
    """Return the absolute name of every module or name that a file imports, wherever it does."""
    package = ["kabelwerk_cli", *path.relative_to(PACKAGE).parts[:-1]]
    found = []
    for node in nodes_of(path):
        if isinstance(node, ast.Import):
            found += (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = [*base, *(node.module.split(".") if node.module else [])]
            found += (".".join([*module, alias.name]) for alias in node.names)
    return found


LAYERS = tomllib.loads((PACKAGE.parent / "pyproject.toml").read_text())["tool"]["importlinter"]


def test_the_map_has_the_rooms_from_the_top():
    """Each room and each file of the root has a line in the map, in the order of the layers."""
    contract = next(each for each in LAYERS["contracts"] if each["type"] == "layers")
    names = [name for layer in contract["layers"] for name in layer.split(" | ")]
    rows = (PACKAGE.parent / "CONTRIBUTING.md").read_text().splitlines()
    mapped = [match[1] for row in rows if (match := re.match(r"\| `(\w+)(?:/|\.py)` \|", row))]
    assert [name for name in mapped if name not in ELSEWHERE] == names


ELSEWHERE = {"docs", "tools", "tests"}
"""What the map has besides the package."""


def test_the_root_holds_few_modules_and_no_file_is_long():
    root = {path.name for path in FILES if path.parent == PACKAGE}
    assert root == {"__init__.py", "__main__.py", "errors.py", "files.py", "words.py"}
    assert {name_of(path) for path in FILES if len(path.read_text().splitlines()) > 400} == set()


@pytest.mark.parametrize(
    ("module", "allowed"),
    [
        ("requests", {"network/transport.py"}),
        ("urllib3", {"network/transport.py"}),
        ("rich", {"output/table.py", "reporting/progress.py"}),
        (
            "sqlite3",
            {
                "journal/journal.py",
                "journal/file.py",
                "journal/formats.py",
                "journal/neighbors.py",
                "journal/keeping.py",
                "journal/storage.py",
                "batch/plan.py",
                "rows/table.py",
                "sync/plan.py",
                "sync/state.py",
                "sandbox/database.py",
                "sandbox/recorder.py",
                "sandbox/store.py",
            },
        ),
        ("platformdirs", {"backend/backends.py"}),
        ("falcon", {"sandbox/app.py", "sandbox_page/app.py"}),
        ("waitress", {"sandbox/server.py"}),
    ],
)
def test_a_library_is_imported_in_few_places(module, allowed):
    found = {
        name_of(path) for path in FILES if any(n.split(".")[0] == module for n in imports(path))
    }
    assert found <= allowed


@functools.cache
def uses(path):
    """Return each name in a file, with its dots."""
    return {
        ast.unparse(node) for node in nodes_of(path) if isinstance(node, (ast.Name, ast.Attribute))
    }


@pytest.mark.parametrize(
    ("names", "allowed"),
    [
        (("sys.exit", "exit", "SystemExit"), {"__main__.py"}),
        (("os._exit",), {"__main__.py", "terminal/signals.py"}),
        (("print", "sys.stdout.write"), {"terminal/console.py"}),
        (
            ("os.environ", "os.getenv", "environ.get"),
            {"config/resolve.py", "config/workflow.py", "tabular/copy.py"},
        ),
        (("breakpoint", "eval", "exec"), set()),
    ],
)
def test_some_things_are_done_in_one_place(names, allowed):
    assert {name_of(path) for path in FILES if uses(path) & {*names}} <= allowed


def test_commands_catch_nothing():
    for path in PACKAGE.glob("commands/*.py"):
        tree = tree_of(path)
        assert not any(isinstance(node, ast.Try) for node in ast.walk(tree)), path


def test_sqlite_calls_no_function_written_in_python():
    """A signal is handled in one, and SQLite drops the exception."""
    called = {
        ast.unparse(node.args[2])
        for path in FILES
        for node in nodes_of(path)
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith("create_function")
    }
    assert called == {"int.to_bytes", "zlib.crc32"}


UPWARD = "from kabelwerk_cli.commands import users\n"
CIRCLE = "def visible_table():\n    from . import table\n"
BREACHES = [
    ("", ""),
    (UPWARD, "output.text -> kabelwerk_cli.commands.users"),
    (CIRCLE, ".text -> .table"),
]


@pytest.mark.parametrize(("added", "breach"), BREACHES, ids=["none", "upwards", "circle"])
def test_an_import_upwards_or_in_a_circle_is_found(tmp_path, added, breach):
    """The import is added to a low room of a copy of the package, also inside of a function."""
    shutil.copytree(PACKAGE, tmp_path / PACKAGE.name, ignore=shutil.ignore_patterns("*.pyc"))
    shutil.copy(PACKAGE.parent / "pyproject.toml", tmp_path)
    with (tmp_path / PACKAGE.name / "output" / "text.py").open("a") as file:
        file.write(added)
    checked = subprocess.run(
        [Path(sys.executable).with_name("lint-imports"), "--no-cache"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (checked.returncode != 0) is bool(breach), checked.stdout
    assert breach in checked.stdout


CLAIM = re.compile(r"nothing (was|is|has been) (sent|changed|posted)", re.IGNORECASE)
RECORDS = {"errors.py", "delivery/history.py", "terminal/run_record.py", "reporting/totals.py"}
"""Where it is known what was changed; errors.py has the report of a run that sent nothing yet."""


def docstrings(tree):
    """Yield the nodes of strings that are statements: what a reader of the code is told."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            yield node.value


def claims(tree):
    """Yield each way to claim that nothing was changed, or to make up a report."""
    documentation = {id(node) for node in docstrings(tree)}
    compared = {
        id(n) for node in ast.walk(tree) if isinstance(node, ast.Compare) for n in node.comparators
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            if id(node) not in documentation and CLAIM.search(node.value):
                yield f"says {node.value!r}"
        elif isinstance(node, ast.Attribute) and ast.unparse(node).endswith("Applied.NO"):
            if id(node) not in compared:
                yield "Applied.NO"
        elif isinstance(node, ast.Call) and ast.unparse(node.func) in {"Report", "errors.Report"}:
            yield "Report()"


# what claims nothing about the run that is going on, and why
HARMLESS = {
    # explains the exit codes, and the checks of a sync
    ("cli/help_topics.py", "says"),
    ("commands/topic_texts.py", "says"),
    # a default: without a report there is no account that says otherwise
    ("terminal/exit_codes.py", "Applied.NO"),
    # of a row that an earlier run left in doubt: unknown, never no
    ("engine/task.py", "Report()"),
}


def test_only_the_book_says_that_nothing_was_changed():
    found = {
        (name_of(path), claim.partition(" ")[0])
        for path in FILES
        for claim in claims(tree_of(path))
        if name_of(path) not in RECORDS
    }
    assert found == HARMLESS


def test_an_exit_code_comes_from_the_class_of_an_error():
    """Codes 2 to 7 claim that nothing was changed, so nobody else may choose one."""
    chosen = {
        (name_of(path), ast.unparse(node))
        for path in FILES
        for node in nodes_of(path)
        if (
            isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Name)
            and node.value.id == "ExitCode"
            and node.attr != "BUG"
        )
        or (isinstance(node, ast.Call) and ast.unparse(node.func).split(".")[-1] in EXITS)
    }
    allowed = {"terminal/exit_codes.py", "terminal/signals.py", "cli/root.py", "__main__.py", HELP}
    assert {name for name, _ in chosen} <= allowed
    outside = {call for name, call in chosen if name != "terminal/exit_codes.py"}
    assert outside == {
        "click.exceptions.Exit(code)",
        "ctx.exit()",
        "os._exit(code)",
        "sys.exit(3)",  # where nothing can be imported
        "os._exit(BASE + number)",
    }


HELP = "cli/described.py"
"""Showing help ends a run with 0."""
EXITS = {"exit", "_exit", "Exit", "ExitCode"}
