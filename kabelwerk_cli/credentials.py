"""Where the API token comes from. It is never an option's value: process lists show those."""

from .api.errors import ConfigurationError
from .inputs import read_bytes
from .settings import TOKEN_FILE, TOKEN_VARIABLE, Rank, Settings


def read_token(settings: Settings) -> str:
    """Return the API token.

    `--token-file` wins over `KABELWERK_API_TOKEN`, and that over `KABELWERK_API_TOKEN_FILE`.

    Raises:
        ConfigurationError: there is none, or it cannot be one; the text does not repeat it.
    """
    file = settings[TOKEN_FILE]
    token = settings.environ.get(TOKEN_VARIABLE)
    if token and settings.rank(TOKEN_FILE) is not Rank.OPTION:
        return check_token(token, TOKEN_VARIABLE)
    if file:
        try:
            content = read_bytes(file)
        except ValueError as error:
            raise ConfigurationError(f"The API token: {error}.") from None
        return check_token(_without_newline(content).decode("latin-1"), f"'{file}'")
    raise ConfigurationError(
        f"There is no API token. Set {TOKEN_VARIABLE} or use --token-file FILE."
    )


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


def _without_newline(content: bytes) -> bytes:
    return content.removesuffix(b"\n").removesuffix(b"\r") if content.endswith(b"\n") else content
