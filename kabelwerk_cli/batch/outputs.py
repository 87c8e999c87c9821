"""Checks that the files a batch writes differ from each other and from its input."""

import itertools
import os
from collections.abc import Mapping

from .files import BadFile, RowFile


def check_outputs(
    file: RowFile, made: Mapping[str, str | None], log: tuple[str, str | None]
) -> None:
    """Refuse to overwrite the input, another output, a device or a folder.

    Args:
        file: the input.
        made: the files that are created, by option; None for an option that is not given.
        log: the option of the log file, and its value.

    Raises:
        BadFile: one of them cannot be used.
    """
    given = {option: path for option, path in (*made.items(), log) if path}
    for option, path in given.items():
        if file.is_same(path):
            raise BadFile(f"{option} and --from name the same file.")
        if option in made and os.path.exists(path) and not os.path.isfile(path):  # noqa: PTH110, PTH113
            raise BadFile(f"{option} '{path}' is not a regular file.")
    for (option, path), (other, its) in itertools.combinations(given.items(), 2):
        if _are_same(path, its):
            raise BadFile(f"{option} and {other} name the same file.")


def _are_same(path: str, other: str) -> bool:
    if os.path.exists(path) and os.path.exists(other):  # noqa: PTH110
        return os.path.samefile(path, other)  # noqa: PTH121
    return os.path.realpath(path) == os.path.realpath(other)
