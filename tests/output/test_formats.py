"""Formats x records, and foreign text in each of them."""

import csv
import io
import json
from datetime import UTC, datetime
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kabelwerk_cli import output
from kabelwerk_cli.operations.models import Message, Room, User
from kabelwerk_cli.output import Format, Style, columns, known_fields, visible

MOTOKO = User(42, "kusanagi", "Motoko")
BATOU = User(43, "batou", "Batou")
ROOM = Room(id=1, archived=True, attributes={"ward": 9}, hub_user=None, user=MOTOKO)
TIME = datetime(2024, 1, 2, 3, 4, 5, 600000, tzinfo=UTC)
MESSAGE = Message(7, "<p>?</p>", TIME, 1, "?", "text", TIME, BATOU)


def write(kind: Format, record_type: type, *records: object, **style) -> str:
    stream = io.StringIO()
    output.write(kind, record_type, records, stream, Style(**style))
    return stream.getvalue()


def test_columns_come_from_the_type() -> None:
    assert columns(User) == ("id", "key", "name")
    assert columns(Room) == (
        "id",
        "archived",
        "attributes",
        "hub_user.id",
        "hub_user.key",
        "hub_user.name",
        "user.id",
        "user.key",
        "user.name",
    )
    assert {"user", "user.key", "hub_user"} <= set(known_fields(Room))


WRITTEN = [
    (Format.TABLE, {}, "id  key       name\n42  kusanagi  Motoko\n43  batou     Batou\n"),
    (
        Format.JSON,
        {},
        (
            '[\n  {\n    "id": 42,\n    "key": "kusanagi",\n    "name": "Motoko"\n  },\n'
            '  {\n    "id": 43,\n    "key": "batou",\n    "name": "Batou"\n  }\n]\n'
        ),
    ),
    (
        Format.JSONL,
        {},
        '{"id":42,"key":"kusanagi","name":"Motoko"}\n{"id":43,"key":"batou","name":"Batou"}\n',
    ),
    (Format.CSV, {}, "id,key,name\n42,kusanagi,Motoko\n43,batou,Batou\n"),
    (Format.TSV, {}, "42\tkusanagi\tMotoko\n43\tbatou\tBatou\n"),
    (Format.TABLE, {"fields": ("name", "id")}, "name    id\nMotoko  42\nBatou   43\n"),
    (Format.JSONL, {"fields": ("name",)}, '{"name":"Motoko"}\n{"name":"Batou"}\n'),
    (Format.CSV, {"fields": ("name",)}, "name\nMotoko\nBatou\n"),
    (Format.TSV, {"fields": ("id",)}, "42\n43\n"),
    (Format.TABLE, {"summary": ("key",)}, "key\nkusanagi\nbatou\n"),
    (Format.CSV, {"summary": ("key",)}, "id,key,name\n42,kusanagi,Motoko\n43,batou,Batou\n"),
]


@pytest.mark.parametrize(("output", "style", "text"), WRITTEN)
def test_what_is_written(output: Format, style: dict[str, object], text: str) -> None:
    assert write(output, User, MOTOKO, BATOU, **style) == text


NOTHING = {
    Format.TABLE: "id  key  name\n",
    Format.JSON: "[]\n",
    Format.JSONL: "",
    Format.CSV: "id,key,name\n",
    Format.TSV: "",
}


@pytest.mark.parametrize(("output", "text"), NOTHING.items())
def test_no_records_still_have_columns(output: Format, text: str) -> None:
    assert write(output, User) == text


def test_one_object_is_no_array() -> None:
    assert json.loads(write(Format.JSON, User, MOTOKO, single=True)) == MOTOKO._asdict()


def test_nested_records_and_times() -> None:
    assert json.loads(write(Format.JSONL, Message, MESSAGE)) == {
        "id": 7,
        "html": "<p>?</p>",
        "inserted_at": "2024-01-02T03:04:05.600000Z",
        "room_id": 1,
        "text": "?",
        "type": "text",
        "updated_at": "2024-01-02T03:04:05.600000Z",
        "user": {"id": 43, "key": "batou", "name": "Batou"},
    }
    assert write(Format.TSV, Room, ROOM) == '1\ttrue\t{"ward":9}\t\t\t\t42\tkusanagi\tMotoko\n'


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        (("id", "user.key"), {"id": 1, "user": {"key": "kusanagi"}}),
        (("user.key", "user.id"), {"user": {"key": "kusanagi", "id": 42}}),
        (("hub_user.key",), {"hub_user": None}),
        (("hub_user.key", "hub_user.name"), {"hub_user": None}),
        (("hub_user",), {"hub_user": None}),
        (("user",), {"user": {"id": 42, "key": "kusanagi", "name": "Motoko"}}),
    ],
)
def test_json_keeps_its_shape_with_fewer_fields(fields: tuple[str, ...], expected: object) -> None:
    assert json.loads(write(Format.JSONL, Room, ROOM, fields=fields)) == expected


