"""Determining the value of each setting.

In descending order: an option; a profile named on the command line; the environment; a profile
chosen otherwise (`KABELWERK_PROFILE`, or `profile =` in the configuration); the default. Besides
`workflow`, no other module reads the environment.
"""

import contextlib
import itertools
import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, NamedTuple

from kabelwerk_cli.errors import ConfigurationError, InvalidInput
from kabelwerk_cli.words import with_stop

from .parsers import did_you_mean
from .profiles import NO_PROFILE, Profile, Wanted, find_profile, parse_config, read_config
from .settings import (
    CARRIED,
    CONFIG,
    MAX_TIME,
    NO_COLOR,
    OUTPUT,
    PROFILE,
    SANDBOX,
    SANDBOX_DB,
    SETTINGS,
    TOKEN_COMMAND,
    TOKEN_FILE,
    TOKEN_VARIABLE,
    URL,
    Rank,
    Setting,
    T,
)

MUST_NOT_BE_EMPTY = (
    *(URL.environment, PROFILE.environment, SANDBOX_DB.environment),
    *(TOKEN_VARIABLE, TOKEN_FILE.environment),
)
"""If one of these is set but empty, something is missing, and nothing else may replace it."""
COMPLETION_LIMIT = 1.0
"""How long a completion waits for a configuration that is a pipe, in seconds."""
OF_A_BACKEND = (URL, SANDBOX, SANDBOX_DB)
"""Not taken from the environment if a profile is named on the command line."""


class Chosen(NamedTuple):
    """The value of a setting in force, and where it came from."""

    value: Any
    rank: Rank
    origin: str


class Settings(dict[Setting[Any], Any]):
    """The value of each setting, and where it came from.

    Args:
        chosen: the values by setting.
        environ: the environment, for variables that are not in the table.
        profile: the profile in force.
    """

    def __init__(
        self,
        chosen: Mapping[Setting[Any], Chosen],
        environ: Mapping[str, str],
        profile: Profile = NO_PROFILE,
    ) -> None:
        super().__init__({setting: each.value for setting, each in chosen.items()})
        self._chosen = chosen
        self.environ = environ
        self.profile = profile

    if TYPE_CHECKING:

        def __getitem__(self, setting: Setting[T]) -> T: ...

    def origin(self, setting: Setting[Any]) -> str:
        """Return where the value of a setting came from, in words."""
        return self._chosen[setting].origin

    def rank(self, setting: Setting[Any]) -> Rank:
        """Return the source of the value of a setting."""
        return self._chosen[setting].rank

    def of_profile(self, setting: Setting[T]) -> T:
        """Return the value of a setting in the profile in force, or its default."""
        named = setting.name in self.profile.values
        value: T = _from_profile(setting, self.profile) if named else setting.default
        return value

    def with_option(self, setting: Setting[T], value: T) -> "Settings":
        """Return these settings as if one more option had been given."""
        chosen = Chosen(value, Rank.OPTION, f"option {setting.option}")
        return Settings({**self._chosen, setting: chosen}, self.environ, self.profile)

    def options(self) -> tuple[str, ...]:
        """Return the options of this run that decide on the backend, for suggested commands."""
        words: list[str] = []
        for row in CARRIED:
            value: Any = self._chosen[row].value
            if self.rank(row) is Rank.OPTION and value:
                words += [row.option] if value is True else [row.option, str(value)]
        return tuple(words)

    @property
    def dumb_terminal(self) -> bool:
        """Whether the terminal cannot move the cursor."""
        return self.environ.get("TERM") == "dumb"

    @property
    def pager(self) -> bool:
        """Whether long texts may go through a pager: neither `PAGER` nor `TERM` forbids it."""
        able = self.environ.get("TERM") and not self.dumb_terminal
        return bool(able and self.environ.get("PAGER", "less").strip())

    def color(self, *, terminal: bool) -> bool:
        """Return whether to use color (https://no-color.org, https://force-color.org).

        Args:
            terminal: whether the output is a terminal.
        """
        forced = self.environ.get("FORCE_COLOR", "").lower()
        off = forced in {"0", "false"}
        if off or self[NO_COLOR] or self.environ.get("NO_COLOR") or self.dumb_terminal:
            return False
        return terminal or bool(forced)


def typed_line() -> str:
    """Return the command line up to the cursor, which a completion script passes."""
    return os.environ.get("COMP_LINE", "")


def from_environment(
    given: Mapping[str, Any] | None = None, *, profile_may_be_missing: bool = False
) -> Settings:
    """Return the settings of this process.

    Args:
        given: the options on the command line, by the setting's name.
        profile_may_be_missing: accept a configuration or profile that does not exist yet.

    Raises:
        ConfigurationError: a variable or the configuration is invalid.
        InvalidInput: options contradict each other.
    """
    given = given or {}
    _check_options(given)
    for variable in MUST_NOT_BE_EMPTY:
        if os.environ.get(variable) == "":
            raise ConfigurationError(
                f"{variable} is set but empty. Is a secret missing? Set it, or unset it."
            )
    profile = _profile(given, must_exist=not profile_may_be_missing)
    chosen = {row: _choose(row, given, os.environ, profile) for row in SETTINGS}
    return Settings(chosen, os.environ, profile)


def _check_options(given: Mapping[str, Any]) -> None:
    for named in (PROFILE, CONFIG):
        if given.get(named.name) == "":
            raise InvalidInput(named.name, "must not be empty")
    for other in (URL, PROFILE):
        if given.get(SANDBOX.name) and other.name in given:
            raise InvalidInput(SANDBOX.name, f"cannot be combined with {other.option}")


