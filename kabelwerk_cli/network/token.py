"""The API token: which strings can be one, and how it stays hidden."""

from kabelwerk_cli.errors import ConfigurationError


class Token(str):
    """An API token. Its `repr` hides it, in a traceback that shows variables, too."""

    __slots__ = ()

    def __repr__(self) -> str:
        return "'***'"


def check_token(token: str, source: str) -> Token:
    """Return `token` if it is visible ASCII, as the value of a header must be, and not in quotes.

    Raises:
        ConfigurationError: it is not. The message names `source`, not the token.
    """
    token = Token(token)
    if not token:
        raise ConfigurationError(f"The API token from {source} is empty.")
    if not is_visible_ascii(token):
        raise ConfigurationError(
            f"The API token from {source} contains spaces, line breaks or non-ASCII characters."
        )
    if token[0] in "\"'" and token[-1] == token[0]:
        # Docker's --env-file and systemd credentials keep the quotes that a shell would remove
        raise ConfigurationError(f"The API token from {source} is in quotation marks. Remove them.")
    return token


def is_visible_ascii(text: str) -> bool:
    """Return whether a header's value may be `text`."""
    return all("!" <= character <= "~" for character in text)
