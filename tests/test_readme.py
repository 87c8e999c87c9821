"""The README: its commands run unchanged, and its help topics match the program."""

import os
import re
import subprocess
from pathlib import Path

import pytest

from kabelwerk_cli.terminal import help_topics
from tests.shell import EXECUTABLE, TOKEN, Shell, served

README = (Path(__file__).parent.parent / "README.md").read_text(encoding="utf-8")
BLOCKS = re.findall(r"(?:<!-- ([^>]*) -->\n)?```(\w+)\n(.*?)```", README, flags=re.DOTALL)
# CI runs these two in a fresh clone: they install what runs this very test.
BY_CI = {"first-command", "test-command"}


def commands() -> str:
    return "".join(
        text for mark, language, text in BLOCKS if language == "sh" and mark not in BY_CI
    )


def test_every_command_runs_as_it_stands(shell: Shell) -> None:
    """One shell runs all blocks in their order, with the settings of a served sandbox."""
    assert commands().count("kabelwerk") > 20
    with served(shell, "--token", TOKEN) as client:
        path = f"{EXECUTABLE.parent}{os.pathsep}{os.defpath}"
        ran = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", commands()],
            env={**client.environment, "PATH": path},
            cwd=shell.home,
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
    assert ran.returncode == 0, ran.stderr
    assert "there is no such user" in ran.stdout
    assert "stopped with exit code 2" in ran.stdout
    assert "delete  r3" in ran.stdout
    assert "1 created, 1 updated, 1 deleted, 1 unchanged." in ran.stderr
    assert "--delete would delete 3 of 3 known users" in ran.stderr
    assert re.search(r"kusanagi has the number \d+", ran.stdout)
    assert TOKEN not in ran.stdout + ran.stderr


def test_the_crontab_line_runs(shell: Shell) -> None:
    line = next(line for line in README.splitlines() if line.startswith("0 * * * * "))
    with served(shell) as client:
        ran = subprocess.run(
            ["sh", "-c", line.removeprefix("0 * * * * ")],
            env={**client.environment, "PATH": f"{EXECUTABLE.parent}{os.pathsep}{os.defpath}"},
            capture_output=True,
            check=False,
        )
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, b"", b"")


def test_the_python_example_runs(shell: Shell) -> None:
    (example,) = [text for _, language, text in BLOCKS if language == "python"]
    python = EXECUTABLE.with_name("python")
    with served(shell) as client:
        environment = client.environment
        subprocess.run([python, "-c", example], env=environment, check=True, cwd=shell.home)
        shown = shell.run("sandbox", "show", "users", "-o", "tsv", "--fields", "key")
    assert shown.out == "kusanagi\n"


@pytest.mark.parametrize("topic", help_topics.TOPICS)
def test_the_readme_says_what_help_says(topic: str) -> None:
    (text,) = [text for mark, _, text in BLOCKS if mark == f"help {topic}"]
    assert text == f"{help_topics.TOPICS[topic]()}\n"


def test_the_toml_example_is_a_configuration(shell: Shell) -> None:
    (example,) = [text for _, language, text in BLOCKS if language == "toml"]
    (shell.home / "config.toml").write_text(example)
    ran = shell.run("config", "show", "--config", "config.toml")
    assert ran.code == 0
    assert "https://staging.kabelwerk.example" in ran.out
