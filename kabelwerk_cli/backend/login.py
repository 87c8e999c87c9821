"""Asking for a URL and a token, checking them, and keeping them in a profile; and the reverse."""

from collections.abc import Callable
from pathlib import Path
from typing import Any
from urllib.parse import quote

import click

from kabelwerk_cli.api.errors import ConfigurationError
from kabelwerk_cli.config.files import write_private
from kabelwerk_cli.config.profiles import DEFAULT_NAME, parse_config, read_config
from kabelwerk_cli.config.settings import PROFILE, TOKEN_FILE, TOKEN_VARIABLE, URL, Rank, Settings
from kabelwerk_cli.config.token import KEYRING_SERVICE, check_token, import_keyring, read_token
from kabelwerk_cli.terminal.console import Console
from kabelwerk_cli.terminal.exit_codes import Cancelled
from kabelwerk_cli.terminal.session import Session

from .client import network_address
from .doctor import probe

TOKEN_KEYS = ("token_file", "token_command", "token_keyring")


def login(session: Session) -> None:
    """Ask for what is missing, check it against the backend, and store it.

    Raises:
        ConfigurationError: something is missing and there is nobody to ask, or nothing can be
            stored.
        KabelwerkError: the backend does not accept it; nothing was stored.
    """
    settings, console, _ = session
    path = settings.profile.path
    name = settings[PROFILE] or settings.profile.name or DEFAULT_NAME
    # before anything is asked: a file that cannot be read is not written over
    document = _document(path)
    settings = settings.with_option(URL, settings[URL] or _ask(console, "URL", click.prompt))
    address = network_address(settings)
    token = _token(settings, console)
    probe(settings, token)

    profile = _table(_table(document, "profiles"), name)
    for key in TOKEN_KEYS:
        profile.pop(key, None)
    profile["url"] = address.origin
    if _keep_in_keyring(address.origin, token):
        profile["token_keyring"] = True
        where = "the keyring"
    else:
        file = _token_path(path, name)
        write_private(file, f"{token}\n")
        profile["token_file"] = str(file)
        where = f"'{file}'"
    document.setdefault("profile", name)
    _write(path, document)
    console.note(f"The token is accepted. It is in {where}, the profile '{name}' in '{path}'.")


def logout(session: Session) -> None:
    """Forget the token of a profile.

    Raises:
        ConfigurationError: there is no such profile, or it cannot be changed.
    """
    settings, console, _ = session
    path, name = settings.profile.path, settings.profile.name
    if name and not any(key in settings.profile.values for key in TOKEN_KEYS):
        console.note(f"The profile '{name}' has no token.")
        return
    if not name:
        raise ConfigurationError(f"There is no profile in '{path}' to log out of.")
    document = _document(path)
    profile = document["profiles"][name]
    if profile.get("token_keyring"):
        _forget_in_keyring(profile.get("url", ""))
    # only what login made: other files and programs are the user's own
    if profile.get("token_file") == str(_token_path(path, name)):
        _token_path(path, name).unlink(missing_ok=True)
    for key in TOKEN_KEYS:
        profile.pop(key, None)
    _write(path, document)
    console.note(f"The token of the profile '{name}' is forgotten.")


def _token(settings: Settings, console: Console) -> str:
    # a token of the profile that is being renewed is not taken for the new one
    if settings.rank(TOKEN_FILE) >= Rank.ENVIRONMENT or settings.environ.get(TOKEN_VARIABLE):
        return read_token(settings)

    def hidden(text: str, **how: Any) -> Any:
        return click.prompt(text, hide_input=True, **how)

    return check_token(str(_ask(console, "API token", hidden)), "the prompt")


def _ask(console: Console, what: str, prompt: Callable[..., Any]) -> Any:
    if not console.can_ask:
        raise ConfigurationError(
            f"There is no {what} and nobody to ask; use --url and --token-file FILE ('-': "
            "standard input)."
        )
    try:
        return prompt(what, err=True)
    except click.Abort as error:
        # click's word for both Ctrl-C and the end of input
        if isinstance(error.__context__, KeyboardInterrupt):
            raise KeyboardInterrupt from None
        raise Cancelled(f"There is no {what}. Nothing was kept.") from None


def _keep_in_keyring(url: str, token: str) -> bool:
    """Put the token into the system's keyring; tell whether there is one."""
    try:
        keyring = import_keyring()
    except ConfigurationError:
        return False
    if keyring.get_keyring().priority <= 0:  # keyring's own stand-ins for none at all
        return False
    try:
        keyring.set_password(KEYRING_SERVICE, url, token)
    except keyring.errors.KeyringError:
        return False
    return True


def _forget_in_keyring(url: str) -> None:
    keyring = import_keyring()
    try:
        if keyring.get_password(KEYRING_SERVICE, url) is not None:
            keyring.delete_password(KEYRING_SERVICE, url)
    except keyring.errors.KeyringError as error:
        reason = type(error).__name__
        raise ConfigurationError(f"The keyring cannot be changed ({reason}).") from None


def _token_path(config: str, name: str) -> Path:
    return Path(config).absolute().parent / "tokens" / quote(name, safe="")


def _document(path: str) -> Any:
    """Return the configuration in a form that keeps comments and order."""
    import tomlkit

    text = read_config(path, must_exist=False) or ""
    parse_config(path, text)
    return tomlkit.parse(text)


def _table(parent: Any, name: str) -> Any:
    import tomlkit

    if name not in parent:
        parent[name] = tomlkit.table(is_super_table=name == "profiles")
    return parent[name]


def _write(path: str, document: Any) -> None:
    import tomlkit

    write_private(Path(path), tomlkit.dumps(document))
