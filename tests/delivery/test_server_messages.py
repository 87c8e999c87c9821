"""What is said of a rejection: every message once, as a sentence, of a bounded length."""

import pytest

from kabelwerk_cli import errors
from kabelwerk_cli.delivery.history import History
from kabelwerk_cli.delivery.outcomes import conclude
from kabelwerk_cli.delivery.server_messages import LONGEST_MESSAGE, MOST_TOLD
from kabelwerk_cli.delivery.verdicts import judge
from kabelwerk_cli.network.wire import Answer
from kabelwerk_cli.operations import calls

CREATE = calls.create_user(key="kusanagi", name="Motoko")
POST = calls.post_message(room="kusanagi", user="batou", text="?")


def rejection(status, body, call=CREATE, **headers):
    history = History()
    history.begin(call)
    history.ended(judge(call, Answer(status, "Reason", headers, body), 0.0))
    with pytest.raises(errors.KabelwerkError) as caught:
        conclude(history)
    return caught.value


@pytest.mark.parametrize(
    ("body", "told"),
    [
        (b'{"message": "Quota exceeded"}', "Reason. Quota exceeded."),
        (b'{"errors": {}, "message": "Quota exceeded."}', "Reason. Quota exceeded."),
        (b'{"error": "quota exceeded!"}', "Reason. Quota exceeded!"),
        (b'{"status": 400, "type": "about:blank", "detail": "No."}', "Reason. No."),
        (b'{"errors": "no"}', "Reason. No."),
        (b'\xef\xbb\xbf{"errors": {"key": ["is bad"]}}', "Reason. key is bad."),
        (b'{"errors": {"key": ["is bad."], "name": ["why?"]}}', "Reason. key is bad. name why?"),
        (b'{"errors": {"detail": "Reason"}}', "Reason."),
    ],
)
def test_the_messages_of_a_400(body, told):
    error = rejection(400, body)
    assert type(error) is errors.ValidationError
    assert str(error) == f"User 'kusanagi' was not created: the server answered 400 {told}"


def test_a_long_message_is_cut_and_so_is_what_is_kept():
    error = rejection(400, b'{"errors": {"key": ["%s"]}}' % (b"x" * 500_000))
    assert len(str(error)) < 400
    assert str(error).endswith("x…")
    assert len(error.error_message) == LONGEST_MESSAGE


def test_a_long_name_is_cut():
    error = rejection(400, b'{"errors": {"%s": ["is bad"]}}' % (b"x" * 500_000))
    assert len(str(error)) < 400
    assert len(error.field) == 100


def test_of_many_messages_as_many_are_told_as_fit():
    fields = b", ".join(b'"f%d": ["is invalid", "is odd"]' % n for n in range(1000))
    error = rejection(400, b'{"errors": {%s}}' % fields)
    assert len(error.fields) == 1000
    assert MOST_TOLD - 100 < len(str(error)) < MOST_TOLD + 200
    assert " f0 is invalid. f0 is odd. f1 is invalid." in str(error)
    assert "more messages." in str(error)


STATUSES = {
    402: "reached its limit",
    405: "not a Kabelwerk backend",
    407: "proxy requires a user name",
    410: "no longer in use",
    413: "larger than the server allows",
    414: "larger than the server allows",
    418: "does not accept the request",
    425: "sent again later",
    426: "another protocol",
    431: "larger than the server allows",
    451: "legal reasons",
    499: "does not accept the request",
}


@pytest.mark.parametrize(("status", "words"), STATUSES.items())
def test_each_status_has_its_own_words(status, words):
    error = rejection(status, b'{"errors": {"detail": "Come back on Monday"}}')
    assert type(error) is errors.ServerError
    assert error.report.applied is errors.Applied.NO
    assert words in str(error)
    assert f"{status} Reason. Come back on Monday. " in str(error)
    assert ("not a Kabelwerk backend" in str(error)) is (status == 405)


def test_a_key_in_another_rejection_does_not_mean_that_it_is_taken():
    verdict = judge(CREATE, Answer(402, "", {}, b'{"errors": {"key": ["costs extra"]}}'), 0.0)
    assert not verdict.is_taken


def test_a_create_that_finds_nothing_is_not_about_the_user():
    assert "check the URL" in str(rejection(404, b""))
    hub = calls.create_user(key="kusanagi", name="Motoko", hub="section9")
    assert "Hub 'section9' may not exist." in str(rejection(404, b"", hub))
    assert "no room" in str(rejection(404, b"", POST))


def test_a_long_location_is_cut():
    error = rejection(302, b"", location="https://x.example/" + "a" * 60_000)
    assert len(str(error)) < 600


def test_a_long_reason_and_encoding_are_cut():
    long = "a" * 60_000
    verdict = judge(CREATE, Answer(200, long, {"content-encoding": long}, b"{}"), 0.0)
    assert len(verdict.reason) < 400
