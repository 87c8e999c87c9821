"""Confirmation of changes that cannot be undone."""

from collections.abc import Sequence

from kabelwerk_cli.config.settings import PROFILE, PROTECTED, Rank
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
    """Require `--yes` and `--profile` on the command line if the profile is protected.

    Raises:
        Cancelled: one of them is missing.
    """
    settings = session.settings
    named = settings.rank(PROFILE) is Rank.OPTION
    if settings[PROTECTED] and not (yes and named):
        profile = settings.profile.name
        raise Cancelled(
            f"Profile '{profile}' is protected. Use --yes --profile {profile} to confirm."
        )
