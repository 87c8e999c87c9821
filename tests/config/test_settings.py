"""The table of settings: which source wins, and how `config show` reports it."""

import json
import os
import re
from pathlib import Path

import pytest

from kabelwerk_cli.config import profiles
from kabelwerk_cli.config.settings import SETTINGS, Rank, Setting
from kabelwerk_cli.network.trust import trust_in_force
from kabelwerk_cli.output import Format
from tests.shell import TOKEN, Shell

# For each setting three values as text, and as TOML for a profile.
VALUES = {
    "profile": ("one", "two", "three"),
    "config": ("one.toml", "two.toml", "three.toml"),
    "url": ("https://one.example", "https://two.example", "https://three.example"),
    "sandbox_db": (None, "two.db", None),
    "token_file": ("one", "two", "three"),
    "token_command": ("one", None, None),
    "ca_file": ("one", "two", "three"),
    "timeout": ("1.5", "2.5", "3.5"),
    "max_time": ("1.5", "2.5", "3.5"),
    "retries": ("5", "6", "7"),
    "output": ("json", "jsonl", "csv"),
    "fields": ("setting,value,origin", "value,setting,origin", "origin,setting,value"),
    "verbose": ("3", "2", "1"),
    "log_file": ("one", "two", "three"),
}
FLAGS = ("true", "true", "true")


def toml(setting: Setting, text: str) -> str:
    if setting.name == "token_command":
        return f'["{text}"]'
    numbers = isinstance(setting.default, (int, float)) or setting.metavar is None
    return text if numbers else f'"{text}"'


def config_text(setting: Setting, text: str | None) -> str:
    body = f"{setting.name} = {toml(setting, text)}\n" if text else ""
    return "".join(f"[profiles.{name}]\n{body}" for name in ("default", "one", "two", "three"))


def shown(shell: Shell, *args: str) -> dict[str, tuple[str, str]]:
    """Return each setting's value and origin from `config show`, in any format."""
    ran = shell.run("config", "show", *args)
    assert ran.code == 0, ran.err
    if ran.out.startswith("["):
        rows = json.loads(ran.out)
    elif ran.out.startswith("{"):
        rows = [json.loads(line) for line in ran.out.splitlines()]
    else:
        separator = r"," if "," in ran.out.splitlines()[0] else r"  +"
        header, *lines = [re.split(separator, line) for line in ran.out.splitlines()]
        rows = [dict(zip(header, line, strict=False)) for line in lines]
    return {row["setting"]: (row.get("value", ""), row.get("origin", "")) for row in rows}


@pytest.mark.parametrize("setting", SETTINGS, ids=lambda setting: setting.name)
def test_each_source_wins_over_the_one_before(shell: Shell, setting: Setting) -> None:
    by_profile, by_environment, by_option = VALUES.get(setting.name, FLAGS)
    folder = shell.home / ".config" / "kabelwerk"
    folder.mkdir(parents=True)
    for path in (folder / "config.toml", *(shell.home / name for name in VALUES["config"])):
        path.write_text(config_text(setting, None))

    # without a terminal, empty cells of a table are ambiguous
    plain = shell if setting.name == "output" else shell.with_(KABELWERK_OUTPUT="json")
    if setting.name == "output":
        assert shell.run("config", "show").out.startswith("setting")
    else:
        value, origin = shown(plain)[setting.name]
        assert origin == "default"
        usual = "" if setting.default in {None, ()} else str(setting.default).lower()
        found = {
            "config": str(folder / "config.toml"),
            "profile": "default",
            "ca_file": trust_in_force().path or "certifi",
        }
        assert value == found.get(setting.name, usual)

    if Rank.PROFILE in setting.sources:
        (folder / "config.toml").write_text(config_text(setting, by_profile))
        value, origin = shown(plain)[setting.name]
        assert origin == "profile default"
        assert value == (str(folder / by_profile) if setting.names_file else by_profile)

    if Rank.ENVIRONMENT in setting.sources:
        plain = plain.with_(**{setting.environment: by_environment})
        value, origin = shown(plain)[setting.name]
        assert (value, origin) == (by_environment, f"environment {setting.environment}")

    if Rank.OPTION in setting.sources:
        option = [setting.option] if setting.metavar is None else [setting.option, by_option]
        value, origin = shown(plain, *option)[setting.name]
        assert (value, origin) == (by_option, f"option {setting.option}")


