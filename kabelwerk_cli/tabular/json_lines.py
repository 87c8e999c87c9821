"""JSON Lines: one object per line."""

from collections.abc import Iterator, Sequence

from kabelwerk_cli.errors import BadFile
from kabelwerk_cli.operations.json_text import read_json

from .delimited import LongLine, first_line, read_lines
from .raw import Raw
from .text import Text


class JsonLines:
    """The rows of a text whose lines are JSON objects.

    Args:
        name: the file.
        text: its text.

    Raises:
        BadFile: it is JSON that is indented for people.
    """

    columns: tuple[str, ...] = ()
    """Each row names its own."""
    delimiter = ""

    def __init__(self, name: str, text: Text) -> None:
        self.name = name
        self._text = text
        with text.open() as file:
            if _goes_on(first_line(file)):
                raise BadFile(
                    f"The first object of '{name}' extends over several lines. Put one object on "
                    "each line: jq -c . FILE > rows.jsonl."
                )

    def records(self) -> Iterator[tuple[int, int, str]]:
        """Yield the number, the line and the text of every row; see `Rows`."""
        number = line = 0
        with self._text.open() as file:
            try:
                for line, text in enumerate(read_lines(file), start=1):
                    if not text.isspace():
                        number += 1
                        yield number, line, text
            except LongLine as error:
                raise BadFile(f"Line {line + 1} of '{self.name}' {error}.") from None

    def top(self) -> Iterator[tuple[int, Sequence[str]]]:
        """Yield nothing: there is no header."""
        return iter(())

    def read(self, record: tuple[int, int, str]) -> Raw:
        """Return a row."""
        number, line, text = record
        source = [text if text.endswith("\n") else f"{text}\n"]
        cells, problem = {}, ""
        try:
            cells = read_json(text)
        except ValueError as error:
            problem = str(error)
        if not isinstance(cells, dict):
            cells, problem = {}, "this is JSON, but not an object"
        return Raw(number, line, tuple(cells), tuple(cells.values()), source, problem)


def _goes_on(line: str) -> bool:
    """Tell whether a line has the start of an object without its end."""
    line = line.rstrip()
    return line.lstrip().startswith("{") and line.endswith(("{", "[", ","))
