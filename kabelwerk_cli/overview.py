"""The settings in force, for `config show`."""

from typing import Any, NamedTuple

from .console import Console, Listing
from .credentials import token_source
from .settings import CONFIG, SETTINGS, TOKEN_COMMAND, URL, Setting, Settings


class Row(NamedTuple):
    """A setting, its value, and where it came from."""

    setting: str
    value: str
    origin: str


def show(settings: Settings, console: Console) -> None:
    """Show each setting. Of the token only where it is."""
    rows = [Row(row.name, _shown(settings, row), settings.origin(row)) for row in SETTINGS]
    source = token_source(settings)
    rows.append(Row("api_token", "set" if source else "not set", source.name if source else ""))
    console.show(Listing(Row, rows))


def _shown(settings: Settings, row: Setting[Any]) -> str:
    value = settings.profile.path if row is CONFIG else settings[row]
    if row is URL and "@" in (value or ""):
        return "(hidden: it has a user name or password in it)"
    if isinstance(value, bool):
        return str(value).lower()
    if row is TOKEN_COMMAND:
        return value[0] if value else ""  # its arguments may be secrets
    if isinstance(value, tuple):
        return ",".join(value)
    return "" if value is None else str(value)
