"""Profiles: the tables of `config.toml`.

profile = "staging"

[profiles.staging]
url = "https://staging.kabelwerk.example"
token_command = ["pass", "show", "kabelwerk/staging"]
"""

import os
from collections.abc import Mapping
from typing import Any, NamedTuple

from kabelwerk_cli.errors import ConfigurationError
from kabelwerk_cli.files import read_text

DEFAULT_NAME = "default"
LOOSE_FOR_CONFIG = 0o022
"""Who can write the configuration can have any program run as its owner."""


class Profile(NamedTuple):
    """The profile in force; empty if there is none."""

    name: str
    path: str
    """The configuration file."""
    values: Mapping[str, Any]
    """The values by the setting's name."""
    advice: str = ""
    """The command that keeps others from writing the configuration; empty if they cannot."""

    def file(self, name: str) -> str:
        """Return the path of a file in the profile: relative to the configuration, or from `~`.

        Raises:
            ValueError: the user in `~user` has no home folder.
        """
        from pathlib import Path

        try:
            return str(Path(self.path).absolute().parent / Path(name).expanduser())
        except RuntimeError:
            raise ValueError(f"there is no home folder for '{name}'") from None

    @property
    def invalid(self) -> str:
        """The beginning of an error message about the profile."""
        return f"Invalid configuration '{self.path}': profile '{self.name}'"


NO_PROFILE = Profile("", "", {})


def find_profile(path: str, name: str | None, *, file_named: bool, must_exist: bool) -> Profile:
    """Return a profile of a configuration file.

    Args:
        path: the file.
        name: the profile's name; None for the one that the file sets, or `default`, or none.
        file_named: whether the file was named by the user.
        must_exist: whether what was named must exist.

    Raises:
        ConfigurationError: the file cannot be read, or has no such profile.
    """
    nothing = NO_PROFILE._replace(path=path)
    named = file_named or name is not None
    text = read_config(path)
    if text is None:
        if named and must_exist:
            raise _missing(path, name, file_named=file_named)
        return nothing
    document = parse_config(path, text)
    chosen = name or document.get("profile", DEFAULT_NAME)
    profiles = document.get("profiles", {})
    if chosen in profiles:
        return Profile(chosen, path, profiles[chosen], _advice(path))
    if must_exist and (name is not None or "profile" in document):
        known = ", ".join(sorted(profiles)) or "none"
        raise ConfigurationError(
            f"Configuration '{path}' has no profile '{chosen}'. Profiles: {known}."
        )
    return nothing


def _missing(path: str, name: str | None, *, file_named: bool) -> ConfigurationError:
    import shlex

    login = ["kabelwerk", "login"]
    if file_named:
        login += ["--config", path]
    if name:
        login += ["--profile", name]
    advice = f"Create it with: {shlex.join(login)}"
    return ConfigurationError(f"Configuration '{path}' does not exist. {advice}")


def _advice(path: str) -> str:
    found = os.stat(path)  # noqa: PTH116 - importing pathlib is slow
    if found.st_uid not in {0, os.geteuid()}:
        return 'sudo chown "$USER"'
    return "chmod go-w" if found.st_mode & LOOSE_FOR_CONFIG else ""


def read_config(path: str) -> str | None:
    """Return the text of a configuration file; None if it does not exist.

    Raises:
        ConfigurationError: it cannot be read.
    """
    try:
        os.stat(path)  # noqa: PTH116 - importing pathlib is slow
        return read_text(path)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfigurationError(f"Cannot read configuration '{path}': {error.strerror}.") from None
    except ValueError as error:
        raise ConfigurationError(f"Cannot read the configuration: {error}.") from None


def parse_config(path: str, text: str) -> dict[str, Any]:
    """Return a configuration as nested dicts.

    Raises:
        ConfigurationError: it is not valid TOML, or has other keys than expected.
    """
    import tomllib

    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"Invalid configuration '{path}': {error}.") from None
    except RecursionError:
        raise ConfigurationError(f"Invalid configuration '{path}': nested too deeply.") from None
    for key in document.keys() - {"profile", "profiles"}:
        raise ConfigurationError(
            f"Invalid configuration '{path}': unknown key '{key}'. Put settings in a table "
            "[profiles.NAME]."
        )
    profiles = document.get("profiles", {})
    tables = isinstance(profiles, dict) and all(isinstance(p, dict) for p in profiles.values())
    if not tables or not isinstance(document.get("profile", ""), str):
        raise ConfigurationError(
            f"Invalid configuration '{path}': expected tables [profiles.NAME], and at most "
            'profile = "NAME" above them.'
        )
    return document
