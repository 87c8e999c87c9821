"""Text files in any encoding, and a guess at the encoding of those that are not UTF-8."""

import codecs
import contextlib
import io
import itertools
from collections.abc import Callable, Iterator
from typing import IO, NamedTuple

from kabelwerk_cli.errors import Refused

from .alphabets import likely_encoding
from .raw import BadFile

MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
"""Byte order marks. UTF-32's comes first, as it begins with UTF-16's."""
WITHOUT_MARK = {"utf-16": "utf-16-le", "utf-32": "utf-32-le", "utf-8-sig": "utf-8"}
SAMPLE = 32 * 1024
"""How many bytes to examine before and after one that cannot be decoded."""


class Text:
    """The text of a file.

    Args:
        name: the file.
        open_binary: opens it.
        given: the encoding that the user named, if any. A byte order mark overrides it.

    Attributes:
        mark: the byte order mark at its start, if any.
        encoding: its encoding.

    Raises:
        Refused: there is no such encoding.
        OSError: the file cannot be read.
    """

    def __init__(self, name: str, open_binary: Callable[[], IO[bytes]], given: str | None) -> None:
        self.name = name
        self._open_binary = open_binary
        self._given = given
        with open_binary() as file:
            start = file.read(4)
        marks = (mark for mark in MARKS if start.startswith(mark[0]))
        self.mark, self.encoding = next(marks, (b"", _checked(given) if given else "utf-8"))

    @contextlib.contextmanager
    def open(self) -> Iterator[IO[str]]:
        """Open the text after its byte order mark.

        Raises:
            BadFile: while it is read, if it cannot be decoded.
        """
        binary = self._open_binary()
        binary.seek(len(self.mark))
        with io.TextIOWrapper(binary, encoding=self.encoding, newline="") as file:
            try:
                yield file
            except UnicodeDecodeError:
                raise BadFile(self._undecodable()) from None

    def not_text(self) -> str:
        """Return the error for a file that contains null characters."""
        with self._open_binary() as file:
            guess = likely_encoding(file.read(SAMPLE))
        if guess and guess.startswith("utf-16") and not self._given:
            return f"'{self.name}' is not UTF-8; it looks like {guess}. Use --encoding {guess}."
        return f"'{self.name}' is not a text file."

    def _undecodable(self) -> str:
        """Return where the text cannot be decoded, and what to do about it."""
        with self._open_binary() as file:
            found = find_undecodable(file, self.encoding)
        if self.encoding == "utf-8" and found.is_mostly_utf8:
            return (
                f"Line {found.line} of '{self.name}' is not valid UTF-8, although the rest is. "
                "Correct that line."
            )
        guess = "utf-8" if found.is_mostly_utf8 else likely_encoding(found.sample)
        wrong = f"'{self.name}' is not UTF-8"
        if self._given or self.mark:
            wrong = f"Line {found.line} of '{self.name}' is not valid {self.encoding}"
        if guess and guess != self.encoding:
            return f"{wrong}; it looks like {guess}. Use --encoding {guess}."
        return f"{wrong} (line {found.line}). Save it as UTF-8, or use --encoding NAME."


class Undecodable(NamedTuple):
    """Where a file cannot be decoded."""

    line: int
    sample: bytes
    """The bytes around the first one that cannot be decoded."""

    @property
    def is_mostly_utf8(self) -> bool:
        """Whether most of the text around it is valid UTF-8."""
        text = self.sample.decode("utf-8", "surrogateescape")
        stray = sum("\udc80" <= character <= "\udcff" for character in text)
        return sum(character > "\x7f" for character in text) > 2 * stray


def _checked(name: str) -> str:
    """Return Python's name of an encoding."""
    try:
        codecs.lookup(name)
        "a".encode(name)  # some codecs are not for text
    except (LookupError, ValueError):
        raise Refused(
            f"--encoding: there is no encoding '{name}'. Use cp1252, for example."
        ) from None
    return WITHOUT_MARK.get(codecs.lookup(name).name, name)


def find_undecodable(file: IO[bytes], encoding: str) -> Undecodable:
    """Return the first place in a file that cannot be decoded; the file's end if there is none."""
    decoder = codecs.getincrementaldecoder(encoding)()
    lines = io.IncrementalNewlineDecoder(decoder, translate=True)
    before, line = 0, 1
    for chunk in itertools.chain(iter(lambda: file.read(SAMPLE), b""), [b""]):
        try:
            line += lines.decode(chunk, final=not chunk).count("\n")
        except UnicodeDecodeError as error:
            kept = len(error.object) - len(chunk)
            good = max(error.start - kept, 0)
            line += lines.decode(chunk[:good]).count("\n")
            file.seek(max(before + good - SAMPLE, 0))
            return Undecodable(line, file.read(2 * SAMPLE))
        before += len(chunk)
    return Undecodable(line, b"")
