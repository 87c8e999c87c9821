"""The API token in the system keyring, through the optional package keyring."""

from collections.abc import Callable
from typing import Any, TypeVar

from kabelwerk_cli.errors import ConfigurationError
from kabelwerk_cli.network.time_limit import in_time

T = TypeVar("T")

SERVICE = "kabelwerk"


def read(url: str, limit: float, login: str) -> str:
    """Return the token for an address.

    Args:
        url: the address.
        limit: time limit in seconds.
        login: the command that stores one, for the error.

    Raises:
        ConfigurationError: there is none, or the keyring cannot be read in time.
    """
    token = _ask("read", limit, lambda keyring: keyring.get_password(SERVICE, url))
    if token is None:
        raise ConfigurationError(f"The keyring has no token for '{url}'. Run {login} to store it.")
    return str(token)


def store(url: str, token: str, limit: float) -> bool:
    """Store the token for an address; return whether there is a keyring that takes it."""

    def put(keyring: Any) -> bool:
        if keyring.get_keyring().priority <= 0:  # keyring's placeholders for no keyring
            return False
        keyring.set_password(SERVICE, url, token)
        return True

    try:
        return _ask("change", limit, put)
    except ConfigurationError:
        return False


def forget(url: str, limit: float) -> None:
    """Delete the token for an address, if there is one.

    Raises:
        ConfigurationError: the keyring cannot be changed in time.
    """

    def delete(keyring: Any) -> None:
        if keyring.get_password(SERVICE, url) is not None:
            keyring.delete_password(SERVICE, url)

    _ask("change", limit, delete)


def _ask(action: str, limit: float, ask: Callable[[Any], T]) -> T:
    """Call the keyring, which may wait for a person to unlock it, and may raise anything."""
    try:
        import keyring
        import keyring.errors
    except ImportError:
        raise ConfigurationError(
            "The module keyring is not installed. Install 'kabelwerk-cli[keyring]'."
        ) from None
    try:
        return in_time(lambda: ask(keyring), limit)
    except TimeoutError:
        reason = f"it did not answer within {limit:g} s"
    except keyring.errors.NoKeyringError:
        reason = "there is none on this machine"
    except keyring.errors.KeyringLocked:
        reason = "it is locked"
    except Exception:  # noqa: BLE001 - its text may have the token
        reason = "it failed"
    raise ConfigurationError(f"Cannot {action} the keyring: {reason}.")
