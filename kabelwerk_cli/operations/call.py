"""A call: an operation of the API as a value.

One run sends it, a batch journals and sends thousands, a preview prints it, the log names it, and
the retry rules read it; none of them needs to know which operation it is.
"""

from collections.abc import Callable, Mapping
from enum import Enum
from types import NoneType
from typing import Any, Generic, NamedTuple, TypeVar, get_args

from .models import Effect, Record

R = TypeVar("R")

ABSENT_EFFECT: Effect = "absent"
"""The effect for a subject that was to be deleted and did not exist."""


class Reason(Enum):
    """Why another call is sent instead."""

    MISSING = "the user does not exist"
    TAKEN = "the key is taken, or it is unknown whether the user was created"


class Fallback(NamedTuple):
    """The call to send if the one before it is rejected for a certain reason."""

    when: Reason
    call: "Call[Any]"


def _as_answered(answered: Any, _: str) -> Any:
    return answered


def record_of(build: Callable[..., Any]) -> Any:
    """Return the type of the record that a function's call returns; None if it returns none."""
    (record,) = get_args(build.__annotations__["return"])
    return None if record is NoneType else record


class Call(NamedTuple, Generic[R]):
    """One operation of the API and all that is known about it; `R` is what it returns."""

    name: str
    """The operation's name in the reference."""
    method: str
    """The HTTP method."""
    segments: tuple[str, ...]
    """The path below the API's address, its segments not yet percent-encoded."""
    name_subject: "Callable[[Call[Any]], str]"
    """Returns the subject; few calls are ever asked for it."""
    effect: Effect
    """What happens to the subject."""
    explain_missing: "Callable[[Call[Any]], str]"
    """Returns what a 404 means."""
    key: str
    """The key of the user, or of the room's user."""
    target: tuple[str, ...]
    """What calls are kept in order for: a user, or a room in a hub."""
    body: Mapping[str, Any] | None = None
    """The JSON object to send."""
    answer: type[Record] | None = None
    """The record in the answer's body; None if a success has no body."""
    expects: tuple[tuple[str, Any], ...] = ()
    """What the answer must show for the call to count as done: field and value, a user by key."""
    repeatable: bool = True
    """Whether doing it twice is the same as doing it once."""
    absence_suffices: bool = False
    """Whether a subject that does not exist counts as a success."""
    otherwise: Fallback | None = None
    """The call to send instead if this one is rejected for a certain reason."""
    unused: str = ""
    """What was requested and this call does not send, in words; another call of the same operation
    does."""
    complete: Callable[[Any, Any], R] = _as_answered
    """Makes the record that is returned, from the answer's and the effect."""

    @property
    def subject(self) -> str:
        """What the call is about, in words that fit into a sentence."""
        return self.name_subject(self)

    @property
    def missing(self) -> str:
        """What a 404 means, as a sentence."""
        return self.explain_missing(self)

    @property
    def path(self) -> str:
        """The path below the API's address, each segment percent-encoded."""
        from urllib.parse import quote

        return "".join("/" + quote(segment, safe="") for segment in self.segments)

    @property
    def deletes(self) -> bool:
        """Whether the subject is gone once the call is done."""
        return self.method == "DELETE"

    @property
    def creates_user(self) -> bool:
        """Whether it is about a user who must not exist yet."""
        return self.segments == ("users",)

    def content(self) -> bytes | None:
        """Return the body in bytes; None if the call has none."""
        if self.body is None:
            return None
        import json

        return json.dumps(self.body, separators=(",", ":"), allow_nan=False).encode()

    def steps(self) -> "tuple[Call[Any], ...]":
        """Return this call, and each that may be sent instead of the one before it."""
        return (self, *self.otherwise.call.steps()) if self.otherwise else (self,)

    def swapped(self) -> "Call[Any]":
        """Return the call that begins with this one's alternative, and falls back to this one.

        Update, otherwise create, becomes create, otherwise update. A call without an alternative
        stays as it is.
        """
        if self.otherwise is None:
            return self
        when = Reason.MISSING if self.otherwise.when is Reason.TAKEN else Reason.TAKEN
        back = Fallback(when, self._replace(otherwise=None))
        return self.otherwise.call._replace(otherwise=back)
