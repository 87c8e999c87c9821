"""Text files in any encoding, and the likely readings of those that are not UTF-8."""

import codecs
import contextlib
import io
import itertools
import re
from collections.abc import Callable, Iterable, Iterator
from typing import IO, NamedTuple

from kabelwerk_cli.errors import BadFile, Refused

from .alphabets import likely_encodings

MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
"""Byte order marks. UTF-32's comes first, as it begins with UTF-16's."""
WITHOUT_MARK = {"utf-16": "utf-16-le", "utf-32": "utf-32-le", "utf-8-sig": "utf-8"}
ZEROS = (
    # where ASCII characters have a byte that is not zero, and the size of a character
    ("utf-32-le", 0, 4),
    ("utf-32-be", 3, 4),
    ("utf-16-le", 0, 2),
    ("utf-16-be", 1, 2),
)
LEAST = 4
"""Of how many characters one must be ASCII, as delimiters and line breaks are."""
START = 4096
"""How many bytes are read to detect an encoding by its zeros."""
SAMPLE = 32 * 1024
"""How many bytes to examine before and after one that cannot be decoded."""
SHOWN = 3
"""The most readings that an error shows."""
LONGEST = 60
"""The most characters of a line that an error shows."""
CANDIDATE_LINES = 200
"""Among how many lines the most telling one is looked for."""
_ESCAPES = re.compile(rb"\x1b[$(]|~\{(?:[!-w][!-~])+~\}")
_HZ, _LONGEST_ESCAPE = ord("~"), 64
ESCAPED = ("iso-2022-jp", "iso-2022-kr", "iso-2022-jp-2", "iso-2022-jp-ext", "hz")
"""Encodings that consist of ASCII characters and switch to others by escape sequences."""


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
        BadFile: it has escape sequences of an encoding that the user did not name.
        OSError: the file cannot be read.
    """

    def __init__(self, name: str, open_binary: Callable[[], IO[bytes]], given: str | None) -> None:
        self.name = name
        self._open_binary = open_binary
        self._given = _checked(given) if given else None
        with open_binary() as file:
            start = file.read(START)
        marks = (mark for mark in MARKS if start.startswith(mark[0]))
        by_zeros = "" if self._given else _by_zeros(start)
        self.mark, self.encoding = next(marks, (b"", self._given or by_zeros or "utf-8"))
        if not self._given and self.encoding == "utf-8":
            self._refuse_escapes()

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

    @property
    def is_misread(self) -> bool:
        """Whether it is UTF-8, with characters beyond ASCII, and is read as something else."""
        if self.mark or self.encoding == "utf-8":
            return False
        with self._open_binary() as file:
            found = find_undecodable(file, "utf-8")
            file.seek(0)
            return found is None and not all(
                chunk.isascii() for chunk in iter(lambda: file.read(SAMPLE), b"")
            )

    def not_text(self) -> str:
        """Return the error for a file that contains null characters."""
        with self._open_binary() as file:
            encoding = _by_zeros(file.read(START))
        if encoding and self._given:
            return (
                f"'{self.name}' is {encoding}. Leave out --encoding, or use --encoding {encoding}."
            )
        return f"'{self.name}' is not a text file."

    def _undecodable(self) -> str:
        """Return where the text cannot be decoded, and what to do about it."""
        with self._open_binary() as file:
            found = find_undecodable(file, self.encoding)
        assert found  # noqa: S101 - it could not be decoded
        if self.encoding == "utf-8" and found.is_mostly_utf8:
            return (
                f"Line {found.line} of '{self.name}' is not valid UTF-8, although the rest is. "
                "Correct that line."
            )
        likely = ["utf-8"] if found.is_mostly_utf8 else likely_encodings(found.sample)
        wrong = f"'{self.name}' is not UTF-8"
        if self._given or self.mark or self.encoding != "utf-8":
            wrong = f"Line {found.line} of '{self.name}' is not valid {self.encoding}"
        readings = _readings(found, [name for name in likely if name != self.encoding][:SHOWN])
        return f"{wrong}{readings}" if readings else f"{wrong} (line {found.line}). {_SAVE}."

    def _refuse_escapes(self) -> None:
        with self._open_binary() as file:
            found = find_escapes(file)
        encodings = [name for name in ESCAPED if found and _reads(found.sample, name)]
        if found and encodings:
            raise BadFile(
                f"'{self.name}' has escape sequences{_readings(found, encodings[:1])} To read it "
                "as it is, use --encoding utf-8."
            )


_SAVE = "Save it as UTF-8, or use --encoding NAME"


class Undecodable(NamedTuple):
    """Where a file cannot be decoded."""

    line: int
    sample: bytes
    """The bytes around the first one that cannot be decoded."""
    at: int
    """Where in the sample that byte is."""

    @property
    def is_mostly_utf8(self) -> bool:
        """Whether most of the text around it is valid UTF-8."""
        text = self.sample.decode("utf-8", "surrogateescape")
        stray = sum("\udc80" <= character <= "\udcff" for character in text)
        return sum(character > "\x7f" for character in text) > 2 * stray

    def lines(self) -> Iterator[tuple[int, bytes]]:
        """Yield the lines from that byte on which are not ASCII, with their numbers."""
        start = max(self.sample.rfind(end, 0, self.at) for end in (b"\n", b"\r")) + 1
        for number, line in enumerate(self.sample[start:].splitlines(), start=self.line):
            if not line.isascii() or _ESCAPES.search(line):
                yield number, line


def _readings(found: Undecodable, encodings: list[str]) -> str:
    """Return how a line reads in some encodings, and that one is to be chosen.

    The line is the first that is different in all of them, if there is one.
    """
    lines = list(itertools.islice(found.lines(), CANDIDATE_LINES))
    if not lines or not encodings:
        return ""
    readings = [(number, [_read(line, name) for name in encodings]) for number, line in lines]
    number, texts = max(readings, key=lambda line: len(set(line[1])))
    shown = ", ".join(
        f"'{text}' with --encoding {name}" for name, text in zip(encodings, texts, strict=True)
    )
    right = "Use that if it is right" if len(encodings) == 1 else "Use the one that is right"
    return f". Line {number} reads {shown}. {right}, or save the file as UTF-8."


def _read(line: bytes, encoding: str) -> str:
    """Return a line in an encoding, around its first characters beyond ASCII if it is long."""
    text = line.decode(encoding, "replace").strip()
    first = next((place for place, char in enumerate(text) if char > "\x7f"), 0)
    start = max(0, min(first - LONGEST // 2, len(text) - LONGEST))
    before, after = "…" if start else "", "…" if start + LONGEST < len(text) else ""
    return f"{before}{text[start : start + LONGEST]}{after}"


def _by_zeros(start: bytes) -> str:
    """Return the encoding of a text that begins without a mark, by its zeros; empty if it has none.

    The delimiters and line breaks of a table are ASCII, whatever its letters are.
    """
    if b"\0" not in start:
        return ""
    for encoding, place, size in ZEROS:
        whole = start[: len(start) // size * size]
        ascii_ones = sum(
            1
            for at in range(0, len(whole), size)
            if whole[at + place]
            and not any(whole[at : at + place] + whole[at + place + 1 : at + size])
        )
        if ascii_ones * size * LEAST > len(whole) and _reads(whole, encoding, final=False):
            return encoding
    return ""


def _reads(content: bytes, encoding: str, *, final: bool = True) -> bool:
    try:
        text = codecs.getincrementaldecoder(encoding)().decode(content, final)
    except UnicodeDecodeError:
        return False
    return "\0" not in text and "\x1b" not in text and (final is False or not text.isascii())


def find_escapes(file: IO[bytes]) -> Undecodable | None:
    """Return the first escape sequence in a file; None if there is none."""
    before, line = b"", 1
    for chunk in iter(lambda: file.read(SAMPLE), b""):
        content = before + chunk
        if (found := _ESCAPES.search(content)) and (content.isascii() or found[0][0] != _HZ):
            rest = content + file.read(SAMPLE)
            start = rest.rfind(b"\n", 0, found.start()) + 1
            end = rest.find(b"\n", found.end()) + 1 or len(rest)
            return Undecodable(line + rest[:start].count(b"\n"), rest[start:end], 0)
        before = content[-_LONGEST_ESCAPE:]
        line += content[: -len(before)].count(b"\n")
    return None


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


def find_undecodable(file: IO[bytes], encoding: str) -> Undecodable | None:
    """Return the first place in a file that cannot be decoded; None if there is none."""
    decoder = codecs.getincrementaldecoder(encoding)()
    lines = io.IncrementalNewlineDecoder(decoder, translate=True)
    before, line = 0, 1
    chunks: Iterable[bytes] = iter(lambda: file.read(SAMPLE), b"")
    for chunk in itertools.chain(chunks, [b""]):
        try:
            line += lines.decode(chunk, final=not chunk).count("\n")
        except UnicodeDecodeError as error:
            kept = len(error.object) - len(chunk)
            good = max(error.start - kept, 0)
            line += lines.decode(chunk[:good]).count("\n")
            first = max(before + good - SAMPLE, 0)
            file.seek(first)
            return Undecodable(line, file.read(2 * SAMPLE), before + good - first)
        before += len(chunk)
    return None