FORMULAS = ["=1+1", "+1", "-a", "@SUM(A1)", "\t=1", "\r=1", "＝1"]  # noqa: RUF001


@pytest.mark.parametrize("text", FORMULAS)
def test_a_cell_that_a_spreadsheet_would_run_is_quoted(text: str) -> None:
    user = User(-5, "kusanagi", text)

    def cells(**style: object) -> list[str]:
        return list(csv.reader(io.StringIO(write(Format.CSV, User, user, **style), newline="")))[1]

    assert cells() == ["-5", "kusanagi", f"'{text}"]
    assert cells(raw_csv=True)[2] == text
    assert cells(terminal=True)[2] == f"'{text}".replace("\r", "\\r")


def test_wide_and_long_cells_are_aligned_and_whole() -> None:
    wide, long = User(1, "日本", "x" * 300), User(2, "k", "y")
    lines = write(Format.TABLE, User, wide, long).splitlines()
    assert lines == [f"id  key   name", f"1   日本  {'x' * 300}", "2   k     y"]  # noqa: F541


class Row(NamedTuple):
    """A record with every kind of value."""

    text: str
    anything: dict[str, object] | None


UNSAFE = {
    *range(0x20),
    *range(0x7F, 0xA0),
    0x61C,
    0x200E,
    0x200F,
    *range(0x2028, 0x202F),
    *range(0x2066, 0x206A),
    *range(0xD800, 0xE000),
}
FOREIGN = st.text(
    st.characters(exclude_categories=())
    | st.sampled_from("\x1b\x9b\x07\r\n\t\x00\x7f\u202e\u2028\ud800[]/:=")
)


@pytest.mark.parametrize("terminal", [False, True])
@pytest.mark.parametrize("output", Format)
@given(text=FOREIGN)
def test_no_control_character_gets_out(output: Format, *, terminal: bool, text: str) -> None:
    records = [Row(text, {text: text}), Row(text, None)]
    written = write(output, Row, *records, terminal=terminal, color=False)
    found = {ord(character) for character in written} & UNSAFE
    kept = {Format.TSV: "\n\t", Format.CSV: "\n\t" if terminal else "\n\t\r"}.get(output, "\n")
    assert found <= set(map(ord, kept))
    if output is Format.JSONL:
        assert [json.loads(line)["text"] for line in written.splitlines()] == [text, text]
        assert json.loads(written.splitlines()[0])["anything"] == {text: text}
    if output is Format.CSV:
        assert {len(row) for row in csv.reader(io.StringIO(written, newline=""))} == {2}
    if output is Format.TSV:
        assert {line.count("\t") for line in written.split("\n")[:-1]} == {1}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain ü 日本 \U0001f600", "plain ü 日本 \U0001f600"),
        ("\x1b[31m", "\\x1b[31m"),
        ("a\tb\r\n", "a\\tb\\r\\n"),
        ("\x9b", "\\x9b"),
        ("\u202eabc", "\\u202eabc"),
        ("\ud800", "\\ud800"),
    ],
)
def test_visible(text: str, shown: str) -> None:
    assert visible(text) == shown


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


WIDE = User(123456789, "a-key-without-a-space", "A name of several words " * 3)


@pytest.mark.parametrize("columns", [10, 20, 40, 60, 80, 200])
@pytest.mark.parametrize("single", [False, True])
def test_a_narrow_terminal_breaks_no_number_and_no_key(
    monkeypatch: pytest.MonkeyPatch, columns: int, *, single: bool
) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    monkeypatch.setenv("TERM", "xterm")
    stream = Terminal()
    records = [WIDE] if single else [WIDE, BATOU]
    output.write(Format.TABLE, User, records, stream, Style(terminal=True, single=single))
    text = stream.getvalue()
    for record in records:
        assert str(record.id) in text
        assert record.key in text
        assert all(word in text for word in record.name.split())
    framed = "│" in text
    assert framed == (columns >= (200 if single else 60))
    longest = max(map(len, text.splitlines()))
    assert longest <= max(columns, len(WIDE.key))


NARROW = """\
id    7
key
  a-key-of-thirty-characters-abc
time  2026-11-28T01:24Z
text  Hello there, 日本語 and
      goodbye
none
"""


class Narrow(NamedTuple):
    """A record with a short and a long key, a time, a text and no value."""

    id: int
    key: str
    time: str
    text: str
    none: str | None


def test_fields_below_each_other_wrap_between_words(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "32")
    stream = Terminal()
    key = "a-key-of-thirty-characters-abc"
    record = Narrow(7, key, "2026-11-28T01:24Z", "Hello there, 日本語 and goodbye", None)
    style = Style(terminal=True, single=True)
    output.write(Format.TABLE, Narrow, [record], stream, style)
    assert stream.getvalue() == NARROW
