"""Login and logout: storing and removing the URL and the API token of a profile."""

import contextlib
import fcntl
import hashlib
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import click
import tomlkit

from kabelwerk_cli.config import token_keyring
from kabelwerk_cli.config.profiles import DEFAULT_NAME, no_home, parse_config, read_config
from kabelwerk_cli.config.resolve import Settings
from kabelwerk_cli.config.settings import CONFIG, MAX_TIME, PROFILE, TOKEN_FILE, URL, Rank
from kabelwerk_cli.config.token import find_new_token, origin_of
from kabelwerk_cli.errors import Cancelled, ConfigurationError, InvalidInput
from kabelwerk_cli.files import check_replaceable, write_private
from kabelwerk_cli.network.token import check_token
from kabelwerk_cli.terminal.console import Console, write_stderr
from kabelwerk_cli.terminal.session import Session
from kabelwerk_cli.terminal.signals import raised_signal, terminal_is_closed

from .backends import network_address
from .probe import probe
from .request_log import observer

TOKEN_KEYS = ("token_file", "token_command", "token_keyring")


def login(session: Session) -> None:
    """Prompt for what is missing, check it against the backend, and store it.

    Raises:
        ConfigurationError: the URL or the token is missing, or they cannot be stored.
        KabelwerkError: the backend rejects them. Nothing is stored.
    """
    settings, console, run_record = session
    path = settings.profile.path
    name = settings[PROFILE] or settings.profile.name or DEFAULT_NAME
    _check_name(name)
    # before prompting: what cannot be read must not be overwritten, nor what is not a regular file
    _document(path)
    check_replaceable(_token_path(path, name))
    settings = settings.with_option(URL, settings[URL] or _ask(console, "URL", click.prompt))
    address = network_address(settings)
    token = _new_token(settings, console)
    probe(settings, token, run_record, observer(session))
    with _locked(path):
        document = _document(path)
        in_keyring = token_keyring.store(address.origin, token, settings[MAX_TIME])
        where = _store(document, path, name, address.origin, None if in_keyring else token)
        _write(path, document)
    console.note(
        f"Logged in to {address.origin}. The token is stored in {where}, profile '{name}' in "
        f"'{path}'."
    )


def _store(document: Any, path: str, name: str, url: str, token: str | None) -> str:
    """Store the URL and the token in a profile; return where the token is, in words.

    Args:
        document: the configuration, which is changed.
        path: its file.
        name: the profile.
        url: the address.
        token: what to store in a file; None if the keyring has it.
    """
    profile = _table(_table(document, "profiles"), name)
    for key in TOKEN_KEYS:
        profile.pop(key, None)
    profile["url"] = url
    document.setdefault("profile", name)
    if token is None:
        profile["token_keyring"] = True
        return "the keyring"
    file = _token_path(path, name)
    write_private(file, f"{token}\n")
    # relative to the configuration, so that the folder can be moved
    profile["token_file"] = str(file.relative_to(_folder(path)))
    return f"'{file}'"


def logout(session: Session) -> None:
    """Remove the token of a profile.

    Raises:
        ConfigurationError: the profile does not exist or cannot be changed.
    """
    settings, console, _ = session
    path, name = settings.profile.path, settings.profile.name
    if not path:
        raise no_home(f"{CONFIG.option} FILE")
    if not name:
        raise ConfigurationError(f"No profile to log out of in '{path}'.")
    check_replaceable(path)
    with _locked(path):
        document = _document(path)
        profile = document["profiles"][name]
        if not any(key in profile for key in TOKEN_KEYS):
            console.note(f"Profile '{name}' has no token.")
            return
        if profile.get("token_keyring"):
            token_keyring.forget(origin_of(profile.get("url", "")), settings[MAX_TIME])
        kept = _remove_file(path, name, profile.get("token_file"))
        for key in TOKEN_KEYS:
            profile.pop(key, None)
        _write(path, document)
    console.note(f"Removed the token from profile '{name}'.{kept}")


def _remove_file(path: str, name: str, file: str | None) -> str:
    """Remove a token file that login created; return a note about any other."""
    if file is None:
        return ""
    own = _token_path(path, name)
    earlier = own.parent / quote(name, safe="")  # the name that earlier versions gave it
    found = _folder(path) / file
    if found != own and (found != earlier or found.is_dir()):
        return f" Kept the file '{file}', which was not created by login."
    found.unlink(missing_ok=True)
    return ""


@contextlib.contextmanager
def _locked(path: str) -> Iterator[None]:
    """Let other logins wait while the configuration is changed.

    Raises:
        ConfigurationError: its folder cannot be written.
    """
    try:
        _folder(path).mkdir(parents=True, exist_ok=True, mode=0o700)
        folder = os.open(_folder(path), os.O_RDONLY)
    except OSError as error:
        raise ConfigurationError(f"Cannot write '{path}': {error.strerror}.") from None
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def _new_token(settings: Settings, console: Console) -> str:
    if source := find_new_token(settings):
        if settings.rank(TOKEN_FILE) is not Rank.OPTION:  # not named in this command
            console.note(f"Using the API token from {source.name}.")
        return check_token(source.read(), source.name)

    def hidden(text: str, **how: Any) -> Any:
        return click.prompt(text, hide_input=True, **how)

    return check_token(str(_ask(console, "API token", hidden)), "the prompt")


def _ask(console: Console, what: str, prompt: Callable[..., Any]) -> Any:
    if reason := console.cannot_ask:
        raise ConfigurationError(
            f"No {what}. {reason} Use --url URL and --token-file FILE ('-' for stdin)."
        )
    try:
        return prompt(what, err=True)
    except click.Abort as error:
        # click raises it for Ctrl-C and for the end of the input
        # without a terminal, `getpass` makes another error of a signal
        terminal_is_closed()
        signal = raised_signal() or error.__context__
        if isinstance(signal, KeyboardInterrupt):
            if prompt is click.prompt:
                write_stderr("")  # after hidden input, click ends the line
            raise signal from None
        raise Cancelled(f"No {what}.") from None


def _token_path(config: str, name: str) -> Path:
    """Return the file for the token of a profile.

    Each profile has its own, also where file names are the same in upper and lower case. It is
    never a hidden file, `.` or `..`, and never has a name that is too long.
    """
    plain = re.fullmatch("[a-z0-9_-][a-z0-9._-]{0,99}", name)
    file = name if plain else f"%{hashlib.sha256(name.encode()).hexdigest()}"
    return _folder(config) / "tokens" / file


def _check_name(name: str) -> None:
    try:
        name.encode()
    except UnicodeEncodeError:
        raise InvalidInput(PROFILE.name, "is not valid UTF-8") from None


def _folder(config: str) -> Path:
    return Path(config).absolute().parent


def _document(path: str) -> Any:
    """Return the configuration as a document that keeps comments and order."""
    text = read_config(path, MAX_TIME.default) or ""
    parse_config(path, text)
    return tomlkit.parse(text)


def _table(parent: Any, name: str) -> Any:
    if name not in parent:
        parent[name] = tomlkit.table(is_super_table=name == "profiles")
    return parent[name]


def _write(path: str, document: Any) -> None:
    write_private(Path(path), tomlkit.dumps(document))
