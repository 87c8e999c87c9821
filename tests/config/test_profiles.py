"""Which profiles there are, and what selects the sandbox."""

import json

import pytest

from tests.shell import Shell

UPDATE = ("users", "update", "--key", "kusanagi", "--name", "Motoko")


def shown(shell: Shell, *args: str) -> dict[str, tuple[str, str]]:
    ran = shell.run("config", "show", "-o", "json", *args)
    assert ran.code == 0
    return {row["setting"]: (row["value"], row["origin"]) for row in json.loads(ran.out)}


def test_no_url_names_the_profiles_that_there_are(shell: Shell) -> None:
    folder = shell.write_profile()
    (folder / "config.toml").write_text("[profiles.staging]\n[profiles.production]\n")
    ran = shell.run(*UPDATE)
    assert ran.code == 3
    assert "No URL. Use --profile NAME with one of these profiles: production, staging." in ran.err
    ran = shell.run(*UPDATE, "--profile", "staging")
    assert (
        "Profile 'staging' has none. Use --profile NAME with one of these profiles: prod" in ran.err
    )
    (folder / "config.toml").write_text("")
    assert "Error: No URL. Set KABELWERK_URL, use" in shell.run(*UPDATE).err


def test_config_show_lists_the_profiles(shell: Shell) -> None:
    assert shown(shell)["profiles"] == ("", "default")
    folder = shell.write_profile()
    (folder / "config.toml").write_text("[profiles.staging]\n[profiles.production]\n")
    assert shown(shell)["profiles"] == ("production, staging", "configuration")
    assert shown(shell, "--profile", "staging")["profiles"][0] == "production, staging"


@pytest.mark.parametrize("url", ["sandbox:", "sandbox:///tmp/x.db"])
def test_config_show_says_what_selects_the_sandbox(shell: Shell, url: str) -> None:
    assert shown(shell)["sandbox"] == ("false", "default")
    by_url = shell.with_(KABELWERK_URL=url)
    assert shown(by_url)["sandbox"] == ("true", "environment KABELWERK_URL")
    assert shown(shell, "--url", url)["sandbox"] == ("true", "option --url")
    assert shown(shell, "--sandbox")["sandbox"] == ("true", "option --sandbox")
