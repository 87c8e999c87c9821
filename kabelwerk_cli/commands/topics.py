"""What `kabelwerk help TOPIC`, the man pages and docs/help.md say about a topic.

Lists of exit codes and settings are generated from the code; `help` adds the options.
"""

from collections.abc import Sequence

from kabelwerk_cli.cli.help_topics import UNCHANGED
from kabelwerk_cli.config.settings import SETTINGS, TOKEN_VARIABLE, Rank
from kabelwerk_cli.terminal.exit_codes import ExitCode

from . import topic_texts
from .topic_texts import Section

WIDTH = 78


def sections(name: str) -> Sequence[Section]:
    """Return the sections of a topic, one of `TOPICS`."""
    if name == "environment":
        return environment()
    first = [Section("", exit_code_table())] if name == "exit-codes" else []
    return [*first, *topic_texts.TEXTS[name]]


def topic_prose(name: str) -> str:
    """Return the sections of a topic, each below its title."""
    parts = [(f"{title}:" if title else "", text) for title, text in sections(name)]
    return "\n\n".join(part for pair in parts for part in pair if part)


def exit_code_table() -> str:
    """Return the exit codes with their meanings."""
    rows = [f"{code.value:>3}  {code.meaning}" for code in ExitCode]
    return "\n".join([*rows, "", UNCHANGED])


def variables() -> list[tuple[str, str]]:
    """Return the environment variables with their meanings."""
    rows = [(TOKEN_VARIABLE, "The API token.")]
    rows += [(row.environment, row.help) for row in SETTINGS if Rank.ENVIRONMENT in row.sources]
    rows += [
        ("NO_COLOR", "Disable color."),
        ("FORCE_COLOR", "Use color even if the output is not a terminal."),
        ("TERM", "If 'dumb', use no color, no frames and no progress bar."),
        ("COLUMNS", "Width of tables and help text on a terminal."),
        ("PAGER", "Shows help that is longer than the terminal; empty for none. [default: less]"),
        (
            "SSL_CERT_FILE",
            "CA certificates to trust; also REQUESTS_CA_BUNDLE. --ca-file overrides.",
        ),
        (
            "HTTPS_PROXY",
            "HTTP proxy for https, except to loopback addresses; also ALL_PROXY, NO_PROXY.",
        ),
    ]
    return rows


def environment() -> Sequence[Section]:
    """Return the topic on environment variables."""
    rows = variables()
    width = max(len(name) for name, _ in rows) + 2
    table = [line for name, text in rows for line in _wrap(f"{name:<{width}}{text}", width)]
    intro = _wrap(
        "An option overrides a profile named with --profile, which overrides the environment, "
        "which overrides any other profile, which overrides the default. A token is sent to its "
        "own URL only: a profile's token to the profile's URL, a token from the environment to "
        "KABELWERK_URL if that is set. 'kabelwerk config show' prints each value and where it "
        "comes from.",
    )
    return [Section("", "\n".join(intro)), Section("Variables", "\n".join(table))]


def _wrap(text: str, indent: int = 0) -> list[str]:
    import textwrap

    return textwrap.wrap(text, WIDTH, subsequent_indent=" " * indent, break_on_hyphens=False)