def test_every_setting_has_a_test_value() -> None:
    valued = {setting.name for setting in SETTINGS if setting.metavar or setting.counted}
    assert valued == set(VALUES)


def test_an_option_may_stand_before_and_after_and_the_last_wins(shell: Shell) -> None:
    rows = shown(shell, "-o", "json", "--timeout", "3")
    assert rows["timeout"] == ("3.0", "option --timeout")
    ran = shell.run(
        "--timeout", "2", "config", "--timeout", "3", "show", "--timeout", "4", "-o", "json"
    )
    assert {row["setting"]: row["value"] for row in json.loads(ran.out)}["timeout"] == "4.0"
    ran = shell.run("--timeout", "2", "config", "show", "-o", "json")
    assert {row["setting"]: row["value"] for row in json.loads(ran.out)}["timeout"] == "2.0"


def write(shell: Shell, text: str) -> None:
    folder = shell.home / ".config" / "kabelwerk"
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "config.toml").write_text(text)


BAD_PROFILES = {
    "timeuot = 3": "unknown key 'timeuot'. Did you mean 'timeout'?",
    "timeout = 'soon'": "timeout: must be a number",
    "timeout = -1": "timeout: '-1' is not a number of seconds above 0",
    "protected = 'yes'": "protected: must be true or false",
    "output = 'jsn'": (
        "output: 'jsn' is not one of table, json, jsonl, csv, tsv. Did you mean 'json'?"
    ),
    "token_command = 'pass show'": "token_command: must be a list of strings",
    "sandbox = true": "unknown key 'sandbox'",
    "token = 'abc'": "unknown key 'token'",
    "ca_file = '~nosuch/ca.pem'": "ca_file: there is no home folder",
    'log_file = "a\\u0000b"': "log_file: must not contain a NUL",
}
BAD_CONFIGS = {
    "profile = = 3\n": "(at line 1, column",
    "url = 'https://a.example'\n": "unknown key 'url'. Put settings in a table [profiles.NAME]",
    "profiles = 3\n": "expected tables [profiles.NAME]",
    "profile = 'other'\n[profiles.default]\n": "no profile 'other'. Profiles: default.",
    **{
        f"[profiles.default]\nretries = 1\n{line}\n": f"profile 'default': {complaint}"
        for line, complaint in BAD_PROFILES.items()
    },
}


@pytest.mark.parametrize(("text", "complaint"), BAD_CONFIGS.items())
def test_a_mistake_in_the_configuration_is_named_with_its_place(
    shell: Shell, text: str, complaint: str
) -> None:
    write(shell, text)
    ran = shell.run("config", "show")
    assert ran.code == 3
    assert complaint in ran.err
    assert "/.config/kabelwerk/config.toml'" in ran.err
    assert ran.err.endswith((".\n", "?\n"))
    assert not ran.err.endswith("..\n")


@pytest.mark.parametrize(
    ("args", "variables", "text"),
    [
        (["-o", "json"], {}, "profile = = 3\n"),
        (["-ojsonl"], {"KABELWERK_RETRIES": "x"}, ""),
        ([], {"KABELWERK_OUTPUT": "json"}, "profiles = 3\n"),
        ([], {"KABELWERK_RETRIES": "x"}, "[profiles.default]\noutput = 'jsonl'\n"),
    ],
)
def test_what_is_wrong_is_told_as_json_where_that_is_asked_for(
    shell: Shell, args: list[str], variables: dict[str, str], text: str
) -> None:
    write(shell, text)
    ran = shell.with_(**variables).run("users", "delete", "--key", "a", "--yes", *args)
    assert ran.code == json.loads(ran.err)["error"]["exit_code"] == 3


def test_a_configuration_that_cannot_be_read(shell: Shell) -> None:
    write(shell, "")
    path = shell.home / ".config" / "kabelwerk" / "config.toml"
    path.unlink()
    path.mkdir()
    assert shell.run("config", "show").code == 3
    path.rmdir()
    path.write_bytes(b"\xff")
    assert shell.run("config", "show").code == 3


