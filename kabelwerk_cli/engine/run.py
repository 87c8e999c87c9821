"""What every run does with the files that it reads and writes."""

import itertools
import os
from pathlib import Path

from kabelwerk_cli.config.resolve import Settings
from kabelwerk_cli.config.settings import LOG_FILE
from kabelwerk_cli.tabular.file import BadFile, RowFile
from kabelwerk_cli.terminal.console import Console

from .options import BatchOptions


def open_input(options: BatchOptions, console: Console) -> RowFile:
    """Return the file of rows, and warn of what is strange about it.

    Raises:
        BadFile: it cannot be read, or has no header.
        Refused: an option does not fit the file.
    """
    file = RowFile(options.from_file or "", encoding=options.encoding, sheet=options.sheet)
    for remark in file.remarks:
        console.warn(remark)
    return file


def check_outputs(
    file: RowFile, options: BatchOptions, settings: Settings, journal: tuple[str, Path | None]
) -> None:
    """Refuse to overwrite the input, another output, a device or a folder.

    Args:
        file: the input.
        options: name the rejects file and the report.
        settings: name the log file.
        journal: the option of the journal or state, and its path.

    Raises:
        BadFile: one of them cannot be used.
    """
    option, kept = journal
    made = {
        "--rejects": options.rejects,
        "--report": options.report,
        option: str(kept) if kept else None,
    }
    log = (LOG_FILE.option, settings[LOG_FILE])
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
