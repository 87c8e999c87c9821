"""The zip archives and the XML of workbooks, read in flat memory whatever is in them."""

import posixpath
import struct
import zipfile
from collections.abc import Callable, Iterator, Mapping
from typing import IO
from xml.parsers import expat

from kabelwerk_cli.errors import BadFile

CHUNK = 64 * 1024
MEMBER_LIMIT = 1024**3
"""The largest member that is read, in bytes; a million rows with ten cells each take half of it."""
DIRECTORY_LIMIT = 4 * 1024**2
"""The largest table of contents, in bytes."""
TOKEN_LIMIT = 8 * 1024**2
"""The longest tag, in bytes."""
NAMES_LIMIT = 10_000
"""The most different names of elements and attributes."""
DEPTH_LIMIT = 200
_END, _END_SIZE, _COMMENT = b"PK\x05\x06", 22, 65_535
Attributes = Mapping[str, str]


class Damaged(Exception):
    """A part of a workbook is missing, or is not what it must be."""


class Archive:
    """A zip archive, whose names may be written with backslashes or in another case.

    Args:
        name: the file.
        file: its content.

    Raises:
        BadFile: it is too large.
        zipfile.BadZipFile: it is damaged.
    """

    def __init__(self, name: str, file: IO[bytes]) -> None:
        self._name = name
        _check_directory(file)
        self._zip = zipfile.ZipFile(file)
        self._members = {_folded(member.filename): member for member in self._zip.infolist()}

    @property
    def names(self) -> frozenset[str]:
        """The names of its members, in lower case."""
        return frozenset(self._members)

    def open(self, name: str) -> IO[bytes]:
        """Open a member.

        Raises:
            Damaged: there is none of that name.
            BadFile: it is too large, or protected with a password.
        """
        member = self._members.get(_folded(name))
        if member is None:
            raise Damaged(name)
        if member.file_size > MEMBER_LIMIT:
            raise BadFile(f"'{self._name}' is too large: extracted, it has over 1 GiB.")
        if member.flag_bits & 1:
            raise BadFile(f"'{self._name}' is protected with a password. Save a copy without one.")
        return self._zip.open(member)


def read_xml(
    file: IO[bytes],
    *,
    start: Callable[[str, Attributes], None],
    end: Callable[[str], object] | None = None,
    text: Callable[[str], None] | None = None,
) -> Iterator[None]:
    """Parse XML, and yield after each chunk.

    Args:
        file: the XML.
        start: called with the local name and the attributes of each element.
        end: called with the local name at the end of each element.
        text: called with a part of the text between two tags.

    Raises:
        Damaged: it has a document type, or is built to exhaust the memory.
        expat.ExpatError: it is not well-formed.
    """
    parser = expat.ParserCreate()
    parser.buffer_text = True
    local: dict[str, str] = {}
    depth = 0

    def started(tag: str, attributes: Attributes) -> None:
        nonlocal depth
        depth += 1
        name = local.get(tag)
        if name is None:
            name = local[tag] = tag.rpartition(":")[2]
        start(name, attributes)

    def ended(tag: str) -> None:
        nonlocal depth
        depth -= 1
        if end:
            end(local[tag])

    def refuse(*_: object) -> None:
        raise Damaged("document type")

    parser.StartElementHandler = started
    parser.EndElementHandler = ended
    parser.StartDoctypeDeclHandler = refuse
    if text:
        parser.CharacterDataHandler = text
    fed = 0
    while chunk := file.read(CHUNK):
        parser.Parse(chunk)
        fed += len(chunk)
        unread = fed - max(parser.CurrentByteIndex, 0)
        if unread > TOKEN_LIMIT or len(parser.intern) > NAMES_LIMIT or depth > DEPTH_LIMIT:
            raise Damaged("limits")
        yield
    parser.Parse(b"", True)  # noqa: FBT003 - it takes no names
    yield


def read_part(file: IO[bytes], start: Callable[[str, Attributes], None]) -> None:
    """Parse XML for the attributes of its elements; see `read_xml`."""
    for _ in read_xml(file, start=start):
        pass


def attribute(attributes: Attributes, name: str) -> str | None:
    """Return an attribute by its local name."""
    ends = f":{name}"
    return next((v for n, v in attributes.items() if n == name or n.endswith(ends)), None)


def _folded(name: str) -> str:
    return posixpath.normpath(name.replace("\\", "/")).lstrip("/").lower()


def _check_directory(file: IO[bytes]) -> None:
    """Refuse a huge table of contents, which zipfile would read into memory."""
    size = file.seek(0, 2)
    file.seek(max(0, size - _END_SIZE - _COMMENT))
    tail = file.read()
    at = tail.rfind(_END)
    if at >= 0 and len(tail) >= at + _END_SIZE:
        (directory,) = struct.unpack_from("<L", tail, at + 12)
        if directory > DIRECTORY_LIMIT:
            raise Damaged("table of contents")
    file.seek(0)
