"""Asking before something is changed that cannot be undone."""

from kabelwerk_cli.config.settings import PROFILE, PROTECTED, Rank

from .exit_codes import Cancelled
from .session import Session


def confirm(session: Session, question: str, *, yes: bool, answer: str = "y") -> None:
    """Ask for confirmation, unless it was given.

    Args:
        session: whom to ask, and which profile is in force.
        question: what to ask.
        yes: whether `--yes` was given.
        answer: what has to be typed.

    Raises:
        Cancelled: it was not confirmed.
    """
    check_protection(session, yes=yes)
    if not yes:
        session.console.confirm(question, answer)


def check_protection(session: Session, *, yes: bool) -> None:
    """Require that a protected profile is named on the command line, together with `--yes`.

    Raises:
        Cancelled: it is not.
    """
    settings = session.settings
    named = settings.rank(PROFILE) is Rank.OPTION
    if settings[PROTECTED] and not (yes and named):
        profile = settings.profile.name
        raise Cancelled(
            f"Profile '{profile}' is protected. Use --yes --profile {profile} to confirm."
        )
