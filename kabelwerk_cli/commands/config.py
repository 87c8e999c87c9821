"""`kabelwerk login`, `logout` and `config show`: stored settings and tokens."""

from typing import Any, NamedTuple

import click

from kabelwerk_cli.cli.command import ActionCommand
from kabelwerk_cli.cli.described import Group
from kabelwerk_cli.config.profiles import DEFAULT_NAME
from kabelwerk_cli.config.resolve import Settings
from kabelwerk_cli.config.settings import (
    CA_FILE,
    CONFIG,
    PROFILE,
    SANDBOX,
    SETTINGS,
    TOKEN_COMMAND,
    URL,
    Setting,
)
from kabelwerk_cli.terminal.console import Listing
from kabelwerk_cli.terminal.session import Session


@click.command(
    cls=ActionCommand,
    makes_profile=True,
    sends=True,
    examples=[
        "kabelwerk login",
        "kabelwerk login --profile staging --url https://staging.kabelwerk.example",
        "kabelwerk login --url https://kabelwerk.example --token-file -",
    ],
)
def login(session: Session) -> None:
    """Check a URL and an API token, and store them in a profile.

    Prompts for what is not given. The token is stored in the system keyring if there is one and the
    extra [keyring] is installed, otherwise in a file that only you can read.
    """
    from kabelwerk_cli.backend.login import login as log_in
    from kabelwerk_cli.cli.completion import how_to_install

    log_in(session)
    if tip := how_to_install(session.settings.environ.get("SHELL", "")):
        session.console.tell(tip)


@click.command(
    cls=ActionCommand, examples=["kabelwerk logout", "kabelwerk logout --profile staging"]
)
def logout(session: Session) -> None:
    """Remove the API token of a profile."""
    from kabelwerk_cli.backend.login import logout as log_out

    log_out(session)


@click.group(cls=Group, examples=["kabelwerk config show"])
def config() -> None:
    """Show the configuration."""


class SettingInForce(NamedTuple):
    """A setting, its value, and where the value comes from."""

    setting: str
    value: str
    origin: str


@config.command(
    cls=ActionCommand,
    shows={"": SettingInForce},
    examples=["kabelwerk config show", "kabelwerk config show -o json"],
)
def show(session: Session) -> None:
    """Show each setting, its value and where it comes from. The token is never shown."""
    from kabelwerk_cli.config.token import describe_token

    session.console.check_fields(SettingInForce)
    settings = session.settings
    rows = [
        _certificates(settings)
        if row is CA_FILE
        else SettingInForce(row.name, _shown(settings, row), _origin(settings, row))
        for row in SETTINGS
    ]
    rows.insert(1, _profiles(settings))
    rows.append(SettingInForce("api_token", *describe_token(settings)))
    session.console.show(Listing(SettingInForce, rows))


def _certificates(settings: Settings) -> SettingInForce:
    """Return which CA certificates are trusted, and what chose them."""
    from kabelwerk_cli.network.trust import named_trust, trust_in_force

    named = named_trust(settings[CA_FILE], settings.origin(CA_FILE), settings.environ)
    path, origin = named or trust_in_force()
    return SettingInForce(CA_FILE.name, path or origin, origin if named else "default")


def _profiles(settings: Settings) -> SettingInForce:
    """Return which profiles there are."""
    known = settings.profile.known
    return SettingInForce("profiles", ", ".join(known), "configuration" if known else "default")


def _origin(settings: Settings, row: Setting[Any]) -> str:
    if row is SANDBOX and _by_url(settings):
        return settings.origin(URL)
    by_file = settings[PROFILE] is None and settings.profile.name not in {"", DEFAULT_NAME}
    return "configuration" if row is PROFILE and by_file else settings.origin(row)


def _by_url(settings: Settings) -> bool:
    """Tell whether it is the URL that selects the sandbox."""
    from kabelwerk_cli.backend.backends import SCHEME

    return not settings[SANDBOX] and (settings[URL] or "").startswith(SCHEME)


def _shown(settings: Settings, row: Setting[Any]) -> str:
    in_force = {CONFIG: settings.profile.path, PROFILE: settings.profile.name or None}
    value = in_force.get(row, settings[row])
    if row is SANDBOX and _by_url(settings):
        return "true"
    if row is URL and "@" in (value or ""):
        return "(hidden: contains a user name or password)"
    if isinstance(value, bool):
        return str(value).lower()
    if row is TOKEN_COMMAND:
        return value[0] if value else ""  # its arguments may be secrets
    if isinstance(value, tuple):
        return ",".join(value)
    return "" if value is None else str(value)
