"""Where the API token comes from. It is never an option's value: process lists show those."""

import contextlib
import stat
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from kabelwerk_cli.api.errors import ConfigurationError
from kabelwerk_cli.api.url import parse_address

from .files import read_bytes
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

LOOSE_FOR_TOKENS = 0o077
KEYRING_SERVICE = "kabelwerk"


class Source(NamedTuple):
    """A place that has a token."""

    name: str
    """What it is called in a sentence."""
    read: Callable[[], str]
    """Gets the token; raises ConfigurationError."""
    address: str | None
    """The address that the token is for; None for any."""
    file: str | None = None
    """The file that it is in, if it is in a file."""


def read_token(settings: Settings) -> str:
    """Return the API token.

    Raises:
        ConfigurationError: there is none for the address in force, or it cannot be one; the message
            does not repeat it.
    """
    source = find_token(settings)
    if source is None:
        raise ConfigurationError(
            f"No API token. Set {TOKEN_VARIABLE}, use --token-file FILE, or run 'kabelwerk login'."
        )
    return check_token(source.read(), source.name)


def find_token(settings: Settings) -> Source | None:
    """Return where to take the token for the address in force from, without taking it.

    A token goes to its own address only: that of a profile to the profile's, one of the environment
    to `KABELWERK_URL`, if that is set. `--token-file` wins over all.

    Raises:
        ConfigurationError: two tokens would do, or none that there is may go to this address.
    """
    if given := _of_option(settings):
        return given
    of_environment, of_profile = _of_environment(settings), _of_profile(settings)
    asked = _origin(settings[URL] or "")
    known = [source for source in (of_environment, of_profile) if source]
    able = [source for source in known if source.address in {None, asked}]
    if of_profile in able and settings.rank(PROFILE) is Rank.OPTION:
        return of_profile
    if len(able) > 1:
        raise ConfigurationError(
            f"Two tokens: {able[0].name} and {able[1].name}. Unset the variable, or choose the "
            f"profile with --profile {settings.profile.name}."
        )
    if known and not able:
        raise ConfigurationError(
            f"The token of {known[0].name} is for {known[0].address or 'no address'}, not for "
            f"{asked} ({settings.origin(URL)}). Use --token-file, or the profile of that address."
        )
    return able[0] if able else None


def find_new_token(settings: Settings) -> Source | None:
    """Return where to take the token from that a profile is to have; None for a prompt.

    Raises:
        ConfigurationError: two variables have one.
    """
    source = _of_option(settings) or _of_environment(settings)
    may = source and source.address in {None, _origin(settings[URL] or "")}
    return source if may else None


def describe_token(settings: Settings) -> tuple[str, str]:
    """Return whether there is a token, and where it comes from or what is wrong with it."""
    try:
        source = find_token(settings)
    except ConfigurationError as error:
        return "conflict", str(error)
    return ("set", source.name) if source else ("not set", "")


def _of_option(settings: Settings) -> Source | None:
    if settings.rank(TOKEN_FILE) is not Rank.OPTION:
        return None
    return _of_file(settings[TOKEN_FILE] or "", f"option {TOKEN_FILE.option}", None)


def _of_environment(settings: Settings) -> Source | None:
    variables = settings.environ
    token, file = variables.get(TOKEN_VARIABLE), variables.get(TOKEN_FILE.environment)
    if token and file:
        raise ConfigurationError(
            f"{TOKEN_VARIABLE} and {TOKEN_FILE.environment} are both set. Unset one of them."
        )
    url = variables.get(URL.environment)
    address = _origin(url) if url else None
    if token:
        return Source(f"environment {TOKEN_VARIABLE}", lambda: token, address)
    return _of_file(file, f"environment {TOKEN_FILE.environment}", address) if file else None


def _of_profile(settings: Settings) -> Source | None:
    profile = settings.profile
    address = _origin(str(profile.values.get(URL.name, "")))
    where = f"profile {profile.name}"
    if file := settings.of_profile(TOKEN_FILE):
        return _of_file(file, where, address)
    if command := settings.of_profile(TOKEN_COMMAND):
        limit = min(settings[TIMEOUT], settings[MAX_TIME])
        return Source(f"token_command ({where})", lambda: _run(command, limit), address)
    if settings.of_profile(TOKEN_KEYRING):
        return Source(f"the keyring ({where})", lambda: _ask_keyring(address), address)
    return None


def _of_file(file: str, where: str, address: str | None) -> Source:
    return Source(f"file '{file}' ({where})", lambda: _read(file), address, file)


def _origin(url: str) -> str:
    """Return an address as it is compared; what is none is compared as it is."""
    try:
        return parse_address(url, allow_insecure_http=True).origin
    except ConfigurationError:
        return url


def loose_file(settings: Settings) -> str | None:
    """Return the token's file if others can read it."""
    source = find_token(settings)
    if source is None or source.file in {None, "-"}:
        return None
    path = Path(source.file or "")
    with contextlib.suppress(OSError):
        mode = path.stat().st_mode
        if stat.S_ISREG(mode) and mode & LOOSE_FOR_TOKENS:
            return str(path)
    return None


def check_token(token: str, source: str) -> str:
    """Return `token`, which must be visible ASCII, as a header's value must.

    Raises:
        ConfigurationError: it is not; the text names `source` and not the token.
    """
    if not token:
        raise ConfigurationError(f"The API token from {source} is empty.")
    if not all("!" <= character <= "~" for character in token):
        raise ConfigurationError(
            f"The API token from {source} has spaces, line breaks or characters that are not "
            "ASCII; it must be one word."
        )
    return token


def _read(file: str) -> str:
    try:
        content = read_bytes(file)
    except ValueError as error:
        raise ConfigurationError(f"The API token: {error}.") from None
    return _without_newline(content)


def _without_newline(content: bytes) -> str:
    line = content.removesuffix(b"\n").removesuffix(b"\r") if content.endswith(b"\n") else content
    return line.decode("latin-1")


def _run(command: Sequence[str], limit: float) -> str:
    from .token_command import run

    return _without_newline(run(command, limit))


def _ask_keyring(url: str) -> str:
    keyring = import_keyring()
    try:
        token = keyring.get_password(KEYRING_SERVICE, url)
    except keyring.errors.KeyringError as error:
        reason = type(error).__name__
        raise ConfigurationError(f"The keyring cannot be read ({reason}).") from None
    if token is None:
        raise ConfigurationError(
            f"The keyring has no token for '{url}'; 'kabelwerk login' puts it there."
        )
    return str(token)


def import_keyring() -> Any:
    """Return the module keyring, which comes with an extra.

    Raises:
        ConfigurationError: it is not installed.
    """
    try:
        import keyring
        import keyring.errors
    except ImportError:
        raise ConfigurationError(
            "The keyring needs the module keyring; install 'kabelwerk-cli[keyring]'."
        ) from None
    return keyring
