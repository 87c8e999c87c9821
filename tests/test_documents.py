"""The README and docs/: their examples run as they stand, in order; their links lead somewhere."""

import re
from pathlib import Path

import pytest

from kabelwerk_cli.commands.topic_texts import CRON
from tests.documents import DOCUMENTS, OFFLINE, PATH, ROOT, blocks, marked, run_script
from tests.pseudo_terminal import Terminal
from tests.shell import TOKEN, Shell, served

# Blocks that are run by something else than `test_every_command_runs_as_it_stands`.
ELSEWHERE = {
    "first-command": ".ci/run",
    "test-command": ".ci/run",
    "install": "tests/system/test_install.py",
    "packages": "tests/system/test_install.py",
    "account": "tests/test_documents.py",
    "setup systemd": "tests/test_recipes.py",
    "setup cron": "tests/test_recipes.py",
    "docker": "tests/system/test_recipes.py",
}


def examples(document: str, language: str) -> list[str]:
    """Return the blocks of a document in a language, but those that run elsewhere."""
    found = (block for block in blocks(document) if block.language == language)
    return [block.text for block in found if block.mark not in ELSEWHERE]


def with_(language: str) -> list[str]:
    """Return the documents that have examples in a language."""
    return [name for name in DOCUMENTS if examples(name, language)]


def test_what_runs_elsewhere_is_there_and_is_run_there() -> None:
    for mark, place in ELSEWHERE.items():
        assert marked(mark).language == "sh"
        assert mark in (ROOT / place).read_text(encoding="utf-8")


@pytest.mark.parametrize("document", sorted({*with_("sh")} - {"README.md"}))
def test_every_command_runs_as_it_stands(shell: Shell, document: str) -> None:
    """One shell runs all blocks of a document, with the settings of a served sandbox."""
    with served(shell, "--token", TOKEN) as client:
        ran = run_script("".join(examples(document, "sh")), client, "-euo", "pipefail")
    assert ran.returncode == 0, ran.stderr
    assert TOKEN not in ran.stdout + ran.stderr


PRINTED = {
    "README.md": [r"created"],
    "docs/python.md": [r"\d+ \d{4}-\S+\+00:00", "created", "20", ""],
}


@pytest.mark.parametrize("document", with_("python"))
def test_every_python_example_runs_as_it_stands(shell: Shell, document: str) -> None:
    with served(shell, "--token", TOKEN) as client:
        for example, expected in zip(examples(document, "python"), PRINTED[document], strict=True):
            ran = run_script(example, client, "-W", "error", program="python")
            assert (ran.returncode, ran.stderr) == (0, "")
            assert re.fullmatch(expected, ran.stdout.strip())


def reader(shell: Shell) -> Shell:
    """Return the shell of somebody who follows a document at a wide terminal, without a network."""
    return shell.with_(**OFFLINE, PATH=PATH, TERM="dumb", COLUMNS="200")


def test_the_readme_runs_as_it_stands(shell: Shell) -> None:
    """On a terminal, in the sandbox of the first command; only the mailing asks for something."""
    first = marked("first-command").text.rpartition("&& .venv/bin/")[2]
    script = ("-euo", "pipefail", "-c", first + "".join(examples("README.md", "sh")))
    with Terminal(reader(shell), *script, program="bash", size=(24, 200)) as terminal:
        terminal.wait_for("Type 2 to continue: ", seconds=60)
        terminal.type("2\n")
        assert terminal.end(seconds=60) == 0, terminal.plain
    for shown in (
        "section9  kusanagi  batou",
        "--request PATCH",
        "1 created, 1 updated.",
        "delete  r5",
        "1 created, 1 updated, 1 deleted, 1 unchanged.",
        "--delete would delete 3 of 3 known users",
        "stopped with exit code 11",
        "Dear patient, see you on 2 May.",
        "2 posted.",
        "kusanagi has the number 1",
        '"outcome": "deleted"',
        "there is no such user",
    ):
        assert shown in terminal.plain


def test_the_account_block_runs(shell: Shell, sandbox: Shell) -> None:
    script = ("-euc", marked("account").text)
    with Terminal(reader(shell), *script, program="sh") as terminal:
        terminal.wait_for("URL: ")
        terminal.type(sandbox.environment["KABELWERK_URL"] + "\n")
        terminal.wait_for("API token: ")
        terminal.type(TOKEN + "\n")
        assert terminal.end() == 0
        assert "the server accepts the token" in terminal.plain


def test_the_crontab_line_runs(shell: Shell) -> None:
    assert CRON in DOCUMENTS["docs/help.md"]
    line = CRON.removeprefix("0 * * * * ")
    with served(shell) as client:
        ran = run_script(line, client, program="sh")
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")


def test_the_toml_example_is_a_configuration(shell: Shell) -> None:
    (example,) = examples("README.md", "toml")
    (shell.home / "config.toml").write_text(example)
    ran = shell.run("config", "show", "--config", "config.toml", "--profile", "staging")
    assert ran.code == 0
    assert "https://staging.kabelwerk.example" in ran.out


@pytest.mark.parametrize("document", DOCUMENTS)
def test_links_lead_somewhere(document: str) -> None:
    for target in re.findall(r"\]\(([^)]*)\)", DOCUMENTS[document]):
        if target.startswith("https://"):
            assert target == "https://kabelwerk.io"
            continue
        name, _, heading = target.partition("#")
        path = Path(document).parent / name if name else Path(document)
        assert (ROOT / path).is_file(), target
        if heading:
            assert f"\n## {heading}\n" in DOCUMENTS[str(path)], target


@pytest.mark.parametrize("document", DOCUMENTS)
def test_no_token_is_on_a_command_line(document: str) -> None:
    assert not re.search(r"--token[= ](?!try-me)|--env \w*TOKEN=", DOCUMENTS[document])
