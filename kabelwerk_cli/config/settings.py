"""The table of settings.

The common options and their help, the environment variables, the keys of a profile and
`config show` are all made from it. `resolve` determines the values.
"""

from collections.abc import Callable
from enum import IntEnum
from typing import Any, Generic, NamedTuple, TypeVar

from kabelwerk_cli.output import Format

from . import parsers

T = TypeVar("T")

TOKEN_VARIABLE = "KABELWERK_API_TOKEN"  # noqa: S105 - the name of the variable, not a token


class Rank(IntEnum):
    """The sources of a value; a higher one overrides a lower one."""

    DEFAULT = 0
    PROFILE = 1
    ENVIRONMENT = 2
    NAMED_PROFILE = 3
    """A profile named on the command line."""
    OPTION = 4


EVERYWHERE = frozenset(Rank)
NOT_IN_PROFILE = EVERYWHERE - {Rank.PROFILE, Rank.NAMED_PROFILE}
ONLY_IN_ENVIRONMENT = frozenset({Rank.DEFAULT, Rank.ENVIRONMENT})
ONLY_IN_PROFILE = frozenset({Rank.DEFAULT, Rank.PROFILE, Rank.NAMED_PROFILE})


class Setting(NamedTuple, Generic[T]):
    """One row of the table."""

    name: str
    """The name, which is also the key in a profile."""
    option: str
    """The long option."""
    environment: str
    """The environment variable."""
    parse: Callable[[str], T]
    """Parses a value; raises ValueError with a clause that says what is wrong."""
    default: T
    help: str
    """One line for `--help`."""
    metavar: str | None = None
    """The placeholder for the value of the option; None for a flag."""
    short: str | None = None
    """The short form of the option."""
    sources: frozenset[Rank] = EVERYWHERE
    """Where a value may come from."""
    counted: bool = False
    """Whether the option takes no value, but counts how often it is given."""
    names_file: bool = False
    """Whether the value is a file; in a profile, relative to the configuration."""
    choices: tuple[str, ...] = ()
    """The possible values, if there are only a few."""


def option_of(name: str) -> str:
    """Return the option that sets a parameter or setting."""
    return f"--{name.replace('_', '-')}"


def _setting(
    name: str,
    parse: Callable[[str], T],
    default: T,
    help_text: str,
    metavar: str | None = None,
    **more: Any,
) -> Setting[T]:
    variable = more.pop("environment", f"KABELWERK_{name.upper()}")
    return Setting(name, option_of(name), variable, parse, default, help_text, metavar, **more)


def _flag(name: str, help_text: str, **more: Any) -> Setting[bool]:
    return _setting(name, parsers.flag, False, help_text, **more)  # noqa: FBT003 - the default


def _text(name: str, metavar: str, help_text: str, **more: Any) -> Setting[str | None]:
    return _setting(name, str, None, help_text, metavar, **more)


def _file(name: str, help_text: str, **more: Any) -> Setting[str | None]:
    return _text(name, "FILE", help_text, names_file=True, **more)


PROFILE = _text(
    "profile",
    "NAME",
    "Use profile NAME. [default: the one set in the configuration, or 'default']",
    sources=NOT_IN_PROFILE,
)
CONFIG = _file(
    "config",
    "Read profiles from FILE. [default: config.toml in the user's configuration folder]",
    sources=NOT_IN_PROFILE,
)
URL = _text("url", "URL", "URL of the backend, such as https://kabelwerk.example.")
SANDBOX = _flag("sandbox", "Use the local sandbox instead of a backend.", sources=NOT_IN_PROFILE)
SANDBOX_DB = _file(
    "sandbox_db",
    "Database file of the sandbox. [default: sandbox.db in the user's data folder]",
    sources=ONLY_IN_ENVIRONMENT,
)
TOKEN_FILE = _file(
    "token_file",
    "Read the API token from FILE ('-' for stdin).",
    environment="KABELWERK_API_TOKEN_FILE",
)
TOKEN_COMMAND: Setting[tuple[str, ...]] = _setting(
    "token_command",
    lambda value: (value,),
    (),
    "Get the API token from a program: a list of its name and arguments.",
    "COMMAND",
    sources=ONLY_IN_PROFILE,
)
TOKEN_KEYRING = _flag(
    "token_keyring", "Get the API token from the system keyring.", sources=ONLY_IN_PROFILE
)
CA_FILE = _file("ca_file", "Trust the CA certificates in FILE instead of the default ones.")
ALLOW_INSECURE_HTTP = _flag(
    "allow_insecure_http", "Allow http to a remote host, which sends the token unencrypted."
)
TIMEOUT = _setting(
    "timeout", parsers.seconds, 20.0, "Time limit for each attempt, in seconds.", "SECONDS"
)
MAX_TIME = _setting(
    "max_time",
    parsers.seconds,
    60.0,
    "Time limit for a call with all its retries, in seconds.",
    "SECONDS",
)
RETRIES = _setting("retries", parsers.count, 2, "Retry a failed call up to N times.", "N")
OUTPUT = _setting(
    "output",
    parsers.output_format,
    Format.TABLE,
    "Output format: table, json, jsonl, csv or tsv.",
    "FORMAT",
    short="-o",
    choices=tuple(Format),
)
FIELDS: Setting[tuple[str, ...]] = _setting(
    "fields",
    parsers.names,
    (),
    "Show only these fields, such as id,user.key.",
    "NAMES",
    sources=NOT_IN_PROFILE,
)
RAW_CSV = _flag("raw_csv", "Do not escape CSV cells that a spreadsheet would run as formulas.")
EXACT_KEY = _flag(
    "exact_key", "Accept keys with white space at an end, invisible characters, or not in NFC."
)
PROTECTED = _flag(
    "protected",
    "Require --profile and a confirmation for deletions, batches and syncs.",
    sources=ONLY_IN_PROFILE,
)
NO_INPUT = _flag("no_input", "Never prompt.")
QUIET = _flag("quiet", "Print nothing on success.", short="-q")
VERBOSE = _setting(
    "verbose",
    parsers.count,
    0,
    "Log each request to stderr; -vv adds bodies.",
    short="-v",
    counted=True,
)
LOG_FILE = _file("log_file", "Append a JSON line per request, start and end of a run to FILE.")
NO_COLOR = _flag("no_color", "Disable color.")

CARRIED: tuple[Setting[Any], ...] = (CONFIG, PROFILE, URL, SANDBOX, CA_FILE, ALLOW_INSECURE_HTTP)
"""The settings that decide which backend a command talks to, and how."""
SETTINGS: tuple[Setting[Any], ...] = tuple(
    row for row in list(globals().values()) if isinstance(row, Setting)
)
"""All settings, in the order above."""
