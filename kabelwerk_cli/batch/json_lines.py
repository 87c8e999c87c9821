"""JSON Lines: one object per line."""

from collections.abc import Iterator

from kabelwerk_cli.api.json_text import read_json

from .delimited import LongLine, read_lines
from .encodings import Text
from .raw import BadFile, Raw


class JsonLines:
    """The rows of a text whose lines are JSON objects.

    Args:
        name: the file.
        text: its text.
    """

    columns: tuple[str, ...] = ()
    """Each row names its own."""
    delimiter = ""

    def __init__(self, name: str, text: Text) -> None:
        self.name = name
        self._text = text

    def __iter__(self) -> Iterator[Raw]:
        """Yield every row.

        Raises:
            BadFile: the rest of the file cannot be read.
        """
        number = line = 0
        with self._text.open() as file:
            try:
                for line, text in enumerate(read_lines(file), start=1):
                    if not text.isspace():
                        number += 1
                        yield _row(number, line, text)
            except LongLine as error:
                raise BadFile(f"Line {line + 1} of '{self.name}' {error}.") from None


def _row(number: int, line: int, text: str) -> Raw:
    source = [text if text.endswith("\n") else f"{text}\n"]
    cells, problem = {}, ""
    try:
        cells = read_json(text)
    except ValueError as error:
        problem = str(error)
    if not isinstance(cells, dict):
        cells, problem = {}, "this is JSON, but not an object"
    return Raw(number, line, tuple(cells), tuple(cells.values()), source, problem)
