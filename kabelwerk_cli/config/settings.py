"""The settings: one typed table, and where each value came from.

An option wins over the environment, the environment over the profile, the profile over the
default. The common options, their help, the environment's variables, the keys of a profile and
`config show` all follow from the table. This is the only file that reads the environment.
"""

import contextlib
import os
from collections.abc import Callable, Mapping
from enum import IntEnum
from typing import Any, Generic, NamedTuple, TypeVar

from kabelwerk_cli.api.errors import ConfigurationError
from kabelwerk_cli.output import Format

from . import parsers
from .profiles import NO_PROFILE, Profile, find_profile, parse_config, read_config

T = TypeVar("T")

PREFIX = "KABELWERK_"
TOKEN_VARIABLE = "KABELWERK_API_TOKEN"  # noqa: S105 - the variable's name, no token


class Rank(IntEnum):
    """The force of what a setting was chosen by."""

    DEFAULT = 0
    PROFILE = 1
    ENVIRONMENT = 2
    OPTION = 3


EVERYWHERE = frozenset(Rank)
NOT_IN_PROFILE = EVERYWHERE - {Rank.PROFILE}
ONLY_IN_PROFILE = frozenset({Rank.DEFAULT, Rank.PROFILE})


class Setting(NamedTuple, Generic[T]):
    """One row of the table."""

    name: str
    """The name, and the key in a profile; with dashes, that of the option."""
    parse: Callable[[str], T]
    """Reads a value; raises ValueError with a sentence that says what is wrong."""
    default: T
    help: str
    """One line for `--help`."""
    metavar: str | None = None
    """What the option's value is called; None for a flag."""
    short: str | None = None
    """The option's short form."""
    sources: frozenset[Rank] = EVERYWHERE
    """Where a value may come from."""
    variable: str = ""
    """The environment's variable, where it is not the option's name."""
    counted: bool = False
    """Whether the option has no value, but counts how often it is given."""
    names_file: bool = False
    """Whether the value is a file, which a profile names relative to its own folder."""
    choices: tuple[str, ...] = ()
    """The values there are, where they are few."""

    @property
    def option(self) -> str:
        """The long option."""
        return "--" + self.name.replace("_", "-")

    @property
    def environment(self) -> str:
        """The environment's variable."""
        return self.variable or PREFIX + self.name.upper()


class Chosen(NamedTuple):
    """The value of a setting that won, and where it came from."""

    value: Any
    rank: Rank
    origin: str


CONFIG = Setting[str | None](
    "config",
    parsers.text,
    None,
    "Read profiles from FILE instead of the usual config.toml.",
    "FILE",
    sources=NOT_IN_PROFILE,
    names_file=True,
)
PROFILE = Setting[str | None](
    "profile",
    parsers.text,
    None,
    "Use the profile NAME of the configuration.",
    "NAME",
    sources=NOT_IN_PROFILE,
)
URL = Setting[str | None](
    "url", parsers.text, None, "The backend's address, such as https://kabelwerk.example.", "URL"
)
SANDBOX = Setting(
    "sandbox",
    parsers.flag,
    default=False,
    help="Use the local sandbox instead of a backend.",
    sources=NOT_IN_PROFILE,
)
TOKEN_FILE = Setting[str | None](
    "token_file",
    parsers.text,
    None,
    "Read the API token from FILE ('-': standard input).",
    "FILE",
    variable="KABELWERK_API_TOKEN_FILE",
    names_file=True,
)
TOKEN_COMMAND = Setting[tuple[str, ...]](
    "token_command",
    lambda value: (value,),
    (),
    "Run this program to get the API token: a list of its name and arguments.",
    "COMMAND",
    sources=ONLY_IN_PROFILE,
)
TOKEN_KEYRING = Setting(
    "token_keyring",
    parsers.flag,
    default=False,
    help="Get the API token from the system's keyring.",
    sources=ONLY_IN_PROFILE,
)
CA_FILE = Setting[str | None](
    "ca_file",
    parsers.text,
    None,
    "Trust the certificates in FILE instead of the usual ones.",
    "FILE",
    names_file=True,
)
ALLOW_INSECURE_HTTP = Setting(
    "allow_insecure_http",
    parsers.flag,
    default=False,
    help="Send the token unencrypted to a host that is not local.",
)
TIMEOUT = Setting("timeout", parsers.seconds, 20.0, "Seconds that one attempt may take.", "SECONDS")
MAX_TIME = Setting(
    "max_time", parsers.seconds, 60.0, "Seconds that the whole command may take.", "SECONDS"
)
RETRIES = Setting("retries", parsers.count, 2, "How often a call may be tried again.", "N")
OUTPUT = Setting(
    "output",
    parsers.output_format,
    Format.TABLE,
    "table, json, jsonl, csv or tsv.",
    "FORMAT",
    short="-o",
    choices=tuple(Format),
)
FIELDS = Setting[tuple[str, ...]](
    "fields",
    parsers.names,
    (),
    "Show only these fields, such as id,user.key.",
    "NAMES",
    sources=NOT_IN_PROFILE,
)
RAW_CSV = Setting(
    "raw_csv",
    parsers.flag,
    default=False,
    help="Leave CSV cells as they are that a spreadsheet would run.",
)
EXACT_KEY = Setting(
    "exact_key",
    parsers.flag,
    default=False,
    help="Accept keys with white space at their start or end.",
)
PROTECTED = Setting(
    "protected",
    parsers.flag,
    default=False,
    help="Demand --yes and --profile for deletions and batches.",
    sources=ONLY_IN_PROFILE,
)
NO_INPUT = Setting("no_input", parsers.flag, default=False, help="Never ask anything.")
QUIET = Setting("quiet", parsers.flag, default=False, help="Say nothing of a success.", short="-q")
VERBOSE = Setting(
    "verbose",
    parsers.count,
    0,
    "Tell of each request; twice, with what was sent and answered.",
    short="-v",
    counted=True,
)
LOG_FILE = Setting[str | None](
    "log_file",
    parsers.text,
    None,
    "Append a line of JSON for each request to FILE.",
    "FILE",
    names_file=True,
)
NO_COLOR = Setting("no_color", parsers.flag, default=False, help="Print no colours.")