BROKEN: dict[str, tuple[str, dict[str, str], str]] = {
    "configuration": ("[[[[", {}, ""),
    "unknown key": ("url = 3\n", {}, ""),
    "variable": ("", {"KABELWERK_TIMEOUT": "x", "KABELWERK_URL": ""}, ""),
    "profile": ("", {}, "--profile nobody"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_help_and_completions_work_whatever_the_settings_are(shell: Shell, name: str) -> None:
    text, variables, options = BROKEN[name]
    write(shell, text)
    there = shell.with_(**variables)
    for line in ("help", "help batches", "completion bash", "--help", "users create --help"):
        ran = there.run(*line.split(), *options.split())
        assert (ran.code, ran.err) == (0, "")
        assert ran.out
    assert there.run("config", "show", *options.split()).code == 3
    assert there.complete("kabelwerk us") == ["users"]


def test_a_configuration_of_another_user_is_warned_about(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its owner can have any program run as a token command."""
    path = tmp_path / "config.toml"
    path.write_text("[profiles.default]\n")
    path.chmod(0o600)
    found = path.stat()

    def advice(owner: int, user: int) -> str:
        values = [*found[:4], owner, *found[5:]]
        monkeypatch.setattr(profiles.os, "stat", lambda _: os.stat_result(values))
        monkeypatch.setattr(profiles.os, "geteuid", lambda: user)
        profile = profiles.find_profile(
            profiles.Wanted(str(path), None, file_named=False, must_exist=True, limit=1)
        )
        monkeypatch.undo()
        return profile.advice

    assert (
        advice(owner=1000, user=1000) == advice(owner=0, user=1000) == advice(owner=0, user=0) == ""
    )
    assert advice(owner=1001, user=1000) == advice(owner=1000, user=0) == 'sudo chown "$USER"'


def test_a_named_one_that_is_missing(shell: Shell) -> None:
    for options in ("--config none.toml", "--profile staging", "--config none.toml --profile a"):
        ran = shell.run("config", "show", *options.split())
        assert ran.code == 3
        assert f"does not exist. Create it with 'kabelwerk login {options}'.\n" in ran.err


def test_the_configurations_own_choice_of_profile(shell: Shell) -> None:
    write(shell, "profile = 'b'\n[profiles.a]\nretries = 1\n[profiles.b]\nretries = 7\n")
    assert shown(shell, "-o", "json")["retries"] == ("7", "profile b")
    assert shown(shell, "-o", "json", "--profile", "a")["retries"] == ("1", "profile a")
    assert shown(shell.with_(KABELWERK_PROFILE="a"), "-o", "json")["retries"][0] == "1"


def test_the_token_is_only_said_to_be_set(shell: Shell) -> None:
    assert shown(shell, "-o", "json")["api_token"] == ("not set", "")
    secret = shell.with_(KABELWERK_API_TOKEN=TOKEN)
    ran = secret.run("config", "show", "-o", "json")
    assert TOKEN not in ran.out
    assert shown(secret, "-o", "json")["api_token"] == ("set", "environment KABELWERK_API_TOKEN")


def test_a_url_with_a_password_is_not_shown(shell: Shell) -> None:
    ran = shell.run("config", "show", "--url", "https://kusanagi:hidden@kabelwerk.example")
    assert "hidden@" not in ran.out
    assert "kusanagi:" not in ran.out


def test_formats_are_known() -> None:
    assert set(VALUES["output"]) <= set(Format)


def test_the_profile_in_force_is_named(shell: Shell) -> None:
    shell.write_profile(url="https://kabelwerk.example")
    assert shown(shell)["profile"] == ("default", "default")
    file = shell.home / ".config" / "kabelwerk" / "config.toml"
    text = f'profile = "r1"\n{file.read_text()}[profiles.r1]\n[profiles.r2]\n'
    file.write_text(text)
    assert shown(shell)["profile"] == ("r1", "configuration")
    assert shown(shell, "--profile", "r2")["profile"] == ("r2", "option --profile")
    there = shell.with_(KABELWERK_PROFILE="default")
    assert shown(there)["profile"] == ("default", "environment KABELWERK_PROFILE")
    file.unlink()
    assert shown(shell, "-o", "json")["profile"] == ("", "default")
