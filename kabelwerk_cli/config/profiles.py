"""Profiles: the tables of `config.toml`.

profile = "staging"

[profiles.staging]
url = "https://staging.kabelwerk.example"
token_command = ["pass", "show", "kabelwerk/staging"]
"""

import os
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from kabelwerk_cli.api.errors import ConfigurationError

DEFAULT_NAME = "default"
LOOSE_FOR_CONFIG = 0o022
"""Who may write the configuration may have any program run as its owner."""


class Profile(NamedTuple):
    """What the configuration says, by the setting's name."""

    name: str
    path: str
    values: Mapping[str, Any]
    text: str = ""
    """The whole file, to find the line of a key."""
    loose: bool = False
    """Whether others may write the file."""

    def file(self, name: str) -> str:
        """Return a file that the profile names: relative to the configuration, or from `~`.

        Raises:
            ValueError: there is no home folder that the name begins with.
        """
        from pathlib import Path

        try:
            return str(Path(self.path).absolute().parent / Path(name).expanduser())
        except RuntimeError:
            raise ValueError(f"there is no home folder for '{name}'") from None

    def place(self, key: str) -> str:
        """Return the file, and the line where the profile sets `key`, in words."""
        header = ""
        for number, line in enumerate(self.text.splitlines(), start=1):
            if match := re.match(r"\s*\[([^]]*)\]", line):
                header = re.sub(r"[\s\"']", "", match[1])
            in_profile = header == f"profiles.{self.name}"
            if in_profile and re.match(rf"\s*[\"']?{re.escape(key)}[\"']?\s*=", line):
                return f"{self.path}, line {number}"
        return f"{self.path}, profile {self.name}"


NO_PROFILE = Profile("", "", {})


def find_profile(path: str, name: str | None, *, file_named: bool, must_exist: bool) -> Profile:
    """Return a profile of a configuration file.

    Args:
        path: the file.
        name: the profile's name; None for the file's own choice, or `default`, or none.
        file_named: whether the file was named, and not just looked for in its usual place.
        must_exist: whether what was named has to be there.

    Raises:
        ConfigurationError: the file cannot be read, or has no such profile.
    """
    nothing = NO_PROFILE._replace(path=path)
    named = file_named or name is not None
    text = read_config(path, must_exist=named and must_exist)
    if text is None:
        return nothing
    document = parse_config(path, text)
    chosen = name or document.get("profile", DEFAULT_NAME)
    profiles = document.get("profiles", {})
    if chosen in profiles:
        loose = bool(os.stat(path).st_mode & LOOSE_FOR_CONFIG)  # noqa: PTH116 - likewise
        return Profile(chosen, path, profiles[chosen], text, loose)
    if must_exist and (name is not None or "profile" in document):
        known = ", ".join(sorted(profiles)) or "none"
        raise ConfigurationError(f"{path} has no profile '{chosen}'; it has: {known}.")
    return nothing


def read_config(path: str, *, must_exist: bool) -> str | None:
    """Return a configuration file's text, None where it is missing and need not exist.

    Raises:
        ConfigurationError: it cannot be read.
    """
    from pathlib import Path

    try:
        return Path(path).read_text(encoding="utf-8")
    except FileNotFoundError:
        if not must_exist:
            return None
        raise ConfigurationError(
            f"The configuration '{path}' does not exist; 'kabelwerk login' makes one."
        ) from None
    except (OSError, UnicodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise ConfigurationError(f"The configuration '{path}' cannot be read: {reason}.") from None


def parse_config(path: str, text: str) -> dict[str, Any]:
    """Return a configuration as nested dicts.

    Raises:
        ConfigurationError: it is not TOML, or not of the right shape.
    """
    import tomllib

    try:
        document = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise ConfigurationError(f"The configuration '{path}' is not TOML: {error}.") from None
    for key in document.keys() - {"profile", "profiles"}:
        raise ConfigurationError(
            f"The configuration '{path}' has the unknown key '{key}'"
            f"{_line_of(text, key)}; settings stand in a table [profiles.NAME]."
        )
    profiles = document.get("profiles", {})
    shapely = isinstance(profiles, dict) and all(isinstance(p, dict) for p in profiles.values())
    if not shapely or not isinstance(document.get("profile", ""), str):
        raise ConfigurationError(
            f"The configuration '{path}' must have tables [profiles.NAME], and may have "
            'profile = "NAME" above them.'
        )
    return document


def _line_of(text: str, key: str) -> str:
    for number, line in enumerate(text.splitlines(), start=1):
        if re.match(rf"\s*\[*[\"']?{re.escape(key)}\b", line):
            return f" in line {number}"
    return ""