SETTINGS: tuple[Setting[Any], ...] = (
    PROFILE,
    CONFIG,
    URL,
    SANDBOX,
    TOKEN_FILE,
    TOKEN_COMMAND,
    TOKEN_KEYRING,
    CA_FILE,
    ALLOW_INSECURE_HTTP,
    TIMEOUT,
    MAX_TIME,
    RETRIES,
    OUTPUT,
    FIELDS,
    RAW_CSV,
    EXACT_KEY,
    PROTECTED,
    NO_INPUT,
    QUIET,
    VERBOSE,
    LOG_FILE,
    NO_COLOR,
)


class Settings:
    """Every setting's value, and where it came from.

    Args:
        chosen: what won, by the setting's name.
        environ: the environment, for what is not in the table.
        profile: the profile in force.
    """

    def __init__(
        self,
        chosen: Mapping[str, Chosen],
        environ: Mapping[str, str],
        profile: Profile = NO_PROFILE,
    ) -> None:
        self._chosen = chosen
        self.environ = environ
        self.profile = profile

    def __getitem__(self, setting: Setting[T]) -> T:
        """Return the setting's value."""
        value: T = self._chosen[setting.name].value
        return value

    def origin(self, setting: Setting[Any]) -> str:
        """Return where the setting's value came from, in words."""
        return self._chosen[setting.name].origin

    def rank(self, setting: Setting[Any]) -> Rank:
        """Return the force of what chose the setting's value."""
        return self._chosen[setting.name].rank

    def with_option(self, setting: Setting[T], value: T) -> "Settings":
        """Return these settings with one more option given."""
        chosen = Chosen(value, Rank.OPTION, f"option {setting.option}")
        return Settings({**self._chosen, setting.name: chosen}, self.environ, self.profile)

    @property
    def dumb_terminal(self) -> bool:
        """Whether the terminal can only print characters one after the other."""
        return self.environ.get("TERM") == "dumb"

    def color(self, *, terminal: bool) -> bool:
        """Whether colours are to be used (https://no-color.org, https://force-color.org).

        Args:
            terminal: whether the output goes to a terminal.
        """
        if self[NO_COLOR] or self.environ.get("NO_COLOR") or self.dumb_terminal:
            return False
        return terminal or bool(self.environ.get("FORCE_COLOR"))

    def data_folder(self) -> str:
        """Return the platform's folder for what this program keeps."""
        import platformdirs

        return platformdirs.user_data_dir("kabelwerk")


def resolve(
    given: Mapping[str, Any], environ: Mapping[str, str], *, profile_may_be_missing: bool = False
) -> Settings:
    """Choose each setting's value.

    Args:
        given: the values of the options on the command line, by the setting's name.
        environ: the environment.
        profile_may_be_missing: accept a configuration or a profile that was named and is not
            there yet.

    Raises:
        ConfigurationError: a variable or the configuration cannot be read.
    """
    profile = _profile(given, environ, must_exist=not profile_may_be_missing)
    chosen = {row.name: _choose(row, given, environ, profile) for row in SETTINGS}
    return Settings(chosen, environ, profile)


