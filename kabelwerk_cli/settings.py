"""The settings: one typed table, and where each value came from.

An option wins over the environment, the environment over the profile, the profile over the
default. The common options, their help, and the environment's variables all follow from the
table. This is the only file that reads the environment.
"""

import difflib
import math
import os
from collections.abc import Callable, Mapping
from enum import IntEnum
from pathlib import Path
from typing import Any, Generic, NamedTuple, TypeVar

from .api.errors import ConfigurationError
from .output import Format

T = TypeVar("T")

PREFIX = "KABELWERK_"
TOKEN_VARIABLE = "KABELWERK_API_TOKEN"  # noqa: S105 - the variable's name, no token


class Setting(NamedTuple, Generic[T]):
    """One row of the table."""

    name: str
    """The name; with dashes, that of the option."""
    parse: Callable[[str], T]
    """Reads a value; raises ValueError with a sentence that says what is wrong."""
    default: T
    help: str
    """One line for `--help`."""
    metavar: str | None = None
    """What the option's value is called; None for a flag."""
    short: str | None = None
    """The option's short form."""
    variable: str = ""
    """The environment's variable, where it is not the option's name."""

    @property
    def option(self) -> str:
        """The long option."""
        return "--" + self.name.replace("_", "-")

    @property
    def environment(self) -> str:
        """The environment's variable."""
        return self.variable or PREFIX + self.name.upper()


class Rank(IntEnum):
    """The force of what a setting was chosen by."""

    DEFAULT = 0
    PROFILE = 1
    ENVIRONMENT = 2
    OPTION = 3


class Chosen(NamedTuple):
    """The value of a setting that won, and where it came from."""

    value: Any
    rank: Rank
    origin: str


def _text(value: str) -> str:
    return value


def _flag(value: str) -> bool:
    return choice("true", "yes", "on", "1", "false", "no", "off", "0")(value.lower()) in {
        "true",
        "yes",
        "on",
        "1",
    }


def _seconds(value: str) -> float:
    try:
        seconds = float(value)
    except ValueError:
        seconds = math.nan
    if not 0 < seconds < math.inf:
        raise ValueError(f"'{value}' is not a number of seconds above 0")
    return seconds


def _count(value: str) -> int:
    if not (value.isascii() and value.isdigit() and len(value) < 5):  # noqa: PLR2004 - 0 to 9999
        raise ValueError(f"'{value}' is not a whole number from 0 to 9999")
    return int(value)


def _fields(value: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in value.split(",") if name.strip())


def choice(*values: str) -> Callable[[str], str]:
    """Return a parser that takes one of `values` and, for another, says which are known."""

    def parse(value: str) -> str:
        if value in values:
            return value
        close = difflib.get_close_matches(value, values, n=1)
        meant = f" Did you mean '{close[0]}'?" if close else ""
        raise ValueError(f"'{value}' is not one of {', '.join(values)}.{meant}")

    return parse


def _format(value: str) -> Format:
    return Format(choice(*Format)(value))


URL = Setting[str | None](
    "url", _text, None, "The backend's address, such as https://kabelwerk.example.", "URL"
)
SANDBOX = Setting(
    "sandbox", _flag, default=False, help="Use the local sandbox instead of a backend."
)
TOKEN_FILE = Setting[str | None](
    "token_file",
    _text,
    None,
    "Read the API token from FILE ('-': standard input).",
    "FILE",
    variable="KABELWERK_API_TOKEN_FILE",
)
CA_FILE = Setting[str | None](
    "ca_file", _text, None, "Trust the certificates in FILE instead of the usual ones.", "FILE"
)
ALLOW_INSECURE_HTTP = Setting(
    "allow_insecure_http",
    _flag,
    default=False,
    help="Send the token unencrypted to a host that is not local.",
)
TIMEOUT = Setting("timeout", _seconds, 20.0, "Seconds that one attempt may take.", "SECONDS")
MAX_TIME = Setting(
    "max_time", _seconds, 60.0, "Seconds that the whole command may take.", "SECONDS"
)
RETRIES = Setting("retries", _count, 2, "How often a call may be tried again.", "N")
OUTPUT = Setting(
    "output", _format, Format.TABLE, "table, json, jsonl, csv or tsv.", "FORMAT", short="-o"
)
FIELDS = Setting[tuple[str, ...]](
    "fields", _fields, (), "Show only these fields, such as id,user.key.", "NAMES"
)
RAW_CSV = Setting(
    "raw_csv",
    _flag,
    default=False,
    help="Leave CSV cells as they are that a spreadsheet would run.",
)
EXACT_KEY = Setting(
    "exact_key", _flag, default=False, help="Accept keys with white space at their start or end."
)
QUIET = Setting("quiet", _flag, default=False, help="Print nothing on success.", short="-q")
NO_COLOR = Setting("no_color", _flag, default=False, help="Print no colours.")

SETTINGS: tuple[Setting[Any], ...] = (
    URL,
    SANDBOX,
    TOKEN_FILE,
    CA_FILE,
    ALLOW_INSECURE_HTTP,
    TIMEOUT,
    MAX_TIME,
    RETRIES,
    OUTPUT,
    FIELDS,
    RAW_CSV,
    EXACT_KEY,
    QUIET,
    NO_COLOR,
)


class Settings:
    """Every setting's value, and where it came from.

    Args:
        chosen: what won, by the setting's name.
        environ: the environment, for what is not in the table.
    """

    def __init__(self, chosen: Mapping[str, Chosen], environ: Mapping[str, str]) -> None:
        self._chosen = chosen
        self.environ = environ

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

    @property
    def dumb_terminal(self) -> bool:
        """Whether the terminal can only print characters one after the other."""
        return self.environ.get("TERM") == "dumb"

    @property
    def color(self) -> bool:
        """Whether colours may be used (https://no-color.org)."""
        return not (self[NO_COLOR] or self.environ.get("NO_COLOR"))

    def data_folder(self) -> Path:
        """Return the platform's folder for what this program keeps."""
        import platformdirs  # noqa: PLC0415 - only what keeps files needs it

        return platformdirs.user_data_path("kabelwerk")


def resolve(given: Mapping[str, Any], environ: Mapping[str, str]) -> Settings:
    """Choose each setting's value.

    Args:
        given: the values of the options on the command line, by the setting's name.
        environ: the environment.

    Raises:
        ConfigurationError: a variable of the environment cannot be read.
    """
    return Settings({row.name: _choose(row, given, environ) for row in SETTINGS}, environ)


def from_environment(given: Mapping[str, Any] | None = None) -> Settings:
    """Return the settings of this process, see `resolve`."""
    return resolve(given or {}, os.environ)


def _choose(row: Setting[Any], given: Mapping[str, Any], environ: Mapping[str, str]) -> Chosen:
    if row.name in given:
        return Chosen(given[row.name], Rank.OPTION, f"option {row.option}")
    if text := environ.get(row.environment):
        try:
            return Chosen(row.parse(text), Rank.ENVIRONMENT, f"environment {row.environment}")
        except ValueError as error:
            raise ConfigurationError(f"{row.environment}: {error}") from None
    return Chosen(row.default, Rank.DEFAULT, "default")
