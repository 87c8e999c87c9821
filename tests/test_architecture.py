"""Who may import whom, and what may stand only in one place: read off the syntax trees."""

import ast
from pathlib import Path

import pytest

import kabelwerk_cli

PACKAGE = Path(kabelwerk_cli.__file__).parent
FILES = sorted(PACKAGE.rglob("*.py"))

# What each part may import of ours, besides itself.
MAY_IMPORT = {
    "__init__": set(),
    "__main__": {"cli", "signals"},
    "sandbox": set(),
    "output": set(),
    "signals": set(),
    "inputs": set(),
    "api": {"backend", "settings"},  # only the package's front, see below
    "atomic": {"api"},
    "token_command": {"api"},
    "values": {"output"},
    "profiles": {"api"},
    "settings": {"api", "output", "profiles", "values"},
    "exit_codes": {"api", "signals"},
    "failures": {"api", "exit_codes", "output"},
    "credentials": {"api", "inputs", "settings", "token_command"},
    "console": {"api", "exit_codes", "output", "settings"},
    "local": {"api", "console", "sandbox", "settings"},
    "backend": {"__init__", "api", "credentials", "local", "settings"},
    "observers": {"api", "console", "output", "settings"},
    "preview": {"api", "backend", "console", "output", "settings"},
    "overview": {"console", "credentials", "settings"},
    "checks": {"api", "backend", "console", "credentials", "local", "observers", "settings"},
    "login": {
        "api",
        "atomic",
        "backend",
        "checks",
        "console",
        "credentials",
        "exit_codes",
        "profiles",
        "settings",
    },
    "options": {"inputs", "settings", "values"},
    "topics": {"exit_codes", "settings"},
    "batch": {
        "api",
        "backend",
        "console",
        "credentials",
        "exit_codes",
        "failures",
        "local",
        "observers",
        "options",
        "output",
        "preview",
        "settings",
        "signals",
        "values",
    },
    "command": {
        "api",
        "batch",
        "backend",
        "console",
        "credentials",
        "exit_codes",
        "observers",
        "options",
        "output",
        "preview",
        "settings",
    },
    "commands": {
        "api",
        "checks",
        "command",
        "console",
        "local",
        "login",
        "options",
        "overview",
        "settings",
        "topics",
    },
    "cli": {
        "__init__",
        "api",
        "command",
        "commands",
        "console",
        "exit_codes",
        "failures",
        "output",
        "settings",
        "topics",
    },
}


def name_of(path):
    return path.relative_to(PACKAGE).as_posix()


def part_of(path):
    return path.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imports(path):
    """Yield the absolute name of every module or name that a file imports, wherever it does."""
    package = ["kabelwerk_cli", *path.relative_to(PACKAGE).parts[:-1]]
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            module = [*base, *(node.module.split(".") if node.module else [])]
            yield from (".".join([*module, alias.name]) for alias in node.names)


def our_parts(path):
    for name in imports(path):
        first, *rest = name.split(".")
        if first == "kabelwerk_cli":
            known = (PACKAGE / f"{rest[0]}.py").exists() or (PACKAGE / rest[0]).is_dir()
            yield rest[0] if known else "__init__"


@pytest.mark.parametrize("path", FILES, ids=name_of)
def test_imports_go_downwards(path):
    part = part_of(path)
    assert set(our_parts(path)) - {part} <= MAY_IMPORT[part]


def test_below_its_front_the_api_imports_nothing_of_ours():
    for path in PACKAGE.glob("api/*.py"):
        if path.name != "__init__.py":
            assert set(our_parts(path)) <= {"api"}, path


@pytest.mark.parametrize(
    ("module", "allowed"),
    [
        ("requests", {"api/transport.py"}),
        ("urllib3", {"api/transport.py"}),
        ("rich", {"output/table.py", "batch/progress.py"}),
        ("sqlite3", {"batch/journal.py", "sandbox/database.py", "sandbox/store.py"}),
        ("falcon", {"sandbox/app.py"}),
        ("waitress", {"sandbox/server.py"}),
    ],
)
def test_a_library_is_imported_in_few_places(module, allowed):
    found = {
        name_of(path) for path in FILES if any(n.split(".")[0] == module for n in imports(path))
    }
    assert found <= allowed


def uses(path, *names):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, (ast.Name, ast.Attribute)):
            name = ast.unparse(node)
            if name in names:
                yield name


@pytest.mark.parametrize(
    ("names", "allowed"),
    [
        (("sys.exit", "exit", "SystemExit", "os._exit"), {"__main__.py"}),
        (("print", "sys.stdout.write"), {"console.py"}),
        (("os.environ", "os.getenv", "environ.get"), {"settings.py"}),
        (("breakpoint", "eval", "exec"), set()),
    ],
)
def test_some_things_are_done_in_one_place(names, allowed):
    assert {name_of(path) for path in FILES if any(uses(path, *names))} <= allowed


def test_commands_catch_nothing():
    for path in PACKAGE.glob("commands/*.py"):
        tree = ast.parse(path.read_text())
        assert not any(isinstance(node, ast.Try) for node in ast.walk(tree)), path
