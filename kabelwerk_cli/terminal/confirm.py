"""Confirmation of changes that cannot be undone."""

from collections.abc import Sequence

from kabelwerk_cli.config.settings import PROFILE, PROTECTED, Rank
from kabelwerk_cli.config.suggestions import profile_option
from kabelwerk_cli.errors import Cancelled

from .session import Session


def confirm(
    session: Session,
    question: str,
    *,
    yes: bool,
    answer: str = "y",
    details: Sequence[str] = (),
) -> None:
    """Ask for confirmation, unless `--yes` was given.

    Args:
        session: has the console and the current profile.
        question: what to ask.
        yes: whether `--yes` was given.
        answer: what to type to confirm.
        details: lines to show before the question.

    Raises:
        Cancelled: the change was not confirmed.
    """
    check_protection(session, yes=yes)
    if not yes:
        session.console.confirm(question, answer, details)


def check_protection(session: Session, *, yes: bool) -> None:
    """Require `--profile` on the command line if the profile is protected.

    Where it is not possible to prompt, `--yes` is required as well.

    Raises:
        Cancelled: one of them is missing.
    """
    settings = session.settings
    if not settings[PROTECTED]:
        return
    named, asks = settings.rank(PROFILE) is Rank.OPTION, not session.console.cannot_ask
    if named and (yes or asks):
        return
    profile = settings.profile.name
    options = profile_option(profile)
    if not asks:
        options = f"--yes {options}"
    raise Cancelled(f"Profile '{profile}' is protected. Use {options} to confirm.")


def is_protected(session: Session) -> bool:
    """Tell whether to ask for confirmation of whatever is sent from a file."""
    return bool(session.settings[PROTECTED])
