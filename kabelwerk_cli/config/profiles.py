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
from kabelwerk_cli.files import check_replaceable, read_text

from .pipes import in_time_limit
from .suggestions import suggest

CONFIG_OPTION = "--config"
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
    known: tuple[str, ...] = ()
    """The names of all profiles."""

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


class Wanted(NamedTuple):
    """Which profile is meant, and how it is read."""

    path: str
    """The configuration file; empty if there is no home folder for it."""
    name: str | None
    """The profile's name; None for the one that the file sets, or `default`, or none."""
    file_named: bool
    """Whether the file was named by the user."""
    must_exist: bool
    """Whether what was named must exist; if not, it is going to be written."""
    limit: float
    """How long to wait for whoever writes a pipe, in seconds."""


def find_profile(wanted: Wanted) -> Profile:
    """Return a profile of a configuration file.

    Raises:
        ConfigurationError: the file cannot be read, cannot be written if it is going to be, or has
            no such profile.
    """
    path, name, file_named, must_exist, limit = wanted
    if not path:
        if name is None and must_exist:
            return NO_PROFILE
        raise no_home(f"{CONFIG_OPTION} FILE")
    if not must_exist:
        check_replaceable(path)
    text = read_config(path, limit)
    if text is None:
        if must_exist and (file_named or name is not None):
            raise _missing(path, name, file_named=file_named)
        return NO_PROFILE._replace(path=path)
    document = parse_config(path, text)
    chosen = name or document.get("profile", DEFAULT_NAME)
    profiles = document.get("profiles", {})
    known = tuple(sorted(profiles))
    if chosen in profiles:
        return Profile(chosen, path, profiles[chosen], _advice(path), known)
    if must_exist and (name is not None or "profile" in document):
        names = ", ".join(known) or "none"
        raise ConfigurationError(
            f"Configuration '{path}' has no profile '{chosen}'. Profiles: {names}."
        )
    return NO_PROFILE._replace(path=path, known=known)


def no_home(*others: str) -> ConfigurationError:
    """Return the error for a file in the home folder where there is none.

    Args:
        others: what else names the file.
    """
    return ConfigurationError(
        "There is no home folder: HOME is not set to one, and the system has no entry for this "
        f"user. Set HOME, or use {' or '.join(others)}."
    )


def _missing(path: str, name: str | None, *, file_named: bool) -> ConfigurationError:
    options = [
        *([CONFIG_OPTION, path] if file_named else []),
        *(["--profile", name] if name else []),
    ]
    return ConfigurationError(
        f"Configuration '{path}' does not exist. Create it with {suggest(options, 'login')}."
    )


def _advice(path: str) -> str:
    found = os.stat(path)  # noqa: PTH116 - importing pathlib is slow
    if found.st_uid not in {0, os.geteuid()}:
        return 'sudo chown "$USER"'
    return "chmod go-w" if found.st_mode & LOOSE_FOR_CONFIG else ""


def read_config(path: str, limit: float) -> str | None:
    """Return the text of a configuration file; None if it does not exist.

    Args:
        path: the file.
        limit: how long to wait for whoever writes a pipe, in seconds.

    Raises:
        ConfigurationError: it cannot be read.
    """
    try:
        os.stat(path)  # noqa: PTH116 - importing pathlib is slow
        return in_time_limit(path, lambda: read_text(path), limit)
    except (FileNotFoundError, NotADirectoryError):  # `HOME=/dev/null` means that there is none
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
