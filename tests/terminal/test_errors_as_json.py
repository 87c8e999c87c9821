"""With JSON output, each error of the command line and of the settings is a JSON object."""

import json

import pytest

from tests.shell import Shell

CONFIG = """
[profiles.json]
output = "json"
url = "https://kabelwerk.example"
[profiles.bad]
timeout = "x"
"""
CREATE = "users create --key a --name b"
WRONG = {
    # a mistake, wherever it is made: the exit code
    "": 2,
    "users": 2,
    "user create": 2,
    "users crate": 2,
    "--nonsense": 2,
    "users create --nonsense": 2,
    "users create": 2,
    "users create --key": 2,
    f"{CREATE} extra": 2,
    f"{CREATE} --timeout x": 2,
    f"{CREATE} --from /nonexistent": 2,
    f"{CREATE} --fields nonsense": 2,
    f"{CREATE} --fields=": 2,
    f"{CREATE} --rate 1": 2,
    f"{CREATE} --profile=": 2,
    "users create --key ../.. --name b": 3,
    "users create --key .. --name b": 2,
    "users delete --key a --url https://kabelwerk.example": 2,
    "rooms update --room a --attributes []": 2,
    "messages post --room a --user b": 2,
    "help nonsense": 2,
    "completion nonsense": 2,
    "sandbox show nonsense": 2,
    f"{CREATE}": 3,
    f"{CREATE} --config broken.toml": 3,
    f"{CREATE} --config nowhere.toml": 3,
    f"{CREATE} --config config.toml --profile nobody": 3,
    f"{CREATE} --config config.toml --profile bad": 3,
    f"{CREATE} --url http://kabelwerk.example": 3,
    "config show --config broken.toml": 3,
    "login": 3,
}


@pytest.fixture
def there(shell: Shell) -> Shell:
    (shell.home / "config.toml").write_text(CONFIG)
    (shell.home / "broken.toml").write_text("[[[[")
    return shell


def error_of(shell: Shell, *args: str) -> tuple[int, dict]:
    ran = shell.run(*args)
    assert ran.out == ""
    error = json.loads(ran.err.splitlines()[-1])["error"]
    assert error["exit_code"] == ran.code
    assert (error["applied"], error["safe_to_rerun"], error["attempts"]) == ("no", True, 0)
    return ran.code, error


@pytest.mark.parametrize("output", ["json", "jsonl"])
@pytest.mark.parametrize("line", WRONG)
def test_each_mistake_is_an_object(there: Shell, line: str, output: str) -> None:
    words = line.split()
    for args in (("-o", output, *words), (*words, f"--output={output}"), (f"-o{output}", *words)):
        assert error_of(there, *args)[0] == WRONG[line]
    with_variable = there.with_(KABELWERK_OUTPUT=output)
    assert error_of(with_variable, *words)[0] == WRONG[line]


@pytest.mark.parametrize("line", ["users crate", "users create --nonsense", "users create --key"])
def test_the_profile_decides_too(there: Shell, line: str) -> None:
    named = ("--config", "config.toml", "--profile", "json")
    for args in ((*named, *line.split()), (*line.split(), *named)):
        if args[-1] == "json" and line.endswith("--key"):
            continue  # there, the option's value is '--config'
        assert error_of(there, *args)[0] == 2
    variables = {"KABELWERK_CONFIG": "config.toml", "KABELWERK_PROFILE": "json"}
    assert error_of(there.with_(**variables), *line.split())[0] == 2


@pytest.mark.parametrize("variable", ["KABELWERK_TIMEOUT", "KABELWERK_URL", "KABELWERK_API_TOKEN"])
def test_a_variable_that_is_wrong(there: Shell, variable: str) -> None:
    wrong = there.with_(KABELWERK_URL="https://kabelwerk.example").with_(**{variable: ""})
    if variable == "KABELWERK_TIMEOUT":
        wrong = there.with_(KABELWERK_TIMEOUT="x")
    code, error = error_of(wrong, *CREATE.split(), "-o", "json")
    assert (code, error["type"]) == (3, "ConfigurationError")
    assert variable in error["message"]


def test_an_option_overrides_what_else_asks_for_json(there: Shell) -> None:
    ran = there.with_(KABELWERK_OUTPUT="json").run("-o", "table", "users", "crate")
    assert ran.code == 2
    assert ran.err.startswith("Error: No such command 'crate'.")
