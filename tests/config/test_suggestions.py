"""Commands that messages suggest: pasted into a shell, they mean the same backend."""

import re
import shlex
from collections.abc import Iterator
from typing import NamedTuple

import pytest

from kabelwerk_cli.config.suggestions import carried
from tests.batch.story import clinic, lost, posted, rows
from tests.documents import ROOT, run_script
from tests.faultserver import FaultyServer
from tests.forkserver import ForkServer
from tests.shell import TOKEN, Ran, Shell, served

UPDATE = ("users", "update", "--key", "kusanagi", "--name", "Motoko")
PROFILE = "clinic of o'brien"


def suggested(ran: Ran) -> list[str]:
    """Return the command lines in an error."""
    # `See 'kabelwerk users create --help'` names the help
    found = re.findall(r"`(kabelwerk [^`]+)`|'(kabelwerk [^']+)'", ran.err)
    return [line for pair in found if not (line := "".join(pair)).endswith(" --help")]


@pytest.fixture
def wrong(shell: Shell) -> Shell:
    """Return a shell with a configuration in an odd place, whose token the server rejects."""
    (shell.home / "my config.toml").write_text(f'[profiles."{PROFILE}"]\nretries = 0\n')
    return shell


NAMED = ("--config", "my config.toml", "--profile", PROFILE)


@pytest.mark.parametrize("options", [NAMED, ("--config", "my config.toml", "--url", "URL")])
def test_login_stores_what_the_same_command_needs(
    wrong: Shell, sandbox: Shell, options: tuple[str, ...]
) -> None:
    """What `No URL` and `No API token` suggest is pasted, and then the command works."""
    url = sandbox.environment["KABELWERK_URL"]
    given = tuple(word.replace("URL", url) for word in options)
    ran = wrong.run(*given, "users", "create", "--key", "kusanagi", "--name", "Motoko")
    assert ran.code == 3
    (login,) = suggested(ran)
    more = "" if "--url" in login else f" --url {url}"
    pasted = f"printf {TOKEN} | {login}{more} --token-file -"
    assert run_script(pasted, wrong, "-euo", "pipefail").returncode == 0
    ran = wrong.run(*given, "users", "create", "--key", "kusanagi", "--name", "Motoko")
    assert (ran.code, ran.err) == (0, "")


def test_a_batch_that_is_stopped_suggests_the_same_backend(wrong: Shell, sandbox: Shell) -> None:
    (wrong.home / "users.csv").write_text("key,name\na,A\n")
    there = wrong.with_(KABELWERK_API_TOKEN="another")
    options = (*NAMED, "--url", sandbox.environment["KABELWERK_URL"])
    ran = there.run("users", "update", "--from", "users.csv", *options)
    assert ran.code == 4
    assert "The token comes from environment KABELWERK_API_TOKEN; replace it there." in ran.err
    (doctor,) = suggested(ran)
    pasted = run_script(doctor, there, "-euo", "pipefail")
    assert pasted.returncode == 4
    assert "KABELWERK_API_TOKEN; replace it there." in pasted.stderr


OTHER = "another-token"
USERS = ("users", "create", "--from", "o'brien.csv")
SYNC = ("users", "sync", "--from", "o'brien.csv", "--hub", "section9", "--delete", "--yes")
AT = (*NAMED[:3], "at")
"""A profile with an address and a token that the server rejects."""
NO_TOKEN = (*NAMED[:3], "no token")
URL = ("--url", "URL")
DEAD = ("--url", "http://127.0.0.1:9")
CREATE = ("users", "create", "--key")


class Told(NamedTuple):
    """A run whose message suggests commands.

    Attributes:
        args: its command line.
        commands: the commands that are suggested.
        options: the options of the run that they have, too.
        token: the token in the environment.
    """

    args: tuple[str, ...]
    commands: str
    options: tuple[str, ...] = ()
    token: str = TOKEN


TOLD = {
    "no URL": Told((*UPDATE, *NAMED), "login", NAMED, ""),
    "no token": Told((*UPDATE, *NO_TOKEN), "login", NO_TOKEN, ""),
    "no configuration": Told((*UPDATE, "--config", "no.toml"), "login", ("--config", "no.toml")),
    "no state": Told((*SYNC, *URL), "users users", URL),
    "no database": Told(("sandbox", "show", "users", "--db", "o'b.db"), "sandbox"),
    "no such hub": Told((*CREATE, "a", "--name", "A", "--hub", "o'b"), "sandbox sandbox sandbox"),
    "a stored token": Told((*UPDATE, *AT), "login", AT, ""),
    "a stored token, in a batch": Told((*USERS, *AT), "login doctor", AT, ""),
    "a stored token, in doctor": Told(("doctor", *AT), "login", AT, ""),
    "a token of the environment": Told((*USERS, *URL), "doctor", URL, OTHER),
    "a dead server": Told((*USERS, *DEAD, "--retries", "0"), "doctor", DEAD),
    "a key that is taken": Told((*CREATE, "batou", "--name", "o'b", *URL), "users", URL),
    "keys that are taken": Told((*USERS, *URL, "-q"), "users", URL),
    "another verb": Told(("users", "add", "--key", "a", *NAMED), "users", NAMED),
    "another command": Told((*NAMED[:2], "auth", "login"), "login", NAMED[:2]),
    "another option": Told((*UPDATE, "--token", "x", *URL), "login", URL),
}


