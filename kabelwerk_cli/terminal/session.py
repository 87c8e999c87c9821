"""What every command is run with."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from kabelwerk_cli.config.settings import Settings, from_environment

from .console import Console


class Session(NamedTuple):
    """One run of one command: its settings, and the streams it talks through."""

    settings: Settings
    console: Console


def open_session(given: Mapping[str, Any], *, profile_may_be_missing: bool = False) -> Session:
    """Return the session for the options given on the command line.

    Args:
        given: the values of the common options that were given, by the setting's name.
        profile_may_be_missing: accept a configuration or profile that does not exist yet.

    Raises:
        ConfigurationError: a variable or the configuration cannot be read.
    """
    settings = from_environment(given, profile_may_be_missing=profile_may_be_missing)
    return Session(settings, Console(settings))
