import gzip
import io
import json
import re
import zlib

import pytest

from tests.model.state import seeded
from tests.operations import CALLS

from .catalogue import FAULTS, faults_in
from .fault import Outcome
from .framing import bomb
from .raw_client import WHOLE, End, meet
from .statuses import RETRY_AFTERS

NEW_ID = seeded().last_id + 1
"""The number of what the first call creates."""
ANSWERED = ("redirects", "rate-limits", "rejections", "statuses", "bodies", "encodings")


@pytest.mark.parametrize("fault", faults_in(*ANSWERED), ids=str)
def test_a_whole_answer_is_as_long_as_it_says(fault):
    heard = meet(fault)
    response = heard.parsed()
    assert WHOLE.match(heard.data)
    assert len(heard.body) == len(response.read())  # which raises if the body is cut
    assert heard.end is End.FIN


@pytest.mark.parametrize(
    "fault", faults_in("redirects", "rate-limits", "rejections", "statuses"), ids=str
)
def test_a_status_is_the_one_in_the_name(fault):
    status = re.search(r"\d{3}(?!-as)", fault.name)
    heard = meet(fault)
    assert heard.parsed().status == int(status.group() if status else 302)


@pytest.mark.parametrize("fault", faults_in("redirects"), ids=str)
def test_a_redirect_has_its_location(fault):
    location = meet(fault).parsed().headers["Location"]
    assert location == (None if fault.name == "redirect-nowhere" else "/api/elsewhere")


@pytest.mark.parametrize("fault", faults_in("rate-limits")[1:], ids=str)
def test_a_rate_limit_says_when_to_come_back(fault):
    assert meet(fault).parsed().headers["Retry-After"] in RETRY_AFTERS


@pytest.mark.parametrize(
    ("name", "operation", "found"),
    [
        ("id-missing", "create", {"key": "motoko", "name": "Motoko"}),
        ("id-bool", "create", {"id": True, "key": "motoko", "name": "Motoko"}),
        ("other-key", "create", {"id": NEW_ID, "key": "somebody-else", "name": "Motoko"}),
        ("key-int", "update", {"id": 1, "key": 42, "name": "Motoko Kusanagi"}),
        ("empty-object", "room", {}),
        ("json-null", "message", None),
        ("json-array", "message", []),
        ("200-as-201", "update", {"id": 1, "key": "kusanagi", "name": "Motoko Kusanagi"}),
    ],
)
def test_a_body_is_changed_in_one_place(name, operation, found):
    assert json.loads(meet(FAULTS[name], operation).body) == found


@pytest.mark.parametrize(
    ("name", "field", "value"),
    [
        ("archived-yes", "archived", "yes"),
        ("archived-flipped", "archived", False),
        ("attributes-list", "attributes", []),
        ("hub-user-list", "hub_user", ["batou"]),
        ("user-list", "user", []),
    ],
)
def test_a_room_is_changed_in_one_place(name, field, value):
    honest = json.loads(meet(FAULTS["honest"], "room").body)
    assert json.loads(meet(FAULTS[name], "room").body) == {**honest, field: value}


