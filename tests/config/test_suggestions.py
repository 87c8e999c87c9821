"""Commands that messages suggest: pasted into a shell, they mean the same backend."""

import re

import pytest

from tests.documents import run_script
from tests.shell import TOKEN, Ran, Shell

UPDATE = ("users", "update", "--key", "kusanagi", "--name", "Motoko")
PROFILE = "clinic of o'brien"


def suggested(ran: Ran) -> list[str]:
    """Return the command lines in an error."""
    return re.findall(r"`(kabelwerk [^`]+)`", ran.err) or re.findall(
        r"'(kabelwerk [^']+)'", ran.err
    )


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
    doctor, login = suggested(ran)
    assert login == doctor.replace("doctor", "login")
    pasted = run_script(doctor, there, "-euo", "pipefail")
    assert pasted.returncode == 4
    assert login in pasted.stderr


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
