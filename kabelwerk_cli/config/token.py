"""Where the API token comes from. It is never an option's value: process lists show those."""

import contextlib
import stat
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from kabelwerk_cli.api.errors import ConfigurationError
from kabelwerk_cli.api.url import parse_address

from .files import read_bytes
from .settings import (
    TIMEOUT,
    TOKEN_COMMAND,
    TOKEN_FILE,
    TOKEN_KEYRING,
    TOKEN_VARIABLE,
    URL,
    Rank,
    Settings,
)

LOOSE_FOR_TOKENS = 0o077
KEYRING_SERVICE = "kabelwerk"


class Source(NamedTuple):
    """A place that has the token."""

    name: str
    """What it is called in a sentence."""
    read: Callable[[], str]
    """Gets the token; raises ConfigurationError."""
    of_profile: bool
    """Whether the token is one for the profile's URL only."""
    file: str | None = None
    """The file that it stands in, if it is a file."""


def read_token(settings: Settings) -> str:
    """Return the API token.

    Raises:
        ConfigurationError: there is none, or it cannot be one; the text does not repeat it.
    """
    source = token_source(settings)
    if source is None:
        raise ConfigurationError(
            f"There is no API token. Set {TOKEN_VARIABLE}, use --token-file FILE, or run "
            "'kabelwerk login'."
        )
    if source.of_profile:
        _check_addressee(settings)
    return check_token(source.read(), source.name)


def _check_addressee(settings: Settings) -> None:
    """Refuse to give a profile's token to another backend than the profile's."""
    own = settings.profile.values.get(URL.name)
    if own is None or settings.rank(URL) is Rank.PROFILE:
        return
    asked = parse_address(settings[URL] or "", allow_insecure_http=True).origin
    known = parse_address(own, allow_insecure_http=True).origin
    if asked != known:
        raise ConfigurationError(
            f"The token of the profile '{settings.profile.name}' is for {known}, and the URL is "
            f"{asked} ({settings.origin(URL)}). Name that one's token with --token-file or "
            f"{TOKEN_VARIABLE}, or use its profile."
        )


def token_source(settings: Settings) -> Source | None:
    """Return where the token is to be taken from, without taking it.

    `--token-file` wins over `KABELWERK_API_TOKEN`, that over `KABELWERK_API_TOKEN_FILE`, and that
    over the profile's `token_file`, `token_command` and `token_keyring`.
    """
    file = settings[TOKEN_FILE]
    token = settings.environ.get(TOKEN_VARIABLE)
    if token and settings.rank(TOKEN_FILE) is not Rank.OPTION:
        return Source(f"environment {TOKEN_VARIABLE}", lambda: token, of_profile=False)
    if file is not None:
        of_profile = settings.rank(TOKEN_FILE) is Rank.PROFILE
        name = f"file '{file}' ({settings.origin(TOKEN_FILE)})"
        return Source(name, lambda: _read(file), of_profile, file)
    where = settings.origin(TOKEN_COMMAND)
    if command := settings[TOKEN_COMMAND]:
        limit = settings[TIMEOUT]
        return Source(f"token_command ({where})", lambda: _run(command, limit), of_profile=True)
    if settings[TOKEN_KEYRING]:
        where = settings.origin(TOKEN_KEYRING)
        url = settings[URL] or ""  # the keyring itself keeps tokens apart by this
        return Source(f"the keyring ({where})", lambda: _ask_keyring(url), of_profile=False)
    return None


def loose_file(settings: Settings) -> str | None:
    """Return the token's file if others may read it."""
    source = token_source(settings)
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
