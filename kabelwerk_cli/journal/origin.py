"""How a user came into a state, which decides whether a sync may delete them."""

from enum import StrEnum


class Origin(StrEnum):
    """How a user came into the state."""

    CREATED = "created"
    ADOPTED = "adopted"
    FOUND = "found"
    """The user existed before."""
    DOUBTFUL = "doubtful"
    """The user exists, and may have existed before."""
    WANTED = "wanted"
    """The user was to be created; whether the user exists is unknown."""


OWN = frozenset({Origin.CREATED, Origin.ADOPTED})
"""The origins of users that a sync may delete."""


def split(content: str) -> tuple[Origin, str]:
    """Return the origin in the content of a state's entry, and the digests of its values."""
    origin, _, values = content.partition(" ")
    return Origin(origin), values