@pytest.fixture(scope="module")
def backend(
    tmp_path_factory: pytest.TempPathFactory, forks: ForkServer
) -> Iterator[tuple[Shell, str]]:
    """Serve a sandbox with a user; yield a shell with profiles, and the address."""
    home = tmp_path_factory.mktemp("home")
    with served(Shell(home, forks), "--token", TOKEN) as client:
        url = client.environment["KABELWERK_URL"]
        (home / "stored").write_text(OTHER)
        (home / "stored").chmod(0o600)
        (home / "my config.toml").write_text(
            f'[profiles."{PROFILE}"]\nretries = 0\n[profiles."no token"]\nurl = "{url}"\n'
            f'[profiles.at]\nurl = "{url}"\ntoken_file = "stored"\n'
        )
        rows = "".join(f"u{number},A\n" for number in range(10))
        (home / "o'brien.csv").write_text(f"key,name\nbatou,Batou\n{rows}")
        (home / "one.csv").write_text("key,name\nbatou,Batou\n")
        assert client.run(*CREATE, "batou", "--name", "Batou", "--hub", "section9").code == 0
        yield client.without("KABELWERK_URL").without("KABELWERK_API_TOKEN"), url


@pytest.mark.parametrize("name", TOLD)
def test_what_is_suggested_is_understood(backend: tuple[Shell, str], name: str) -> None:
    """Each place that suggests commands: pasted, they parse, and mean the backend of the run."""
    told, (shell, url) = TOLD[name], backend
    there = shell.with_(KABELWERK_API_TOKEN=told.token) if told.token else shell
    if not {"--url", "--config", "--db"} & {*told.args}:
        there = there.with_(KABELWERK_URL=url)
    args, options = (
        [word.replace("URL", url) for word in words] for words in (told.args, told.options)
    )
    ran = there.run(*args)
    assert ran.code
    lines = [shlex.split(line) for line in suggested(ran)]
    assert " ".join(line[1] for line in lines) == told.commands, ran.err
    for _, *words in lines:
        assert [*carried(words)] == options, ran.err
        understood = there.run(*words, "--help")
        assert (understood.code, understood.err) == (0, "")


def test_what_settles_a_message_is_suggested_for_the_same_backend(shell: Shell) -> None:
    (shell.home / "o'b.csv").write_text(rows("r1:a"))
    post = ("messages", "post", "--user", "batou", "--yes", "--from", "o'b.csv", "--url")
    with FaultyServer([lost(applied=True)], model=clinic()) as server:
        there = shell.with_(KABELWERK_API_TOKEN=TOKEN)
        ran = there.run(*post, server.url)
        assert ran.code == 9
        lines = [shlex.split(line)[1:] for line in suggested(ran)]
        mark, resend = (
            [*post, server.url, f"--{how}"] for how in ("mark-posted", "resend-unknown")
        )
        assert mark in lines
        assert resend in lines
        assert there.run(*mark).code == 0
        assert posted(server.model) == ["r1:a"]


def test_no_other_place_suggests_any() -> None:
    """A command in a message is built by `suggest`, or is a hint, to which it adds the options."""
    folder = ROOT / "kabelwerk_cli"
    texts = ("commands/", "cli/hints.py", "cli/help_topics.py")
    found = {
        str(path.relative_to(folder)): line
        for path in folder.rglob("*.py")
        if not str(path.relative_to(folder)).startswith(texts)
        for line in re.findall(r"'kabelwerk [^'\n]*'", path.read_text())
    }
    assert found == {}


def test_an_import_of_users_who_exist_suggests_the_line_to_run(shell: Shell) -> None:
    (shell.home / "o'brien.csv").write_text("key,name\na,A\n")
    create = ("users", "create", "--key", "a", "--name", "A", "--sandbox")
    assert shell.run(*create).code == 0
    ran = shell.run("users", "create", "--from", "o'brien.csv", "--sandbox", "--hub", "section9")
    assert ran.code in {6, 10}
    ensure = next(line for line in suggested(ran) if " ensure " in line)
    assert "--hub section9" in ensure
    assert run_script(ensure, shell, "-euo", "pipefail").returncode == 0


def test_a_missing_configuration_suggests_a_login_that_is_quoted(shell: Shell) -> None:
    ran = shell.run(*UPDATE, "--config", "not here.toml", "--profile", "a b")
    assert "Create it with `kabelwerk login --config 'not here.toml' --profile 'a b'`." in ran.err