def output_format(given: Mapping[str, Any]) -> Format:
    """Return the format to tell an error in, which may be one of the settings themselves.

    Args:
        given: the values of the options on the command line, by the setting's name.
    """
    for find in (_profile, _no_profile):
        # an error in telling of an error would be told by nobody
        with contextlib.suppress(Exception):
            output: Format = _choose(OUTPUT, given, os.environ, find(given, os.environ)).value
            return output
    return OUTPUT.default


def from_environment(given: Mapping[str, Any] | None = None, **how: bool) -> Settings:
    """Return the settings of this process, see `resolve`."""
    return resolve(given or {}, os.environ, **how)


def without_sources(given: Mapping[str, Any]) -> Settings:
    """Return the settings without the environment and the configuration.

    Args:
        given: the values of the options on the command line, by the setting's name.
    """
    return Settings({row.name: _choose(row, given, {}, NO_PROFILE) for row in SETTINGS}, os.environ)


def default_config() -> str:
    """Return the configuration file that is read unless another is named."""
    import platformdirs

    return str(platformdirs.user_config_path("kabelwerk") / "config.toml")


def profile_names(config: str | None) -> tuple[str, ...]:
    """Return the names of all profiles, for a completion; none where they cannot be read.

    Args:
        config: the configuration file that was named on the command line, if one was.
    """
    path = config or os.environ.get(CONFIG.environment) or default_config()
    try:
        document = parse_config(path, read_config(path, must_exist=False) or "")
    except ConfigurationError:
        return ()
    return tuple(document.get("profiles", ()))


def check_keys(profile: Profile) -> None:
    """Refuse a profile with a key that is no setting.

    Raises:
        ConfigurationError: there is one; the text names its line.
    """
    known = tuple(row.name for row in SETTINGS if Rank.PROFILE in row.sources)
    for key in profile.values:
        if key not in known:
            meant = parsers.did_you_mean(key, known)
            raise ConfigurationError(
                f"{profile.place(key)}: there is no setting '{key}' for a profile.{meant}"
            )


def _profile(
    given: Mapping[str, Any], environ: Mapping[str, str], *, must_exist: bool = True
) -> Profile:
    config, name = (_choose(row, given, environ, NO_PROFILE).value for row in (CONFIG, PROFILE))
    profile = find_profile(
        config or default_config(), name, must_exist=must_exist, file_named=config is not None
    )
    check_keys(profile)
    return profile


def _no_profile(*_: Mapping[str, Any]) -> Profile:
    return NO_PROFILE


def _choose(
    row: Setting[Any], given: Mapping[str, Any], environ: Mapping[str, str], profile: Profile
) -> Chosen:
    if row.name in given:
        return Chosen(given[row.name], Rank.OPTION, f"option {row.option}")
    if Rank.ENVIRONMENT in row.sources and (text := environ.get(row.environment)):
        try:
            return Chosen(row.parse(text), Rank.ENVIRONMENT, f"environment {row.environment}")
        except ValueError as error:
            raise ConfigurationError(f"{row.environment}: {error}") from None
    if row.name in profile.values:
        return Chosen(_from_profile(row, profile), Rank.PROFILE, f"profile {profile.name}")
    return Chosen(row.default, Rank.DEFAULT, "default")


def _from_profile(row: Setting[Any], profile: Profile) -> Any:
    """Return what a profile says of a setting, whose kind must be that of the default."""
    value = profile.values[row.name]
    try:
        if isinstance(row.default, bool):
            return _expect(bool, value, "true or false")
        if row.name == TOKEN_COMMAND.name:
            return _arguments(value)
        if isinstance(row.default, (int, float)):
            number = value if isinstance(value, (int, float)) else None
            return row.parse(str(_expect((int, float), number, "a number")))
        parsed = row.parse(_expect(str, value, "a string"))
        return profile.file(parsed) if row.names_file else parsed
    except ValueError as error:
        raise ConfigurationError(f"{profile.place(row.name)}: {row.name}: {error}") from None


def _expect(kind: type | tuple[type, ...], value: Any, what: str) -> Any:
    if not isinstance(value, kind) or (kind is not bool and isinstance(value, bool)):
        raise ValueError(f"this must be {what}")
    if isinstance(value, str) and "\0" in value:
        raise ValueError("this has a NUL character in it")
    return value


def _arguments(value: Any) -> tuple[str, ...]:
    if not isinstance(value, list) or not value or not all(isinstance(x, str) for x in value):
        raise ValueError('this must be a list of strings, such as ["pass", "show", "kabelwerk"]')
    return tuple(value)
