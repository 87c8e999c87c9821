"""The API token and where it comes from. No option takes it, because process lists show options."""

import contextlib
import stat
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from kabelwerk_cli.errors import ConfigurationError
from kabelwerk_cli.files import read_bytes
from kabelwerk_cli.network.token import check_token
from kabelwerk_cli.network.url import parse_address

from .pipes import in_time_limit
from .resolve import Settings
from .settings import (
    MAX_TIME,
    PROFILE,
    TIMEOUT,
    TOKEN_COMMAND,
    TOKEN_FILE,
    TOKEN_KEYRING,
    TOKEN_VARIABLE,
    URL,
    Rank,
)
from .suggestions import profile_option, suggest

LOOSE_FOR_TOKENS = 0o077


class Source(NamedTuple):
    """A source of a token."""

    name: str
    """Its name in a sentence."""
    read: Callable[[], str]
    """Returns the token, or raises ConfigurationError."""
    address: str | None
    """The address that the token is for; None for any."""
    file: str | None = None
    """The file with the token, if it is in a file."""
    stored: bool = False
    """Whether `login` would store another in its place."""


def read_token(settings: Settings) -> str:
    """Return the API token.

    Raises:
        ConfigurationError: there is none for the address in force, or it is invalid. The message
            does not contain it.
    """
    source = find_token(settings)
    if source is None:
        raise ConfigurationError(
            f"No API token. Set {TOKEN_VARIABLE}, use --token-file FILE, or run "
            f"{suggest(settings.options(), 'login')}."
        )
    return check_token(source.read(), source.name)


def find_token(settings: Settings) -> Source | None:
    """Return the source of the token for the address in force, without reading it.

    A token is sent to its own address only: the token of a profile to the profile's, the token of
    the environment to `KABELWERK_URL` if that is set. `--token-file` overrides both.

    Raises:
        ConfigurationError: two tokens are for this address, or all are for another one.
    """
    if given := _of_option(settings):
        return given
    of_environment, of_profile = _of_environment(settings), _of_profile(settings)
    asked = origin_of(settings[URL] or "")
    known = [source for source in (of_environment, of_profile) if source]
    if len(known) > 1 and settings.rank(PROFILE) is Rank.ENVIRONMENT:
        raise ConfigurationError(
            f"Two tokens: {known[0].name} and {known[1].name}, which {PROFILE.environment} "
            "selects. Unset one of the variables, or select the profile with "
            f"{profile_option(settings.profile.name)}."
        )
    able = [source for source in known if source.address in {None, asked}]
    if of_environment in able and settings.rank(URL) is Rank.ENVIRONMENT:
        return of_environment  # address and token come from one place
    if of_profile in able and settings.rank(PROFILE) is Rank.OPTION:
        return of_profile
    if len(able) > 1:
        raise ConfigurationError(
            f"Two tokens: {able[0].name} and {able[1].name}. Unset the variable, or select the "
            f"profile with {profile_option(settings.profile.name)}."
        )
    if known and not able:
        raise ConfigurationError(
            f"The token from {known[0].name} is for {known[0].address or 'no address'}, not for "
            f"{asked} ({settings.origin(URL)}). Use --token-file, or a profile with that address."
        )
    return able[0] if able else None


def find_new_token(settings: Settings) -> Source | None:
    """Return the source of the token to store in a profile; None to prompt for it.

    Raises:
        ConfigurationError: two variables set a token.
    """
    source = _of_option(settings) or _of_environment(settings)
    may = source and source.address in {None, origin_of(settings[URL] or "")}
    return source if may else None


def describe_token(settings: Settings) -> tuple[str, str]:
    """Return whether there is a token, and where it comes from or what is wrong."""
    try:
        source = find_token(settings)
    except ConfigurationError as error:
        return "conflict", str(error)
    return ("set", source.name) if source else ("not set", "")


