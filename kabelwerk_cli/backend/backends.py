"""Which backend the settings mean: an address on the network, or the sandbox in this process."""

import contextlib
from pathlib import Path
from typing import NamedTuple
from urllib.parse import unquote

from kabelwerk_cli.config.profiles import Profile, no_home
from kabelwerk_cli.config.resolve import Settings, is_homeless
from kabelwerk_cli.config.settings import ALLOW_INSECURE_HTTP, CA_FILE, SANDBOX, SANDBOX_DB, URL
from kabelwerk_cli.config.suggestions import suggest
from kabelwerk_cli.errors import ConfigurationError
from kabelwerk_cli.network.trust import Trust, trust_in_force
from kabelwerk_cli.network.url import Address, parse_address

SCHEME = "sandbox:"
SERVED_SANDBOX = "http://localhost/api"


class Network(NamedTuple):
    """A backend on the network."""

    address: Address

    @property
    def name(self) -> str:
        """A name that is always the same for one backend."""
        return self.address.origin

    @property
    def base(self) -> str:
        """The URL of the API."""
        return self.address.base


class Sandbox(NamedTuple):
    """The sandbox in this process."""

    path: Path
    """Its database file."""

    @property
    def name(self) -> str:
        """A name that is always the same for one backend."""
        return f"{SCHEME}{self.path.absolute()}"

    @property
    def base(self) -> str:
        """The URL of the API, as if the sandbox were served."""
        return SERVED_SANDBOX


def resolve_backend(settings: Settings) -> Network | Sandbox:
    """Return the backend in the settings.

    Raises:
        ConfigurationError: the URL is missing or unsafe, or both the sandbox and a URL are chosen,
            and neither overrides the other.
    """
    return in_process(settings) or Network(network_address(settings))


def in_process(settings: Settings) -> Sandbox | None:
    """Return the sandbox if the settings choose it; None for a URL, missing or unsafe ones too.

    Raises:
        ConfigurationError: both are chosen.
    """
    url = settings[URL]
    if url and url.startswith(SCHEME):
        return Sandbox(named_sandbox(url) or default_path(settings))
    if not settings[SANDBOX]:
        return None
    if url and settings.rank(URL) >= settings.rank(SANDBOX):
        raise ConfigurationError(
            f"Cannot use both the sandbox ({settings.origin(SANDBOX)}) and '{url}' "
            f"({settings.origin(URL)}). Remove one of them."
        )
    return Sandbox(default_path(settings))


def network_address(settings: Settings) -> Address:
    """Return the address of a backend on the network.

    Raises:
        ConfigurationError: the URL is missing or unsafe.
    """
    url = settings[URL]
    if not url:
        raise ConfigurationError(
            f"No URL. {_advise_on_profiles(settings.profile)} KABELWERK_URL, use --url URL, or "
            f"run {suggest(settings.options(), 'login')}. To try things out, use --sandbox."
        )
    return parse_address(url, allow_insecure_http=settings[ALLOW_INSECURE_HTTP])


def _advise_on_profiles(profile: Profile) -> str:
    others = [name for name in profile.known if name != profile.name]
    if not others:
        return "Set"
    own = f"Profile '{profile.name}' has none. " if profile.name else ""
    return f"{own}Use --profile NAME with one of these profiles: {', '.join(others)}. Or set"


def named_sandbox(url: str) -> Path | None:
    """Return the database file in a URL of the sandbox; None if it names none."""
    path = unquote(url.removeprefix(SCHEME).removeprefix("//"))
    return Path(path) if path else None


def default_path(settings: Settings) -> Path:
    """Return the database file of the sandbox if neither an option nor a URL names one.

    Raises:
        ConfigurationError: it would be in the home folder, and there is none.
    """
    if named := settings[SANDBOX_DB]:
        return Path(named)
    import platformdirs

    folder = None
    with contextlib.suppress(RuntimeError):  # of later versions; earlier ones return `~` as it is
        folder = platformdirs.user_data_path("kabelwerk")
    if folder is None or not folder.is_absolute() or is_homeless("XDG_DATA_HOME"):
        raise no_home(f"{SANDBOX_DB.environment}=FILE")
    return folder / "sandbox.db"


def trust(settings: Settings) -> Trust:
    """Return the source of the CA certificates in force."""
    return trust_in_force(settings[CA_FILE], settings.origin(CA_FILE), settings.environ)


def backend_name(settings: Settings) -> str:
    """Return a name for the backend in the settings that is always the same for one backend.

    Raises:
        ConfigurationError: the URL is missing or unsafe.
    """
    return resolve_backend(settings).name


def backend_and_profile(settings: Settings) -> str:
    """Return the backend and the profile as a confirmation names them.

    Raises:
        ConfigurationError: the URL is missing or unsafe.
    """
    profile = f" (profile '{settings.profile.name}')" if settings.profile.name else ""
    return f"{backend_name(settings)}{profile}"