@pytest.mark.parametrize(
    ("name", "start"),
    [
        ("json-bom", b"\xef\xbb\xbf{"),
        ("json-utf-16", b"\xff\xfe{\0"),
        ("json-deep", b'{"deep": [[[['),
        ("json-deep-array", b"[" * 100_000),
        ("json-big-int", b'{"big": 9999999999'),
        ("json-nan", b'{"nan": NaN,'),
        ("json-twice-the-key", f'{{"id": 7, "id": {NEW_ID},'.encode()),
        ("json-not-utf-8", b'{"odd": "\xff\xfe"'),
        ("empty-body", b""),
    ],
)
def test_json_is_odd_from_its_start(name, start):
    assert meet(FAULTS[name]).body.startswith(start)


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("two-lengths-first-right", rb"Content-Length: (\d+)\r\nContent-Length: (?!\1)\d+\r\n"),
        ("two-lengths-second-right", rb"Content-Length: (\d+)\r\nContent-Length: (?!\1)\d+\r\n"),
        ("two-lengths-none-right", rb"Content-Length: (\d+)\r\nContent-Length: (?!\1)\d+\r\n"),
        ("length-and-chunks", rb"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n"),
        ("length-without-chunks", rb"Transfer-Encoding: chunked\r\n\r\n\{"),
        ("length-negative", rb"Content-Length: -1\r\n"),
        ("length-not-a-number", rb"Content-Length: many\r\n"),
        ("length-astronomical", rb"Content-Length: 9{30}\r\n"),
        ("chunk-size-not-hex", rb"\r\n\r\nxyz\r\n\{"),
        ("chunk-size-negative", rb"\r\n\r\n-1\r\n\{"),
        ("chunk-size-empty", rb"\r\n\r\n \r\n\{"),
        ("chunk-size-too-big", rb"\r\n\r\nffffffff\r\n\{"),
        ("chunk-size-too-small", rb"\r\n\r\n1\r\n\{"),
        ("http-0.9", rb"^\{.*\}$"),
        ("garbage", rb"^\x00\x01.*\xff$"),
        ("blank-lines", rb"^(\r\n)+$"),
        ("ssh-banner", rb"^SSH-2\.0"),
        ("http2-preface", rb"^PRI \* HTTP/2\.0\r\n"),
        ("http2-settings", rb"^\0\0\0\x04\0\0\0\0\0$"),
        ("status-with-letters", rb"^HTTP/1\.1 2OO "),
        ("status-of-two-digits", rb"^HTTP/1\.1 20 "),
        ("status-of-four-digits", rb"^HTTP/1\.1 2000 "),
        ("status-negative", rb"^HTTP/1\.1 -200 "),
        ("version-unknown", rb"^HTTP/7\.3 201 "),
        ("version-of-icecast", rb"^ICY 201 "),
        ("header-without-colon", rb"Created\r\nno colon here\r\n"),
        ("header-with-nul", rb"X-Nul: a\0b\r\n"),
        ("header-folded-first", rb"Created\r\n X-Folded: yes\r\n"),
        ("tls-on-plain-port", rb"^\x15\x03\x03"),
        ("http-1.0", rb"^HTTP/1\.0 201 "),
        ("status-without-reason", rb"^HTTP/1\.1 201\r\n"),
        ("header-not-utf-8", rb"X-Latin: \xff\xfe\xe9\r\n"),
        ("header-with-escapes", rb"X-Escape: \x1b\[31mred"),
        ("cookie", rb"Set-Cookie: kept=yes"),
        ("after-100-continue", rb"^HTTP/1\.1 100 Continue\r\n\r\nHTTP/1\.1 201 "),
        ("after-102", rb"^HTTP/1\.1 102 Processing\r\n\r\nHTTP/1\.1 201 "),
        ("after-103", rb"^HTTP/1\.1 103 Early Hints\r\n\r\nHTTP/1\.1 201 "),
        ("unmeasured", rb"Connection: close\r\n\r\n\{.*\}$"),
        ("extra-answer", rb"\}HTTP/1\.1 200 OK\r\n.*\{\"forged\": true\}$"),
    ],
)
def test_the_form_is_as_wrong_as_the_fault_says(name, found):
    assert re.search(found, meet(FAULTS[name]).data, re.DOTALL)


@pytest.mark.parametrize("fault", faults_in("framing"), ids=str)
def test_an_answer_that_is_called_fine_is_fine(fault):
    heard = meet(fault)
    if fault.expect is Outcome.DONE:
        assert json.loads(heard.parsed().read())["text"] == CALLS["message"].sent["text"]


def test_a_length_that_is_too_short_leaves_the_end_of_the_json_behind():
    heard = meet(FAULTS["length-too-short"])
    json.loads(heard.body)
    with pytest.raises(ValueError, match="delimiter"):
        json.loads(heard.parsed().read())


@pytest.mark.parametrize(
    ("name", "unpack"), [("gzip", gzip.decompress), ("deflate", zlib.decompress)]
)
def test_a_packed_answer_is_valid_once_it_is_unpacked(name, unpack):
    heard = meet(FAULTS[name])
    assert heard.parsed().headers["Content-Encoding"] == name
    assert json.loads(unpack(heard.body))["id"] == NEW_ID


def test_the_bomb_is_small_and_what_is_in_it_is_not():
    heard = meet(FAULTS["gzip-bomb"])
    assert heard.body == bomb()
    assert len(bomb()) < 2000
    inner = gzip.decompress(gzip.decompress(bomb()))
    with gzip.open(io.BytesIO(inner)) as unpacked:
        assert len(unpacked.read(64 << 20)) == 64 << 20  # a part of it is enough to know
