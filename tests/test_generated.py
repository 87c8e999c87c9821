"""Generated files are up to date, and every command has help and working examples."""

import re
import shlex

import click
import pytest

from kabelwerk_cli.cli.help_topics import TOPICS
from kabelwerk_cli.cli.root import COMMANDS, kabelwerk
from kabelwerk_cli.cli.tree import walk
from tests.shell import Shell
from tools.generate import PICTURE, ROOT, files
from tools.manual import summary
from tools.picture import picture, session, texts

SETTINGS = kabelwerk.context_settings
"""Of the root. The first context of a command settles the names of its option `--help`."""
TREE = [(" ".join(path), command) for command, path in walk(kabelwerk, ("kabelwerk",))]


def test_what_is_committed_is_current() -> None:
    for name, content in files().items():
        assert (ROOT / name).read_text(encoding="utf-8") == content, name
    made = {path for path in files() if path.startswith(("man/", "completions/"))}
    there = {
        str(path.relative_to(ROOT))
        for folder in ("man", "completions")
        for path in (ROOT / folder).rglob("*")
        if path.is_file()
    }
    assert there == made


@pytest.mark.parametrize(("path", "command"), TREE, ids=[path for path, _ in TREE])
def test_each_command_has_all_that_a_command_needs(
    shell: Shell, path: str, command: click.Command
) -> None:
    ran = shell.run(*path.split()[1:], "--help")
    assert (ran.code, ran.err) == (0, "")
    lines = ran.out.splitlines()
    assert len(lines) <= 40
    assert max(map(len, lines)) <= 80
    assert "Examples:" in ran.out
    assert command.help
    assert command.examples
    group = isinstance(command, click.Group)
    assert group or f"| `{path}` |" in (ROOT / "docs/help.md").read_text(encoding="utf-8")
    assert (ROOT / "man" / "man1" / f"{path.replace(' ', '-')}.1").exists()


def test_the_list_of_commands_has_their_summaries() -> None:
    """They are written down, as are the topics, so that a run imports little."""
    for name, command in kabelwerk.commands.items():
        assert command.name == name
        assert COMMANDS[name][1] == f"{summary(command).split('. ')[0]}."
    assert kabelwerk.topics == tuple(TOPICS)


def test_the_picture_shows_what_the_program_prints() -> None:
    """Only its text counts: a new release of rich may draw it differently."""
    committed = (ROOT / PICTURE).read_text(encoding="utf-8")
    assert texts(committed) == texts(picture(session()))
    assert re.findall(r"https?://[^\"]*", committed) == ["http://www.w3.org/2000/svg"]


def commands_in(example: str) -> list[str]:
    """Return the words of the command in an example, without the shell syntax around it."""
    text = example.rsplit("| ", maxsplit=1)[-1].split(" > ", maxsplit=1)[0]
    text = text.removeprefix("id=$(").removesuffix(")") if text.startswith("id=$(") else text
    text = text.removeprefix('eval "$(').removesuffix(')"')
    return shlex.split(text)[1:]


# These wait, prompt, or need a server or a file; other tests run them.
ELSEWHERE = {
    "kabelwerk login",
    "kabelwerk logout",
    "kabelwerk sandbox serve",
    "kabelwerk doctor",
    "kabelwerk users sync",
    "kabelwerk rooms sync",
    "kabelwerk journal",
    "kabelwerk journal show",
}
RUNNABLE = [
    (path, command) for path, command in TREE if path not in ELSEWHERE | {"kabelwerk sandbox"}
]


@pytest.mark.parametrize(("path", "command"), RUNNABLE, ids=[path for path, _ in RUNNABLE])
def test_each_example_runs(shell: Shell, path: str, command: click.Command) -> None:
    """In the sandbox, which holds the users of the examples unless the example creates them."""
    there = shell.with_(KABELWERK_URL="sandbox:")
    (shell.home / "users.csv").write_text("key,name\nr1,Name\n")
    (shell.home / "visits.csv").write_text("room,name\nkusanagi,Motoko\n")
    (shell.home / "letter.txt").write_text("Dear {{name}}")
    seeds = {"kusanagi": [], "batou": ["--hub", "section9"]}
    for example in command.examples:
        words = commands_in(example)
        there.run("sandbox", "reset", "--yes")
        for key, more in seeds.items():
            if not ({"users", "create", key} <= set(words)):
                there.run("users", "create", "--key", key, "--name", "x", *more)
        asks = {"delete", "reset"} & set(words) or {"post", "--from"} <= set(words)
        if asks and "--yes" not in words:
            words.append("--yes")
        ran = there.run(*words, stdin=b"Hello")
        notes = [line for line in ran.err.splitlines() if "sandbox database '" not in line]
        assert ran.code == 0, (path, example, ran.err)
        assert notes == [] or "--from" in words, (path, example)


@pytest.mark.parametrize("path", sorted(ELSEWHERE))
def test_the_other_examples_parse(path: str) -> None:
    command = dict(TREE)[path]
    for example in command.examples:
        words = commands_in(example)[len(path.split()) - 1 :]
        with command.make_context(path, [*words], obj={}, **SETTINGS) as context:
            assert context.command is command


@pytest.mark.parametrize(("path", "command"), TREE, ids=[path for path, _ in TREE])
def test_each_option_names_its_value_and_its_default(path: str, command: click.Command) -> None:
    context = click.Context(command, obj={}, **SETTINGS)
    for param in command.params:
        if not isinstance(param, click.Option) or param.is_flag or param.count:
            continue
        assert param.metavar or isinstance(param.type, click.Choice), (path, param.opts)
        _, text = param.get_help_record(context) or ("", "")
        default = param.get_default(context)
        shown = "[default: " in text or "[required]" in text
        assert shown or not isinstance(default, (str, int, float)), (path, param.opts)
