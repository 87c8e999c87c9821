"""Reading JSON that every parser reads the same way.

Python's own reader accepts NaN and Infinity, turns a number that is too large into Infinity, and
takes the last of several values for one name. What it returns then is not what was written.
"""

import json
import math
from typing import Any

DEPTH_LIMIT = 100
"""The deepest nesting of JSON, in requests and in answers."""


def too_deep(value: object) -> bool:
    """Tell whether decoded JSON is nested deeper than `DEPTH_LIMIT`."""
    level = [value]
    for _ in range(DEPTH_LIMIT):
        level = [child for parent in level for child in _children(parent)]
        if not level:
            return False
    return True


def _children(value: object) -> list[Any]:
    if isinstance(value, dict):
        return list(value.values())
    return value if isinstance(value, list) else []


class NotJson(ValueError):
    """A text is not unambiguous JSON; the message is a clause without a full stop.

    Attributes:
        name: the name that appears twice. It is not in the message: a server may have sent it.
    """

    def __init__(self, reason: str, name: str = "") -> None:
        super().__init__(reason)
        self.name = name


class Malformed(NotJson):
    """A text is not JSON at all."""


def read_json(text: str) -> Any:
    """Return what a JSON text says.

    Args:
        text: the text; white space around it is ignored.

    Raises:
        NotJson: it is not JSON, has NaN, Infinity or a number too large for one, has a name twice
            in one object, or is nested deeper than `arguments.DEPTH_LIMIT` levels.
    """
    try:
        value = json.loads(
            text,
            parse_constant=_refuse_constant,
            parse_float=_finite,
            object_pairs_hook=_without_duplicates,
        )
    except NotJson:
        raise
    except json.JSONDecodeError as error:
        where = f"line {error.lineno}, column {error.colno}"
        raise Malformed(f"it is not valid JSON ({where})") from None
    except RecursionError:
        raise NotJson(_TOO_DEEP) from None
    except ValueError:  # an integer with more digits than Python reads
        raise NotJson(_TOO_LARGE) from None
    if too_deep(value):
        raise NotJson(_TOO_DEEP)
    return value


_TOO_LARGE = "it contains a number that is too large"
_TOO_DEEP = f"it is nested deeper than {DEPTH_LIMIT} levels"


def _refuse_constant(name: str) -> None:
    raise NotJson(f"it contains {name}, which is not valid JSON")


def _finite(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise NotJson(_TOO_LARGE)
    return number


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name, value in pairs:
        if name in found:
            raise NotJson("a name appears twice in one object", name)
        found[name] = value
    return found