def for_errors(given: Mapping[str, Any]) -> Settings:
    """Return the settings for an error message, even if the settings are what is wrong.

    Args:
        given: the options on the command line, by the setting's name.
    """
    chosen = {row: Chosen(row.default, Rank.DEFAULT, "default") for row in (OUTPUT, NO_COLOR)}
    for row, find in itertools.product(chosen, (lambda _: NO_PROFILE, _profile_of_file)):
        # an exception here would replace the error to report
        with contextlib.suppress(Exception):
            chosen[row] = _choose(row, given, os.environ, find(given))
    return Settings(chosen, os.environ)


def without_sources(given: Mapping[str, Any]) -> Settings:
    """Return the settings without those of the environment and the configuration.

    Args:
        given: the options on the command line, by the setting's name.
    """
    return Settings({row: _choose(row, given, {}, NO_PROFILE) for row in SETTINGS}, os.environ)


def default_config() -> str:
    """Return the configuration file to read if none is named; empty without a home folder."""
    import click

    folder = click.get_app_dir("kabelwerk")
    # the XDG specification says to ignore an empty or relative XDG_CONFIG_HOME, and click does not
    if not folder.startswith("/"):
        folder = os.path.expanduser("~/.config/kabelwerk")  # noqa: PTH111 - pathlib is slow
    return (
        f"{folder}/config.toml"
        if folder.startswith("/") and not is_homeless("XDG_CONFIG_HOME")
        else ""
    )


def is_homeless(variable: str) -> bool:
    """Tell whether there is no home folder because `HOME` is empty, which some would take for `/`.

    Args:
        variable: names a folder that may be used instead.
    """
    return os.environ.get("HOME") == "" and not os.environ.get(variable, "").startswith("/")


def profile_names(config: str | None) -> tuple[str, ...]:
    """Return the names of all profiles for a completion, none if they cannot be read.

    Args:
        config: the configuration file named on the command line, if any.
    """
    path = config or os.environ.get(CONFIG.environment) or default_config()
    try:
        document = parse_config(path, (path and read_config(path, COMPLETION_LIMIT)) or "")
    except ConfigurationError:
        return ()
    return tuple(document.get("profiles", ()))


def _profile_of_file(given: Mapping[str, Any]) -> Profile:
    """Return the profile in force, unless it is in a pipe, which can be read only once."""
    config = _choose(CONFIG, given, os.environ, NO_PROFILE).value
    if config is not None and not os.path.isfile(config):  # noqa: PTH113 - pathlib is slow
        return NO_PROFILE
    return _profile(given)


def _profile(given: Mapping[str, Any], *, must_exist: bool = True) -> Profile:
    config, name, limit = (
        _choose(row, given, os.environ, NO_PROFILE).value for row in (CONFIG, PROFILE, MAX_TIME)
    )
    profile = find_profile(
        Wanted(config or default_config(), name, config is not None, must_exist, limit)
    )
    known = tuple(row.name for row in SETTINGS if Rank.PROFILE in row.sources)
    for key in profile.values:
        if key not in known:
            meant = did_you_mean(key, known)
            raise ConfigurationError(f"{profile.invalid}: unknown key '{key}'.{meant}")
    return profile


def _choose(
    row: Setting[Any], given: Mapping[str, Any], environ: Mapping[str, str], profile: Profile
) -> Chosen:
    if row.name in given:
        return Chosen(given[row.name], Rank.OPTION, f"option {row.option}")
    named = PROFILE.name in given
    of_profile = row.name in profile.values
    if named and of_profile:
        return _of_profile(row, profile, Rank.NAMED_PROFILE)
    heard = Rank.ENVIRONMENT in row.sources and not (named and row in OF_A_BACKEND)
    if heard and (text := environ.get(row.environment)):
        try:
            return Chosen(row.parse(text), Rank.ENVIRONMENT, f"environment {row.environment}")
        except ValueError as error:
            raise ConfigurationError(with_stop(f"Invalid {row.environment}: {error}")) from None
    if of_profile:
        return _of_profile(row, profile, Rank.PROFILE)
    return Chosen(row.default, Rank.DEFAULT, "default")


def _of_profile(row: Setting[Any], profile: Profile, rank: Rank) -> Chosen:
    return Chosen(_from_profile(row, profile), rank, f"profile {profile.name}")


def _from_profile(row: Setting[Any], profile: Profile) -> Any:
    """Return the value in a profile, which must have the type of the default."""
    value = profile.values[row.name]
    try:
        if isinstance(row.default, bool):
            return _expect(bool, value, "true or false")
        if row.name == TOKEN_COMMAND.name:
            return _arguments(value)
        if isinstance(row.default, (int, float)):
            return row.parse(str(_expect((int, float), value, "a number")))
        parsed = row.parse(_expect(str, value, "a string"))
        return profile.file(parsed) if row.names_file else parsed
    except ValueError as error:
        raise ConfigurationError(with_stop(f"{profile.invalid}: {row.name}: {error}")) from None


def _expect(kind: type | tuple[type, ...], value: Any, what: str) -> Any:
    if not isinstance(value, kind) or (kind is not bool and isinstance(value, bool)):
        raise ValueError(f"must be {what}")
    if isinstance(value, str) and "\0" in value:
        raise ValueError("must not contain a NUL character")
    return value


def _arguments(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not value or not all(isinstance(x, str) for x in value):
        raise ValueError('must be a list of strings, such as ["pass", "show", "kabelwerk"]')
    return tuple(value)
