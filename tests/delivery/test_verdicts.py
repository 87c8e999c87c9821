"""What each answer means; no answer makes `judge` raise."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from kabelwerk_cli import errors
from kabelwerk_cli.delivery.history import History
from kabelwerk_cli.delivery.outcomes import Success, conclude
from kabelwerk_cli.delivery.verdicts import Ending, judge
from kabelwerk_cli.network.wire import Answer
from kabelwerk_cli.operations import calls
from kabelwerk_cli.operations.models import Message, Room, User

CREATE = calls.create_user(key="kusanagi", name="Motoko")
DELETE = calls.delete_user(key="kusanagi")
ROOM = calls.update_room(room="kusanagi", archived=True, hub_user="batou")
UNASSIGN = calls.update_room(room="kusanagi", hub_user=None)
POST = calls.post_message(room="kusanagi", user="batou", text="a < b & 'c'")

USER = {"id": 42, "key": "kusanagi", "name": "Motoko"}
BATOU = {"id": 43, "key": "batou", "name": "Batou"}
ROOM_BODY = {"id": 1, "archived": True, "attributes": {}, "hub_user": BATOU, "user": USER}
MESSAGE = {
    "id": 7,
    "html": "<p>a &lt; b &amp; &#39;c&#39;</p>",
    "inserted_at": "2024-01-02T03:04:05Z",
    "room_id": 1,
    "text": "a &lt; b &amp; &#39;c&#39;",
    "type": "text",
    "updated_at": "2024-01-02T03:04:05.678901Z",
    "upload": None,
    "user": BATOU,
}


def answer(status, body=b"", **headers):
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    names = {name.replace("_", "-"): value for name, value in headers.items()}
    return Answer(status, "Reason", names, content)


def dumped(body):
    return json.dumps(body).encode()


def without(body, name):
    return {key: value for key, value in body.items() if key != name}


VERDICTS = [
    # what is done
    (CREATE, answer(201, USER), Ending.DONE, None),
    (CREATE, answer(200, {**USER, "more": 1}), Ending.DONE, None),
    (CREATE, answer(200, b"\xef\xbb\xbf" + dumped(USER)), Ending.DONE, None),
    (DELETE, answer(204), Ending.DONE, None),
    (DELETE, answer(200), Ending.DONE, None),
    (DELETE, answer(200, {}), Ending.DONE, None),
    (ROOM, answer(200, ROOM_BODY), Ending.DONE, None),
    (ROOM, answer(200, {**ROOM_BODY, "hub_user": {"key": "batou"}}), Ending.DONE, None),
    (POST, answer(201, MESSAGE), Ending.DONE, None),
    (POST, answer(201, {**MESSAGE, "text": "a < b & 'c'"}), Ending.DONE, None),
    (POST, answer(201, {**MESSAGE, "user": None}), Ending.DONE, None),
    (POST, answer(201, {**MESSAGE, "inserted_at": "soon", "html": 3}), Ending.DONE, None),
    # what is acknowledged, but not as asked
    (CREATE, answer(204), Ending.ACKNOWLEDGED, errors.ServerError),
    (CREATE, answer(201), Ending.ACKNOWLEDGED, errors.ServerError),
    (CREATE, answer(201, {**USER, "id": "42"}), Ending.ACKNOWLEDGED, errors.ServerError),
    (CREATE, answer(201, {**USER, "id": True}), Ending.ACKNOWLEDGED, errors.ServerError),
    (CREATE, answer(201, {**USER, "id": 42.0}), Ending.ACKNOWLEDGED, errors.ServerError),
    (CREATE, answer(201, {}), Ending.ACKNOWLEDGED, errors.ServerError),
    (ROOM, answer(200, without(ROOM_BODY, "hub_user")), Ending.ACKNOWLEDGED, errors.ServerError),
    (ROOM, answer(200, {**ROOM_BODY, "hub_user": {"key": None}}), Ending.ACKNOWLEDGED, None),
    (ROOM, answer(200, {**ROOM_BODY, "archived": "no"}), Ending.ACKNOWLEDGED, None),
    (ROOM, answer(200, {**ROOM_BODY, "user": None}), Ending.ACKNOWLEDGED, None),
    (ROOM, answer(200, {**ROOM_BODY, "attributes": []}), Ending.ACKNOWLEDGED, errors.ServerError),
    # what shows an error, or something else than was asked
    (CREATE, answer(201, {**USER, "key": "batou"}), Ending.CONTRADICTED, errors.ServerError),
    (CREATE, answer(201, {**USER, "name": "Batou"}), Ending.CONTRADICTED, errors.ServerError),
    (CREATE, answer(201, {**USER, "key": "Kusanagi"}), Ending.CONTRADICTED, errors.ServerError),
    (CREATE, answer(201, {**USER, "name": "motoko"}), Ending.CONTRADICTED, errors.ServerError),
    (CREATE, answer(201, {"name": "Batou"}), Ending.CONTRADICTED, errors.ServerError),
    (CREATE, answer(201, {**USER, "errors": {"key": ["no"]}}), Ending.CONTRADICTED, None),
    (CREATE, answer(200, {"errors": ["no"]}), Ending.CONTRADICTED, errors.ServerError),
    (CREATE, answer(200, {**USER, "errors": []}), Ending.DONE, None),
    (DELETE, answer(200, {"errors": {"detail": "no"}}), Ending.CONTRADICTED, errors.ServerError),
    (DELETE, answer(200, {"errors": None}), Ending.DONE, None),
    (ROOM, answer(200, {**ROOM_BODY, "archived": False}), Ending.CONTRADICTED, errors.ServerError),
    (ROOM, answer(200, {**ROOM_BODY, "hub_user": None}), Ending.CONTRADICTED, errors.ServerError),
    (ROOM, answer(200, {**ROOM_BODY, "hub_user": USER}), Ending.CONTRADICTED, errors.ServerError),
    (ROOM, answer(200, {**ROOM_BODY, "user": BATOU}), Ending.CONTRADICTED, errors.ServerError),
    (UNASSIGN, answer(200, ROOM_BODY), Ending.CONTRADICTED, errors.ServerError),
    (UNASSIGN, answer(200, {**ROOM_BODY, "hub_user": None}), Ending.DONE, None),
    (UNASSIGN, answer(200, {**ROOM_BODY, "hub_user": []}), Ending.ACKNOWLEDGED, None),
    (POST, answer(201, {**MESSAGE, "text": "a"}), Ending.CONTRADICTED, errors.ServerError),
    (POST, answer(201, {**MESSAGE, "text": "A < b & 'c'"}), Ending.CONTRADICTED, None),
    (POST, answer(201, {**MESSAGE, "user": USER}), Ending.CONTRADICTED, errors.ServerError),
    # what tells nothing
    (CREATE, answer(200, b"<html>"), Ending.UNKNOWN, errors.ServerError),
    (CREATE, answer(200, []), Ending.UNKNOWN, errors.ServerError),
    (CREATE, answer(200, b"null"), Ending.UNKNOWN, errors.ServerError),
    (CREATE, answer(200, b"\xff"), Ending.UNKNOWN, errors.ServerError),
    (CREATE, answer(200, b"[" * 100_000), Ending.UNKNOWN, errors.ServerError),
    (CREATE, answer(200, b'{"id":' + b"9" * 5000 + b"}"), Ending.UNKNOWN, errors.ServerError),
    (CREATE, answer(200, b'{"id": NaN}'), Ending.UNKNOWN, errors.ServerError),
    (CREATE, answer(200, b'{"id": 7, ' + dumped(USER)[1:]), Ending.UNKNOWN, errors.ServerError),
    (CREATE, answer(200, b'{"far": 1e999, ' + dumped(USER)[1:]), Ending.UNKNOWN, None),
    (CREATE, answer(201, USER, content_encoding="gzip"), Ending.UNKNOWN, errors.ServerError),
    (DELETE, answer(200, b"<html>"), Ending.UNKNOWN, errors.ServerError),
    (CREATE, answer(202, USER), Ending.UNKNOWN, errors.ServerError),
    (DELETE, answer(202), Ending.UNKNOWN, errors.ServerError),
    (DELETE, answer(205), Ending.UNKNOWN, errors.ServerError),
    (CREATE, answer(206, USER), Ending.UNKNOWN, errors.ServerError),
    (CREATE, answer(101), Ending.UNKNOWN, errors.ServerError),
    (CREATE, answer(408), Ending.UNKNOWN, errors.ServerError),
    (CREATE, answer(500), Ending.UNKNOWN, errors.ServerError),
    (CREATE, answer(999), Ending.UNKNOWN, errors.ServerError),
    (CREATE, answer(201, USER)._replace(oversize=True), Ending.UNKNOWN, errors.ServerError),
    # what was not done
    (CREATE, answer(302, location="https://x.example"), Ending.REJECTED, errors.ServerError),
    (CREATE, answer(304), Ending.REJECTED, errors.ServerError),
    (CREATE, answer(400, {"errors": {}}), Ending.REJECTED, errors.ValidationError),
    (CREATE, answer(409), Ending.REJECTED, errors.ValidationError),
    (CREATE, answer(422), Ending.REJECTED, errors.ValidationError),
    (CREATE, answer(401), Ending.REJECTED, errors.AuthenticationError),
    # a page is somebody else's, such as a firewall's
    (CREATE, answer(403, b"<html>"), Ending.REJECTED, errors.ServerError),
    (CREATE, answer(403, b"Blocked."), Ending.REJECTED, errors.ServerError),
    (CREATE, answer(403, {"detail": "no"}), Ending.REJECTED, errors.AuthenticationError),
    (CREATE, answer(403, b""), Ending.REJECTED, errors.AuthenticationError),
    (CREATE, answer(401, b"<html>"), Ending.REJECTED, errors.AuthenticationError),
    # what is packed cannot be read: it does not show that a user is gone
    (
        DELETE,
        answer(404, b"\x1f\x8b", content_encoding="gzip"),
        Ending.REJECTED,
        errors.ServerError,
    ),
    (
        DELETE,
        answer(404, b"\x1f\x8b", content_encoding="gzip", content_type="text/html"),
        Ending.REJECTED,
        errors.ServerError,
    ),
    (DELETE, answer(404), Ending.REJECTED, errors.DoesNotExist),
    (DELETE, answer(404, {"errors": {}}), Ending.REJECTED, errors.DoesNotExist),
    (DELETE, answer(404, b'"gone"'), Ending.REJECTED, errors.DoesNotExist),
    (DELETE, answer(404, b"<html>"), Ending.REJECTED, errors.ServerError),
    (DELETE, answer(405), Ending.REJECTED, errors.ServerError),
    (DELETE, answer(418), Ending.REJECTED, errors.ServerError),
    (DELETE, answer(429), Ending.REJECTED, errors.RateLimited),
]


@pytest.mark.parametrize(("call", "got", "fate", "error"), VERDICTS)
def test_verdicts(call, got, fate, error):
    verdict = judge(call, got, now=0.0)
    assert verdict.ending is fate
    assert verdict.status == got.status
    if error:
        assert verdict.error is error


def test_records():
    assert judge(CREATE, answer(201, USER), 0.0).record == User(42, "kusanagi", "Motoko")
    room = judge(ROOM, answer(200, ROOM_BODY), 0.0).record
    assert isinstance(room, Room)
    assert room.hub_user == User(43, "batou", "Batou")
    message = judge(POST, answer(201, MESSAGE), 0.0).record
    assert isinstance(message, Message)
    assert message.updated_at.isoformat() == "2024-01-02T03:04:05.678901+00:00"
    assert not hasattr(message, "upload")


def test_a_field_that_is_not_essential_is_kept_with_a_note():
    body = {**without(MESSAGE, "html"), "inserted_at": "soon"}
    verdict = judge(POST, answer(201, body), 0.0)
    assert verdict.record.inserted_at == "soon"
    assert verdict.record.html is None
    assert verdict.notes == (
        "the field 'html' is missing",
        "the field 'inserted_at' is not a time",
    )


REJECTIONS = [
    ({"errors": {"key": ["has already been taken"]}}, {"key": ["has already been taken"]}),
    (
        {"errors": {"key": ["can't be blank", "is invalid"], "name": ["can't be blank"]}},
        {"key": ["can't be blank", "is invalid"], "name": ["can't be blank"]},
    ),
    ({"errors": {"key": "is invalid"}}, {"key": ["is invalid"]}),
    ({"errors": {"attributes": {"a": ["is invalid"]}}}, {"attributes.a": ["is invalid"]}),
    ({"errors": {"key": [{"code": 7}]}}, {"key.code": ["7"]}),
    ({"errors": "no"}, {"errors": ["no"]}),
    ({"errors": ["no", "never"]}, {"errors": ["no", "never"]}),
    ({"errors": 7}, {"errors": ["7"]}),
    ({"errors": True}, {"errors": ["true"]}),
    ({"errors": None}, {}),
    ({"errors": {}}, {}),
    ({"errors": []}, {}),
    ({"errors": {"key": []}}, {}),
    ({"errors": {"key": None}}, {}),
    ({"error": "no"}, {"error": ["no"]}),
    (["no"], {"errors": ["no"]}),
    ("no", {"errors": ["no"]}),
    (b"<html>", {}),
    (b"", {}),
]


@pytest.mark.parametrize(("body", "fields"), REJECTIONS)
def test_every_message_of_a_rejection_is_kept(body, fields):
    assert judge(CREATE, answer(400, body), 0.0).fields == fields


@pytest.mark.parametrize("status", [408, 500, 503])
def test_every_message_of_a_failing_server_is_kept(status):
    verdict = judge(CREATE, answer(status, {"message": "Down for maintenance"}), 0.0)
    assert verdict.fields == {"message": ["Down for maintenance"]}
    assert judge(CREATE, answer(status, b"<html>"), 0.0).fields == {}


# small values: what matters is their kind, and large ones take long on a busy machine
TEXTS = st.text(max_size=8)
JSON_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=4,
)
FIELDS = st.sampled_from(["id", "key", "name", "errors", "hub_user", "user", "text", "html"])
OBJECTS = st.dictionaries(FIELDS, JSON_VALUES, max_size=6)
HEADERS = st.sampled_from(["retry-after", "location", "content-encoding", "content-type"])
ANSWERS = st.builds(
    Answer,
    status=st.integers(0, 999),
    reason=TEXTS,
    headers=st.dictionaries(HEADERS, TEXTS, max_size=2),
    body=st.binary(max_size=16)
    | (JSON_VALUES | OBJECTS).map(lambda value: json.dumps(value).encode()),
    oversize=st.booleans(),
)


THE_FIVE = (
    errors.AuthenticationError,
    errors.ConnectionError,
    errors.DoesNotExist,
    errors.ServerError,
    errors.ValidationError,
)


@given(call=st.sampled_from([CREATE, DELETE, ROOM, POST]), got=ANSWERS)
def test_only_the_references_exceptions_come_out(call, got):
    verdict = judge(call, got, now=1e9)
    history = History()
    history.begin(call)
    history.ended(verdict)
    if verdict.ending is Ending.DONE:
        assert isinstance(conclude(history), Success)
        assert got.status in {200, 201, 204}
    else:
        with pytest.raises(THE_FIVE):
            conclude(history)