def advise_on_token(settings: Settings) -> str:
    """Return where a token that was rejected comes from, and how to replace it, as a sentence."""
    source = None
    with contextlib.suppress(ConfigurationError):
        source = find_token(settings)
    if source is None:
        return "Check the API token."
    login = suggest(settings.options(), "login")
    replace = f"{login} stores another" if source.stored else "replace it there"
    return f"The token comes from {source.name}; {replace}."


def _of_option(settings: Settings) -> Source | None:
    if settings.rank(TOKEN_FILE) is not Rank.OPTION:
        return None
    return _of_file(settings, settings[TOKEN_FILE] or "", f"option {TOKEN_FILE.option}", None)


def _of_environment(settings: Settings) -> Source | None:
    variables = settings.environ
    token, file = variables.get(TOKEN_VARIABLE), variables.get(TOKEN_FILE.environment)
    if token and file:
        raise ConfigurationError(
            f"{TOKEN_VARIABLE} and {TOKEN_FILE.environment} are both set. Unset one of them."
        )
    url = variables.get(URL.environment)
    address = origin_of(url) if url else None
    if token:
        return Source(f"environment {TOKEN_VARIABLE}", lambda: token, address)
    if file:
        return _of_file(settings, file, f"environment {TOKEN_FILE.environment}", address)
    return None


def _of_profile(settings: Settings) -> Source | None:
    profile = settings.profile
    if not profile.values:
        return None
    address = origin_of(str(profile.values.get(URL.name, "")))
    where = f"profile {profile.name}"
    if file := settings.of_profile(TOKEN_FILE):
        return _of_file(settings, file, where, address)._replace(stored=True)
    if command := settings.of_profile(TOKEN_COMMAND):
        limit = min(settings[TIMEOUT], settings[MAX_TIME])
        return Source(f"token_command ({where})", lambda: _run(command, limit), address)
    if settings.of_profile(TOKEN_KEYRING):
        ask = partial(_ask_keyring, address, settings)
        return Source(f"the keyring ({where})", ask, address, stored=True)
    return None


def _of_file(settings: Settings, file: str, where: str, address: str | None) -> Source:
    limit = settings[MAX_TIME]
    return Source(f"file '{file}' ({where})", lambda: _read(file, limit), address, file)


def origin_of(url: str) -> str:
    """Return the address of a URL for comparison; an invalid URL as it is."""
    try:
        return parse_address(url, allow_insecure_http=True).origin
    except ConfigurationError:
        return url


def loose_file(settings: Settings) -> str | None:
    """Return the token's file if others can read it.

    A credential of systemd is not meant: it has an access control list, which its mode shows as if
    a group could read it.
    """
    source = find_token(settings)
    if source is None or source.file in {None, "-"}:
        return None
    if _is_credential(source.file or "", settings.environ.get("CREDENTIALS_DIRECTORY")):
        return None
    with contextlib.suppress(OSError):
        mode = Path(source.file or "").stat().st_mode
        if stat.S_ISREG(mode) and mode & LOOSE_FOR_TOKENS:
            return source.file
    return None


def _is_credential(file: str, folder: str | None) -> bool:
    """Tell whether a file is below the folder in which systemd puts a service's credentials."""
    return bool(folder) and Path(file).resolve().is_relative_to(Path(folder or "").resolve())


def _read(file: str, limit: float) -> str:
    try:
        content = in_time_limit(file, lambda: read_bytes(file), limit)
    except ValueError as error:
        raise ConfigurationError(f"No API token: {error}.") from None
    return _without_newline(content)


def _without_newline(content: bytes) -> str:
    line = content.removesuffix(b"\n").removesuffix(b"\r") if content.endswith(b"\n") else content
    return line.decode("latin-1")


def _run(command: Sequence[str], limit: float) -> str:
    from .token_command import run

    first, _, _ = run(command, limit).partition(b"\n")  # `pass` adds lines after the password
    return _without_newline(first + b"\n")


def _ask_keyring(url: str, settings: Settings) -> str:
    from .token_keyring import read

    return read(url, settings[MAX_TIME], suggest(settings.options(), "login"))
